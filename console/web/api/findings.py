"""One finding with its records and history, and decisions about it."""

from __future__ import annotations

from fastapi import APIRouter

from console import waiving
from console.web.api.callers import Approver, Decider, Lang, Reader
from console.web.api.finding_answers import FindingId, addressee, decided, detail
from console.web.api.finding_models import (
    Assignment,
    Decline,
    Explanation,
    FindingDetail,
    Remark,
    WaiverEnd,
    WaiverRequest,
)
from state import handling

router = APIRouter(tags=["findings"])


@router.get("/findings/{id}")
def get_finding(caller: Reader, id: FindingId, lang: Lang = None) -> FindingDetail:
    """Show one finding with what the systems say, what is asked for, and its history."""
    with caller.store.reading() as connection:
        return detail(caller, connection, id, lang)


@router.post("/findings/{id}/assign")
def assign_finding(caller: Decider, id: FindingId, sent: Assignment, lang: Lang = None) -> FindingDetail:
    """Make somebody responsible."""
    to, due = addressee(caller, sent), sent.due
    return decided(caller, id, lang, lambda c, at: handling.assign(c, id, to, caller.name, due=due, at=at))


@router.post("/findings/{id}/explain")
def explain_finding(caller: Decider, id: FindingId, sent: Explanation, lang: Lang = None) -> FindingDetail:
    """Say why it is so; it stays on the list until the data is mended."""
    reason = sent.reason.strip()
    return decided(caller, id, lang, lambda c, at: handling.explain(c, id, reason, caller.name, at=at))


@router.post("/findings/{id}/comments")
def comment_on_finding(caller: Decider, id: FindingId, sent: Remark, lang: Lang = None) -> FindingDetail:
    """Say something about it; nothing else changes."""
    return decided(caller, id, lang, lambda c, at: handling.comment(c, id, sent.text, caller.name, at=at))


@router.post("/findings/{id}/waiver")
def ask_for_waiver(caller: Decider, id: FindingId, sent: WaiverRequest, lang: Lang = None) -> FindingDetail:
    """Ask that it be accepted until a day; nothing changes until somebody else approves."""
    reason, settings = sent.reason.strip(), caller.settings
    return decided(caller, id, lang, lambda c, _at: waiving.ask(c, settings, id, reason, sent.until, caller.name))


@router.post("/findings/{id}/waiver/approve")
def approve_waiver(caller: Approver, id: FindingId, lang: Lang = None) -> FindingDetail:
    """Accept it as somebody else has asked. Only for people who are signed in: no token approves."""
    return decided(caller, id, lang, lambda c, at: handling.approve_waiver(c, id, caller.name, at=at))


@router.post("/findings/{id}/waiver/end")
def end_waiver(caller: Decider, id: FindingId, sent: WaiverEnd, lang: Lang = None) -> FindingDetail:
    """Withdraw the waiver that one has asked for, or end one that was approved before its day."""
    reason = sent.reason.strip()
    return decided(caller, id, lang, lambda c, at: handling.end_waiver(c, id, reason, caller.name, at=at))


@router.post("/findings/{id}/waiver/decline")
def decline_waiver(caller: Approver, id: FindingId, sent: Decline, lang: Lang = None) -> FindingDetail:
    """Say no to what was asked, and why. Only for people who are signed in."""
    reason = sent.reason.strip()
    return decided(caller, id, lang, lambda c, at: handling.decline_waiver(c, id, reason, caller.name, at=at))
