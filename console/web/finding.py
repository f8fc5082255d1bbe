"""One finding with its records, evidence and history, what is like it, and what people decide about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, HTTPException
from starlette.responses import Response

from console import findings as shown_findings
from console import waiving
from console.report import figures
from console.web import amount_told, assigning, commands, compared
from console.web.assigning import Assigning
from console.web.desk import Approver, ApproverForm, Decider, DeciderForm, Reader, Visit, see
from console.web.filters import Filter
from console.web.sides import Field, evidence, side_by_side
from reconciliation import report
from reconciliation.rules import Rules
from state import attachments, chains, customers, finding_pages, findings, handling
from state.clock import from_us
from state.findings import Finding, FindingError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

router = APIRouter()

_ID = re.compile(r"[0-9a-f]{1,40}")
_NOTHING: Mapping[str, str] = {}


@router.get("/findings/{id}")
def one(visit: Reader, id: str) -> Response:
    """All about one finding."""
    return page(visit, id)


@router.post("/findings/{id}/assign")
def assign(visit: Decider, sent: DeciderForm, id: str) -> Response:
    """Make somebody responsible."""
    given = assigning.read(visit, sent)
    wrong = assigning.problem(visit, given)
    if wrong:
        return page(visit, id, 422, wrong, given)

    def decision(connection: Connection, at: int | None) -> Finding:
        due = date.fromisoformat(given.due) if given.due else None
        return handling.assign(connection, id, needed(given.to), visit.member.name, due=due, at=at)

    return decided(visit, id, decision, visit.texts("deciding.done.assigned", name=given.to))


@router.post("/findings/{id}/explain")
def explain(visit: Decider, sent: DeciderForm, id: str) -> Response:
    """Say why it is so."""
    reason = sent.get("reason", "").strip()[:4000]
    return decided(
        visit,
        id,
        lambda connection, at: handling.explain(connection, id, reason, visit.member.name, at=at),
        visit.texts("deciding.done.explained"),
        {"why": reason},
    )


@router.post("/findings/{id}/comment")
def comment(visit: Decider, sent: DeciderForm, id: str) -> Response:
    """Say something about it."""
    text = sent.get("text", "").strip()
    return decided(
        visit,
        id,
        lambda connection, at: handling.comment(connection, id, text, visit.member.name, at=at),
        visit.texts("deciding.done.commented"),
        {"say": text},
    )


@router.post("/findings/{id}/waiver")
def ask_waiver(visit: Decider, sent: DeciderForm, id: str) -> Response:
    """Ask that it be accepted until a day."""
    reason, until, settings = sent.get("reason", "").strip()[:4000], sent.get("until", ""), visit.desk.settings
    return decided(
        visit,
        id,
        lambda connection, _at: waiving.ask(
            connection, settings, id, reason, date.fromisoformat(until), visit.member.name
        ),
        visit.texts("deciding.done.asked"),
        {"why_accept": reason, "until": until},
    )


@router.post("/findings/{id}/waiver/approve")
def approve_waiver(visit: Approver, _sent: ApproverForm, id: str) -> Response:
    """Accept it as somebody else has asked."""
    return decided(
        visit,
        id,
        lambda connection, at: handling.approve_waiver(connection, id, visit.member.name, at=at),
        visit.texts("deciding.done.approved"),
    )


@router.post("/findings/{id}/waiver/decline")
def decline_waiver(visit: Approver, sent: ApproverForm, id: str) -> Response:
    """Say no, and why."""
    why = sent.get("reason", "").strip()[:4000]
    return decided(
        visit,
        id,
        lambda connection, at: handling.decline_waiver(connection, id, why, visit.member.name, at=at),
        visit.texts("deciding.done.declined"),
    )


@router.post("/findings/{id}/waiver/end")
def end_waiver(visit: Decider, sent: DeciderForm, id: str) -> Response:
    """Withdraw what one has asked for, or end a waiver before its day; and why."""
    why = sent.get("reason", "").strip()[:4000]
    return decided(
        visit,
        id,
        lambda connection, at: handling.end_waiver(connection, id, why, visit.member.name, at=at),
        visit.texts("deciding.done.ended"),
    )


def decided(
    visit: Visit,
    id: str,
    decision: Callable[[Connection, int | None], Finding],
    done: str,
    typed: Mapping[str, str] = _NOTHING,
) -> Response:
    """Take a decision and show the finding, which says ``done``, or what was wrong beside what was ``typed``.

    Raises ``HTTPException`` 404.
    """
    known(id)
    try:
        with visit.desk.store.transaction() as connection:
            found = decision(connection, Rules.of(visit.desk.settings).fixed_at)
    except (FindingError, attachments.AttachmentError, ValueError) as error:
        return page(visit, id, 422, problem(visit, error), typed=typed)
    visit.desk.notes.keep(visit, done)
    return see(f"/findings/{found.id}{_within(visit)}")


def problem(visit: Visit, error: Exception) -> str:
    """What was wrong with a decision, in words."""
    if isinstance(error, FindingError | attachments.AttachmentError):
        return visit.refusal(error)
    return visit.texts("web.day")


def known(id: str) -> None:
    """Raise ``HTTPException`` 404 for what can be no id: a database need not be asked for it."""
    if not _ID.fullmatch(id):
        raise HTTPException(404)


def needed(name: str) -> str:
    """Somebody's name; raises ``FindingError`` where there is none."""
    if not name:
        raise FindingError("Say who takes care of it.", why="assignee")
    return name


