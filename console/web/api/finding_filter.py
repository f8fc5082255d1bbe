"""What findings are asked for: the filters of the page, as parameters of a request."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Query

from console.report import figures
from console.web.api.values import Day, Decimals, Name, OneOf, Searched
from console.web.filters import AGES, KINDS, ME, MOST_DAYS, WAIVER, Filter
from console.web.problems import Refusal
from reconciliation.checks.registry import DEPARTMENTS
from state.findings import STANDING

if TYPE_CHECKING:
    from console.web.api.callers import Caller
    from state.finding_pages import Wanted

ANY = ("",)
STAGES = (*ANY, *figures.STAGES)
KNOWN_DEPARTMENTS = (*ANY, *DEPARTMENTS)
SEVERITIES = (*ANY, *figures.SEVERITIES)
STATUSES = (*ANY, *STANDING, "resolved")
KNOWN_KINDS = (*ANY, *KINDS)
KNOWN_AGES = (*ANY, *AGES)
WAITING = (*ANY, WAIVER)


def _asked(
    text: Annotated[Searched, Query(description="In numbers, ids, amounts and sentences")] = "",
    stage: Annotated[str, OneOf(STAGES)] = "",
    department: Annotated[str, OneOf(KNOWN_DEPARTMENTS)] = "",
    severity: Annotated[str, OneOf(SEVERITIES)] = "",
    status: Annotated[str, OneOf(STATUSES), Query(description="Default: not resolved")] = "",
    check: Annotated[Name, Query(description="The id of a check, see docs/checks.md")] = "",
    assignee: Annotated[Name, Query(description="A member, `@me`, or `-` for nobody")] = "",
    customer: Annotated[Searched, Query(description="The name of a customer, or `-` for none")] = "",
    system: Annotated[Name, Query(description="With a record of this system")] = "",
    kind: Annotated[str, OneOf(KNOWN_KINDS), Query(description="With a record of this kind")] = "",
    age: Annotated[str, OneOf(KNOWN_AGES), Query(description="Days since it began")] = "",
    least: Annotated[Decimals, Query(description="At least so much in the base currency")] = "",
    most: Annotated[Decimals, Query(description="At most so much in the base currency")] = "",
    waits: Annotated[str, OneOf(WAITING), Query(description="Only those for which a waiver is asked")] = "",
    until: Annotated[
        Day | None, Query(description="Begun on this day or before; first found by then where no day is known")
    ] = None,
    older: Annotated[int | None, Query(ge=1, le=MOST_DAYS, description="At least so many days old")] = None,
) -> Filter:
    return Filter(
        text=text,
        stage=stage,
        department=department,
        severity=severity,
        status=status,
        check=check,
        assignee=assignee,
        customer=customer,
        system=system,
        kind=kind,
        age=age,
        least=least,
        most=most,
        waits=waits,
        until="" if until is None else until.isoformat(),
        older="" if older is None else str(older),
    )


Asked = Annotated[Filter, Depends(_asked)]


def wanted(caller: Caller, asked: Filter) -> Wanted:
    """What it chooses for this caller, today; raises ``Refusal`` 409 for an amount with too many decimals."""
    if asked.is_wrong(caller.visit):
        what = f"`least` or `most` has more decimals than {caller.settings.base_currency}."
        raise Refusal(409, what, "Write it with those of the base currency.")
    mine = replace(asked, assignee=caller.name) if asked.assignee == ME else asked
    return mine.wanted(caller.visit)
