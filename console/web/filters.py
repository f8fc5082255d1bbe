"""What the findings page is asked for: filters, order and group as its address has them, and what they choose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from console.report import figures
from console.web import finding_words
from mappings.model import ENTITIES
from reconciliation import money
from reconciliation.checks.registry import DEPARTMENTS
from reconciliation.rules import Rules
from state import finding_terms
from state.clock import to_us
from state.finding_pages import GROUPS, ORDERS, Ages, Day, Wanted
from state.findings import STANDING

if TYPE_CHECKING:
    from console.web.desk import Visit

ME = "@me"
"""Stands for whoever looks; no member is called so."""
WAIVER = "waiver"
AGES = tuple(name for name, _, _ in figures.BUCKETS)
CHOICES: dict[str, tuple[str, ...]] = {
    "stage": figures.STAGES,
    "department": DEPARTMENTS,
    "severity": figures.SEVERITIES,
    "status": (*STANDING, "resolved"),
}
KINDS = (*ENTITIES, "stream")
"""Kinds of records that a finding may be about."""
_KNOWN = {**CHOICES, "age": AGES, "kind": KINDS, "waits": (WAIVER,), "order": ORDERS, "group": GROUPS}
_LONGEST = 200
MOST_DAYS = 9999
"""No finding is asked for by a larger age."""
_EARLIEST, _LATEST = date(1970, 1, 1), date(9998, 12, 31)
"""Beyond them no instant can be told; no finding is older or younger."""


@dataclass(frozen=True, slots=True)
class Filter:
    """The words of an address; an empty one chooses nothing. ``waits`` may be ``waiver``; ``least`` and ``most`` are
    amounts in the base currency as people write them; ``until`` is a day, ``older`` the least age in days."""

    text: str = ""
    stage: str = ""
    department: str = ""
    severity: str = ""
    status: str = ""
    check: str = ""
    assignee: str = ""
    customer: str = ""
    system: str = ""
    kind: str = ""
    age: str = ""
    least: str = ""
    most: str = ""
    waits: str = ""
    until: str = ""
    older: str = ""
    order: str = ""
    group: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Filter:
        """What an address or a form asks for; what nobody can ask for is left out."""
        said = {}
        for item in fields(cls):
            value = given.get(item.name, "").strip()[:_LONGEST]
            known = value in _KNOWN.get(item.name, (value,))
            if value.isprintable() and known and (not value or _READ.get(item.name, bool)(value)):
                said[item.name] = value
        return cls(**said)

    def given(self, **changed: str) -> dict[str, str]:
        """What is asked for, with these changed, as the fields of an address; empty ones are left out."""
        other = replace(self, **changed)
        return {item.name: value for item in fields(other) if (value := getattr(other, item.name))}

    def query(self, **changed: str) -> str:
        """The same, as the query of an address."""
        return urlencode(self.given(**changed))

    def within(self, by: str, key: str) -> str:
        """The query of the findings in one group."""
        return self.query(**{by: key, "group": ""})

    def wanted(self, visit: Visit) -> Wanted:
        """What it chooses for this person, today."""
        settings = visit.desk.settings
        base = settings.base_currency
        words = finding_words.said(self.text, Rules.of(settings).own_words())
        return Wanted(
            text=self.text,
            ways=words.ways,
            codes=words.codes,
            stage=self.stage,
            department=self.department,
            severity=self.severity,
            status=self.status,
            check=self.check,
            order=self.order or ORDERS[0],
            assignee=visit.member.name if self.assignee == ME else self.assignee,
            customer=self.customer,
            system=self.system,
            kind=self.kind,
            ages=self._ages(visit),
            least=_minor(self.least, base),
            most=_minor(self.most, base),
            waiver=self.waits == WAIVER,
        )

    def _ages(self, visit: Visit) -> Ages:
        chosen = ages(visit)[self.age] if self.age else Ages()
        ends = [] if chosen.end is None else [chosen.end]
        if self.older:
            ends.append(_before(visit, int(self.older) - 1))
        if self.until:
            until = min(max(date.fromisoformat(self.until), _EARLIEST), _LATEST)
            ends.append(_day(visit, until + timedelta(days=1)))
        return Ages(chosen.first, min(ends, default=None))

    def is_wrong(self, visit: Visit) -> bool:
        """Whether one of the amounts is none."""
        base = visit.desk.settings.base_currency
        return any(value and _minor(value, base) is None for value in (self.least, self.most))


def ages(visit: Visit) -> dict[str, Ages]:
    """The ages of findings as of today, the youngest first: since when each of them began."""
    return {
        name: Ages(None if last is None else _before(visit, last), _before(visit, first - 1) if first else None)
        for name, first, last in figures.BUCKETS
    }


def _before(visit: Visit, days: int) -> Day:
    """The day so many days before today."""
    return _day(visit, Rules.of(visit.desk.settings).today - timedelta(days=days))


def _day(visit: Visit, day: date) -> Day:
    zone: Any = visit.desk.settings.business_day_zone
    return Day(day.isoformat(), to_us(datetime.combine(day, datetime.min.time(), zone)))


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _is_age(text: str) -> bool:
    return text.isascii() and text.isdecimal() and 1 <= int(text) <= MOST_DAYS


_READ: dict[str, Callable[[str], bool]] = {"until": _is_day, "older": _is_age}


def _minor(text: str, currency: str) -> int | None:
    """An amount in minor units of a currency; of two readings the larger, ``None`` if it is no amount."""
    digits = money.places(currency)
    found = [units for units, places in finding_terms.exact(text) if places == digits and units >= 0]
    return max(found, default=None)
