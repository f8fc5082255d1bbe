"""What came in before there is an order, by month, currency and what has become of it: leads, opportunities, quotes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Select,
    String,
    Table,
    case,
    func,
    literal,
    or_,
    select,
    union,
)
from sqlalchemy.engine import Connection
from sqlalchemy.sql.selectable import NamedFromClause

from state.schema import canonical
from state.schema import link as links

ON, LOST, UNLINKED, OPEN = FATES = "on", "lost", "unlinked", "open"
"""What became of something: it led to what comes next, it came to nothing, it should have led on and did not, or
nobody knows yet."""
_SURE = ("auto", "confirmed")
_ACCEPTED = ("accepted", "ordered")
_DEAD_QUOTES = ("rejected", "expired", "cancelled")
_DEAD_ORDERS = ("rejected", "cancelled")


class Months(NamedTuple):
    """Months, the oldest first, each with its first microsecond, and the first one after the last of them."""

    begins: Sequence[tuple[str, int]]
    end: int


@dataclass(frozen=True, slots=True)
class Came:
    """Records of one month, currency and fate; ``amount`` in minor units, ``won`` is a count.

    ``month`` is ``YYYY-MM``, empty where there is none or it is not among those asked for; ``currency`` may be empty.
    """

    month: str
    currency: str
    fate: str
    count: int
    amount: int
    won: int


class Sources(NamedTuple):
    """The systems whose records count, by role."""

    marketing: Sequence[str]
    crm: Sequence[str]
    erp: Sequence[str]
    accounting: Sequence[str]


@dataclass(frozen=True, slots=True)
class Listed:
    """One record that came; ``day`` is a date as ISO text, or an instant in microseconds."""

    system: str
    source_id: str
    number: str | None
    name: str | None
    status: str | None
    day: str | int | None
    currency: str | None
    amount: int | None


def came(connection: Connection, what: str, sources: Sources, months: Months) -> list[Came]:
    """The sums of ``what``, one of ``KINDS``."""
    rows = KINDS[what](sources, months).subquery().c
    key = rows.month, rows.currency, rows.fate
    sums = select(*key, func.count(), func.sum(rows.amount), func.sum(rows.won)).group_by(*key)
    return [
        Came(month, currency, fate, int(count), int(amount or 0), int(won))
        for month, currency, fate, count, amount, won in connection.execute(sums)
    ]


def listed(
    connection: Connection,
    what: str,
    sources: Sources,
    months: Months,
    *,
    span: tuple[str, str] | None,
    currency: str,
    fate: str,
    most: int,
) -> list[Listed]:
    """The records behind a sum, the newest first, ``most`` of them. ``span``: first and last month, ``None`` for all;
    ``currency`` as in ``Came``."""
    rows = KINDS[what](sources, months).subquery().c
    shown = (rows.system, rows.source_id, rows.number, rows.name, rows.status, rows.day, rows.currency, rows.amount)
    query = select(*shown).where(rows.fate == fate, rows.currency == currency)
    if span is not None:
        query = query.where(rows.month >= span[0], rows.month <= span[1])
    found = connection.execute(query.order_by(rows.day.desc(), rows.record_id.desc()).limit(most))
    return [Listed(*row) for row in found]


def _leads(sources: Sources, months: Months) -> Select[Any]:
    """Leads by the month in which they were received: those of marketing systems, and those of CRMs that are not the
    same lead once more."""
    lead, other, onwards = canonical["lead"], canonical["lead"].alias(), links.alias()
    by_marketing = _twins_of(other, other.c.record_id, other.c.system.in_(sources.marketing))
    by_twin = _twins_of(onwards, onwards.c.left_id, *_follows(onwards, "opportunity"))
    fate = case(
        (or_(_leads_to(lead, "opportunity"), lead.c.record_id.in_(by_twin)), ON),
        (lead.c.status == "disqualified", LOST),
        (lead.c.status == "converted", UNLINKED),
        else_=OPEN,
    )
    day = func.coalesce(lead.c.received_at, lead.c.source_created_at)
    of_crm = lead.c.system.in_(sources.crm) & lead.c.record_id.not_in(by_marketing)
    counts = or_(lead.c.system.in_(sources.marketing), of_crm)
    return _rows(lead, counts, lead.c.company_name, day, _month(day, months), fate, None)


def _opportunities(sources: Sources, months: Months) -> Select[Any]:
    """Opportunities by the month in which they were created, with the amount that is expected."""
    deal = canonical["opportunity"]
    fate = case(
        (or_(_leads_to(deal, "quote"), _leads_to(deal, "order")), ON),
        (deal.c.status.in_(("lost", "cancelled")), LOST),
        (deal.c.status == "won", UNLINKED),
        else_=OPEN,
    )
    day, counts = deal.c.source_created_at, deal.c.system.in_(sources.crm)
    won = case((deal.c.status == "won", 1), else_=0)
    return _rows(deal, counts, deal.c.name, day, _month(day, months), fate, deal.c.expected_amount, won)


def _quotes(sources: Sources, _months: Months) -> Select[Any]:
    """Quotes by the month of issue, net; not those that a newer version replaced."""
    quote = canonical["quote"]
    fate = case((quote.c.status.in_(_ACCEPTED), ON), (quote.c.status.in_(_DEAD_QUOTES), LOST), else_=OPEN)
    counts = quote.c.system.in_(sources.crm) & (func.coalesce(quote.c.status, "") != "superseded")
    return _rows(quote, counts, None, quote.c.issue_date, _month_of(quote.c.issue_date), fate, quote.c.net_amount)


def _dead_orders(sources: Sources, _months: Months) -> Select[Any]:
    """Orders that were rejected or cancelled, by the month of the order, net."""
    order = canonical["order"]
    amount = func.coalesce(order.c.net_amount, order.c.gross_amount)
    counts = order.c.system.in_(sources.erp) & order.c.status.in_(_DEAD_ORDERS)
    lost = literal(LOST, String)
    return _rows(order, counts, None, order.c.order_date, _month_of(order.c.order_date), lost, amount)


def _bad_debts(sources: Sources, _months: Months) -> Select[Any]:
    """Invoices that were written off, by the month of issue, gross."""
    invoice = canonical["invoice"]
    amount = func.coalesce(invoice.c.gross_amount, invoice.c.net_amount)
    counts = invoice.c.system.in_(sources.accounting) & (invoice.c.status == "written_off")
    lost = literal(LOST, String)
    return _rows(invoice, counts, None, invoice.c.issue_date, _month_of(invoice.c.issue_date), lost, amount)


KINDS: Mapping[str, Callable[[Sources, Months], Select[Any]]] = {
    "leads": _leads,
    "opportunities": _opportunities,
    "quotes": _quotes,
    "dead_orders": _dead_orders,
    "bad_debts": _bad_debts,
}


def _follows(link: NamedFromClause, entity: str) -> tuple[ColumnElement[bool], ...]:
    return link.c.kind == "follows", link.c.right_entity == entity, link.c.decision.in_(_SURE)


def _twins_of(
    joined: NamedFromClause, record: ColumnElement[int], *which: ColumnElement[bool]
) -> CompoundSelect[tuple[int]]:
    """The leads that are the same as one of those; as a set, because to look for each of them would take the square."""
    twin = links.alias()
    sides = ((twin.c.left_id, twin.c.right_id), (twin.c.right_id, twin.c.left_id))
    same = twin.c.kind == "same_as", twin.c.left_entity == "lead", twin.c.decision.in_(_SURE)
    return union(
        *(select(one).select_from(twin.join(joined, record == partner)).where(*same, *which) for one, partner in sides)
    )


def _leads_to(table: Table, entity: str) -> ColumnElement[bool]:
    """Whether something of this kind follows from a record, and is there."""
    link, later = links.alias(), canonical[entity].alias()
    found = select(literal(1)).select_from(link.join(later, later.c.record_id == link.c.right_id))
    found = found.where(*_follows(link, entity), link.c.left_id == table.c.record_id, later.c.deleted == 0)
    return found.correlate(table).exists()


def _month(at: ColumnElement[int], months: Months) -> ColumnElement[str]:
    spans = [(at >= begin, literal(name, String)) for name, begin in reversed(months.begins)]
    return case((at >= months.end, literal("", String)), *spans, else_=literal("", String))


def _month_of(day: ColumnElement[str]) -> ColumnElement[str]:
    return func.coalesce(func.substr(day, 1, 7), "")


def _rows(
    table: Table,
    counts: ColumnElement[bool],
    name: ColumnElement[Any] | None,
    day: ColumnElement[Any],
    month: ColumnElement[str],
    fate: ColumnElement[Any],
    amount: ColumnElement[Any] | None,
    won: ColumnElement[Any] | None = None,
) -> Select[Any]:
    """The records that count, with what is summed or listed of them; without ``amount`` there is no money."""
    told = {
        "name": literal(None, String) if name is None else name,
        "day": day,
        "month": month,
        "currency": literal("", String) if amount is None else func.coalesce(table.c.currency, ""),
        "fate": fate,
        "amount": literal(None, BigInteger) if amount is None else amount,
        "won": literal(0) if won is None else won,
    }
    own = (table.c.record_id, table.c.system, table.c.source_id, table.c.number, table.c.status)
    return select(*own, *(column.label(label) for label, column in told.items())).where(counts, table.c.deleted == 0)
