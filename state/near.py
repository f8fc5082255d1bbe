"""Records that may be meant where none is called so: documents of that amount, customers with it in their name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.engine import Connection

from mappings.currencies import EXPONENTS
from state import finding_terms, schema

MOST = 20
"""Of each kind."""
_AMOUNTS = {"quote": "gross_amount", "order": "gross_amount", "invoice": "gross_amount", "payment": "amount"}
_AMOUNTS |= {"payout": "amount"}
_SHORTEST_NAME = 2
_UNKNOWN_DIGITS = 2


class Near(NamedTuple):
    """A record and what it is found by; ``amount`` in minor units of ``currency``, of documents alone."""

    entity: str
    system: str
    called: str
    """What to ask for to see it: its number, else the source's id; of a customer the name."""
    amount: int | None
    currency: str | None


def near(connection: Connection, text: str) -> list[Near]:
    """Documents of exactly this amount, then customers whose name has this in it; at most ``MOST`` of each.

    It reads all documents once, which takes longer than to find a number: ask when nothing else was found.
    """
    return [*_documents(connection, text), *_customers(connection, text.strip())]


def _documents(connection: Connection, text: str) -> Iterator[Near]:
    asked = set(finding_terms.exact(text))
    if not asked:
        return
    left = MOST
    for entity, column in _AMOUNTS.items():
        table = schema.canonical[entity]
        amount = table.c[column]
        query = select(table.c.system, table.c.number, table.c.source_id, amount, table.c.currency).where(
            amount.in_(sorted({units for units, _ in asked})), table.c.deleted == 0
        )
        for row in connection.execute(query.order_by(table.c.record_id)):
            digits = EXPONENTS.get(row.currency or "", _UNKNOWN_DIGITS)
            if (row[3], digits) in asked and left:
                left -= 1
                yield Near(entity, row.system, row.number or row.source_id, row[3], row.currency)


def _customers(connection: Connection, text: str) -> Iterator[Near]:
    if len(text) < _SHORTEST_NAME:
        return
    table = schema.canonical["party"]
    names = table.c.name, table.c.legal_name
    query = (
        select(table.c.system, *names)
        .where(or_(*(name.icontains(text, autoescape=True) for name in names)), table.c.deleted == 0)
        .distinct()
        .order_by(table.c.name, table.c.system)
    )
    for row in connection.execute(query.limit(MOST)):
        yield Near("party", row.system, row.name or row.legal_name, None, None)
