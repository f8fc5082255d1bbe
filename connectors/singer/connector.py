"""The connector ``singer``: each configured stream of a tap is a stream of ours, to be read only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import ClassVar

from pydantic import BaseModel

from connectors.contract import CheckLine, Connector, Cursor, Page, StreamSpec, Window
from connectors.errors import ConnectorError
from connectors.retry import RetryPolicy
from connectors.singer.config import SingerConfig, StreamConfig
from connectors.singer.process import Silent
from connectors.singer.reading import Reader
from connectors.singer.running import Taps

_TRIAL_SECONDS = 60.0
"""How long ``check`` waits for a first record."""


class Singer(Connector[SingerConfig]):
    """Any Singer tap, as a system to read from."""

    name: ClassVar[str] = "singer"
    Config: ClassVar[type[BaseModel]] = SingerConfig
    patience: ClassVar[RetryPolicy] = RetryPolicy(attempts=1)
    permissions: ClassVar[tuple[str, ...]] = ("to run the tap, and in its source what the tap's own page asks for",)

    def __init__(self, config: SingerConfig) -> None:
        super().__init__(config)
        self._taps = Taps(config, self.stats)

    def streams(self) -> Sequence[StreamSpec]:
        """One stream per entry of ``streams``, in that order."""
        return [
            StreamSpec(name, stream.entity, stream.cursor_field or stream.replication_key, stream.deletes)
            for name, stream in self.config.streams.items()
        ]

    def check(self) -> Iterable[CheckLine]:
        """Per stream: whether the tap has it, under which key, and whether a first record of it can be read."""
        for name, stream in self.config.streams.items():
            try:
                yield self._checked(name, stream)
            except ConnectorError as error:
                yield CheckLine(name, False, error.message, error.remedy, can_read=False, can_write=False)

    def pull(self, stream: str, cursor: Cursor | None, window: Window) -> Iterator[Page]:
        """Run the tap once; the cursor holds the tap's last state, as it was written.

        After ``window.since`` the state may be ahead of records that were never read, so the old one stays.
        """
        chosen = self.config.streams[stream]
        start = _start(chosen)
        if cursor is not None and not window.full and all(cursor.get(name) == start[name] for name in start):
            start = dict(cursor)
        with closing(self._taps.start(chosen, start.get("state"), since=window.since)) as run:
            yield from Reader(run, chosen, start, keep_cursor=window.since is not None).pages()

    def ids(self, stream: str) -> Iterator[Sequence[str]]:
        """Run the tap from the beginning and keep only the ids."""
        chosen = self.config.streams[stream]
        with closing(self._taps.start(chosen)) as run:
            for page in Reader(run, chosen, _start(chosen)).pages():
                refused = [item.source_id for item in page.rejected if item.source_id]
                yield [*(item.source_id for item in page.records), *refused]

    def _checked(self, name: str, stream: StreamConfig) -> CheckLine:
        self._taps.find()
        try:
            with closing(self._taps.start(stream, timeout=min(_TRIAL_SECONDS, self.config.timeout_seconds))) as run:
                reader = Reader(run, stream, _start(stream), page_records=1)
                page = next(reader.pages())
        except Silent as error:
            remedy = "Its source may be slow; run `ltc pull` to see. Otherwise the tap may wait for something."
            return CheckLine(name, True, f"known to the tap; {error.message}", remedy, can_write=False)
        if page.rejected:
            reason = f"{page.rejected[0].field} {page.rejected[0].reason}".strip()
            return CheckLine(name, False, f"A first record cannot be used: {reason}.", "Correct `key`.", True, False)
        holds = page.records or page.deleted_ids
        detail = f"readable, by {', '.join(reader.keys)}" if holds else "readable, but it holds no records"
        return CheckLine(name, True, detail, can_read=True, can_write=False)


def _start(stream: StreamConfig) -> Cursor:
    """A cursor without state. A state belongs to a stream and to a way of reading it."""
    way = [part for part in (stream.replication_method, stream.replication_key) if part]
    return {"stream": stream.stream, **({"by": " ".join(way)} if way else {})}
