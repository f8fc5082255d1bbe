"""Pages of findings for people who look through them: chosen, sorted, counted and grouped in the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, not_, or_, select
from sqlalchemy.engine import Connection

from state import awaiting, finding_terms, findings
from state.findings import STANDING, Finding
from state.schema import finding as table
from state.schema import finding_record as records

ORDERS = ("severity", "amount", "age", "due")
GROUPS = ("stage", "department", "check", "severity", "customer", "assignee", "age", "system", "kind")
_OF_RECORDS = {"system": records.c.system, "kind": records.c.entity}
"""Of ``GROUPS`` those by what the records of findings are: each finding is in the group of each of its records."""
NOBODY = "-"
"""Stands for an assignee or a customer that there is none of."""
MOST_GROUPS = 200


_SUMS = (
    func.coalesce(func.sum(table.c.amount), 0),
    func.coalesce(func.sum(table.c.base_amount), 0),
    func.sum(case((and_(table.c.base_amount.is_(None), table.c.amount.is_not(None)), 1), else_=0)),
)
"""What ``Money`` says of several findings."""


class Day(NamedTuple):
    """A day, as findings say since when the data shows them, and the microsecond with which it begins."""

    day: str
    begins: int


class Ages(NamedTuple):
    """Begun on the day ``first`` or later, and before ``end``; without either it is open to that side."""

    first: Day | None = None
    end: Day | None = None


ANY_AGE = Ages()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which findings are looked at; an empty value chooses nothing. ``text`` is looked for as ``finding_terms`` says.

    ``ways`` are checks whose own words are in ``text`` (none: any check), each with what else is in it: their findings
    are found as well, as far as they hold that. ``codes`` are those that stand for words of it.
    ``assignee`` and ``customer`` may be ``NOBODY``. ``least`` and ``most`` are minor units of the base currency,
    whatever the sign. ``waiver`` chooses those for which a waiver is asked and not decided, ``unwaived`` leaves out
    those that somebody has waived.
    """

    text: str = ""
    stage: str = ""
    department: str = ""
    severity: str = ""
    status: str = ""
    check: str = ""
    order: str = "severity"
    assignee: str = ""
    customer: str = ""
    system: str = ""
    kind: str = ""
    """Of a record: ``invoice``."""
    ages: Ages = ANY_AGE
    least: int | None = None
    most: int | None = None
    waiver: bool = False
    unwaived: bool = False
    ways: tuple[tuple[tuple[str, ...], str], ...] = ()
    codes: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """``count`` is how many there are in all."""

    findings: tuple[Finding, ...]
    count: int


class Money(NamedTuple):
    """Minor units of a currency, and of the base currency as far as there are rates."""

    currency: str
    amount: int
    base: int
    unconverted: int
    """Findings with an amount that has no rate."""


@dataclass(frozen=True, slots=True)
class Group:
    """Findings that have something in common: ``key``, ``NOBODY`` where it is empty."""

    key: str
    count: int
    money: tuple[Money, ...]
    some: tuple[str, ...] = ()
    """Of a customer the ids of a few of its findings, by which the customer's record is found."""


def page(connection: Connection, wanted: Wanted, first: int, size: int) -> Page:
    """``size`` findings from the one at place ``first`` (0 is the first)."""
    found = ids(connection, wanted, size, first)
    return Page(tuple(findings.of_ids(connection, found)), number(connection, wanted))


def number(connection: Connection, wanted: Wanted) -> int:
    """How many there are."""
    return int(connection.execute(select(func.count()).select_from(table).where(_chosen(wanted))).scalar_one())


def ids(connection: Connection, wanted: Wanted, most: int, first: int = 0) -> list[str]:
    """The ids of at most ``most`` of them from the one at place ``first``, in their order."""
    query = select(table.c.id).where(_chosen(wanted)).order_by(*_ordered(wanted.order))
    return list(connection.execute(query.limit(most).offset(first)).scalars())


