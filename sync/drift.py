"""Notice that the records of a stream look different, and stop what depends on it; see docs/drift.md.

``Guard`` keeps back the records that an open change is about; ``sync.watch.Watch`` finds the changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from shlex import quote
from typing import Any, Literal, NamedTuple

from sqlalchemy.engine import Connection

from connectors.errors import ContractError
from mappings.compiler import Mapped
from mappings.engine import StreamMapping
from mappings.errors import MappingError
from mappings.footprint import NAMES, Absent, Footprint, Signature, is_filled
from mappings.outline import is_empty, outline, values
from state import landing, remap, runs, shapes
from state.landing import Counts
from state.shapes import Drift, Kind, Loss, Shape
from state.store import Store
from state.writes import Stream

Policy = Literal["evolve", "freeze", "quarantine"]


class Drifted(ContractError):
    """A frozen stream's records have changed; ``found`` is to be noted when the page is rolled back."""

    def __init__(self, stream: Stream, found: Sequence[Drift]) -> None:
        told = "; ".join(describe(item) for item in found[:5]) + ("; …" if len(found) > 5 else "")
        super().__init__(
            f"The shape of {stream.system}.{stream.name} is frozen, and its records have changed: {told}.",
            remedy="Nothing of this page was kept. Correct the source or the mapping, or take the records as they are: "
            f"`ltc drift accept {stream.system} {stream.name}`.",
        )
        self.found = found


def describe(item: Drift) -> str:
    """A change as a clause of an error's sentence."""
    if item.kind is Kind.NEW:
        return f"`{item.path}` is new"
    if item.kind is Kind.VANISHED:
        return f"`{item.path}` is gone"
    return f"`{item.path}` was {item.before} and is {item.type}"


class Looks(NamedTuple):
    """How a record that was mapped looked, and what came of it."""

    signature: Signature
    skipped: bool
    refused: bool


