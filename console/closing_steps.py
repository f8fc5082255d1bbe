"""What is to be seen to before a month is closed: the checklist of the workbench and its API.

What has a day counts until the end of the month; a finding without one by when it was first found. Records that cannot
be read, and links, have none.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from console import cash
from reconciliation import adjustments, closing, money
from reconciliation.rules import Rules
from state import finding_pages, links, members, periods, quarantine, queries
from state.clock import to_us
from state.finding_pages import Wanted
from state.members import Role
from state.periods import CLOSED

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from settings.model import Settings


class Step(NamedTuple):
    """One thing to see to. ``left`` is how much of it is left, 0 if it is done; ``needed``: no close without it;
    ``of_month``: it is counted until the end of the month, and else whatever its month."""

    name: str
    left: int
    needed: bool
    of_month: bool
    page: str
    """Where the workbench shows what is left."""


def read(connection: Connection, settings: Settings) -> tuple[str, list[Step]]:
    """The month to be closed next, or closed and to be approved; and the steps in the order in which people take them.

    Before the first close it is the last month that is over.
    """
    found = periods.closes(connection)
    standing = [item for item in found if item.stands]
    if standing and standing[-1].status == CLOSED:
        return standing[-1].period, steps(connection, settings, standing[-1].period, standing[-1].closed_by)
    month = closing.next_period(found) or adjustments.before(f"{Rules.of(settings).today:%Y-%m}")
    return month, steps(connection, settings, month)


def steps(connection: Connection, settings: Settings, month: str, maker: str = "") -> list[Step]:
    """What is to be seen to before this person closes this month, or before anybody does."""
    rules, day = Rules.of(settings), adjustments.last_day(month)
    last = day.isoformat()
    end = datetime.fromisoformat(f"{adjustments.after(month)}-01").replace(tzinfo=settings.business_day_zone)
    streams = [item for item in queries.streams(connection, {}) if item.system in settings.systems]  # counting is slow
    behind = [item for item in streams if (item.covered_until or 0) < to_us(end)]
    receipts = cash.waiting(connection, day)
    errors = finding_pages.number(connection, closing.undecided(month, settings.timezone))
    waivers = finding_pages.number(connection, _waivers(month, settings.timezone))
    return [
        Step("over", int(f"{rules.today:%Y-%m}" <= month), True, True, "/periods"),
        Step("read", len(behind), False, True, "/systems"),
        Step("understood", quarantine.count(connection), False, False, "/quarantine"),
        Step("receipts", len(receipts), False, True, f"/cash?until={last}"),
        Step("links", links.count(connection, decision="suggested"), False, False, "/links"),
        Step("errors", errors, False, True, f"/findings?severity=error&status=open&until={last}"),
        Step("waivers", waivers, False, True, f"/findings?waits=waiver&until={last}"),
        Step("checker", int(not checkers(connection, settings, maker)), True, True, "/periods"),
    ]


def worth(connection: Connection, settings: Settings, month: str) -> dict[str, list[tuple[str, str]]]:
    """What is left of the steps that are about money: amounts and currencies, findings in the base currency."""
    left: dict[str, int] = {}
    for _, item in cash.waiting(connection, adjustments.last_day(month)):
        left[item["currency"]] = left.get(item["currency"], 0) + item["left"]
    found = {"receipts": [(money.text(amount, currency) or "", currency) for currency, amount in sorted(left.items())]}
    base = settings.base_currency
    zone = settings.timezone
    for name, wanted in (("errors", closing.undecided(month, zone)), ("waivers", _waivers(month, zone))):
        sums = finding_pages.money(connection, wanted)
        found[name] = [(money.text(sum(one.base for one in sums), base) or "", base)] if sums else []
    return found


def checkers(connection: Connection, settings: Settings, maker: str = "") -> list[str]:
    """Who may approve it: members with that role who are not its maker, and whom ltc.yaml does not leave out."""
    allowed = settings.reconciliation.periods.checkers
    able = [item.name for item in members.listing(connection) if item.active and Role.APPROVER in item.roles]
    others = [name for name in able if name.casefold() != maker.casefold()]
    return [name for name in others if not allowed or name in allowed]


def _waivers(month: str, timezone: str) -> Wanted:
    return Wanted(waiver=True, ages=closing.begun(month, timezone))