def beside(connection: Connection, wanted: Wanted, id: str) -> tuple[str | None, str | None]:
    """The findings before and after one in their order, which need not be among them itself any more."""
    keys = _keys(wanted.order)
    place = connection.execute(select(*(key for key, _ in keys)).where(table.c.id == id)).first()
    if place is None:
        return None, None
    found = []
    for forward in (False, True):
        beyond = _beyond([key for key, _ in keys], place, [falling is not forward for _, falling in keys])
        order = [key.desc() if falling is forward else key.asc() for key, falling in keys]
        query = select(table.c.id).where(_chosen(wanted), beyond).order_by(*order).limit(1)
        found.append(connection.execute(query).scalar())
    return found[0], found[1]


def money(connection: Connection, wanted: Wanted) -> list[Money]:
    """The amounts of all of them, by currency."""
    query = select(table.c.currency, *_SUMS).where(_chosen(wanted), table.c.currency.is_not(None))
    rows = connection.execute(query.group_by(table.c.currency).order_by(table.c.currency))
    return [Money(currency, int(amount), int(base), int(unconverted)) for currency, amount, base, unconverted in rows]


def groups(connection: Connection, wanted: Wanted, by: str, ages: Mapping[str, Ages]) -> list[Group]:
    """The findings by one of ``GROUPS``, at most 200 groups: those of the most money first where they are ordered by
    amount, else the most findings. ``ages`` names the ages, in their order.

    A finding about records of two systems, or of two kinds, is in the group of each.
    """
    source: Any = table
    key: ColumnElement[Any] = func.coalesce(_column(by), "") if by not in ("age", *_OF_RECORDS) else literal("")
    if by == "age":
        key = case(*((_of_age(span), name) for name, span in ages.items()), else_="")
    if by in _OF_RECORDS:
        shown = select(records.c.finding_id.label("id"), _OF_RECORDS[by].label("of")).distinct().subquery()
        source = table.join(shown, shown.c.id == table.c.id)
        key = shown.c.of
    grouped = key.label("key")
    query = (
        select(
            grouped,
            table.c.currency,
            func.count(),
            *_SUMS,
            *((func.min(table.c.id), func.max(table.c.id)) if by == "customer" else ()),
        )
        .select_from(source)
        .where(_chosen(wanted))
        .group_by(grouped, table.c.currency)
    )
    counts: dict[str, int] = {}
    sums: dict[str, list[Money]] = {}
    some: dict[str, set[str]] = {}
    for name, currency, count, amount, base, unconverted, *ids in connection.execute(query):
        some.setdefault(name, set()).update(ids)
        counts[name] = counts.get(name, 0) + count
        if currency:
            sums.setdefault(name, []).append(Money(currency, int(amount), int(base), int(unconverted)))
    places = {name: place for place, name in enumerate(ages)} if by == "age" else {}
    largest = {name: -sum(one.base for one in sums.get(name, ())) for name in counts if wanted.order == "amount"}
    names = sorted(counts, key=lambda name: (places.get(name, 0), largest.get(name, 0), -counts[name], name))
    return [
        Group(name or NOBODY, counts[name], tuple(sorted(sums.get(name, ()))), tuple(sorted(some[name])))
        for name in names[:MOST_GROUPS]
    ]


def by_check(connection: Connection) -> dict[str, int]:
    """How many outstanding findings there are of each check that has some, by the names of checks."""
    query = select(table.c.check_id, func.count()).where(table.c.status.in_(STANDING)).group_by(table.c.check_id)
    return {row[0]: int(row[1]) for row in sorted(connection.execute(query).tuples())}


def with_customer(connection: Connection, found: Finding) -> tuple[str | None, int]:
    """The customer of a finding, and how many others of its check stand with this customer."""
    customer = connection.execute(select(table.c.customer).where(table.c.id == found.id)).scalar()
    if not customer:
        return customer, 0
    query = select(func.count()).where(
        *(table.c.customer == customer, table.c.check_id == found.check_id),
        *(table.c.status.in_(STANDING), table.c.id != found.id),
    )
    return customer, int(connection.execute(query).scalar_one())


