"""Domains, Odoo's conditions on records: ``["|", ["type", "=", "lead"], ["date_conversion", "!=", false]]``.

Operators stand before what they join; conditions that nothing joins must all hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sandbox.odoo.errors import value_error
from sandbox.odoo.schema import is_many, kind_of, other_model

Row = dict[str, Any]
Look = Callable[[str, int], Row | None]
"""A record by model and id."""


def holds(domain: Sequence[Any], model: str, row: Row, look: Look) -> bool:
    """Whether a record fits. Raises ``OdooError``."""
    waiting = list(domain)
    results = []
    while waiting:
        results.append(_next(waiting, model, row, look))
    return all(results)


def _next(waiting: list[Any], model: str, row: Row, look: Look) -> bool:
    if not waiting:
        raise value_error("Domain is incomplete")
    item = waiting.pop(0)
    if item in ("&", "|"):
        left, right = _next(waiting, model, row, look), _next(waiting, model, row, look)
        return (left and right) if item == "&" else (left or right)
    if item == "!":
        return not _next(waiting, model, row, look)
    if not isinstance(item, list) or len(item) != 3:
        raise value_error(f"Invalid domain term {item!r}")
    field, operator, wanted = item
    return any(_compares(found, operator, wanted) for found in _values(model, row, field, look))


def _values(model: str, row: Row, path: str, look: Look) -> list[Any]:
    field, _, rest = path.partition(".")
    kind = kind_of(model, field)
    if kind is None:
        raise value_error(f"Invalid field {model}.{field} in condition")
    value = row.get(field)
    if not rest:
        return list(value or [None]) if is_many(kind) else [value]
    other = other_model(kind)
    if other is None:
        raise value_error(f"{model}.{field} is no relation")
    found = look(other, value) if value else None
    return _values(other, found, rest, look) if found is not None else [None]


def _compares(found: Any, operator: str, wanted: Any) -> bool:
    if isinstance(found, datetime) and isinstance(wanted, str):
        wanted = read_instant(wanted)
    match operator:
        case "=" | "!=":
            empty = found is None or found is False or found == ""
            return (empty if wanted is False else found == wanted) is (operator == "=")
        case "in" | "not in":
            inside = found in wanted or (found in (None, "") and False in wanted)
            return inside is (operator == "in")
        case ">" | ">=" | "<" | "<=":
            if found is None:
                return False
            below, same = bool(found < wanted), bool(found == wanted)
            return {"<": below, "<=": below or same, ">": not below and not same, ">=": not below}[operator]
        case "ilike":
            return found is not None and str(wanted).lower() in str(found).lower()
        case "=like":
            pattern = re.escape(str(wanted)).replace("%", ".*").replace("_", ".")
            return found is not None and re.fullmatch(pattern, str(found), re.DOTALL) is not None
    raise value_error(f"Invalid operator {operator!r} in domain")


def read_instant(text: str) -> datetime:
    """A date and time as the server reads it, without a zone. Raises ``OdooError``."""
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - naive as it is stored
    except ValueError:
        raise value_error(f"time data {text!r} does not match format '%Y-%m-%d %H:%M:%S'") from None
