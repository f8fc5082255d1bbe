"""Turn the wishes of the reconciliation into one reviewable plan per system: source fields, old → new, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mappings.errors import MappingError
from state import agreed, errornotes, held, outbox, overwritten, plannings, writelog
from state.outbox import Base, FieldChange, Item, OutboxStatus, Plan, PlanError
from sync import notes
from sync.echoes import rewritten
from sync.judge import Judge
from sync.values import same
from sync.wishes import Draft, Restored, Wish

if TYPE_CHECKING:
    from mappings.engine import Mapping as SystemMapping
    from mappings.engine import StreamMapping
    from settings.model import Settings
    from state.store import Store


def make_plan(store: Store, settings: Settings, run_id: str, systems: Iterable[str] | None = None) -> list[Plan]:
    """Plan what is wanted for each of ``systems`` (default: all) whose ``push`` is not off; empty plans are left out.

    The same wishes give the same plan, an open plan with other wishes is superseded. Raises ``StoreError``.
    """
    from sync.systems import mapping_for

    plans: dict[str, Plan | None] = {}
    asked = [name for name in (systems or settings.systems) if settings.systems[name].push != "off"]

    def rest() -> None:
        """Plan for those that have no plan yet; where others were faster, of what is wanted now."""
        left = [name for name in asked if name not in plans]
        if not left:
            return
        with store.reading() as connection:
            seen = {name: plannings.number(connection, plannings.WRITES, name) for name in left}
        wishes = _wishes(store, settings, left)
        for name in left:
            mapping = mapping_for(settings, name)
            plans[name] = plan_system(store, settings, mapping, name, wishes[name], run_id, seen[name])

    plannings.until_kept(rest)
    return [plan for name in asked if (plan := plans[name]) is not None]


def _wishes(store: Store, settings: Settings, systems: Sequence[str]) -> dict[str, list[Wish]]:
    from reconciliation.writebacks import wanted

    found: dict[str, list[Wish]] = {name: [] for name in systems}
    for wish in wanted(store, settings):
        if wish.system in found:
            found[wish.system].append(wish)
    return found


def plan_system(
    store: Store,
    settings: Settings,
    mapping: SystemMapping,
    system: str,
    wishes: Sequence[Wish] | None,
    run_id: str,
    seen: int | None = None,
    restored: int | None = None,
) -> Plan | None:
    """Make one system's plan of these wishes and of what people want restored; ``None`` if nothing is left to send.

    Without ``wishes`` (``None``) it is a plan of only what is to be restored in the record ``restored``. ``seen`` is
    the number of the last planning when the wishes were read; raises ``Overtaken`` if there has been another since.
    """
    records: dict[int, list[Wish]] = {}
    items: list[Item] = []
    with store.transaction() as connection:
        settle_doubts(connection, mapping, system)
    with store.reading() as connection:
        if seen is None:
            seen = plannings.number(connection, plannings.WRITES, system)
        for wish in [*(wishes or ()), *_restores(connection, system, wishes or (), restored)]:
            records.setdefault(wish.record_id, []).append(wish)
        judge = Judge(connection, settings, records)
        for record_id, base in outbox.bases(connection, records):
            if outbox.is_usable(base):
                items += _items(judge, mapping.stream(records[record_id][0].stream), records[record_id], base)
        if wishes is not None:
            items += notes.planned(connection, settings, mapping, system, items)
    with store.transaction() as connection:
        outbox.take_turns(connection, system)
        plannings.keep(connection, plannings.WRITES, system, seen)
        if wishes is not None:
            held.replace(connection, system, judge.held)
        agreed.write(connection, judge.agreed)
        for row_id, shown in judge.seen:
            writelog.seen(connection, row_id, shown)
        return outbox.save_plan(connection, system, items, run_id)


def _restores(connection: Any, system: str, wishes: Sequence[Wish], record: int | None) -> list[Restored]:
    """What people want shown again in this system, or in one record, where the owner wants nothing else meanwhile."""
    wished = {(wish.record_id, wish.field) for wish in wishes}
    return [
        Restored(
            *(system, item.stream, item.record_id, item.source_id, item.number, item.entity, item.field),
            *(item.new, item.old, item.reason, item.source_field, item.source_value),
        )
        for item in held.to_restore(connection, system)
        if (item.record_id, item.field) not in wished and record in (None, item.record_id)
    ]


def to_put_back(
    connection: Any, mapping: SystemMapping, item: Item, never: Sequence[tuple[str, Any]] = ()
) -> list[FieldChange]:
    """What of the values that a write-back replaced can be put back: where its record still shows what we wrote.

    ``never`` are fields of the source with values that it refuses whatever the record shows. Raises ``PlanError`` if
    that is nothing.
    """
    from mappings.engine import decode

    found = dict(outbox.bases(connection, [item.record_id])).get(item.record_id)
    if found is None or not outbox.is_usable(found):
        raise PlanError(f"The record that write-back {item.id} changed is gone or cannot be read.")
    mapper, document = mapping.stream(item.stream), decode(found.body)
    shown = [(change, mapper.source_value(change.field, document)) for change in overwritten.lost(item)]
    ours = [change for change, value in shown if rewritten(_written(mapper, change), value)]
    taken = [change for change in ours if (change.source_field, change.source_old) not in never]
    if taken:
        return taken
    if ours:
        raise PlanError(f"{item.system} never takes what write-back {item.id} replaced.")
    if all(same(change.source_old, value) for change, value in shown):
        raise PlanError(f"What write-back {item.id} replaced stands there again.")
    raise PlanError(
        f"Something else than what write-back {item.id} wrote stands there now, and stays.",
        "Change it in the system itself if it is wrong.",
    )


def _written(mapping: StreamMapping, change: FieldChange) -> Any:
    """What we wrote, in the words of today's mapping; what it said then where it knows the field no more."""
    try:
        return mapping.reverse(change.field, change.new)[1]
    except (KeyError, MappingError):
        return change.source_new


