"""Decisions on many findings at once: those that were ticked, or all that match, confirmed on a page of their own."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, HTTPException
from starlette.responses import Response

from console import waiving
from console.web import assigning
from console.web.assigning import Assigning
from console.web.desk import Approver, ApproverForm, Decider, DeciderForm, Visit, see
from console.web.filters import Filter
from console.web.finding import needed, problem
from reconciliation import money, report
from reconciliation.rules import Rules
from state import finding_pages, findings, handling
from state.findings import Finding, FindingError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

router = APIRouter()

MOST = 500
"""Findings of one decision; they are decided in one transaction, for which other writers wait."""
_ID = re.compile(r"[0-9a-f]{8,40}")

Decision = Callable[["Connection", str, int | None], Finding]


@dataclass
class Outcome:
    """What has come of a decision: how many findings it was taken on, and those left out with the reason."""

    done: int = 0
    left: list[tuple[str, str]] = field(default_factory=list)


@router.get("/findings/bulk")
def confirm(visit: Decider) -> Response:
    """What was chosen: how many, how much money, and what can be decided about all of them."""
    asked = visit.request.query_params
    chosen = Filter.of(asked)
    with visit.desk.store.reading() as connection:
        if asked.get("what") == "all":
            ids = finding_pages.ids(connection, chosen.wanted(visit), MOST + 1)
        else:
            ids = [id for id in dict.fromkeys(asked.getlist("pick")) if _ID.fullmatch(id)]
    if len(ids) > MOST:
        return _page(visit, [], chosen, 422, visit.texts("looking.bulk.too_many", most=f"{MOST:,}"))
    return _page(visit, ids, chosen)


@router.post("/findings/bulk/assign")
def assign(visit: Decider, sent: DeciderForm) -> Response:
    """Make somebody responsible for all of them."""
    given = assigning.read(visit, sent)

    def decision(connection: Connection, id: str, at: int | None) -> Finding:
        day = date.fromisoformat(given.due) if given.due else None
        return handling.assign(connection, id, needed(given.to), visit.member.name, due=day, at=at)

    wrong = assigning.problem(visit, given)
    if wrong:
        return _page(visit, _ids(sent), Filter.of(visit.request.query_params), 422, wrong, given=given)
    return _decided(visit, sent, decision)


@router.post("/findings/bulk/explain")
def explain(visit: Decider, sent: DeciderForm) -> Response:
    """Say why they are so."""
    reason = sent.get("reason", "").strip()[:4000]

    def decision(connection: Connection, id: str, at: int | None) -> Finding:
        return handling.explain(connection, id, reason, visit.member.name, at=at)

    return _decided(visit, sent, decision)


@router.post("/findings/bulk/comment")
def comment(visit: Decider, sent: DeciderForm) -> Response:
    """Say the same about all of them."""
    text = sent.get("text", "").strip()

    def decision(connection: Connection, id: str, at: int | None) -> Finding:
        return handling.comment(connection, id, text, visit.member.name, at=at)

    return _decided(visit, sent, decision)


@router.post("/findings/bulk/waiver")
def ask_waiver(visit: Decider, sent: DeciderForm) -> Response:
    """Ask that all of them be accepted until a day; those that wait for an approval already are left out."""
    reason, until, settings = sent.get("reason", "").strip()[:4000], sent.get("until", ""), visit.desk.settings
    waits = visit.texts("looking.bulk.waits")

    def decision(connection: Connection, id: str, _at: int | None) -> Finding:
        day = date.fromisoformat(until)
        return waiving.ask_once(connection, settings, id, reason, day, visit.member.name, waits)

    return _decided(visit, sent, decision)


@router.post("/findings/bulk/approve")
def approve(visit: Approver, sent: ApproverForm) -> Response:
    """Accept all of them as others have asked; what somebody has asked for themselves is left out."""

    def decision(connection: Connection, id: str, at: int | None) -> Finding:
        return handling.approve_waiver(connection, id, visit.member.name, at=at)

    return _decided(visit, sent, decision)


def _as_it_is(error: FindingError) -> str:
    return f"{error.message} {error.remedy}".strip()


def decide(
    connection: Connection,
    ids: list[str],
    decision: Decision,
    at: int | None,
    said: Callable[[FindingError], str] = _as_it_is,
) -> Outcome:
    """Decide on each; one for which that cannot be is left out whole, with the reason as it is ``said``."""
    outcome = Outcome()
    for id in ids:
        try:
            decision(connection, id, at)
        except FindingError as error:
            outcome.left.append((id, said(error)))
        else:
            outcome.done += 1
    return outcome


def _decided(visit: Visit, sent: dict[str, str], decision: Decision) -> Response:
    """Decide in one transaction, and go back to the list, or show what was left out."""
    chosen = Filter.of(visit.request.query_params)
    ids = _ids(sent)
    try:
        with visit.desk.store.transaction() as connection:
            outcome = decide(connection, ids, decision, Rules.of(visit.desk.settings).fixed_at, visit.refusal)
    except ValueError as error:
        return _page(visit, ids, chosen, 422, problem(visit, error))
    if outcome.left:
        return _page(visit, [], chosen, 200 if outcome.done else 422, outcome=outcome)
    query = chosen.query()
    return see(f"/findings?{query}{'&' if query else ''}done={outcome.done}")


def _ids(sent: dict[str, str]) -> list[str]:
    """The findings of a form; raises ``HTTPException`` 400 if it is none of ours."""
    ids = list(dict.fromkeys(sent.get("ids", "").split()))
    if not ids or len(ids) > MOST or not all(_ID.fullmatch(id) for id in ids):
        raise HTTPException(400)
    return ids


def _page(
    visit: Visit,
    ids: list[str],
    chosen: Filter,
    status: int = 200,
    problem: str = "",
    outcome: Outcome | None = None,
    given: Assigning | None = None,
) -> Response:
    rules = Rules.of(visit.desk.settings)
    with visit.desk.store.reading() as connection:
        found = findings.of_ids(connection, ids)
        left = findings.of_ids(connection, [id for id, _ in outcome.left]) if outcome else []
        people = assigning.names(connection)
    titles = {item.id: report.shown(item, rules, visit.lang)["explanation"] for item in left}
    query = chosen.query()
    return visit.page(
        "finding_bulk",
        status,
        ids=" ".join(item.id for item in found),
        count=len(found),
        sums=_sums(found),
        checks=_by_check([report.shown(item, rules, visit.lang) for item in found]),
        outcome=outcome,
        left=[(id, titles.get(id, id), why) for id, why in outcome.left] if outcome else [],
        within=f"?{query}" if query else "",
        people=people,
        given=given or Assigning(),
        problem=problem,
    )


def _by_check(shown: list[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """The findings of each check, the most first."""
    found: dict[str, list[dict[str, Any]]] = {}
    for item in shown:
        found.setdefault(item["title"] or item["check"], []).append(item)
    return sorted(found.items(), key=lambda entry: (-len(entry[1]), entry[0]))


def _sums(found: list[Finding]) -> list[tuple[Any, str]]:
    sums: dict[str, int] = {}
    for item in found:
        if item.currency and item.amount:
            sums[item.currency] = sums.get(item.currency, 0) + item.amount
    return [(money.text(amount, currency), currency) for currency, amount in sorted(sums.items())]
