"""Judge each wish before it is planned: may the record be written, is it our own echo, did somebody else write there?

The base of the three-way comparison is the last value on which owner and target agreed (``state.agreed``). A target
that shows something else was edited by somebody; the field's policy in ltc.yaml says whose value stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mappings.engine import decode
from mappings.errors import MappingError, MappingFileError
from mappings.model import ENTITIES, columns
from mappings.predicate import parse
from state import agreed, exact, held, history, locks, writelog
from state.clock import now_us
from state.held import Held
from state.history import Changed, Times
from state.writes import Origin
from sync.echoes import rewritten
from sync.values import same
from sync.wishes import Draft, Wish

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from mappings.engine import StreamMapping
    from settings.model import Settings
    from state.writelog import Written

_HOUR_US = 3_600_000_000


class Judge:
    """Judges the wishes for one system; ``held``, ``agreed``, ``seen`` and ``braked`` collect what is to be stored."""

    def __init__(self, connection: Connection, settings: Settings, wishes: Mapping[int, Sequence[Wish]]) -> None:
        self._connection = connection
        self._settings = settings
        ids = list(wishes)
        self._decided = held.decided(connection, ids)
        self._locked = locks.locked_ids(connection)
        self._agreed = agreed.read(connection, ids)
        self._written = writelog.of_records(connection, ids)
        self._eligible = _eligible(connection, settings, wishes)
        self.held: list[Held] = []
        self.agreed: list[tuple[int, str, Any]] = []
        self.seen: list[tuple[int, Any]] = []
        """Rows of the write log that are used up, with what the source shows."""

    def barred(self, wish: Wish) -> bool:
        """Whether nothing may be written to the record: then the wish is held."""
        if wish.record_id in self._locked:
            return self._hold(wish, "locked")
        if not self._eligible.get(wish.record_id, True):
            return self._hold(wish, "not_eligible")
        return False

    def decided_value(self, wish: Wish) -> Any:
        """The canonical value to write: what a person decided on instead, else what the owner wants."""
        decision = self._decision(wish)
        return decision.value if decision is not None and decision.choice == "instead" else wish.new

    def passes(self, draft: Draft, mapping: StreamMapping) -> bool:
        """Whether the draft is to be planned; else it is held, or was our own echo."""
        wish = draft.wish
        if self.is_echo(draft):
            return False
        decision = self._decision(wish)
        if decision is not None and decision.choice in ("keep", "restore"):
            return not self._hold(wish, "decided")
        full = f"{wish.entity}.{wish.field}"
        if full in self._settings.writing.create_only and draft.source_old not in (None, ""):
            return not self._hold(wish, "create_only")
        draft.contested = self._contested(draft)
        if not draft.contested or (decision is not None and same(decision.old, wish.old)):
            return True
        policy = self._settings.policy(wish.entity, wish.field)
        if policy == "ask":
            return not self._hold(wish, "ask")
        if policy == "newest_wins" and not self._owner_is_newer(draft, mapping):
            return not self._hold(wish, "newer")
        return True

    def is_echo(self, draft: Draft) -> bool:
        """Whether the source shows what we last wrote, as it was sent or rewritten: nothing more to do."""
        wish = draft.wish
        last = next(iter(self._written.get((wish.record_id, wish.field), ())), None)
        if last is None or last.sent_hash != writelog.digest(draft.source_new):
            return False
        if last.shown is not None:
            return last.shown == exact.dump(draft.source_old)
        if not rewritten(last.sent, draft.source_old):
            return False
        self.seen.append((last.id, draft.source_old))
        self.agreed.append((wish.record_id, wish.field, wish.old))
        return True

    def quarrel(self, draft: Draft) -> str:
        """Why the record is not written any more: somebody undoes this very write again and again; else nothing."""
        brake = self._settings.writing.brake
        wish = draft.wish
        since = now_us() - brake.hours * _HOUR_US
        digest = writelog.digest(draft.source_new)
        rows: list[Written] = self._written.get((wish.record_id, wish.field), [])
        times = sum(row.at >= since and row.sent_hash == digest for row in rows)
        if times < brake.writes:
            return ""
        self._hold(wish, "brake")
        shown = "nothing" if draft.source_old in (None, "") else repr(draft.source_old)
        return (
            f"{wish.system} was sent {draft.source_new!r} for {draft.source_field} {times} times in {brake.hours} h "
            f"and shows {shown} again: somebody there (a person, an automation, another integration) rewrites it. "
            "It is not written any more"
        )

    def _decision(self, wish: Wish) -> held.Decision | None:
        """What a person decided, for as long as the owner's value is the one that was decided about."""
        found = self._decided.get((wish.record_id, wish.field))
        return found if found is not None and same(found.new, wish.new) else None

    def _contested(self, draft: Draft) -> bool:
        """Whether the target shows something other than what both had in common last (nothing, if they never had)."""
        wish = draft.wish
        key = (wish.record_id, wish.field)
        if key in self._agreed:
            return not same(self._agreed[key], wish.old)
        return draft.source_old not in (None, "")

    def _owner_is_newer(self, draft: Draft, mapping: StreamMapping) -> bool:
        because = draft.wish.because
        changes = history.changed(self._connection, because if isinstance(because, list | tuple) else [because])
        owners = [self._by_others(change) for change in changes]
        if not owners:
            return False
        target = self._shown_since(draft, mapping)
        if target.changed_at is not None and all(times.changed_at is not None for times in owners):
            return max(times.changed_at or 0 for times in owners) >= target.changed_at
        return max(times.seen_at for times in owners) >= target.seen_at

    def _by_others(self, change: Changed) -> Times:
        """When somebody else than we last changed a record: what we write there makes nothing of its owner's newer."""
        if not change.by_us:
            return change.times
        for version in history.versions(self._connection, change.record_id):
            if version.body and version.origin != Origin.WRITTEN.value:
                return Times(self._dated(change, version.body), version.first_seen_at)
        return change.times

    def _dated(self, change: Changed, body: bytes) -> int | None:
        """The source's own date of a version; ``None`` if its mapping finds none."""
        from sync.systems import mapping_for

        try:
            mapping = mapping_for(self._settings, change.system).stream(change.stream)
        except (MappingFileError, KeyError):
            return None
        return _updated_at(mapping, change.system, change.source_id, body)

    def _shown_since(self, draft: Draft, mapping: StreamMapping) -> Times:
        """When the target came to show its value: the first of the versions in a row that show it."""
        wish = draft.wish
        found = Times(None, 0)
        for version in history.versions(self._connection, wish.record_id):
            if not version.body or not same(mapping.source_value(wish.field, decode(version.body)), draft.source_old):
                break
            dated = _updated_at(mapping, wish.system, wish.source_id, version.body)
            found = Times(dated, version.first_seen_at)
        return found

    def _hold(self, wish: Wish, why: str) -> bool:
        common = self._agreed.get((wish.record_id, wish.field))
        named = (wish.system, wish.stream, wish.entity, wish.source_id, wish.number)
        self.held.append(Held(wish.record_id, wish.field, *named, why, wish.old, wish.new, common, wish.reason))
        return True


def _updated_at(mapping: StreamMapping, system: str, source_id: str, body: bytes) -> int | None:
    """The source's own date of a version, in microseconds; ``None`` if it says none or cannot be mapped."""
    try:
        row = mapping.map(system, source_id, body).row
    except MappingError:
        return None
    names = [column.name for column in columns(ENTITIES[mapping.entity])]
    found: int | None = row[names.index("source_updated_at")] if row else None
    return found


def _eligible(connection: Connection, settings: Settings, wishes: Mapping[int, Sequence[Wish]]) -> dict[int, bool]:
    """Whether each record meets the condition for its entity; records without a condition are left out."""
    found: dict[int, bool] = {}
    for entity, text in settings.writing.only.items():
        ids = [record_id for record_id, group in wishes.items() if group[0].entity == entity]
        condition = parse(entity, text)
        rows = history.rows(connection, entity, ids)
        found |= {record_id: record_id in rows and condition.holds(rows[record_id]) for record_id in ids}
    return found
