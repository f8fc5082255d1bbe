"""Learn how the records of a stream look from those that land, and find what has changed; see docs/drift.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from sqlalchemy.engine import Connection

from mappings.engine import StreamMapping
from mappings.errors import MappingError
from mappings.footprint import NAMES, Signature, is_filled
from mappings.outline import ANY, crowded, is_empty, outline, values
from state import shapes
from state.cursors import StoredCursor
from state.shapes import Drift, Key, Kind, Loss, Shape, Status, Watched
from state.writes import Stream
from sync.drift import Drifted, Guard, Looks, Policy
from sync.work import Work

ENOUGH = 50
"""So many records must have had something at a path before anything can be said of it."""
USUAL = 0.95
"""A path where at least this share of the records has something is one that does not come and go."""
GONE = 20
"""So many records in a row without it, each of which should have it, and it is gone."""
_PATIENCE = 200
"""After so many records in a row that have nothing there, but never had, that is how records look."""
_REMEMBERED = 2000
"""Older records count less and less, so that the share is about the last thousand or two."""
_SAMPLE = 20
"""Of each page so many records are looked at whole, and then one in ``_ONE_IN``."""
_ONE_IN = 50
_MOST_PATHS = 2000
"""More fields than this are not told apart."""
_MOST_SIGNATURES = 10_000


class Watch(Guard):
    """A guard that learns how records look, and finds what changed."""

    def __init__(
        self, mapper: StreamMapping, stream: Stream, run_id: str, policy: Policy, stored: StoredCursor | None
    ) -> None:
        """``stored``: of a stream that was read to its end before, what is unknown is news."""
        super().__init__(mapper, stream, run_id)
        self.policy = policy
        self.told: list[Drift] = []
        """What was found in this pull."""
        self._learned = stored is not None and stored.covered_until is not None
        self._strict = policy != "evolve"
        self._found: list[Drift] = []
        self._stops: dict[Key, Drift] = {}
        self._met: dict[tuple[Signature, bool], Looks] = {}
        """Records that look like this need no closer look: what is wrong with their types is known."""
        self._keys: set[str] = set()

    @property
    def counts(self) -> dict[str, int]:
        """For the outcome of the pull."""
        return {"drift": len(self.told)} if self.told else {}

    def keep(self, work: Work, stopped: Drifted) -> None:
        """Note why a frozen stream was stopped, after its page was rolled back."""
        with work.transaction() as connection:
            self.told += shapes.note(connection, self.stream.id, stopped.found, self.run_id)

    def _read(self, connection: Connection) -> Shape:
        shape = shapes.load(connection, self.stream.id)
        self._learned = self._learned and bool(shape.known)
        self._crowded = crowded(shape.known)
        return shape

    def _watches(self, _shape: Shape) -> bool:
        return True

    def _judge(self, source_id: str, signature: Signature, skipped: bool, refused: MappingError | None) -> None:
        number = len(self._ids)
        looks = None if refused else self._met.get((signature, skipped))
        if (
            looks is None  # nearly all records end here
            or not (number % _ONE_IN and number >= _SAMPLE)
            or not self._keys.issuperset(self._document)
            or self._strict
            or self._new
            or self._retyped
            or self._gone
        ):
            super()._judge(source_id, signature, skipped, refused)
            return
        self._ids.append(source_id)
        self._looks.append(looks)

    def _reason(self, source_id: str, signature: Signature, skipped: bool) -> MappingError | None:
        if (signature, skipped) not in self._met:
            self._look_closer(signature, skipped)
        number = len(self._ids)
        sampled = number < _SAMPLE or not number % _ONE_IN
        if not skipped and (self._strict or sampled or not self._keys.issuperset(self._document)):
            self._look_whole()
        if not (self._new or self._retyped or self._gone):
            return None
        reason = super()._reason(source_id, signature, skipped)
        if reason is None or self.policy != "freeze":
            return reason
        self._stop_for(signature, skipped)
        return None

    def _stop_for(self, signature: Signature, skipped: bool) -> None:
        """Note what a record of a frozen stream is not to have."""
        paths = outline(self._document, self._crowded)
        for item in self._loaded.drifts.values():
            if item.status is not Status.OPEN:
                continue
            shows = item.type in paths.get(item.path, ()) if item.kind is Kind.RETYPED else item.path in paths
            if item.kind is Kind.VANISHED:
                shows = item.path in self._gone and bool(self._loses(signature, item.path, skipped))
            if shows:
                self._stops[item.key] = item

    # -- finding changes

    def _look_whole(self) -> None:
        """Look at every path of the record, also those that the mapping does not read."""
        shape, read = self._loaded, self._footprint.paths
        known = shape.known
        for path, types in outline(self._document, self._crowded).items():
            before = known.get(path)
            if before is None:
                if len(known) >= _MOST_PATHS:
                    continue
                if self._is_news(path):
                    self._report(Drift(path, Kind.NEW, " or ".join(sorted(types)) or "null"))
                    if self._strict:
                        continue
                known[path] = set(types)
            elif path not in read and not types <= before:
                self._other_types(path, types, before)
        if len(self._keys) < _MOST_SIGNATURES:
            self._keys.update(self._document)

    def _is_news(self, path: str) -> bool:
        """Whether an unknown path is to be told: a new object is told once, not field by field."""
        if not self._learned or path in self._footprint.paths or path.endswith(f".{ANY}"):
            return False
        above = {item.path for item in self._found} | self._new | {changed for changed, _ in self._retyped}
        return not any(path.startswith((f"{item}.", f"{item}[")) for item in above)

    def _other_types(self, path: str, types: set[str], before: set[str]) -> None:
        if not self._learned or not before:
            before |= types
            return
        for name in sorted(types - before):
            self._report(Drift(path, Kind.RETYPED, name, " or ".join(sorted(before))))
        if not self._strict:
            before |= types

    def _look_closer(self, signature: Signature, skipped: bool) -> None:
        """Look for types that a path which the mapping reads did not have."""
        shape, footprint = self._loaded, self._footprint
        for place, types in footprint.types(signature):
            if skipped and place not in footprint.skips:
                continue
            path = footprint.paths[place]
            known = shape.known.setdefault(path, set())
            for name in sorted({NAMES[kind] for kind in types if is_filled(kind)} - known):
                watched = shape.watched.get(path)
                enough = self._learned and watched is not None and watched.filled >= ENOUGH and bool(known)
                there = [value for value in values(self._document, path) if NAMES[type(value)] == name]
                if enough and not (there and all(is_empty(value) for value in there)):
                    before = " or ".join(sorted(known))
                    self._report(Drift(path, Kind.RETYPED, name, before, tuple(footprint.names(place))))
                else:
                    known.add(name)
        if len(self._met) >= _MOST_SIGNATURES:
            self._met.clear()
        self._met[signature, skipped] = Looks(signature, skipped, False)

    def _report(self, item: Drift) -> None:
        """Tell of a change once, and let it stop what it is to stop."""
        shape = self._loaded
        if item.key in shape.drifts:
            return
        if not item.fields and not self._strict:
            item = Drift(item.path, item.kind, item.type, item.before, (), Status.NOTED)
        shape.drifts[item.key] = item
        self._found.append(item)
        if item.status is Status.OPEN:
            self._open()

    # -- after a page

    def _settle(self, connection: Connection) -> int:
        losses: dict[int, Loss] = {}
        totals: dict[int, list[int]] = {}
        for looks, count in Counter(self._looks).items():
            for place, types in self._footprint.types(looks.signature):
                if not looks.skipped or place in self._footprint.skips:
                    total = totals.setdefault(place, [0, 0])
                    total[0] += count
                    total[1] += count if any(is_filled(kind) for kind in types) else 0
        for place, (seen, filled) in totals.items():
            for loss in self._learn(connection, place, seen, filled):
                losses.setdefault(loss.record_id, loss)
        found, self._found = self._found, []
        self._crowded = crowded(self._loaded.known)
        if self.policy == "freeze":
            self._stops |= {item.key: item for item in found if item.status is Status.OPEN}
            if self._stops:
                raise Drifted(self.stream, list(self._stops.values()))
        self.told += shapes.note(connection, self.stream.id, found, self.run_id)
        shapes.save(connection, self.stream.id, self._loaded)
        return self._hold(connection, list(losses.values()))

    def _learn(self, connection: Connection, place: int, seen: int, filled: int) -> list[Loss]:
        """Count what a page shows at a path; returns the records that it is gone from."""
        path = self._footprint.paths[place]
        watched = self._loaded.watched.setdefault(path, Watched())
        usual = watched.filled >= ENOUGH and watched.filled >= USUAL * watched.seen
        if path in self._gone:
            losses = list(self._losses(connection, path, self._candidates(path))) if filled < seen else []
            if losses and self.policy == "freeze":
                self._stops[self._gone[path].key] = self._gone[path]
            return losses
        accepted = Key(path, Kind.VANISHED, "") in self._loaded.drifts
        if filled == seen or not usual or not self._learned or accepted or place not in self._footprint.leaves:
            _count(watched, seen, filled)
            return []
        trailing = self._trailing(place)
        if len(trailing) < seen:
            _count(watched, seen - len(trailing), filled)
        losses = list(self._losses(connection, path, trailing))
        watched.missing += len(trailing)
        before = {record_id: base for record_id, base in watched.lost.items() if base}
        for loss in losses:
            watched.lost.setdefault(loss.record_id, loss.base_seq)
        if len(watched.lost) >= GONE:
            watched.lost, watched.missing = {}, 0
            types = " or ".join(sorted(self._loaded.known.get(path, ())))
            self._report(Drift(path, Kind.VANISHED, "", types, tuple(self._footprint.names(place))))
            return [*losses, *self._earlier(connection, path, before, {loss.record_id for loss in losses})]
        if watched.missing - len(watched.lost) >= _PATIENCE:
            _count(watched, 0, 0)
        return []

    def _trailing(self, place: int) -> list[str]:
        """The records since the last one that has something there."""
        found: list[str] = []
        there = {
            looks: any(is_filled(kind) for kind in dict(self._footprint.types(looks.signature))[place])
            for looks in set(self._looks)
            if not looks.skipped or place in self._footprint.skips
        }
        for source_id, looks in zip(reversed(self._ids), reversed(self._looks), strict=True):
            if there.get(looks):
                break
            if looks in there:
                found.append(source_id)
        return found[::-1]

    def _earlier(
        self, connection: Connection, path: str, lost: dict[int, int], known: Collection[int]
    ) -> Iterator[Loss]:
        """Records of earlier pages that had lost a value before it was clear that it is gone."""
        names = self._names(path)
        for record_id, source_id in shapes.alive(connection, [key for key in lost if key not in known]):
            yield Loss(record_id, source_id, lost[record_id], self._lost(path, names))


def _count(watched: Watched, seen: int, filled: int) -> None:
    """Count records in, with those that were missing something before."""
    watched.seen += watched.missing + seen
    watched.filled += filled
    watched.missing, watched.lost = 0, {}
    while watched.seen > _REMEMBERED:
        watched.seen, watched.filled = watched.seen // 2, watched.filled // 2
