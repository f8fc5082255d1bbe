"""What systems say beside each other, field by field, and what a finding says beside its sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from console import apart as told_apart
from console import veiled
from console.report import figures
from mappings.model import ENTITIES, Kind, columns
from reconciliation import money, same_values, words
from state.clock import from_us

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from console.allowed import Allowed
    from console.web.desk import Visit
    from state.findings import Finding

_BOOKKEEPING = frozenset({"record_id", "system", "source_id", "entity", "deleted", "url", "source_status", "run_id"})
_SAID_OTHERWISE = ("_words", "_lines", "_of")
"""Parameters that a sentence names without this end."""

_OF_FEW_WORDS = ("stage", "direction", "kind")
"""Fields whose values are a few words of the model."""
_FLAGS = {"True": True, "False": False, "true": True, "false": False}


class Field(NamedTuple):
    """A field of records beside each other; ``differs``: the values should agree and do not; ``apart``: beside each
    value how it differs from one that is shown alike, and nothing where one sees it."""

    name: str
    values: list[str]
    differs: bool
    apart: list[str]


def side_by_side(rows: list[dict[str, Any]], visit: Visit) -> list[Field]:
    """Each field that one of the records has. Money should agree between all records, other fields between records of
    one kind. Of personal values it is shown and compared what ``veiled`` and ``same_values`` say."""
    kinds = {
        column.name: column.kind
        for entity in dict.fromkeys(row["entity"] for row in rows if row)
        for column in columns(ENTITIES[entity])
    }
    found = []
    for name, kind in kinds.items():
        if name in _BOOKKEEPING or kind in (Kind.REF, Kind.REFS):
            continue
        values = [shown(row, name, kind, visit) for row in rows]
        if any(values):
            groups = [row.get("entity") if kind is not Kind.MONEY and name != "currency" else None for row in rows]
            meant = [_compared(row, name, value) for row, value in zip(rows, values, strict=True)]
            told = {(group, value) for group, value in zip(groups, meant, strict=True) if value}
            differs = len(told) > len({group for group, _ in told}) and kind is not Kind.INSTANT
            found.append(Field(name, values, differs, apart(rows, name, visit) if differs else [""] * len(rows)))
    return found


def apart(rows: Sequence[Mapping[str, Any]], name: str, visit: Visit) -> list[str]:
    """For each record how its hidden value differs from one that is shown alike, in words; empty where one sees it."""
    told = []
    for found in told_apart.found(rows, name):
        if found is None:
            told.append("")
            continue
        where = _called_apart(rows, found.other)
        if found.mailboxes:
            here, there = found.mailboxes
            told.append(visit.texts("veiled.mailboxes", here=here, there=there, where=where))
        elif found.by is None:
            told.append(visit.texts(f"veiled.{found.where}.other", where=where))
        else:
            told.append(visit.texts.counted(f"veiled.{found.where}.slip", found.by, where=where))
    return told


def _called_apart(rows: Sequence[Mapping[str, Any]], place: int) -> str:
    """A record among others: its system, and its number where several are of that system."""
    row = rows[place]
    alone = [one.get("system") for one in rows].count(row.get("system")) == 1
    return str(row["system"]) if alone else f"{row['system']} {row.get('number') or row['source_id']}"


def _compared(row: dict[str, Any], name: str, value: str) -> object:
    """What of a field is compared: the value as it is shown; of an e-mail address or a phone that which is hidden."""
    return same_values.written(row, name) if value and name in same_values.WRITTEN else value


def evidence(found: Finding, visit: Visit) -> list[tuple[str, str]]:
    """What a check has found, by name: amounts, days, statuses and numbers as people write them."""
    told = []
    for key in found.params:
        if key.endswith("_currency") and key.removesuffix("_currency") in found.params:
            continue
        if key.endswith("_kinds") or (key.endswith("_words") and not found.params[key]):
            continue  # said with the list that they belong to, or nothing
        name = next((key.removesuffix(end) for end in _SAID_OTHERWISE if key.endswith(end)), key)
        try:
            value = words.say(f"{{{name}}}", found.params, found.currency, visit.lang)
        except (KeyError, TypeError, ValueError):  # written by another version of ltc
            continue
        if value and value != "–":
            told.append((_called(name, visit), value))
    return told


def _called(name: str, visit: Visit) -> str:
    """What a parameter is called; one of a check of the site's own as its author has named it."""
    said = visit.texts.name("evidence", name)
    if said == name:
        said = visit.texts.name("field", name)
    if said != name:
        return said
    return name.removesuffix("_money").replace("_", " ")


def shown(row: dict[str, Any], name: str, kind: Kind, visit: Visit) -> str:
    """A field's value as people read it; empty if there is none, and veiled if it is personal."""
    value = row.get(name)
    if value is None:
        return ""
    if veiled.is_personal(row, name):
        return veiled.shown(row, name)
    if kind is Kind.INSTANT:
        return f"{from_us(value).astimezone(visit.desk.settings.business_day_zone):%Y-%m-%d %H:%M}"
    if kind is Kind.MONEY:
        return figures.money(money.text(value, row.get("currency")), row.get("currency"))
    if kind is Kind.FLAG:
        return visit.texts(f"web.finding.{'yes' if value else 'no'}")
    return str(worded(row["entity"], name, value, visit))


class Typed(NamedTuple):
    """What somebody had filled in to have another value, which a page that refuses it shows again."""

    field: str = ""
    value: str = ""
    reason: str = ""


UNTYPED = Typed()


def offered(visit: Visit, entity: str, name: str, value: Allowed) -> str:
    """A value to choose: in words, and the source's own word for it where that is another."""
    told, source = str(worded(entity, name, value.canonical, visit)), str(value.source)
    return told if source == told or isinstance(value.source, bool) else f"{told} ({source})"


def worded(entity: str, name: str, value: Any, visit: Visit) -> Any:
    """A status or state, the kind of a customer, or whether something is so, in words; any other value as it is."""
    if value is None:
        return None
    if isinstance(value, bool) or _is_flag(entity, name):
        return visit.texts(f"web.finding.{'yes' if value else 'no'}")
    if name == "status":
        return words.status(entity, value, visit.lang)
    if entity == "party" and name == "kind":
        return visit.texts.name("party_kind", value)
    if name in _OF_FEW_WORDS:
        key = f"{name}.{value}"
        told = visit.texts.name("field_value", key)
        return value if told == key else told
    return words.state(value, visit.lang) if name.endswith("_state") else value


def tested(entity: str, name: str, value: Any, visit: Visit) -> Any:
    """What a mapping made of a field, as ``console.mapped`` tells it, in the same words."""
    name = name.rpartition(".")[2] if name.startswith("lines.") else name
    if value in _FLAGS and _is_flag(entity, name):
        return worded(entity, name, _FLAGS[value], visit)
    return worded(entity, name, value, visit) if isinstance(value, str) and value not in _FLAGS else value


def _is_flag(entity: str, name: str) -> bool:
    return any(column.name == name and column.kind is Kind.FLAG for column in columns(ENTITIES[entity]))
