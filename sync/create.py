"""Plan which records are to be created downstream: what the rules want, and what has turned up by its external key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from state import creations, externalkeys, landing, links, outbox, plannings
from state.creations import Creation, CreationPlan
from state.failures import StoreError
from state.surroundings import SURE, Surroundings
from sync import handoffs

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from mappings.engine import Mapping, StreamMapping
    from settings.creation import CreationRule
    from settings.model import Settings
    from state.store import Store


class Unfit(StoreError):
    """A rule of ltc.yaml does not fit the mappings."""

    kind = "configuration"


def plan_creations(store: Store, settings: Settings, run_id: str, systems: Iterable[str]) -> list[CreationPlan]:
    """Plan what is to be created in each of these systems; plans of nothing are left out.

    The same wishes give the same plan. Raises ``Unfit``, ``StoreError``.
    """
    with store.reading() as connection:
        at_work = creations.systems_at_work(connection)
    found = []
    for system in systems:
        rules = [rule for rule in settings.creation if rule.to_system == system]
        if rules or system in at_work:
            plan = plannings.until_kept(partial(_plan, store, settings, system, rules, run_id))
            found += [plan] if plan is not None else []
    return found


def stored_plans(store: Store, systems: Iterable[str]) -> list[CreationPlan]:
    """What was planned last for these systems and is not carried out yet."""
    with store.reading() as connection:
        plans = [creations.plan(connection, system) for system in systems]
    return [plan for plan in plans if plan is not None]


def _plan(
    store: Store, settings: Settings, system: str, rules: Sequence[CreationRule], run_id: str
) -> CreationPlan | None:
    from sync.systems import mapping_for

    target = mapping_for(settings, system)
    mappings = {rule.target: fitting(settings, rule, target) for rule in rules}
    with store.transaction() as connection:
        outbox.take_turns(connection, system)
        recognise(connection, system)
    with store.reading() as connection:
        seen = plannings.number(connection, plannings.RECORDS, system)
        wished = [item for rule in rules for item in handoffs.wanted(connection, settings, rule, mappings[rule.target])]
    with store.transaction() as connection:
        outbox.take_turns(connection, system)
        plannings.keep(connection, plannings.RECORDS, system, seen)
        creations.save(connection, system, wished, run_id)
        recognise(connection, system)  # new rows, too: what they want may be there
        return creations.plan(connection, system)


def fitting(settings: Settings, rule: CreationRule, target: Mapping) -> StreamMapping:
    """The mapping of the stream that a rule creates records in; raises ``Unfit``."""
    from sync.systems import mapping_for

    source = mapping_for(settings, rule.from_system)
    for name, mapping, entity in (
        (rule.origin, source.streams.get(rule.from_stream), rule.hand_off.origin),
        (rule.target, target.streams.get(rule.to_stream), rule.hand_off.target),
    ):
        if mapping is None or mapping.entity != entity:
            held = "is not mapped" if mapping is None else f"holds records of kind {mapping.entity}"
            raise Unfit(f"The creation rule `{rule.rule}` needs a stream of kind {entity}; {name} {held}.", _MEND)
    made = target.stream(rule.to_stream)
    if made.definition.create is None:
        raise Unfit(
            f"The creation rule `{rule.rule}` creates records in {rule.target}, whose mapping has no `create`.",
            f"Add `create:` to the stream {rule.to_stream} in the mapping of {rule.to_system}.",
        )
    return made


_MEND = "Correct `from` or `to` under `creation` in ltc.yaml."


def recognise(connection: Connection, system: str) -> None:
    """Settle what a landed record tells by the key that it carries, and link it to what it was made of.

    It may have been read after a lost answer, or have been made by a store that was restored to an older state.
    """
    waiting = creations.unlinked(connection, system)
    for stream in sorted({item.stream for item in waiting}):
        items = [item for item in waiting if item.stream == stream]
        found = externalkeys.carriers(connection, system, stream, [item.key for item in items])
        known = _by_source_id(connection, system, stream, items)
        for item in items:
            carrier = found.get(item.key)
            if carrier is not None:
                settle(connection, item, carrier.source_id, carrier.record_id)
            elif item.made_source_id in known:
                settle(connection, item, item.made_source_id or "", known[item.made_source_id or ""])


def _by_source_id(connection: Connection, system: str, stream: str, items: Sequence[Creation]) -> dict[str, int]:
    ids = [item.made_source_id for item in items if item.made_source_id]
    if not ids:
        return {}
    number = landing.stream_id(connection, system, stream, items[0].entity)
    return {source_id: head.id for source_id, head in landing.heads(connection, number, ids).items()}


def settle(connection: Connection, item: Creation, source_id: str, made_id: int | None, message: str = "") -> None:
    """Note that a record is there, and link it."""
    said = message or ("found in the source after an interruption" if item.doubtful else "found by its key")
    creations.settle(connection, item, source_id, made_id, said)
    if made_id is None:
        return
    origin = item.origin.record_id
    if item.rule == "lead":
        links.made(connection, "same_as", origin, made_id, item.key)
        return
    links.made(connection, "follows", origin, made_id, item.key)
    if item.rule == "invoice":
        for before in Surroundings(connection).followed([origin]):
            if before.entity == "order" and before.decision in SURE:
                links.made(connection, "follows", before.record_id, made_id, item.key)


def as_dict(plan: CreationPlan) -> dict[str, Any]:
    """A plan as JSON-able data."""
    return {"id": plan.id, "system": plan.system, "records": [item_as_dict(item) for item in plan.items]}


def item_as_dict(item: Creation, hidden: Iterable[str] = ()) -> dict[str, Any]:
    """A record to be created; the values of ``hidden`` source fields are left out."""
    origin = item.origin
    return {
        "rule": item.rule,
        "stream": item.stream,
        "entity": item.entity,
        "status": item.status.value,
        "key": item.key,
        "origin": {
            "system": origin.system,
            "stream": origin.stream,
            "entity": origin.entity,
            "source_id": origin.source_id,
            "number": item.number,
        },
        "reason": item.reason,
        "message": item.message,
        "values": {name: _plain(value) for name, value in item.values.items() if name not in set(hidden)},
    }


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [{name: _plain(inner) for name, inner in line.items()} for line in value]
    return value if value is None or isinstance(value, (str, int, bool)) else str(value)