class Guard:
    """A stream's mapper that refuses what an open change holds back. It learns nothing."""

    def __init__(self, mapper: StreamMapping, stream: Stream, run_id: str) -> None:
        self.mapper = mapper
        self.stream = stream
        self.run_id = run_id
        self.fingerprint = mapper.fingerprint
        self.personal_fields = mapper.personal_fields
        self.personal_values = mapper.personal_values
        self.without_person = mapper.without_person
        self._connection: Connection | None = None
        self._shape: Shape | None = None
        self._ids: list[str] = []
        """The records that were mapped, in order; ``_looks``: how each of them looked."""
        self._looks: list[Looks] = []
        self._alike: dict[Looks, Looks] = {}
        """One for all records that look alike, so that a page leaves little to the garbage collector."""
        self._held: frozenset[str] = frozenset()
        self._gone: dict[str, Drift] = {}
        self._retyped: set[tuple[str, str]] = set()
        self._new: set[str] = set()
        self._crowded: set[str] = set()
        self._sign: Callable[[dict[str, Any]], Signature] = lambda _document: ()
        self._document: dict[str, Any] = {}
        self._signature: Signature | None = None

    # -- landing

    def land(self, connection: Connection, records: Sequence[landing.Raw], **more: Any) -> Counts:
        """``landing.apply`` under this guard; raises ``Drifted``, then the transaction must not be committed."""
        self._begin(connection)
        counts = landing.apply(connection, self.stream, self, records, run_id=self.run_id, **more)
        counts.rejected += self._settle(connection) if self._ids else 0
        return counts

    def again(self, connection: Connection, records: Sequence[remap.Held]) -> Counts:
        """``remap.remap`` under this guard: what is in quarantine may stay there."""
        self._begin(connection)
        return remap.remap(connection, self.stream, self, records, run_id=self.run_id)

    def _begin(self, connection: Connection) -> None:
        self._connection = connection
        self._ids, self._looks, self._alike = [], [], {}

    # -- mapping

    def map(self, system: str, source_id: str, body: bytes, /) -> Mapped:
        """As the mapping maps; raises ``MappingError`` also for a record that is to be held back."""
        shape = self._shape or self._load()
        if not self._watches(shape):
            return self.mapper.map(system, source_id, body)
        self._signature = None
        try:
            mapped = self.mapper.map(system, source_id, body, self._look)
        except MappingError as refused:
            if self._signature is None:
                raise
            self._judge(source_id, self._signature, False, refused)
            raise
        assert self._signature is not None  # noqa: S101 - the mapping shows each record that it maps
        self._judge(source_id, self._signature, not mapped.row, None)
        return mapped

    def _look(self, document: dict[str, Any]) -> None:
        self._document = document
        self._signature = self._sign(document)

    def _judge(self, source_id: str, signature: Signature, skipped: bool, refused: MappingError | None) -> None:
        """Take the record in, or raise why it is held back."""
        reason = self._reason(source_id, signature, skipped)
        looks = Looks(signature, skipped, (reason or refused) is not None)
        self._ids.append(source_id)
        self._looks.append(self._alike.setdefault(looks, looks))
        if reason is not None:
            raise reason from refused

    def _reason(self, source_id: str, signature: Signature, skipped: bool) -> MappingError | None:
        for path, name in self._retyped:
            if skipped and not self._decides(path):
                continue
            if any(NAMES[type(value)] == name and not is_empty(value) for value in values(self._document, path)):
                return self._of_another_type(path, name)
        if self._new and not skipped:
            for path in self._new & outline(self._document, self._crowded).keys():
                return self._unknown(path)
        if source_id in self._held:
            for item in self._gone.values():
                if fields := self._loses(signature, item.path, skipped):
                    return self._lost(item.path, fields)
        return None

    # -- reasons

    def _where(self) -> str:
        return f"{self.stream.system} {self.stream.name}"

    def _lost(self, path: str, fields: Sequence[str]) -> MappingError:
        reason = (
            f"is at `{path}` any more, where records of {self.stream.system}.{self.stream.name} had a value: map what "
            f"took its place, or `ltc drift accept {self._where()} {quote(path)}`"
        )
        return MappingError(fields[0], "nothing", reason)

    def _of_another_type(self, path: str, name: str) -> MappingError:
        before = " or ".join(sorted(self._loaded.known.get(path, ()))) or "something else"
        fields = self._names(path)
        reason = (
            f"is at `{path}`, which was {before} in the records of {self.stream.system}.{self.stream.name} so far: "
            f"correct it or the mapping, or `ltc drift accept {self._where()} {quote(path)}`"
        )
        return MappingError(fields[0] if fields else path, f"<{name}>", reason)

    def _unknown(self, path: str) -> MappingError:
        where = f"{self.stream.system}.{self.stream.name}"
        reason = f"is a field that records of {where} did not have: `ltc drift accept {self._where()} {quote(path)}`"
        return MappingError(path, f"`{path}`", reason)

    def _names(self, path: str) -> list[str]:
        footprint = self._footprint
        return footprint.names(footprint.paths.index(path)) if path in footprint.paths else []

    def _decides(self, path: str) -> bool:
        """Whether a path has a say in which records are skipped."""
        return any(self._footprint.paths[place] == path for place in self._footprint.skips)

    def _loses(self, signature: Signature, path: str, skipped: bool) -> list[str]:
        """The canonical fields that a record with this signature leaves empty for want of a path."""
        footprint = self._footprint
        place = footprint.paths.index(path)
        if skipped and place not in footprint.skips:
            return []
        types = dict(footprint.types(signature))
        if any(is_filled(kind) for kind in types[place]):
            return []
        return [
            read.name
            for read in footprint.reads
            if place in read.places
            and not (read.first and any(is_filled(kind) for other in read.places for kind in types[other]))
        ]

    # -- what is known

    @property
    def _footprint(self) -> Footprint:
        return self.mapper.footprint

    @property
    def _loaded(self) -> Shape:
        assert self._shape is not None  # noqa: S101 - `map` has loaded it
        return self._shape

    def _watches(self, _shape: Shape) -> bool:
        return bool(self._gone or self._retyped or self._new)

    def _load(self) -> Shape:
        """Read the shape when the first record is mapped: a pull without news asks for nothing."""
        assert self._connection is not None  # noqa: S101 - `land` and `again` set it
        self._shape = self._read(self._connection)
        self._sign = self._footprint.signature
        self._open()
        return self._shape

    def _read(self, connection: Connection) -> Shape:
        return Shape(drifts=shapes.drifts(connection, self.stream.id))

    def _open(self) -> None:
        """Take what is open to heart, as far as the mapping still reads it."""
        shape = self._loaded
        self._new = {item.path for item in shape.open(Kind.NEW)}
        retyped, gone = shape.open(Kind.RETYPED), shape.open(Kind.VANISHED)
        if retyped or gone:
            read = set(self._footprint.paths)
            self._retyped = {(item.path, item.type) for item in retyped if not item.fields or item.path in read}
            self._gone = {item.path: item for item in gone if item.path in read}
        if self._gone and self._connection is not None:
            self._held = shapes.in_quarantine(self._connection, self.stream)

    # -- after a page

    def _settle(self, connection: Connection) -> int:
        """Hold back the landed records that lost what is gone; returns how many."""
        losses: dict[int, Loss] = {}
        for path in self._gone:
            for loss in self._losses(connection, path, self._candidates(path)):
                losses.setdefault(loss.record_id, loss)
        return self._hold(connection, list(losses.values()))

    def _candidates(self, path: str) -> list[str]:
        """Records of the page that leave something empty for want of a path, in order."""
        lacking = {looks for looks in set(self._looks) if self._loses(looks.signature, path, looks.skipped)}
        lacking = {looks for looks in lacking if not looks.refused}
        return [source_id for source_id, looks in zip(self._ids, self._looks, strict=True) if looks in lacking]

    def _losses(self, connection: Connection, path: str, candidates: Sequence[str]) -> Iterator[Loss]:
        """Those that had it in the version before, and the new ones whose key is not even there."""
        if not candidates:
            return
        times = Counter(self._ids)
        last = dict(zip(self._ids, self._looks, strict=True))
        heads = landing.heads(connection, self.stream.id, list(dict.fromkeys(candidates)))
        for source_id, head in heads.items():
            item = last[source_id]
            fields = self._loses(item.signature, path, item.skipped)
            if not fields or item.refused or head.state == landing.RecordState.DELETED:
                continue
            base, body = shapes.base_of(connection, head.id, head.seq - times[source_id])
            if self._had(source_id, body, path) if base else self._lacks_key(item.signature, path):
                yield Loss(head.id, source_id, base, self._lost(path, fields))

    def _had(self, source_id: str, body: bytes, path: str) -> bool:
        seen: list[Signature] = []
        skipped = False
        try:
            look = lambda document: seen.append(self._footprint.signature(document))  # noqa: E731
            skipped = not self.mapper.map(self.stream.system, source_id, body, look).row
        except MappingError:
            pass
        place = self._footprint.paths.index(path)
        if not seen or (skipped and place not in self._footprint.skips):
            return False
        return any(is_filled(kind) for kind in dict(self._footprint.types(seen[0]))[place])

    def _lacks_key(self, signature: Signature, path: str) -> bool:
        types = dict(self._footprint.types(signature))
        return Absent in types[self._footprint.paths.index(path)]

    def _hold(self, connection: Connection, losses: Collection[Loss]) -> int:
        if losses:
            shapes.hold(connection, self.stream, self.mapper, losses, self.run_id)
            self._held |= {loss.source_id for loss in losses}
        return len(losses)


def accept(store: Store, stream: Stream, path: str | None, *, actor: str, reason: str) -> list[Drift]:
    """Accept what changed, at one path or all of it; the next pull or replay maps again what was held back.

    Raises ``LeaseHeld`` while somebody is at work on the stream.
    """
    name = f"stream {stream.system}.{stream.name}"
    with runs.lease(store, name) as lease, store.fenced(lease).transaction() as connection:
        return shapes.accept(connection, stream, path, actor, reason)
