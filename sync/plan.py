"""Turn the wishes of the reconciliation into one reviewable plan per system: source fields, old → new, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from mappings.errors import MappingError
from state import outbox
from state.outbox import Base, FieldChange, Item, OutboxStatus, Plan

if TYPE_CHECKING:
    from mappings.engine import Mapping as SystemMapping
    from mappings.engine import StreamMapping
    from settings.model import Settings
    from state.store import Store


class Wish(Protocol):
    """A field that should show another value; ``reconciliation.writebacks.Wanted`` is one."""

    @property
    def system(self) -> str: ...  # noqa: D102
    @property
    def stream(self) -> str: ...  # noqa: D102
    @property
    def record_id(self) -> int: ...  # noqa: D102
    @property
    def source_id(self) -> str: ...  # noqa: D102
    @property
    def number(self) -> str | None: ...  # noqa: D102
    @property
    def entity(self) -> str: ...  # noqa: D102
    @property
    def field(self) -> str: ...  # noqa: D102
    @property
    def old(self) -> Any: ...  # noqa: D102
    @property
    def new(self) -> Any: ...  # noqa: D102
    @property
    def reason(self) -> str: ...  # noqa: D102
    @property
    def because(self) -> Any: ...  # noqa: D102


def make_plan(store: Store, settings: Settings, run_id: str, systems: Iterable[str] | None = None) -> list[Plan]:
    """Plan what is wanted for each of ``systems`` (default: all) whose ``push`` is not off; empty plans are left out.

    The same wishes give the same plan, an open plan with other wishes is superseded. Raises ``StoreError``.
    """
    from reconciliation.writebacks import wanted
    from sync.systems import mapping_for

    asked = [name for name in (systems or settings.systems) if settings.systems[name].push != "off"]
    if not asked:
        return []
    wishes: dict[str, list[Wish]] = {name: [] for name in asked}
    for wish in wanted(store, settings):
        if wish.system in wishes:
            wishes[wish.system].append(wish)
    plans = (plan_system(store, mapping_for(settings, name), name, wishes[name], run_id) for name in asked)
    return [plan for plan in plans if plan is not None]


def plan_system(store: Store, mapping: SystemMapping, system: str, wishes: Sequence[Wish], run_id: str) -> Plan | None:
    """Make one system's plan of these wishes; ``None`` if nothing is left to send."""
    records: dict[int, list[Wish]] = {}
    for wish in wishes:
        records.setdefault(wish.record_id, []).append(wish)
    items: list[Item] = []
    with store.reading() as connection:
        for record_id, base in outbox.bases(connection, records):
            if outbox.is_usable(base):
                items += _items(mapping.stream(records[record_id][0].stream), records[record_id], base)
    with store.transaction() as connection:
        for item, status, message in judged(connection, mapping, system):
            outbox.outcome(connection, item.id, status, message)
        return outbox.save_plan(connection, system, items, run_id)


def judged(connection: Any, mapping: SystemMapping, system: str) -> list[tuple[Item, OutboxStatus, str]]:
    """Outcomes of changes in doubt whose record has been read since: its new version tells what happened."""
    doubtful = outbox.in_doubt(connection, system)
    found = dict(outbox.bases(connection, [item.record_id for item in doubtful]))
    outcomes = []
    for item in doubtful:
        base = found.get(item.record_id)
        if base is None or base.seq == item.base_seq:
            continue
        if base.body and shows(mapping.stream(item.stream), item, base.body):
            outcomes.append((item, OutboxStatus.APPLIED, "found in the source after an interruption"))
        else:
            outcomes.append((item, OutboxStatus.SUPERSEDED, "the record has changed since"))
    return outcomes


def shows(mapping: StreamMapping, item: Item, body: bytes) -> bool:
    """Whether a record, as the source sent it, shows the values that were to be written."""
    from mappings.engine import decode

    document = decode(body)
    return all(same(mapping.source_value(change.field, document), change.source_new) for change in item.changes)


def same(left: Any, right: Any) -> bool:
    """Whether two source values mean the same: empty text is nothing, a number equals its text."""
    if left in (None, "") or right in (None, ""):
        return left in (None, "") and right in (None, "")
    return bool(left == right) or str(left) == str(right)


def _items(mapping: StreamMapping, wishes: Sequence[Wish], base: Base) -> list[Item]:
    """The record's change, and beside it one refused item for each value the source has no word for."""
    from mappings.engine import decode

    document = decode(base.body)
    changes: list[FieldChange] = []
    refused: list[Item] = []
    for wish in sorted(wishes, key=lambda wish: wish.field):
        try:
            source_field, source_new = mapping.reverse(wish.field, wish.new)
        except KeyError:
            continue  # this site's mapping does not write the field
        except MappingError as error:
            change = FieldChange(wish.field, "", wish.old, wish.new, None, None, wish.reason, wish.because)
            key = _key(wish, base, [(f"{mapping.fingerprint} {wish.field}", wish.new)])
            refused.append(_item(wish, base, (change,), key, OutboxStatus.REJECTED, str(error)))
            continue
        source_old = mapping.source_value(wish.field, document)
        if not same(source_old, source_new) and mapping.may_write(wish.field, document):
            values = (wish.old, wish.new, source_old, source_new)
            changes.append(FieldChange(wish.field, source_field, *values, wish.reason, wish.because))
    if not changes:
        return refused
    key = _key(wishes[0], base, [(change.source_field, change.source_new) for change in changes])
    return [_item(wishes[0], base, tuple(changes), key), *refused]


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
            }
            for change in item.changes
        ],
    }


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (str, int, bool)) else str(value)