def settle_doubts(connection: Any, mapping: SystemMapping, system: str) -> None:
    """Settle the changes in doubt whose record has been read since: its new version tells what happened."""
    doubtful = outbox.in_doubt(connection, system)
    found = dict(outbox.bases(connection, [item.record_id for item in doubtful]))
    for item in doubtful:
        base = found.get(item.record_id)
        if base is None or base.seq == item.base_seq:
            continue
        if base.body and shows(mapping.stream(item.stream), item, base.body):
            outbox.outcome(connection, item.id, OutboxStatus.APPLIED, "found in the source after an interruption")
            agreed.write(connection, [(item.record_id, change.field, change.new) for change in item.changes])
            outbox.resolve(connection, item)
            if errornotes.is_note(item):
                errornotes.stand(connection, item, base, mapping.stream(item.stream).fingerprint)
        else:
            outbox.outcome(connection, item.id, OutboxStatus.SUPERSEDED, "the record has changed since")
            outbox.leave_unsettled(connection, item.id)


def shows(mapping: StreamMapping, item: Item, body: bytes) -> bool:
    """Whether a record, as the source sent it, shows the values that were to be written, perhaps rewritten."""
    from mappings.engine import decode

    document = decode(body)
    return all(rewritten(change.source_new, mapping.source_value(change.field, document)) for change in item.changes)


