"""Xero's list parameters: changed since, ids, numbers, contacts, statuses, search, ``where``, ``order``, pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 1000


class QueryError(Exception):
    """A parameter that the stand-in, like Xero, cannot make sense of."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How a list's fields are found in its records: Xero's name → value."""

    id_field: str
    fields: Mapping[str, Callable[[Any], Any]]


_TEST = re.compile(r'\s*([A-Za-z.]+)\s*==\s*"([^"]*)"\s*')
_ORDER = re.compile(r"\s*([A-Za-z.]+)(?:\s+(ASC|DESC))?\s*", re.IGNORECASE)


def select(rows: Sequence[Any], shape: Shape, query: Mapping[str, str], since: datetime | None, inclusive: bool) -> Any:
    """The rows that the parameters ask for, in order. Raises ``QueryError``."""
    updated = shape.fields["UpdatedDateUTC"]
    found = list(rows)
    if since is not None:
        # Xero compares to the second; whether the second itself belongs to it is not documented.
        found = [
            row for row in found if _second(updated(row)) > since or (inclusive and _second(updated(row)) == since)
        ]
    for parameter, name in (
        ("IDs", shape.id_field),
        ("InvoiceNumbers", "InvoiceNumber"),
        ("ContactIDs", "Contact.ContactID"),
        ("Statuses", "Status"),
    ):
        wanted = query.get(parameter)
        if wanted and name in shape.fields:
            values = set(wanted.split(","))
            found = [row for row in found if shape.fields[name](row) in values]
    term = query.get("searchTerm", "").lower()
    if term and "InvoiceNumber" in shape.fields:
        names = [shape.fields[name] for name in ("InvoiceNumber", "Reference")]
        found = [row for row in found if any(term in str(read(row) or "").lower() for read in names)]
    for name, value in _tests(query.get("where", ""), shape):
        found = [row for row in found if str(shape.fields[name](row)) == value]
    return _sorted(found, query.get("order", ""), shape)


def _second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _tests(where: str, shape: Shape) -> list[tuple[str, str]]:
    tests = []
    for part in re.split(r"\bAND\b|&&", where) if where.strip() else []:
        found = _TEST.fullmatch(part)
        if found is None or found[1] not in shape.fields:
            raise QueryError(f"No property or field in the filter: {part.strip()}")
        tests.append((found[1], found[2]))
    return tests


def _sorted(rows: list[Any], order: str, shape: Shape) -> list[Any]:
    keys = order.split(",") if order.strip() else ["UpdatedDateUTC ASC", f"{shape.id_field} ASC"]
    for key in reversed(keys):
        found = _ORDER.fullmatch(key)
        if found is None or found[1] not in shape.fields:
            raise QueryError(f"No property or field to order by: {key.strip()}")
        rows.sort(key=shape.fields[found[1]], reverse=(found[2] or "").upper() == "DESC")
    return rows


def page_of(rows: list[Any], query: Mapping[str, str]) -> tuple[list[Any], dict[str, int] | None]:
    """One page and Xero's ``pagination``; everything and ``None`` where no page was asked for."""
    if "page" not in query:
        return rows, None
    page = max(1, int(query["page"]))
    size = min(MAX_PAGE_SIZE, max(1, int(query.get("pageSize", DEFAULT_PAGE_SIZE))))
    count = -(-len(rows) // size)
    paging = {"page": page, "pageSize": size, "pageCount": count, "itemCount": len(rows)}
    return rows[(page - 1) * size : page * size], paging


def parse_since(text: str | None) -> datetime | None:
    """``If-Modified-Since`` in ISO form; without a zone it is UTC. Raises ``QueryError``."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise QueryError("If-Modified-Since is not a date") from error
    return moment.replace(microsecond=0, tzinfo=moment.tzinfo or UTC)
