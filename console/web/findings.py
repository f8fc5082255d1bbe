"""Findings: the list with its filters, in groups where somebody wants it so, and the views that members keep of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.responses import Response

from console.web import attachments, bulk, finding, finding_export, finding_words, views
from console.web.desk import Reader, Visit, see
from console.web.filters import CHOICES, KINDS, ME, Filter, ages
from console.web.listings import Listings
from reconciliation import money, report
from reconciliation.rules import Rules
from state import customers, finding_pages, handling, members, saved_views
from state.finding_pages import GROUPS, NOBODY, ORDERS, Group, Money

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

router = APIRouter()
for _more in (views, bulk, attachments, finding_export, finding):
    router.include_router(_more.router)

SIZE = 50
"""Findings on a page."""
_LAST_PAGE = 1_000_000


@router.get("/findings")
def listing(visit: Reader, page: Annotated[int, Query(ge=1, le=_LAST_PAGE)] = 1) -> Response:
    """The findings that are looked for, a page at a time, or in groups; without a question, the member's own view."""
    chosen = Filter.of(visit.request.query_params)
    member = visit.member.name
    lists: Listings = visit.request.app.state.listings
    with visit.desk.store.reading() as connection:
        first = saved_views.first(connection, member)
        if first is not None and not visit.request.url.query:
            return see(views.address(first))
        wanted = chosen.wanted(visit)
        known = saved_views.listing(connection, member)
        shared: dict[str, Any] = {
            "wanted": chosen,
            "choices": CHOICES,
            "orders": ORDERS,
            "groups_by": GROUPS,
            "ages": tuple(ages(visit)),
            "assignees": [member.name for member in members.listing(connection) if member.active],
            "checks": _checks(visit, list(lists.by_check(connection))),
            "systems": [(name, _roles(visit, item.roles)) for name, item in visit.desk.settings.systems.items()],
            "kinds": KINDS,
            "me": ME,
            "nobody": NOBODY,
            "views": [(view, views.address(view)) for view in known],
            "view": visit.request.query_params.get("view", ""),
            "wrong": chosen.is_wrong(visit),
            "done": visit.request.query_params.get("done", ""),
        }
        if chosen.group:
            found = finding_pages.groups(connection, wanted, chosen.group, ages(visit))
            whose = customers_of(connection, found)
            shown = [_group(visit, chosen, one, whose.get(one.key)) for one in found]
            return visit.page("findings", groups=shown, most_groups=finding_pages.MOST_GROUPS, **shared)
        some = lists.page(connection, wanted, (page - 1) * SIZE, SIZE)
        total = lists.money(connection, wanted)
        here = [item.id for item in some.findings]
        said = handling.said(connection, here)
        is_one = chosen.customer not in ("", NOBODY)
        record = next(iter(customers.of_findings(connection, here).values()), None) if is_one else None
    rules = Rules.of(visit.desk.settings)
    query = chosen.query()
    return visit.page(
        "findings",
        groups=None,
        findings=[report.shown(item, rules, visit.lang, said.get(item.id, ())) for item in some.findings],
        count=some.count,
        total=_sums(visit, total),
        within=f"?{query}" if query else "",
        whose=record,
        most=bulk.MOST,
        place=page,
        last=max((some.count + SIZE - 1) // SIZE, 1),
        at_page=lambda number: "/findings?" + urlencode({**chosen.given(), "page": number}),
        **shared,
    )


def customers_of(connection: Connection, groups: Sequence[Group]) -> dict[str, int]:
    """By the key of a group the record of its customer, of groups by customer; of those that name one we know."""
    samples = {id: group.key for group in groups if group.key != NOBODY for id in group.some}
    found = customers.of_findings(connection, list(samples)) if samples else {}
    return {samples[id]: record for id, record in sorted(found.items(), reverse=True)}


def _roles(visit: Visit, roles: Sequence[str]) -> str:
    """What a system is, by which people look for it who do not know its name: accounting."""
    return visit.texts("joined.aside", text=visit.texts.listed(visit.texts.name("role", role) for role in roles))


def _group(visit: Visit, chosen: Filter, group: Group, customer: int | None) -> dict[str, Any]:
    return {
        "customer": customer,
        "name": group_name(visit, chosen.group, group.key),
        "href": f"/findings?{chosen.within(chosen.group, group.key)}",
        "count": group.count,
        **_sums(visit, group.money),
    }


def _sums(visit: Visit, of: Sequence[Money]) -> dict[str, Any]:
    """Amounts of findings by currency, and together in the base currency."""
    base = visit.desk.settings.base_currency
    return {
        "money": [(money.text(one.amount, one.currency), one.currency) for one in of],
        "base": money.text(sum(one.base for one in of), base) if of else None,
        "unconverted": sum(one.unconverted for one in of),
    }


def group_name(visit: Visit, by: str, key: str) -> str:
    """What a group is called in this person's language."""
    if key == NOBODY:
        return visit.texts(f"looking.none.{'assignee' if by == 'assignee' else 'customer'}")
    if by == "check":
        return finding_words.title(key, visit.lang, Rules.of(visit.desk.settings).own_words())
    if by == "age":
        return visit.texts("looking.days", days=key)
    return visit.texts.name("entity" if by == "kind" else by, key)


def _checks(visit: Visit, found: list[str]) -> list[tuple[str, str]]:
    own = Rules.of(visit.desk.settings).own_words()
    named = [(finding_words.title(name, visit.lang, own), name) for name in found]
    return sorted(named, key=lambda item: item[0].casefold())
