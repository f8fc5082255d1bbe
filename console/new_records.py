"""Records that are created downstream, as the commands show them: plans, and dead letters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from console import sentences
from console.output import say, table
from console.records import HIDDEN, PERSONAL, printable

if TYPE_CHECKING:
    from console.context import App
    from state.creations import Creation, CreationPlan


def show_plans(app: App, plans: Sequence[CreationPlan], exceeds: Mapping[str, Sequence[str]], refused: int) -> None:
    """What is to be created, system by system: of which record, with which values, and why."""
    texts = app.texts
    for plan in plans:
        say(texts("new_records.head", system=plan.system, id=plan.id, count=len(plan.items)))
        rows = [
            (
                item.stream,
                _origin(item),
                said(item.values),
                texts(f"new_records.status.{item.status.value}"),
                item.reason,
            )
            for item in plan.items
        ]
        table(
            [texts(f"new_records.columns.{name}") for name in ("stream", "origin", "values", "status", "reason")], rows
        )
        if exceeds.get(plan.id):
            say(texts("push.large", exceeds=sentences.listed(exceeds[plan.id], texts.locale)))
        say()
    if refused:
        say(texts.counted("new_records.refused", refused))


def said(values: Mapping[str, Any]) -> str:
    """The values in one line; of a document's lines how many there are, and what is on them."""
    return ", ".join(f"{name}: {_value(value)}" for name, value in values.items())


def _value(value: Any) -> str:
    if isinstance(value, list):
        return "[" + "; ".join(", ".join(f"{name} {inner}" for name, inner in line.items()) for line in value) + "]"
    return printable(str(value))


def _origin(item: Creation) -> str:
    origin = item.origin
    return f"{origin.system}:{origin.stream}:{item.number or origin.source_id}"


def letter_row(app: App, item: Creation) -> tuple[Any, ...]:
    """A dead letter in the list."""
    made = app.texts("new_records.made_of", entity=item.entity, origin=_origin(item))
    state = app.texts.name("dead_letters.state", "gone" if item.made_source_id else item.status.value)
    record = item.made_source_id or item.number or item.origin.source_id
    return (item.letter, item.system, item.stream, record, made, state, item.attempts, item.message)


def letter_dict(app: App, item: Creation) -> dict[str, Any]:
    """A dead letter as JSON-able data, without personal values."""
    from state.clock import from_us
    from sync.create import item_as_dict

    hidden = _personal(app, item)
    found = item_as_dict(item, hidden)
    found["values"] |= {name: HIDDEN for name in item.values if name in hidden}
    return {
        "id": item.letter,
        "system": item.system,
        "stream": item.stream,
        "entity": item.entity,
        "source_id": item.made_source_id,
        "number": item.number,
        "status": "gone" if item.made_source_id else item.status.value,
        "attempts": item.attempts,
        "message": item.message,
        "created_at": from_us(item.created_at),
        "sent_at": None if item.sent_at is None else from_us(item.sent_at),
        "plan": None,
        "changes": [],
        "new_record": found,
    }


def show_letter(app: App, item: Creation) -> None:
    """One dead letter with everything that is known of it."""
    found = letter_dict(app, item)
    for name in ("id", "system", "stream", "source_id", "number", "attempts", "created_at", "sent_at", "message"):
        value = found[name]
        say(f"{app.texts(f'dead_letters.fields.{name}')}: {'–' if value in (None, '') else printable(str(value))}")
    say(f"  {app.texts('new_records.made_of', entity=item.entity, origin=_origin(item))}: {item.reason}")
    for name, value in found["new_record"]["values"].items():
        say(f"  {name}: {_value(value)}")


def _personal(app: App, item: Creation) -> set[str]:
    """The source fields that show something personal."""
    from sync.systems import mapping_for

    target = mapping_for(app.settings, item.system).stream(item.stream)
    personal = PERSONAL | target.personal
    if item.origin.system in app.settings.systems:
        origin = mapping_for(app.settings, item.origin.system).streams.get(item.origin.stream)
        personal |= origin.personal if origin is not None else frozenset()
    create = target.definition.create
    return {name for name in item.values if create is None or personal & set(create.names(name))}
