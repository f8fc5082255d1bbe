"""One pull of one stream: deletions, then changed lines, then everything that changed, page by page.

Records are paged by (``SystemModstamp``, id) and not by Salesforce's query locators, which expire: a pull resumes
exactly after any page, and any number of records may share a stamp.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

import msgspec

from connectors.contract import Cursor, Page, RawRecord, Window
from connectors.errors import ContractError
from connectors.rawjson import parse
from connectors.salesforce import soql
from connectors.salesforce.client import Client
from connectors.salesforce.config import SalesforceConfig
from connectors.salesforce.errors import Refused
from connectors.salesforce.position import Position
from connectors.salesforce.records import Reader
from connectors.salesforce.streams import CURSOR_FIELD, Lines, Stream

_DELETE_LOG = timedelta(days=14, hours=22)
"""How far back deletions can be asked for: 15 days, less some slack for clocks."""
_LEAST_WINDOW = timedelta(minutes=2)
"""A window of deletions must be longer than a minute."""
_REST = timedelta(days=1)
"""While nothing is deleted the window of deletions grows up to this."""
_LINES_EVERY = timedelta(hours=1)
_IDS_AT_ONCE = 100


class _Deleted(msgspec.Struct):
    id: str


class _DeletedAnswer(msgspec.Struct):
    deletedRecords: list[_Deleted]
    latestDateCovered: str


class _Parent(msgspec.Struct):
    SystemModstamp: str


class _Line(msgspec.Struct):
    Id: str
    QuoteId: str
    SystemModstamp: str
    Quote: _Parent | None = None


class _Key(msgspec.Struct):
    Id: str
    SystemModstamp: str


_deleted_answer = msgspec.json.Decoder(_DeletedAnswer)
_line = msgspec.json.Decoder(_Line)
_key = msgspec.json.Decoder(_Key)


class Pull:
    """The state of one pull; ``pages`` runs it."""

    def __init__(
        self, client: Client, config: SalesforceConfig, stream: Stream, cursor: Cursor | None, window: Window
    ) -> None:
        self._client = client
        self._config = config
        self._stream = stream
        self._until = soql.literal(window.until)
        self._now = window.until
        self._overlap = timedelta(seconds=config.overlap_seconds)
        self._lines_known = self._until if stream.lines else None
        """A pass from the beginning brings all lines along."""
        self._at = self._start(Position.read(cursor), window)
        self._reader = Reader(client, stream, frozenset(self._at.missing))

    def pages(self) -> Iterator[Page]:
        """Every page; the last one is complete."""
        if not self._at.with_bin:
            yield from self._deletions()
            if self._stream.lines is not None:
                yield from self._changed_lines(self._stream.lines)
        yield from self._changes()

    def _start(self, held: Position | None, window: Window) -> Position:
        known = (held or Position()).fresh_fields(window.until)
        begun = Position(began=self._until, lines=self._lines_known, missing=known.missing, asked=known.asked)
        if window.full:
            return begun
        if window.since is not None:
            asked = soql.literal(window.since)
            if held is None:
                return replace(begun, since=asked, deletes=asked, lines=asked if self._stream.lines else None)
            # What a person asks for never skips what the cursor has not covered.
            lines = _earlier(asked, known.lines) if self._stream.lines else None
            return replace(
                begun, since=_earlier(asked, known.since), deletes=_earlier(asked, known.deletes), lines=lines
            )
        if held is None:
            return replace(begun, with_bin=True, deletes=soql.literal(window.until - self._overlap))
        return known if known.began else replace(known, began=self._until)

    def _page(self, records: Sequence[RawRecord] = (), deleted: Sequence[str] = (), *, complete: bool = False) -> Page:
        if frozenset(self._at.missing) != self._reader.missing:
            missing = tuple(sorted(self._reader.missing))
            self._at = replace(self._at, missing=missing, asked=self._until)
        if complete:
            self._at = self._at.finished(self._overlap)
        return Page(records, self._at.cursor(), complete, deleted)

    # Everything that changed.

    def _changes(self) -> Iterator[Page]:
        limit = self._config.page_size
        while True:
            after = self._at.after
            tail = soql.changes(self._at.since, self._until, after, limit)
            batch = self._reader.batch(tail, limit, with_deleted=self._at.with_bin)
            if batch.rows:
                last = batch.rows[-1]
                self._at = replace(self._at, after=(last.stamp, last.record.source_id))
            if self._at.after == after and not batch.last:
                raise ContractError("Salesforce says that more follow, but sends nothing new.", remedy="Report it.")
            records = [row.record for row in batch.rows]
            deleted = [row.record.source_id for row in batch.rows if row.deleted]
            yield self._page(records, deleted, complete=batch.last)
            if batch.last:
                return

    # Deletions.

    def _deletions(self) -> Iterator[Page]:
        since = soql.instant(self._at.deletes) if self._at.deletes else None
        if since is None or since < self._now - _DELETE_LOG:
            yield from self._recycle_bin(since)
            return
        try:
            ids, covered = self._delete_log(since)
        except Refused as error:
            if error.code not in ("INVALID_REPLICATION_DATE", "EXCEEDED_ID_LIMIT"):
                raise
            yield from self._recycle_bin(since)
            return
        if not ids and covered - since < _REST:
            return
        self._at = replace(self._at, deletes=soql.literal(max(since, covered)))
        yield from self._tombstones(ids)

    def _delete_log(self, since: datetime) -> tuple[list[str], datetime]:
        """Ids deleted since then, and until when Salesforce is sure of it."""
        start = min(since, self._now - _LEAST_WINDOW)
        window = {"start": soql.literal(start), "end": self._until}
        answer = self._client.get(f"sobjects/{self._stream.object}/deleted/", window)
        try:
            found = parse(answer.body, _deleted_answer)
            return [item.id for item in found.deletedRecords], soql.instant(found.latestDateCovered)
        except ValueError as error:
            raise ContractError("The list of deletions is not as documented.", remedy="Report it.") from error

    def _recycle_bin(self, since: datetime | None) -> Iterator[Page]:
        """What the delete log no longer tells; records that were purged are found by a sweep only."""
        lower = soql.literal(since - self._overlap) if since else None
        query = f"SELECT Id, {CURSOR_FIELD} FROM {self._stream.object}"
        for ids in self._keyed(query, lower, extra="IsDeleted = true"):
            yield from self._tombstones(ids)
        self._at = replace(self._at, deletes=soql.literal(self._now - self._overlap))

    def _keyed(self, query: str, since: str | None, *, extra: str) -> Iterator[list[str]]:
        """Ids of a query, page by page."""
        after, limit = None, self._config.page_size
        while True:
            tail = soql.changes(since, self._until, after, limit, extra=extra)
            rows, done = self._reader.plain(query + tail, with_deleted=True)
            keys = [parse(row, _key) for row in rows]
            yield [key.Id for key in keys]
            if not keys or (done and len(keys) < limit):
                return
            after = (soql.literal(_instant(keys[-1].SystemModstamp)), keys[-1].Id)

    def _tombstones(self, ids: Sequence[str]) -> Iterator[Page]:
        rest = iter(ids)
        while chunk := list(islice(rest, self._config.page_size)):
            yield self._page(deleted=chunk)

    # Lines.

    def _changed_lines(self, lines: Lines) -> Iterator[Page]:
        """Records whose lines changed without moving them.

        A line that changes an amount moves its quote; one that does not (a quantity and a price that cancel out) may
        leave it as it was. These are looked for once an hour.
        """
        since = soql.instant(self._at.lines) if self._at.lines else None
        if since is not None and self._now - since < _LINES_EVERY:
            return
        lower = soql.literal(since - self._overlap) if since else None
        for ids in self._parents_of_changed(lines, lower):
            for start in range(0, len(ids), _IDS_AT_ONCE):
                batch = self._reader.by_ids(ids[start : start + _IDS_AT_ONCE])
                if batch.rows:
                    yield self._page([row.record for row in batch.rows])
        self._at = replace(self._at, lines=self._until)

    def _parents_of_changed(self, lines: Lines, lower: str | None) -> Iterator[list[str]]:
        fields = f"Id, {CURSOR_FIELD}, {lines.parent}, {lines.parent_relationship}.{CURSOR_FIELD}"
        after, limit, since = None, self._config.page_size, self._at.since
        while True:
            tail = soql.changes(lower, self._until, after, limit)
            rows, done = self._reader.plain(f"SELECT {fields} FROM {lines.object}{tail}", with_deleted=True)
            found = [parse(row, _line) for row in rows]
            yield list(dict.fromkeys(line.QuoteId for line in found if not _comes_anyway(line, since)))
            if not found or (done and len(found) < limit):
                return
            after = (soql.literal(_instant(found[-1].SystemModstamp)), found[-1].Id)


def _instant(text: str) -> datetime:
    try:
        return soql.instant(text)
    except ValueError as error:
        raise ContractError(f"{CURSOR_FIELD} is not an instant.", remedy="Report it.") from error


def _earlier(asked: str, covered: str | None) -> str | None:
    """The earlier of two literals, which compare as text; ``None`` is the beginning."""
    return None if covered is None else min(asked, covered)


def _comes_anyway(line: _Line, since: str | None) -> bool:
    """Whether the quote itself is in this pull."""
    if since is None or line.Quote is None:
        return since is None
    return _instant(line.Quote.SystemModstamp) >= soql.instant(since)
