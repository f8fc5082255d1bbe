"""Pages of findings for people who look through them: chosen, sorted and counted in the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.engine import Connection

from mappings.currencies import EXPONENTS
from state import findings
from state.findings import STANDING, Finding
from state.schema import finding as table
from state.schema import finding_record as records

ORDERS = ("severity", "amount", "age", "due")
_LARGEST = 2**63


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which findings are looked at; an empty value chooses nothing. ``text`` is looked for in the numbers and ids of
    records, in what the finding says, and as an amount."""

    text: str = ""
    stage: str = ""
    department: str = ""
    severity: str = ""
    status: str = ""
    check: str = ""
    order: str = "severity"


@dataclass(frozen=True, slots=True)
class Page:
    """``count`` is how many there are in all."""

    findings: tuple[Finding, ...]
    count: int


def page(connection: Connection, wanted: Wanted, first: int, size: int) -> Page:
    """``size`` findings from the one at place ``first`` (0 is the first)."""
    chosen = _chosen(wanted)
    count = connection.execute(select(func.count()).select_from(table).where(chosen)).scalar_one()
    ids = connection.execute(
        select(table.c.id).where(chosen).order_by(*_ordered(wanted.order)).limit(size).offset(first)
    ).scalars()
    return Page(tuple(findings.of_ids(connection, list(ids))), count)


def _chosen(wanted: Wanted) -> ColumnElement[bool]:
    said = [table.c.status == wanted.status if wanted.status else table.c.status.in_(STANDING)]
    for column in ("stage", "department", "severity"):
        if value := getattr(wanted, column):
            said.append(table.c[column] == value)
    if wanted.check:
        said.append(table.c.check_id == wanted.check)
    if text := wanted.text.strip():
        said.append(_holds(text))
    return and_(*said)


def _holds(text: str) -> ColumnElement[bool]:
    named = select(records.c.finding_id).where(
        or_(records.c.number.icontains(text, autoescape=True), records.c.source_id == text)
    )
    found = [
        table.c.id.startswith(text, autoescape=True),
        table.c.id.in_(named),
        table.c.params.icontains(_as_in_json(text), autoescape=True),
    ]
    amounts = _minor_units(text)
    if amounts:
        found += [table.c.amount.in_(amounts), table.c.base_amount.in_(amounts)]
    return or_(*found)


def _as_in_json(text: str) -> str:
    """Parameters are kept as JSON, in which quotation marks and backslashes are written with one more."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _minor_units(text: str) -> Sequence[int]:
    """What the text is as an amount, of either sign, in any currency's minor units."""
    try:
        amount = Decimal(text.replace(",", "").replace("，", "").lstrip("¥￥$€£ "))
    except InvalidOperation:
        return ()
    if not amount.is_finite() or amount.adjusted() > 15:
        return ()
    units = {amount.scaleb(digits) for digits in {*EXPONENTS.values(), 2}}
    whole = {int(value) for value in units if value == value.to_integral_value() and abs(value) < _LARGEST}
    return sorted({*whole, *(-value for value in whole)})


def _ordered(order: str) -> list[Any]:
    largest = func.abs(func.coalesce(table.c.base_amount, 0)).desc()
    rank = case((table.c.severity == "error", 0), (table.c.severity == "warning", 1), else_=2)
    oldest = (table.c.since.is_(None), table.c.since, table.c.first_seen_at)
    by = {
        "severity": (rank, largest),
        "amount": (largest,),
        "age": oldest,
        "due": (table.c.due_on.is_(None), table.c.due_on, largest),
    }
    return [*by[order], table.c.id]
