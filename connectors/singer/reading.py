"""From a tap's lines to pages: a page's cursor is the last state that came before its first record or within it.

What follows the last state belongs to the next one. If the tap breaks off there, those records are delivered, and the
next run, which starts from that state, is sent them again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from connectors.contract import Cursor, Page, RawRecord, RejectedRecord
from connectors.errors import ConnectorError, ContractError
from connectors.rawjson import shape
from connectors.singer import messages
from connectors.singer.config import StreamConfig
from connectors.singer.messages import Identity, Message
from connectors.singer.running import Run

PAGE_RECORDS = 1000
_PAGE_BYTES = 16 * 1024 * 1024
PAGE_SECONDS = 30.0
"""A slow tap's records are handed on at the first state after so long."""
_NOT_JSON = "is not JSON: it holds NaN or Infinity"


class Reader:
    """Reads one run of a tap for one stream."""

    def __init__(
        self,
        run: Run,
        stream: StreamConfig,
        cursor: Cursor,
        *,
        keep_cursor: bool = False,
        page_records: int = PAGE_RECORDS,
        page_seconds: float = PAGE_SECONDS,
    ) -> None:
        """``cursor`` is that of the pages before the first state; ``keep_cursor``: that of all pages."""
        self._run = run
        self._stream = stream
        self._entry = run.entry
        self._cursor = cursor
        self._keep_cursor = keep_cursor
        self._page_records = page_records
        self._page_seconds = page_seconds
        self._names = {stream.sent_as} if stream.sent_as else run.entry.names if run.entry else {stream.stream}
        self._identity: Identity | None = None
        self._strangers: set[str] = set()
        self._met = False
        self._clear()

    def pages(self) -> Iterator[Page]:
        """All that the tap sends, ending with a complete page.

        Raises what ``Run`` raises, and ``ContractError`` for lines that are no messages; all that came before is
        delivered first.
        """
        try:
            for line in self._run.tap.lines():
                if line.strip() and self._take(line):
                    yield self._page()
            self._run.finish()
            self._check_names()
        except ConnectorError as error:
            if self._holds_news():
                yield self._page()
            raise error
        finally:
            self._run.close()
        yield self._page(complete=True)

    def _take(self, line: bytes) -> bool:
        """Take a line in; whether a page is full."""
        message = messages.read(line)
        if message is None:
            self._take_odd(line)
            return self._is_full()
        kind = message.type.upper()
        if kind == "STATE":
            self._take_state(message, line)
            return bool(self._count) and time.monotonic() - self._begun >= self._page_seconds
        if kind not in ("RECORD", "SCHEMA", "BATCH") or not self._is_ours(message.stream):
            return False
        if kind == "BATCH":
            raise ContractError(
                "The tap hands its records over in files (BATCH messages), which are not read.",
                remedy="Take `batch_config` out of the tap's settings.",
            )
        if kind == "SCHEMA":
            self._identify(message)
        else:
            self._take_record(bytes(message.record))
        return self._is_full()

    def _take_record(self, body: bytes) -> None:
        found, gone = (self._identity or self._identify()).of(body)
        self._count += 1
        self._bytes += len(body)
        if isinstance(found, RejectedRecord):
            self._rejected.append(found)
        elif gone:
            self._deleted[found.source_id] = None
        else:
            self._deleted.pop(found.source_id, None)  # a page's deletions are applied after its records
            self._records.append(found)

    def _take_state(self, message: Message, line: bytes) -> None:
        state = messages.state_in(message, line)
        if not self._keep_cursor:
            self._cursor = {**self._cursor, "state": state}

    def _take_odd(self, line: bytes) -> None:
        """A record with NaN or Infinity in it is refused by itself; another line that is no message stops the pull."""
        loose = messages.read_loosely(line)
        if loose is not None and loose["type"].upper() == "RECORD":
            if self._is_ours(loose.get("stream")):
                self._count += 1
                self._bytes += len(line)
                identity = self._identity or self._identify()
                self._rejected.append(identity.rejected(loose.get("record"), line, _NOT_JSON))
            return
        tap = self._run.tap
        what = (
            f"{tap.name} ended in the middle of a line."
            if tap.cut_off
            else f"{tap.name} wrote a line that is no Singer message."
        )
        remedy = (
            "Run it again; if it happens twice, report it to the tap."
            if tap.cut_off
            else "A tap may write nothing else to standard output; report it to the tap."
        )
        raise tap.explained(ContractError(what, remedy=remedy, sample=shape(line)))

    def _is_ours(self, name: object) -> bool:
        if name in self._names:
            self._met = True
            return True
        if isinstance(name, str) and name not in self._stream.parents:
            self._strangers.add(name)
        return False

    def _check_names(self) -> None:
        """A tap that calls the stream by another name must not look like one that has no news."""
        if self._strangers and not self._met:
            raise ContractError(
                f"The tap sent {', '.join(sorted(self._strangers)[:5])}, and nothing of {self._stream.stream}.",
                remedy="If that is the stream under another name, set `sent_as`.",
            )

    @property
    def keys(self) -> tuple[str, ...]:
        """The fields that name a record, as far as that is known by now."""
        return self._identity.keys if self._identity is not None else ()

    def _identify(self, schema: Message | None = None) -> Identity:
        """Settle what names a record and tells its version: as configured, as the tap says now, as its catalog says."""
        said = schema.key_properties if schema is not None else None
        keys = self._stream.key or tuple(said or ()) or (self._entry.keys if self._entry else ())
        if not keys:
            raise ContractError(
                f"The tap's stream {self._stream.stream} has no primary key.",
                remedy="Name the fields that tell its records apart under `key`; without one an edited record would "
                "look like a new one.",
            )
        bookmarks = schema.bookmark_properties if schema is not None else None
        bookmark = bookmarks if isinstance(bookmarks, str) else bookmarks[0] if bookmarks else None
        known = self._entry.replication_key if self._entry else None
        field = self._stream.cursor_field or self._stream.replication_key or bookmark or known
        field = field if self._stream.versions else None
        if self._identity is None or (self._identity.keys, self._identity.cursor_field) != (keys, field):
            self._identity = Identity(keys, field)
        return self._identity

    def _clear(self) -> None:
        self._records: list[RawRecord] = []
        self._rejected: list[RejectedRecord] = []
        self._deleted: dict[str, None] = {}
        self._count = self._bytes = 0
        self._begun = time.monotonic()
        self._told: Cursor = self._cursor

    def _holds_news(self) -> bool:
        return bool(self._count) or self._told != self._cursor

    def _is_full(self) -> bool:
        return self._count >= self._page_records or self._bytes >= _PAGE_BYTES

    def _page(self, *, complete: bool = False) -> Page:
        page = Page(self._records, self._cursor, complete, tuple(self._deleted), self._rejected)
        self._clear()
        return page
