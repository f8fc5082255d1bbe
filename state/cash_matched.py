"""Receipts that rules have matched by themselves, as the last run left them: found and read a page at a time."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, cast, exists, func, not_, or_, select
from sqlalchemy.engine import Connection

from state.cash import KIND
from state.schema import CASH_MATCHED, canonical, figure

LOOKED_AT = 5_000
"""So many figures are looked at, those written last first: a page stays as quick however many there are."""

_payments = canonical["payment"]


def keys(connection: Connection, text: str = "", named: Collection[int] = ()) -> list[int]:
    """The receipts, those received last first; with a ``text`` those whose figure, payer or bank text has it in it.

    ``named`` are receipts that the text names: they are found however old they are. The figure is JSON, so that a text
    may also be in the name of one of its fields: whoever shows them sifts further.
    """
    found = _some(connection, _newest(), text)
    if text and named:
        of_them = select(figure.c.id, figure.c.key).where(CASH_MATCHED, figure.c.key.in_([str(id) for id in named]))
        found = [*dict.fromkeys([*_some(connection, of_them), *found])]
    return found


def figures(connection: Connection, receipts: Sequence[int]) -> dict[int, dict[str, Any]]:
    """What the last run made of these receipts, of those that a rule has matched; few, as a page shows them."""
    wanted = figure.c.key.in_([str(id) for id in receipts])
    rows = connection.execute(select(figure.c.key, figure.c.value).where(CASH_MATCHED, wanted, _stands(figure.c)))
    return {int(row.key): json.loads(row.value) for row in rows}


def _newest() -> Select[tuple[int, str]]:
    query = select(figure.c.id, figure.c.key).where(CASH_MATCHED)
    return query.order_by(figure.c.kind.desc(), figure.c.id.desc()).limit(LOOKED_AT)


def _some(connection: Connection, chosen: Select[tuple[int, str]], text: str = "") -> list[int]:
    of = chosen.subquery()
    receipt = cast(of.c.key, BigInteger)
    source = of.outerjoin(_payments, _payments.c.record_id == receipt)
    query = select(receipt).where(_stands(of.c))
    if text:
        source = source.join(figure, figure.c.id == of.c.id)
        said = (figure.c.value, _payments.c.payer_name, _payments.c.reference_text)
        query = query.where(or_(*(column.icontains(text, autoescape=True) for column in said)))
    query = query.select_from(source).order_by(func.coalesce(_payments.c.received_on, "").desc(), of.c.id.desc())
    return [int(key) for key in connection.execute(query).scalars()]


def _stands(of: Any) -> ColumnElement[bool]:
    later = figure.alias()
    return not_(exists(select(1).where(later.c.kind == KIND, later.c.key == of.key, later.c.id > of.id)))
