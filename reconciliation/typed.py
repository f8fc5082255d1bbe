"""A few rows of the store as typed Arrow data, the same that ``frame.Source.select`` makes of them in SQL.

For one chain the conversion takes a few microseconds here, and most of a millisecond for each table in DuckDB, which
plans a statement that reads Arrow data anew whenever it is run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from mappings.model import Kind
from reconciliation.frame import UPDATED_ON, Source
from reconciliation.rules import ROLES, Rules
from state.clock import from_us

_PLACES = 10
_EXACT = Context(prec=38 + _PLACES, rounding=ROUND_HALF_UP)
_MOST = Decimal(10) ** (38 - _PLACES)
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def _number(text: str) -> Decimal | None:
    try:
        found = Decimal(text).quantize(Decimal(1).scaleb(-_PLACES), context=_EXACT)
    except InvalidOperation:
        return None
    return found if found.is_finite() and abs(found) < _MOST else None


def _as_it_is(value: Any) -> Any:
    return value


_OF_KIND: Mapping[Kind, tuple[pa.DataType, Callable[[Any], Any]]] = {
    Kind.DAY: (pa.date32(), _day),
    Kind.NUMBER: (pa.decimal128(38, _PLACES), _number),
    Kind.INSTANT: (pa.timestamp("us"), _as_it_is),
    Kind.FLAG: (pa.bool_(), lambda value: value == 1),
    Kind.MONEY: (pa.int64(), _as_it_is),
    Kind.INTEGER: (pa.int64(), _as_it_is),
}
_TEXT = (pa.string(), _as_it_is)


def table(source: Source, rules: Rules, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """The rows as their table in a frame has them; those of systems that the settings do not name are left out.

    Texts that are no day or no number become empty, as in SQL.
    """
    kept = [row for row in rows if not source.of_systems or row["system"] in rules.roles]
    made: dict[str, pa.Array] = {}
    for name, kind in source.kinds.items():
        kind = Kind.FLAG if name == "deleted" else kind
        type_, convert = _OF_KIND.get(kind, _TEXT)
        values = [None if row[name] is None else convert(row[name]) for row in kept]
        made[name] = pa.array(values, type_)
    if UPDATED_ON in source.made:
        zone = ZoneInfo(rules.timezone)
        instants = [row["source_updated_at"] for row in kept]
        days = [None if at is None else from_us(at).astimezone(zone).date() for at in instants]
        made[UPDATED_ON] = pa.array(days, pa.date32())
    if source.of_systems:
        for role in ROLES:
            made[role] = pa.array([role in rules.roles[row["system"]] for row in kept], pa.bool_())
    return pa.table(made)
