"""What the amount of a finding is: a difference, or the whole of a record."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Any

from mappings.model import ENTITIES, Kind, columns

if TYPE_CHECKING:
    from console.web.desk import Visit
    from state.findings import Finding

_MONEY, _CURRENCY = "_money", "_currency"
_LEFT = ("open_amount", "unapplied_amount")
"""What is left of a record, which may be less than the whole of it."""


def told(found: Finding, rows: Mapping[int, dict[str, Any]], visit: Visit) -> str:
    """In words; ``rows`` are its records by id, as they are held. Empty where that is not sure: its checks say by what
    they give out, and an amount that may be a difference as well as the whole of something is neither."""
    if not found.amount:
        return ""
    amounts = _amounts(found)
    if any(key.startswith("difference") and _is(found, *money) for key, money in amounts.items()):
        return visit.texts("looking.amount_is.difference")
    whole = _whole(found, rows, visit) or _named(found, amounts, visit)
    difference = _difference(found, amounts, visit)
    return "" if whole and difference else whole or difference


def _amounts(found: Finding) -> dict[str, tuple[int, str | None]]:
    """What the check gives out: minor units with their currency, by name."""
    return {
        key: (value, found.params.get(key + _CURRENCY) or found.currency)
        for key, value in found.params.items()
        if key.endswith(_MONEY) and isinstance(value, int)
    }


def _is(found: Finding, amount: int, currency: str | None) -> bool:
    return (abs(amount), currency) == (abs(found.amount or 0), found.currency)


def _whole(found: Finding, rows: Mapping[int, dict[str, Any]], visit: Visit) -> str:
    for record in found.records:
        row = rows.get(record.record_id, {})
        what = f"{visit.texts.name('entity', record.entity)} {record.number or record.source_id}"
        money = [column.name for column in columns(ENTITIES[record.entity]) if column.kind is Kind.MONEY]
        same = [name for name in money if row.get(name) and _is(found, row[name], row.get("currency"))]
        if same and set(same) <= set(_LEFT):
            return visit.texts("looking.amount_is.of", field=visit.texts.name("field", same[0]), what=what)
        if same:
            return visit.texts("looking.amount_is.whole", what=what)
    return ""


def _named(found: Finding, amounts: Mapping[str, tuple[int, str | None]], visit: Visit) -> str:
    names = [key for key, money in amounts.items() if key != "amount_money" and _is(found, *money)]
    return visit.texts("looking.amount_is.named", name=_called(names[0], visit)) if names else ""


def _difference(found: Finding, amounts: Mapping[str, tuple[int, str | None]], visit: Visit) -> str:
    for (one, (first, currency)), (other, (second, same)) in combinations(amounts.items(), 2):
        if currency == same and _is(found, first - second, currency):
            names = {"one": _called(one, visit), "other": _called(other, visit)}
            return visit.texts("looking.amount_is.between", **names)
    return ""


def _called(name: str, visit: Visit) -> str:
    """What an amount is called; one of a check of the site's own by the name that its author gave it."""
    said = visit.texts.name("evidence", name)
    return name.removesuffix(_MONEY).replace("_", " ") if said == name else said
