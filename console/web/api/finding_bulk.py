"""Decisions about many findings at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from console import waiving
from console.i18n import texts
from console.web import bulk
from console.web.api.callers import Approver, Caller, Decider
from console.web.api.finding_answers import addressee
from console.web.api.finding_models import Assignment, Explanation, Remark, WaiverRequest
from console.web.api.values import Sent
from reconciliation.rules import Rules
from state import handling

if TYPE_CHECKING:
    from console.web.bulk import Decision

router = APIRouter(tags=["findings"])

Ids = Annotated[
    list[Annotated[str, StringConstraints(pattern="^[0-9a-f]{20}$")]],
    Field(min_length=1, max_length=bulk.MOST, description="Whole ids of findings", examples=[["0b2ee419bf104a846e63"]]),
]


class Many(Sent):
    """Which findings."""

    ids: Ids


class ManyAssigned(Many, Assignment):
    """Which findings, who takes care of them, and until when."""


class ManyExplained(Many, Explanation):
    """Which findings, and why they are so."""


class ManyRemarked(Many, Remark):
    """Which findings, and what is to be said about each."""


class ManyWaiverRequests(Many, WaiverRequest):
    """Which findings, why they can be accepted, and until when."""


class LeftOut(BaseModel):
    """A finding about which nothing was decided."""

    id: str
    reason: str


class Outcome(BaseModel):
    """What has come of it. Findings for which it cannot be are left out, the others are decided."""

    decided: int
    left_out: list[LeftOut]


@router.post("/findings/bulk/assign")
def assign_findings(caller: Decider, sent: ManyAssigned) -> Outcome:
    """Make somebody responsible for many findings."""
    to, due = addressee(caller, sent), sent.due
    return _decided(caller, sent.ids, lambda c, id, at: handling.assign(c, id, to, caller.name, due=due, at=at))


@router.post("/findings/bulk/explain")
def explain_findings(caller: Decider, sent: ManyExplained) -> Outcome:
    """Say why many findings are so; they stay on the list until the data is mended."""
    reason = sent.reason.strip()
    return _decided(caller, sent.ids, lambda c, id, at: handling.explain(c, id, reason, caller.name, at=at))


@router.post("/findings/bulk/comments")
def comment_on_findings(caller: Decider, sent: ManyRemarked) -> Outcome:
    """Say the same about many findings; nothing else changes."""
    return _decided(caller, sent.ids, lambda c, id, at: handling.comment(c, id, sent.text, caller.name, at=at))


@router.post("/findings/bulk/waiver")
def ask_for_waivers(caller: Decider, sent: ManyWaiverRequests) -> Outcome:
    """Ask that many findings be accepted until a day; those for which somebody has asked already are left out."""
    reason, settings, waits = sent.reason.strip(), caller.settings, texts("en")("looking.bulk.waits")
    return _decided(
        caller,
        sent.ids,
        lambda c, id, _at: waiving.ask_once(c, settings, id, reason, sent.until, caller.name, waits),
    )


@router.post("/findings/bulk/waiver/approve")
def approve_waivers(caller: Approver, sent: Many) -> Outcome:
    """Accept many findings as others have asked. Only for people who are signed in: no token approves."""
    return _decided(caller, sent.ids, lambda c, id, at: handling.approve_waiver(c, id, caller.name, at=at))


def _decided(caller: Caller, ids: list[str], decision: Decision) -> Outcome:
    with caller.store.transaction() as connection:
        found = bulk.decide(connection, list(dict.fromkeys(ids)), decision, Rules.of(caller.settings).fixed_at)
    return Outcome(decided=found.done, left_out=[LeftOut(id=id, reason=reason) for id, reason in found.left])
