"""Findings: found by the filters of the page, one with its records and history, and decisions about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Query

from console import record_values, waiving
from console.report import figures
from console.web.api.callers import Approver, Caller, Decider, Lang, Reader
from console.web.api.finding_models import (
    AskedWaiver,
    Assignment,
    Decline,
    Event,
    Explanation,
    Finding,
    FindingDetail,
    RecordValues,
    Remark,
    WaiverRequest,
)
from console.web.api.values import (
    SIZE,
    Decimals,
    Name,
    OneOf,
    Page,
    PageNumber,
    PageSize,
    Record,
    Searched,
    first,
    instant,
)
from console.web.filters import AGES, ME, WAIVER, Filter
from console.web.problems import Refusal
from reconciliation import report, words
from reconciliation.checks.registry import DEPARTMENTS
from reconciliation.rules import Rules
from state import chains, finding_pages, findings, handling
from state.finding_pages import ORDERS
from state.findings import STANDING, FindingError
from state.findings import Finding as Stored

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

router = APIRouter(tags=["findings"])

FindingId = Annotated[str, Path(pattern="^[0-9a-f]{20}$", description="The whole id of a finding")]
_ANY = ("",)


@router.get("/findings")
def list_findings(
    caller: Reader,
    text: Annotated[Searched, Query(description="In numbers, ids, amounts and sentences")] = "",
    stage: Annotated[str, OneOf((*_ANY, *figures.STAGES))] = "",
    department: Annotated[str, OneOf((*_ANY, *DEPARTMENTS))] = "",
    severity: Annotated[str, OneOf((*_ANY, *figures.SEVERITIES))] = "",
    status: Annotated[str, OneOf((*_ANY, *STANDING, "resolved")), Query(description="Default: not resolved")] = "",
    check: Annotated[Name, Query(description="The id of a check, see docs/checks.md")] = "",
    assignee: Annotated[Name, Query(description="A member, `@me`, or `-` for nobody")] = "",
    customer: Annotated[Searched, Query(description="The name of a customer, or `-` for none")] = "",
    system: Annotated[Name, Query(description="With a record of this system")] = "",
    age: Annotated[str, OneOf((*_ANY, *AGES)), Query(description="Days since it began")] = "",
    least: Annotated[Decimals, Query(description="At least so much in the base currency")] = "",
    most: Annotated[Decimals, Query(description="At most so much in the base currency")] = "",
    waits: Annotated[str, OneOf((*_ANY, WAIVER)), Query(description="Only those for which a waiver is asked")] = "",
    order: Annotated[str, OneOf(ORDERS)] = "severity",
    page: PageNumber = 1,
    size: PageSize = SIZE,
    lang: Lang = None,
) -> Page[Finding]:
    """List findings, as the page does."""
    asked = Filter(
        text=text,
        stage=stage,
        department=department,
        severity=severity,
        status=status,
        check=check,
        assignee=caller.name if assignee == ME else assignee,
        customer=customer,
        system=system,
        age=age,
        least=least,
        most=most,
        waits=waits,
        order=order,
    )
    if asked.is_wrong(caller.visit):
        what = f"`least` or `most` has more decimals than {caller.settings.base_currency}."
        raise Refusal(409, what, "Write it with those of the base currency.")
    wanted = asked.wanted(caller.visit)
    with caller.store.reading() as connection:
        found = finding_pages.page(connection, wanted, first(page, size), size)
        shown = _shown(caller, connection, list(found.findings), lang)
    return Page(items=shown, page=page, size=size, total=found.count)


@router.get("/findings/{id}")
def get_finding(caller: Reader, id: FindingId, lang: Lang = None) -> FindingDetail:
    """Show one finding with what the systems say, what is asked for, and its history."""
    with caller.store.reading() as connection:
        return _detail(caller, connection, id, lang)


@router.post("/findings/{id}/assign")
def assign_finding(caller: Decider, id: FindingId, sent: Assignment, lang: Lang = None) -> FindingDetail:
    """Make somebody responsible."""
    to, due = sent.to.strip(), sent.due
    return _decided(caller, id, lang, lambda c, at: handling.assign(c, id, to, caller.name, due=due, at=at))


@router.post("/findings/{id}/explain")
def explain_finding(caller: Decider, id: FindingId, sent: Explanation, lang: Lang = None) -> FindingDetail:
    """Say why it is so; it stays on the list until the data is mended."""
    reason = sent.reason.strip()
    return _decided(caller, id, lang, lambda c, at: handling.explain(c, id, reason, caller.name, at=at))


@router.post("/findings/{id}/comments")
def comment_on_finding(caller: Decider, id: FindingId, sent: Remark, lang: Lang = None) -> FindingDetail:
    """Say something about it; nothing else changes."""
    return _decided(caller, id, lang, lambda c, at: handling.comment(c, id, sent.text, caller.name, at=at))


@router.post("/findings/{id}/waiver")
def ask_for_waiver(caller: Decider, id: FindingId, sent: WaiverRequest, lang: Lang = None) -> FindingDetail:
    """Ask that it be accepted until a day; nothing changes until somebody else approves."""
    reason, settings = sent.reason.strip(), caller.settings
    return _decided(caller, id, lang, lambda c, _at: waiving.ask(c, settings, id, reason, sent.until, caller.name))


@router.post("/findings/{id}/waiver/approve")
def approve_waiver(caller: Approver, id: FindingId, lang: Lang = None) -> FindingDetail:
    """Accept it as somebody else has asked. Only for people who are signed in: no token approves."""
    return _decided(caller, id, lang, lambda c, at: handling.approve_waiver(c, id, caller.name, at=at))


@router.post("/findings/{id}/waiver/decline")
def decline_waiver(caller: Approver, id: FindingId, sent: Decline, lang: Lang = None) -> FindingDetail:
    """Say no to what was asked, and why. Only for people who are signed in."""
    reason = sent.reason.strip()
    return _decided(caller, id, lang, lambda c, at: handling.decline_waiver(c, id, reason, caller.name, at=at))


def _decided(
    caller: Caller, id: str, lang: str | None, decision: Callable[[Connection, int | None], Stored]
) -> FindingDetail:
    with caller.store.transaction() as connection:
        _find(connection, id)
        try:
            decision(connection, Rules.of(caller.settings).fixed_at)
        except FindingError as error:
            raise Refusal(409, error.message, error.remedy) from None
        return _detail(caller, connection, id, lang)


def _find(connection: Connection, id: str) -> Stored:
    try:
        return findings.find(connection, id)
    except FindingError:
        raise Refusal(404, f"There is no finding {id}.", "GET /api/v1/findings lists them.") from None


def _shown(caller: Caller, connection: Connection, found: list[Stored], lang: str | None) -> list[Finding]:
    rules, language = Rules.of(caller.settings), words.language(caller.locale(lang))
    said = handling.said(connection, [item.id for item in found])
    return [Finding(**report.shown(item, rules, language, said.get(item.id, ()))) for item in found]


def _detail(caller: Caller, connection: Connection, id: str, lang: str | None) -> FindingDetail:
    found = _find(connection, id)
    [shown] = _shown(caller, connection, [found], lang)
    rows = chains.rows(connection, [record.record_id for record in found.records])
    asked = handling.asked_waiver(connection, id)
    return FindingDetail(
        **shown.model_dump(),
        values=[
            RecordValues(
                record=Record(**{name: asdict(record)[name] for name in Record.model_fields}),
                fields=record_values.shown(rows.get(record.record_id, {})),
            )
            for record in found.records
        ],
        history=[
            Event(at=instant(item.at), event=item.event, actor=item.actor, detail=item.detail, run=item.run_id)
            for item in findings.history(connection, id)
        ],
        waiver=None if asked is None else AskedWaiver(by=asked.by, reason=asked.reason, until=asked.until.isoformat()),
    )
