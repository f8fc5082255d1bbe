"""How personal values that are shown alike differ from each other, without telling what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rapidfuzz.distance import OSA

from console import veiled
from console.records import HIDDEN
from reconciliation import same_values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SLIP = 2
"""Characters by which two values differ that are one but for typing; more make another value of it."""
_WHERE = {"email": "before_at", "phone": "before_last"}
"""The part of a value that is not shown, where another part of it is."""
_FUNCTIONS = frozenset(
    (
        *("info", "office", "contact", "kontakt", "mail", "post", "hello", "admin", "verwaltung", "zentrale"),
        *("sales", "support", "service", "vertrieb", "xiaoshou"),
        *("billing", "invoice", "invoices", "rechnung", "rechnungen", "facturation"),
        *("accounts", "accounting", "finance", "payments", "buchhaltung", "amministrazione", "compta", "caiwu"),
        *("purchasing", "procurement", "orders", "einkauf"),
    )
)
"""What stands before the @ of mailboxes that belong to a function of a company and tell of no person."""


class Apart(NamedTuple):
    """How a value differs from the one of the record at ``other``: ``where`` in it, and by how many characters;
    ``None`` where it is another value altogether. ``mailboxes``: what stands before the @ of this and of the other
    address where both are mailboxes of a function."""

    other: int
    where: str
    by: int | None
    mailboxes: tuple[str, str] | None = None


def found(rows: Sequence[Mapping[str, Any]], name: str) -> list[Apart | None]:
    """For each record how its value differs from the first before it that is shown alike; nothing where one sees that,
    and where nothing differs."""
    if name not in _WHERE:
        return [None] * len(rows)
    shown = [veiled.shown(row, name) if row.get(name) else "" for row in rows]
    meant = [str(same_values.written(row, name) or "") if row.get(name) else "" for row in rows]
    told: list[Apart | None] = []
    for place, value in enumerate(meant):
        alike = (one for one in range(place) if shown[one] == shown[place] and meant[one] not in ("", value))
        other = next(alike, None) if value else None
        told.append(None if other is None else _apart(other, name, shown[place], meant[other], value))
    return told


def _apart(other: int, name: str, shown: str, one: str, two: str) -> Apart:
    where = "hidden" if shown == HIDDEN else _WHERE[name]
    if where == "before_at":
        one, two = one.partition("@")[0], two.partition("@")[0]
        if {one, two} <= _FUNCTIONS:
            return Apart(other, where, None, (two, one))
    by = OSA.distance(one, two)
    is_slip = by <= _SLIP and 2 * by < min(len(one), len(two))
    return Apart(other, where, by if is_slip else None)