def page(
    visit: Visit,
    id: str,
    status: int = 200,
    problem: str = "",
    given: Assigning | None = None,
    typed: Mapping[str, str] = _NOTHING,
) -> Response:
    """The page of a finding; ``typed`` is what somebody wrote who could not be understood.

    Raises ``HTTPException`` 404.
    """
    known(id)
    rules, chosen = Rules.of(visit.desk.settings), Filter.of(visit.request.query_params)
    with visit.desk.store.reading() as connection:
        try:
            found = findings.find(connection, id)
        except FindingError:
            raise HTTPException(404) from None
        history = findings.history(connection, found.id)
        said = handling.said(connection, [found.id]).get(found.id, [])
        asked = handling.asked_waiver(connection, found.id)
        rows = chains.rows(connection, [record.record_id for record in found.records])
        before, after = visit.request.app.state.listings.beside(connection, chosen.wanted(visit), found.id)
        customer, with_customer = finding_pages.with_customer(connection, found)
        of_check = visit.request.app.state.listings.by_check(connection).get(found.check_id, 0)
        named = [rows[record.record_id] for record in found.records if record.record_id in rows]
        whose = customers.named_by(connection, named) if customer else None
        people = assigning.names(connection)
    zone, within = visit.desk.settings.business_day_zone, _within(visit)

    def when(instant: int) -> str:
        return f"{from_us(instant).astimezone(zone):%Y-%m-%d %H:%M}"

    shown = report.shown(found, rules, visit.lang, said)
    beside = side_by_side([rows.get(record.record_id, {}) for record in found.records], visit)
    return visit.page(
        "finding",
        status,
        finding=shown,
        action=commands.linked(visit, shown["action"] or ""),
        sides=[_side(asdict(record)) for record in found.records],
        **_split(beside, compared.fields(found.check_id)),
        evidence=evidence(found, visit),
        amount_is=amount_told.told(found, rows, visit),
        history=[
            {"at": when(item.done_at), "event": item.event, "actor": item.actor}
            | {"detail": item.detail, "told": shown_findings.told(item.detail, visit.texts)}
            for item in history
        ],
        files=[
            {**item.detail, "by": item.actor, "at": when(item.done_at)} for item in history if item.event == "attached"
        ],
        largest=f"{attachments.LARGEST // 1_048_576} MiB",
        asked=asked,
        people=people,
        given=given or Assigning(found.assignee or "", found.due_on or ""),
        problem=problem,
        typed=typed,
        within=within,
        back=f"/findings{within}" if within else "/findings?order=severity",
        before=f"/findings/{before}{within}" if before else "",
        after=f"/findings/{after}{within}" if after else "",
        customer=customer,
        whose=whose,
        with_customer=with_customer,
        of_check=of_check - (found.status in findings.STANDING),
        alike=Filter(check=found.check_id, customer=customer or "").query(),
    )


def _split(beside: list[Field], decisive: tuple[str, ...]) -> dict[str, list[Field]]:
    """The fields that the check compared, in its order, and all others; amounts with currencies that differ."""
    by_name = {field.name: field for field in beside}
    names = [name for name in decisive if name in by_name]
    currency = by_name.get("currency")
    if currency and currency.differs and any(name.endswith("_amount") for name in names):
        names = list(dict.fromkeys((*names, "currency")))
    first = [by_name[name] for name in names]
    return {"compared": first, "fields": [field for field in beside if field not in first]}


def _side(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "link": figures.link(record)}


def _within(visit: Visit) -> str:
    """The list that somebody came from, as the query of an address."""
    query = Filter.of(visit.request.query_params).query()
    return f"?{query}" if query else ""