def _items(judge: Judge, mapping: StreamMapping, wishes: Sequence[Wish], base: Base) -> list[Item]:
    """The record's change, and beside it one refused item for each value that cannot be written."""
    from mappings.engine import decode

    document = decode(base.body)
    changes: list[FieldChange] = []
    refused: list[Item] = []
    for wish in sorted(wishes, key=lambda wish: wish.field):
        if judge.barred(wish):
            continue
        try:
            draft = _draft(judge, mapping, wish, document)
        except MappingError as error:
            change = FieldChange(wish.field, "", wish.old, wish.new, None, None, wish.reason, wish.because)
            key = _key(wish, base, [(f"{mapping.fingerprint} {wish.field}", wish.new)])
            refused.append(_item(wish, base, (change,), key, OutboxStatus.REJECTED, str(error)))
            continue
        if draft is None or not (isinstance(wish, Restored) or judge.passes(draft, mapping)):
            continue
        values = (wish.old, draft.new, draft.source_old, draft.source_new)
        named = (wish.field, draft.source_field)
        change = FieldChange(*named, *values, wish.reason, wish.because, draft.contested)
        quarrel = judge.quarrel(draft)
        if quarrel:
            key = _brake_key(wish, draft)
            refused.append(_item(wish, base, (change,), key, OutboxStatus.REJECTED, quarrel))
        else:
            changes.append(change)
    if not changes:
        return refused
    key = _key(wishes[0], base, [(change.source_field, change.source_new) for change in changes])
    return [_item(wishes[0], base, tuple(changes), key), *refused]


def _draft(judge: Judge, mapping: StreamMapping, wish: Wish, document: Any) -> Draft | None:
    """The wish worked out for the source; ``None`` if it shows that already or takes none. Raises ``MappingError``."""
    value = judge.decided_value(wish)
    if isinstance(wish, Restored):  # as the source had it, be it a word that the mapping does not know
        source_field, source_new = wish.source_field, wish.source_value
        ours = mapping.reverse(wish.field, wish.old)[1]
        if not rewritten(ours, mapping.source_value(wish.field, document)):
            return None  # somebody has written something else meanwhile: that stays
    else:
        try:
            source_field, source_new = mapping.reverse(wish.field, value)
        except KeyError:
            return None  # this site's mapping does not write the field
    source_old = mapping.source_value(wish.field, document)
    if same(source_old, source_new) or not mapping.may_write(wish.field, document):
        return None
    return Draft(wish, value, source_field, source_old, source_new)


def _brake_key(wish: Wish, draft: Draft) -> str:
    """The same for the same quarrel, whatever version of the record it has come to."""
    names = (wish.system, wish.stream, wish.source_id)
    return outbox.idempotency_key(*names, (0, b""), [(f"brake {draft.source_field}", draft.source_new)])


def _key(wish: Wish, base: Base, values: list[tuple[str, Any]]) -> str:
    return outbox.idempotency_key(wish.system, wish.stream, wish.source_id, (base.seq, base.hash), values)


def _item(
    wish: Wish,
    base: Base,
    changes: tuple[FieldChange, ...],
    key: str,
    status: OutboxStatus = OutboxStatus.PLANNED,
    message: str = "",
) -> Item:
    record = (wish.system, wish.stream, wish.entity, wish.record_id, wish.source_id, wish.number)
    return Item(*record, base.seq, changes, key, status, message=message)


def as_dict(plan: Plan) -> Mapping[str, Any]:
    """A plan as JSON-able data, for ``ltc push --plan --json`` and artifacts."""
    return {
        "id": plan.id,
        "system": plan.system,
        "status": plan.status.value,
        "items": [_item_as_dict(item) for item in plan.items],
    }


def _item_as_dict(item: Item) -> dict[str, Any]:
    return {
        "stream": item.stream,
        "entity": item.entity,
        "source_id": item.source_id,
        "number": item.number,
        "status": item.status.value,
        "message": item.message,
        "changes": [
            {
                "field": change.field,
                "source_field": change.source_field,
                "old": _plain(change.old),
                "new": _plain(change.new),
                "source_old": _plain(change.source_old),
                "source_new": _plain(change.source_new),
                "reason": change.reason,
                "contested": change.contested,
            }
            for change in item.changes
        ],
    }


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (str, int, bool)) else str(value)
