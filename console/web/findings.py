"""Findings: the list with its filters, one finding with its records and history, and what people decide about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, fields
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Query
from starlette.responses import Response

from console.records import HIDDEN, PERSONAL
from console.report import figures
from console.web.desk import Approver, ApproverForm, Decider, DeciderForm, Reader, Visit, see
from mappings.model import ENTITIES, Kind, columns
from reconciliation import money, report, words
from reconciliation.checks.registry import DEPARTMENTS
from reconciliation.rules import Rules
from state import chains, finding_pages, findings, handling
from state.clock import from_us
from state.finding_pages import ORDERS, Wanted
from state.findings import STANDING, Finding, FindingError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

router = APIRouter()

SIZE = 50
"""Findings on a page."""
_LAST_PAGE = 1_000_000
_BOOKKEEPING = frozenset({"record_id", "system", "source_id", "entity", "deleted", "url", "source_status", "run_id"})


@router.get("/findings")
def listing(
    visit: Reader,
    text: str = "",
    stage: str = "",
    department: str = "",
    severity: str = "",
    status: str = "",
    check: str = "",
    order: str = "severity",
    page: Annotated[int, Query(ge=1, le=_LAST_PAGE)] = 1,
) -> Response:
    """The findings that are looked for, a page at a time."""
    wanted = Wanted(text[:200], stage, department, severity, status, check, order if order in ORDERS else "severity")
    rules = Rules.of(visit.desk.settings)
    with visit.desk.store.reading() as connection:
        found = finding_pages.page(connection, wanted, (page - 1) * SIZE, SIZE)
        said = handling.said(connection, [item.id for item in found.findings])
    shown = [report.shown(item, rules, visit.lang, said.get(item.id, ())) for item in found.findings]
    chosen = {item.name: getattr(wanted, item.name) for item in fields(Wanted)}
    last = max((found.count + SIZE - 1) // SIZE, 1)
    return visit.page(
        "findings",
        findings=shown,
        count=found.count,
        wanted=chosen,
        choices={
            "stage": figures.STAGES,
            "department": DEPARTMENTS,
            "severity": figures.SEVERITIES,
            "status": (*STANDING, "resolved"),
        },
        orders=ORDERS,
        place=page,
        last=last,
        at_page=lambda number: "/findings?" + urlencode({**_given(chosen), "page": number}),
    )


@router.get("/findings/{id}")
def one(visit: Reader, id: str) -> Response:
    """All about one finding."""
    return _page(visit, id)


@router.post("/findings/{id}/assign")
def assign(visit: Decider, sent: DeciderForm, id: str) -> Response:
    """Make somebody responsible."""
    due = sent.get("due", "")
    to = sent.get("to", "").strip()[:200]
    return _decided(
        visit,
        id,
        lambda connection, at: handling.assign(
            connection, id, _needed(to), visit.member.name, due=date.fromisoformat(due) if due else None, at=at
        ),
    )


@router.post("/findings/{id}/explain")
def explain(visit: Decider, sent: DeciderForm, id: str) -> Response:
    """Say why it is so."""
    reason = sent.get("reason", "").strip()[:4000]
    return _decided(
        visit, id, lambda connection, at: handling.explain(connection, id, reason, visit.member.name, at=at)
    )


@router.post("/findings/{id}/comment")
def comment(visit: Decider, sent: DeciderForm, id: str) -> Response:
    """Say something about it."""
    text = sent.get("text", "").strip()
    return _decided(visit, id, lambda connection, at: handling.comment(connection, id, text, visit.member.name, at=at))


@router.post("/findings/{id}/waiver")
def ask_waiver(visit: Decider, sent: DeciderForm, id: str) -> Response:
    """Ask that it be accepted until a day."""
    reason, until = sent.get("reason", "").strip()[:4000], sent.get("until", "")

    def ask(connection: Connection, at: int | None) -> Finding:
        day = date.fromisoformat(until)
        if day < Rules.of(visit.desk.settings).today:
            raise FindingError("That day has passed.", "Name the last day on which it is accepted.")
        return handling.ask_waiver(connection, id, reason, day, visit.member.name, at=at)

    return _decided(visit, id, ask)


@router.post("/findings/{id}/waiver/approve")
def approve_waiver(visit: Approver, _sent: ApproverForm, id: str) -> Response:
    """Accept it as somebody else has asked."""
    return _decided(visit, id, lambda connection, at: handling.approve_waiver(connection, id, visit.member.name, at=at))


@router.post("/findings/{id}/waiver/decline")
def decline_waiver(visit: Approver, sent: ApproverForm, id: str) -> Response:
    """Say no, and why."""
    why = sent.get("reason", "").strip()[:4000]
    return _decided(
        visit, id, lambda connection, at: handling.decline_waiver(connection, id, why, visit.member.name, at=at)
    )


def _decided(visit: Visit, id: str, decision: Callable[[Connection, int | None], Finding]) -> Response:
    """Take a decision and show the finding, or show it with what was wrong."""
    try:
        with visit.desk.store.transaction() as connection:
            found = decision(connection, Rules.of(visit.desk.settings).fixed_at)
    except (FindingError, ValueError) as error:
        said = f"{error.message} {error.remedy}".strip() if isinstance(error, FindingError) else visit.texts("web.day")
        return _page(visit, id, 422, said)
    return see(f"/findings/{found.id}")


def _needed(name: str) -> str:
    if not name:
        raise FindingError("Say who takes care of it.")
    return name


def _page(visit: Visit, id: str, status: int = 200, problem: str = "") -> Response:
    rules = Rules.of(visit.desk.settings)
    with visit.desk.store.reading() as connection:
        try:
            found = findings.find(connection, id)
        except FindingError:
            raise HTTPException(404) from None
        history = findings.history(connection, found.id)
        said = handling.said(connection, [found.id])
        asked = handling.asked_waiver(connection, found.id)
        rows = chains.rows(connection, [record.record_id for record in found.records])
    zone = visit.desk.settings.business_day_zone
    return visit.page(
        "finding",
        status,
        finding=report.shown(found, rules, visit.lang, said.get(found.id, ())),
        sides=[asdict(record) for record in found.records],
        fields=side_by_side([rows.get(record.record_id, {}) for record in found.records], visit),
        history=[
            {"at": f"{from_us(item.at).astimezone(zone):%Y-%m-%d %H:%M}", "event": item.event, "actor": item.actor}
            | {"detail": {k: v for k, v in item.detail.items() if not isinstance(v, dict | list)}}
            for item in history
        ],
        asked=asked,
        problem=problem,
    )


def side_by_side(rows: list[dict[str, Any]], visit: Visit) -> list[tuple[str, list[str], bool]]:
    """Each field that one of the records has: its name, the values beside each other, whether they should agree and do
    not: money between all records, other fields between records of one kind. Personal values are kept back."""
    kinds = {
        column.name: column.kind
        for entity in dict.fromkeys(row["entity"] for row in rows if row)
        for column in columns(ENTITIES[entity])
    }
    found = []
    for name, kind in kinds.items():
        if name in _BOOKKEEPING or kind in (Kind.REF, Kind.REFS):
            continue
        values = [_shown(row, name, kind, visit) for row in rows]
        if any(values):
            groups = [row.get("entity") if kind is not Kind.MONEY and name != "currency" else None for row in rows]
            told = {(group, value) for group, value in zip(groups, values, strict=True) if value}
            differs = len(told) > len({group for group, _ in told}) and kind is not Kind.INSTANT
            found.append((name, values, differs))
    return found


def _shown(row: dict[str, Any], name: str, kind: Kind, visit: Visit) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if name in PERSONAL or (name == "name" and row["entity"] == "contact"):
        return HIDDEN
    if kind is Kind.INSTANT:
        return f"{from_us(value).astimezone(visit.desk.settings.business_day_zone):%Y-%m-%d %H:%M}"
    if kind is Kind.MONEY:
        return figures.money(money.text(value, row.get("currency")), row.get("currency"))
    if name == "status":
        return words.status(row["entity"], value, visit.lang)
    if name.endswith("_state"):
        return words.state(value, visit.lang)
    if kind is Kind.FLAG:
        return visit.texts(f"web.finding.{'yes' if value else 'no'}")
    return str(value)


def _given(chosen: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in chosen.items() if value and (name, value) != ("order", "severity")}
