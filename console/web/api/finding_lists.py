"""Findings: found by the filters of the page, one by one or in groups, and decisions about them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from console.i18n import texts
from console.web.api.callers import Lang, Reader
from console.web.api.finding_answers import shown
from console.web.api.finding_filter import Asked, wanted
from console.web.api.finding_models import Finding
from console.web.api.values import SIZE, Amount, OneOf, Page, PageNumber, PageSize, first
from console.web.filters import ages
from console.web.findings import customers_of, group_name
from reconciliation import money
from state import finding_pages
from state.finding_pages import GROUPS, MOST_GROUPS, ORDERS

if TYPE_CHECKING:
    from console.web.desk import Visit
    from state.finding_pages import Group as Stored

router = APIRouter(tags=["findings"])


class Sum(BaseModel):
    """Money in one currency."""

    amount: Amount
    currency: str


class Group(BaseModel):
    """Findings that have something in common."""

    key: str = Field(description="`-` where there is none, as no assignee")
    title: str
    count: int
    sums: list[Sum]
    base_amount: Amount | None = Field(description="In the base currency of ltc.yaml, as far as there are rates")
    unconverted: int = Field(description="Findings with an amount that has no rate")
    customer: int | None = Field(description="By customer: the id for `GET /customers/{record}`, where one is known")


class Groups(BaseModel):
    """The groups, the largest first; ages from the youngest on."""

    by: str
    items: list[Group] = Field(description=f"At most {MOST_GROUPS}")


@router.get("/findings")
def list_findings(
    caller: Reader,
    asked: Asked,
    order: Annotated[str, OneOf(ORDERS)] = "severity",
    page: PageNumber = 1,
    size: PageSize = SIZE,
    lang: Lang = None,
) -> Page[Finding]:
    """List findings, as the page does."""
    chosen = wanted(caller, replace(asked, order=order))
    with caller.store.reading() as connection:
        found = finding_pages.page(connection, chosen, first(page, size), size)
        items = shown(caller, connection, list(found.findings), lang)
    return Page(items=items, page=page, size=size, total=found.count)


@router.get("/findings/groups")
def group_findings(
    caller: Reader,
    asked: Asked,
    by: Annotated[str, OneOf(GROUPS), Query(description="What those of a group have in common")],
    lang: Lang = None,
) -> Groups:
    """Count findings, and their money, by what they have in common. One of two systems is in the group of each."""
    visit = replace(caller.visit, texts=texts(caller.locale(lang)))
    with caller.store.reading() as connection:
        found = finding_pages.groups(connection, wanted(caller, asked), by, ages(visit))
        whose = customers_of(connection, found)
    return Groups(by=by, items=[_group(visit, by, item, whose.get(item.key)) for item in found])


def _group(visit: Visit, by: str, item: Stored, customer: int | None) -> Group:
    base = visit.desk.settings.base_currency
    return Group(
        key=item.key,
        title=group_name(visit, by, item.key),
        count=item.count,
        sums=[Sum(amount=money.text(one.amount, one.currency) or "0", currency=one.currency) for one in item.money],
        base_amount=money.text(sum(one.base for one in item.money), base) if item.money else None,
        unconverted=sum(one.unconverted for one in item.money),
        customer=customer,
    )
