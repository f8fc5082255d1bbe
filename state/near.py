"""Records that may be meant where none is called so: numbers with it in them, that amount, customers with that name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Text, null, or_, select
from sqlalchemy.engine import Connection

from mappings.currencies import EXPONENTS
from state import finding_terms, schema

MOST = 20
"""Of each kind."""
NUMBER, AMOUNT, NAME = "number", "amount", "name"
_AMOUNTS = {"quote": "gross_amount", "order": "gross_amount", "invoice": "gross_amount", "payment": "amount"}
_AMOUNTS |= {"payout": "amount"}
_NUMBERED = (
    *("order", "invoice", "quote", "delivery", "payment", "payout", "opportunity", "lead", "service_case"),
    *("party", "product"),
)
_SHORTEST_NAME, _SHORTEST_NUMBER = 2, 3
_UNKNOWN_DIGITS = 2
_RECORDS_OF_A_NAME = 5
"""So many times as many records are read as names are offered: several may be called the same."""


class Near(NamedTuple):
    """A record and what it is found by; ``amount`` in minor units of ``currency``, of documents alone."""

    entity: str
    system: str
    called: str
    """What to ask for to see it: its number, else the source's id; of a customer the name."""
    amount: int | None
    currency: str | None
    by: str
    """``NUMBER``, ``AMOUNT`` or ``NAME``."""
    ids: tuple[int, ...] = ()
    """Of a customer found by its name the records of this name in this system, as far as they were looked at."""


def near(connection: Connection, text: str) -> list[Near]:
    """Records with this in their number, documents of exactly this amount, customers with this in their name.

    At most ``MOST`` of each. It reads the index of all numbers, and all documents where an amount was typed, which
    takes longer than to find a number: ask when nothing else was found.
    """
    typed = text.strip()
    return [*_numbers(connection, typed), *_documents(connection, text), *_customers(connection, typed)]


def _numbers(connection: Connection, text: str) -> Iterator[Near]:
    """Records with this in their number, and those in quarantine with it in the source's id: they have no number."""
    if len(text) < _SHORTEST_NUMBER or not any(char.isdecimal() for char in text):
        return
    left = MOST
    for entity in _NUMBERED:
        table = schema.canonical[entity]
        # Only the index is read until there are enough of them.
        having = select(table.c.number).where(_has(connection, table.c.number, text)).distinct()
        called = list(connection.execute(having.order_by(table.c.number).limit(left)).scalars())
        left -= len(called)
        money = table.c[_AMOUNTS[entity]] if entity in _AMOUNTS else null().cast(BigInteger)
        currency = table.c.currency if entity in _AMOUNTS else null().cast(Text)
        query = select(table.c.system, table.c.number, money, currency).where(table.c.number.in_(called))
        for row in connection.execute(query.order_by(table.c.number, table.c.record_id)) if called else ():
            yield Near(entity, row[0], row[1], row[2], row[3], NUMBER)
    refused, stream = schema.quarantine, schema.stream
    query = (
        select(stream.c.entity, refused.c.system, refused.c.source_id)
        .join(stream, (stream.c.system == refused.c.system) & (stream.c.name == refused.c.stream))
        .where(_has(connection, refused.c.source_id, text))
        .order_by(refused.c.last_at.desc(), refused.c.record_id)
    )
    for row in connection.execute(query.limit(left)) if left else ():
        yield Near(row.entity, row.system, row.source_id, None, None, NUMBER)


def _has(connection: Connection, column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """In any case; SQLite's own LIKE minds none, and is four times as fast as one over ``lower``."""
    if connection.dialect.name == "sqlite":
        return column.contains(text, autoescape=True)
    return column.icontains(text, autoescape=True)


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
                yield Near(entity, row.system, row.number or row.source_id, row[3], row.currency, AMOUNT)


def _customers(connection: Connection, text: str) -> Iterator[Near]:
    if len(text) < _SHORTEST_NAME:
        return
    table = schema.canonical["party"]
    names = table.c.name, table.c.legal_name
    query = (
        select(table.c.system, *names, table.c.record_id)
        .where(or_(*(name.icontains(text, autoescape=True) for name in names)), table.c.deleted == 0)
        .order_by(table.c.name, table.c.system, table.c.record_id)
    )
    found: dict[tuple[str, str], list[int]] = {}
    for row in connection.execute(query.limit(MOST * _RECORDS_OF_A_NAME)):
        found.setdefault((row.system, row.name or row.legal_name), []).append(row.record_id)
    for (system, called), ids in list(found.items())[:MOST]:
        yield Near("party", system, called, None, None, NAME, tuple(ids))