def _chosen(wanted: Wanted) -> ColumnElement[bool]:
    # What a text is in are few findings; by their status the databases would go through nearly all.
    status: ColumnElement[Any] = func.coalesce(table.c.status, "") if wanted.text.strip() else table.c.status
    said = [status == wanted.status if wanted.status else status.in_(STANDING)]
    for name in ("stage", "department", "severity", "check"):
        if value := getattr(wanted, name):
            said.append(_column(name) == value)
    for name in ("assignee", "customer"):
        if value := getattr(wanted, name):
            column = table.c[name]
            said.append(or_(column.is_(None), column == "") if value == NOBODY else column == value)
    of_one = [column == value for name, column in _OF_RECORDS.items() if (value := getattr(wanted, name))]
    if of_one:  # one record that is both, of the few that a finding has
        said.append(exists(select(1).where(records.c.finding_id == table.c.id, *of_one)))
    if wanted.ages != ANY_AGE:
        said.append(_of_age(wanted.ages))
    size = func.abs(func.coalesce(table.c.base_amount, 0))
    if wanted.least is not None:
        said.append(and_(table.c.base_amount.is_not(None), size >= wanted.least))
    if wanted.most is not None:
        said.append(and_(table.c.base_amount.is_not(None), size <= wanted.most))
    if wanted.unwaived:
        said.append(status != "waived")
    if wanted.waiver:
        said.append(table.c.id.in_(awaiting.undecided()))
    if text := wanted.text.strip():
        said.append(finding_terms.holding(text, dict(wanted.codes), wanted.ways))
    return and_(*said)


def _of_age(span: Ages) -> ColumnElement[bool]:
    """By the day since when the data shows it, else by when it was first seen."""
    known = and_(table.c.since.is_not(None), table.c.since != "")
    said: list[ColumnElement[bool]] = []
    if span.first:
        by_day, by_sight = table.c.since >= span.first.day, table.c.first_seen_at >= span.first.begins
        said.append(or_(and_(known, by_day), and_(not_(known), by_sight)))
    if span.end:
        by_day, by_sight = table.c.since < span.end.day, table.c.first_seen_at < span.end.begins
        said.append(or_(and_(known, by_day), and_(not_(known), by_sight)))
    return and_(*said)


def _column(name: str) -> ColumnElement[Any]:
    return table.c["check_id" if name == "check" else name]


def _keys(order: str) -> list[tuple[ColumnElement[Any], bool]]:
    """What findings are ordered by, never null; True where the largest comes first."""
    largest = (func.abs(func.coalesce(table.c.base_amount, 0)), True)
    rank = (case((table.c.severity == "error", 0), (table.c.severity == "warning", 1), else_=2), False)
    by: dict[str, list[tuple[ColumnElement[Any], bool]]] = {
        "severity": [rank, largest],
        "amount": [largest],
        "age": [(func.coalesce(table.c.since, "9999"), False), (table.c.first_seen_at, False)],
        "due": [(func.coalesce(table.c.due_on, "9999"), False), largest],
    }
    return [*by[order], (table.c.id, False)]


def _ordered(order: str) -> list[Any]:
    return [key.desc() if falling else key for key, falling in _keys(order)]


def _beyond(keys: Sequence[ColumnElement[Any]], place: Sequence[Any], above: Sequence[bool]) -> ColumnElement[bool]:
    """Farther on than ``place`` by the first key that differs: above it or below it."""
    ways = []
    for n, (key, value, up) in enumerate(zip(keys, place, above, strict=True)):
        same = [earlier == known for earlier, known in zip(keys[:n], place[:n], strict=True)]
        ways.append(and_(*same, key > value if up else key < value))
    return or_(*ways)
