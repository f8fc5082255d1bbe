"""The Tryton connector: parties, products, orders and deliveries in; the payment state of orders out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

import msgspec
from pydantic import BaseModel

from connectors.budget import Allowance
from connectors.contract import (
    Change,
    CheckLine,
    Connector,
    Cursor,
    NewRecord,
    Page,
    PushResult,
    RawRecord,
    StreamSpec,
    Window,
)
from connectors.errors import ConnectorError
from connectors.rawjson import parse
from connectors.tryton.config import TrytonConfig
from connectors.tryton.creating import Creator
from connectors.tryton.push import push_notes
from connectors.tryton.records import records, to_us, wire
from connectors.tryton.rpc import Rpc
from connectors.tryton.streams import STREAMS, Domain, Stream

_IDS_PER_CALL = 10_000
_BY_STAMP = [["last_modified_at", "ASC"], ["id", "ASC"]]


class _Access(msgspec.Struct):
    write: Any = False
    create: Any = False
    """A flag or a number; nothing where no rule says anything."""


_access = msgspec.json.Decoder(dict[str, _Access])
_ids = msgspec.json.Decoder(list[int])


class Tryton(Connector[TrytonConfig]):
    """Tryton 8.2 over JSON-RPC.

    A pull goes by ``(last_modified_at, id)`` over a closed span of stamps. A row is stamped with the time its
    transaction began but is seen only when it commits, so each pull begins ``overlap_seconds`` before the end of the
    one before; what was seen already is told apart by its content.

    The cursor is ``{"until": µs}`` after a finished pull, and while one is under way
    ``{"since": µs or None, "until": µs, "after": [µs, id]}``, in the server's time.
    """

    name: ClassVar[str] = "tryton"
    Config: ClassVar[type[BaseModel]] = TrytonConfig
    permissions: ClassVar[tuple[str, ...]] = ("a user of its own with the groups Sales and Stock",)

    def __init__(self, config: TrytonConfig) -> None:
        super().__init__(config)
        self._rpc = Rpc(config, self.stats, lambda: self.services)

    def close(self) -> None:
        """Close the connections."""
        self._rpc.close()

    def allowances(self) -> Sequence[Allowance]:
        """Our own."""
        return [self._rpc.allowance]

    def streams(self) -> Sequence[StreamSpec]:
        """Parties, products, orders, deliveries."""
        return [stream.spec for stream in STREAMS.values()]

    def check(self) -> Iterable[CheckLine]:
        """Read one record of each stream and ask Tryton for the user's access rights."""
        try:
            self._rpc.look()
        except ConnectorError as error:
            for stream in STREAMS.values():
                yield CheckLine(stream.spec.name, False, error.message, error.remedy, can_read=False)
            return
        for stream in STREAMS.values():
            yield self._check(stream)

    def _check(self, stream: Stream) -> CheckLine:
        name = stream.spec.name
        try:
            self._read(stream, [], 1)
            given = parse(self._rpc.call("ir.model.access", "get_access", [stream.model]), _access)
        except ConnectorError as error:
            return CheckLine(name, False, error.message, error.remedy, can_read=False)
        access = given.get(stream.model, _Access())
        can_write = bool(access.write) if stream.spec.writable else None
        if can_write is False:
            remedy = "Put the user into Tryton's group Sales, or set `push: off` for this system."
            return CheckLine(name, False, f"{stream.model} can be read but not written", remedy, True, False)
        drafts = (
            "" if not stream.spec.creatable else "; drafts can be created" if access.create else "; none can be created"
        )
        return CheckLine(name, True, f"{stream.model} can be read{drafts}", can_read=True, can_write=can_write)

    # Pull

    def pull(self, stream: str, cursor: Cursor | None, window: Window) -> Iterator[Page]:
        """Yield what was stamped since the last pull's end less the overlap; finishes an interrupted pull first."""
        source, until = STREAMS[stream], self._until(window)
        held = None if window.full else cursor
        if held is not None:
            until = max(until, int(held["until"]))
            if "after" in held and window.since is None:
                final = until == held["until"]
                yield from self._span(source, held["since"], held["until"], held["after"], final)
                if final:
                    return
        yield from self._span(source, self._since(held, window), until, None, final=True)

    def _until(self, window: Window) -> int:
        self._rpc.context()  # a first call, if there was none, shows the server's clock
        return to_us(window.until) + int(self._rpc.clock_ahead * 1_000_000)

    def _since(self, cursor: Cursor | None, window: Window) -> int | None:
        """Where to begin; a person's ``since`` never skips what the cursor has not covered."""
        asked = None if window.since is None else to_us(window.since)
        if cursor is None:
            return asked
        if "after" in cursor and asked is not None:
            # What the interrupted pull has read already is not worth telling apart.
            return None if cursor["since"] is None else min(asked, int(cursor["since"]))
        covered = int(cursor["until"]) - int(self.config.overlap_seconds * 1_000_000)
        return covered if asked is None else min(asked, covered)

    def _span(
        self, stream: Stream, since: int | None, until: int, after: Sequence[int] | None, final: bool
    ) -> Iterator[Page]:
        """Page through the records stamped in ``[since, until)``, beginning behind ``after`` (stamp, id)."""
        span = stream.changed(None if since is None else wire(since), wire(until))
        while True:
            domain = span if after is None else [*span, _behind(after)]
            found = self._read(stream, domain, self.config.page_size)
            if len(found) < self.config.page_size:
                yield Page(found, {"until": until}, complete=final)
                return
            after = [found[-1].version or 0, int(found[-1].source_id)]
            yield Page(found, {"since": since, "until": until, "after": after})

    def _read(self, stream: Stream, domain: Domain, limit: int) -> list[RawRecord]:
        params = (domain, 0, limit, _BY_STAMP, list(stream.fields))
        return records(self._rpc.call(stream.model, "search_read", *params, context=stream.context))

    def ids(self, stream: str) -> Iterator[Sequence[str]]:
        """All ids that exist, archived records included."""
        source, last = STREAMS[stream], 0
        while True:
            params = ([["id", ">", last]], 0, _IDS_PER_CALL, [["id", "ASC"]])
            result = self._rpc.call(source.model, "search", *params, context=source.context)
            found = parse(result, _ids)
            yield [str(number) for number in found]
            if len(found) < _IDS_PER_CALL:
                return
            last = found[-1]

    # Push

    def push(self, stream: str, changes: Sequence[Change]) -> Iterator[PushResult]:
        """Show payment states in the orders' comments; see ``connectors.tryton.push``."""
        if not STREAMS[stream].spec.writable:
            return super().push(stream, changes)
        return push_notes(self._rpc, STREAMS[stream], changes)

    # Creation

    def find(self, stream: str, keys: Sequence[str]) -> dict[str, Sequence[RawRecord]]:
        """Sales by the key in their comment; see ``connectors.tryton.creating``."""
        return {**self._creator(stream).find(keys)}

    def create(self, stream: str, records: Sequence[NewRecord]) -> Iterator[PushResult]:
        """Draft sales, one call each; see ``connectors.tryton.creating``."""
        yield from self._creator(stream).create(records)

    def _creator(self, stream: str) -> Creator:
        if not STREAMS[stream].spec.creatable:
            raise NotImplementedError(f"tryton does not create records in {stream}")
        return Creator(self._rpc, STREAMS[stream])


def _behind(after: Sequence[int]) -> list[Any]:
    stamp, number = wire(after[0]), after[1]
    return ["OR", ["last_modified_at", ">", stamp], [["last_modified_at", "=", stamp], ["id", ">", number]]]
