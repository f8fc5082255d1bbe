"""What people do with findings: assign, explain, waive, comment, attach; it is all in their history and the audit."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import select, update
from sqlalchemy.engine import Connection

from state import attachments, audit, findings, stamps
from state.attachments import Attached
from state.awaiting import WAIVER_ENDS
from state.findings import Finding, FindingError
from state.schema import finding as table
from state.schema import finding_event

_LONGEST_COMMENT = 4_000
_FEW = 500


class Asked(NamedTuple):
    """A waiver that somebody asks for; ``until`` is its last day."""

    by: str
    reason: str
    until: date


def assign(
    connection: Connection, id: str, assignee: str, actor: str, *, due: date | None = None, at: int | None = None
) -> Finding:
    """Make somebody responsible, with ``due`` until a day; what is waived stays so.

    ``at`` (microseconds) is the instant that ltc.yaml fixes.

    Raises ``FindingError``, like everything here.
    """
    values = {"assignee": assignee, **({"due_on": due.isoformat()} if due else {})}
    waived = _standing(connection, id).status == "waived"  # stays so until its day
    return _decide(connection, id, actor, "assigned", values, {} if waived else {"status": "assigned"}, at)


def explain(connection: Connection, id: str, reason: str, actor: str, *, at: int | None = None) -> Finding:
    """Say why it is so; it stays outstanding until the data is mended."""
    if not reason.strip():
        raise FindingError("An explanation needs a reason.", why="explain_reason")
    if _standing(connection, id).status == "waived":  # the reason that was approved must stay
        what = "This finding is waived."
        raise FindingError(what, "Take the waiver back first, or comment on it.", "explain_waived")
    return _decide(connection, id, actor, "explained", {"reason": reason}, {"status": "explained"}, at)


def waive(
    connection: Connection, id: str, reason: str, approver: str, until: date, actor: str, *, at: int | None = None
) -> Finding:
    """Accept it until a day (inclusive); whoever approves is another person."""
    found = _waive(connection, id, Asked(actor, reason, until), approver, at)
    detail = {"reason": reason, "approver": approver, "waived_until": until.isoformat()}
    _audit(connection, actor, "waived", found, detail)
    return found


def ask_waiver(
    connection: Connection, id: str, reason: str, until: date, actor: str, *, at: int | None = None
) -> Finding:
    """Ask that it be accepted until a day (inclusive); nothing changes until somebody else approves."""
    if not reason.strip():
        raise FindingError("A waiver needs a reason.", why="waiver_reason")
    _standing(connection, id)
    return _note(connection, id, actor, "waiver_asked", {"reason": reason, "waived_until": until.isoformat()}, at)


def asked_waiver(connection: Connection, id: str) -> Asked | None:
    """The waiver that waits for approval; ``None`` if none does."""
    asked = None
    for event in findings.history(connection, findings.find(connection, id).id):
        if event.event == "waiver_asked":
            asked = Asked(event.actor, event.detail["reason"], date.fromisoformat(event.detail["waived_until"]))
        elif event.event in WAIVER_ENDS:
            asked = None
    return asked


def approve_waiver(connection: Connection, id: str, approver: str, *, at: int | None = None) -> Finding:
    """Accept it as somebody else has asked."""
    asked = _asked(connection, id)
    found = _waive(connection, id, asked, approver, at)
    detail = {"reason": asked.reason, "asked_by": asked.by, "waived_until": asked.until.isoformat()}
    _audit(connection, approver, "waived", found, detail)  # who approves does it here, not who has asked
    return found


def decline_waiver(connection: Connection, id: str, reason: str, actor: str, *, at: int | None = None) -> Finding:
    """Say no to the waiver that was asked for, and why."""
    if not reason.strip():
        raise FindingError("Say why the waiver is declined.", why="decline_reason")
    _asked(connection, id)
    return _note(connection, id, actor, "waiver_declined", {"reason": reason.strip()}, at)


def end_waiver(connection: Connection, id: str, reason: str, actor: str, *, at: int | None = None) -> Finding:
    """Take a waiver back: one that waits, by whoever asked for it, or one that holds, before its day, by anybody.

    Raises ``FindingError`` without a reason, where no waiver waits or holds, and for one that somebody else asks for.
    """
    found = _standing(connection, id)
    if not reason.strip():
        raise FindingError("Say why the waiver is taken back.", why="end_reason")
    detail = {"reason": reason.strip()}
    if found.status == "waived":
        values = {"reason": None, "approver": None, "waived_until": None}
        status = "assigned" if found.assignee else "open"
        connection.execute(update(table).where(table.c.id == found.id).values(**values, status=status))
        return _note(connection, found.id, actor, "waiver_ended", detail, at)
    asked = _asked(connection, id)
    if asked.by != actor:
        what = f"{asked.by} asks for this waiver, and alone can withdraw it."
        raise FindingError(what, "Decline it instead, if you may.", "waiver_of_other", by=asked.by)
    return _note(connection, found.id, actor, "waiver_withdrawn", detail, at)


def comment(connection: Connection, id: str, text: str, actor: str, *, at: int | None = None) -> Finding:
    """Say something about it; nothing else changes."""
    if not text.strip():
        raise FindingError("A comment needs words.", why="comment_empty")
    if len(text) > _LONGEST_COMMENT:
        raise FindingError(
            f"A comment has at most {_LONGEST_COMMENT:,} characters.",
            "Attach a file: `ltc findings attach`.",
            "comment_long",
            most=f"{_LONGEST_COMMENT:,}",
        )
    return _note(connection, id, actor, "commented", {"text": text.strip()}, at)


def attach(connection: Connection, id: str, name: str, content: bytes, actor: str, *, at: int | None = None) -> Finding:
    """Keep a file with it, by its content: the same content is kept once. Raises ``AttachmentError``, too."""
    kept = attachments.keep(connection, name, content)
    detail = {"name": kept.name, "size": kept.size, "sha256": kept.sha256}
    return _note(connection, id, actor, "attached", detail, at)


def said(connection: Connection, ids: list[str], at: int | None = None) -> dict[str, list[dict[str, Any]]]:
    """What was said about these findings, by id, oldest first: at (stamp), by, and ``text`` of a comment or ``name``,
    ``size`` and ``sha256`` of an attachment. With ``at`` (a stamp) only what was said until then."""
    event = finding_event
    query = select(event).where(event.c.event.in_(("commented", "attached")))
    if at is not None:
        query = query.where(event.c.at <= at)
    if len(ids) <= _FEW:  # a page of findings must not read what was said about all the others
        query = query.where(event.c.finding_id.in_(ids))
    wanted, found = set(ids), dict[str, list[dict[str, Any]]]()
    for row in connection.execute(query.order_by(event.c.id)):
        if row.finding_id in wanted:
            detail = findings.detail_of(row)
            found.setdefault(row.finding_id, []).append({"at": row.at, "by": row.actor, **detail})
    return found


def attached(connection: Connection, id: str) -> list[Attached]:
    """The files of a finding, oldest first."""
    history = findings.history(connection, findings.find(connection, id).id)
    details = [event.detail for event in history if event.event == "attached"]
    return [Attached(item["name"], item["size"], item["sha256"]) for item in details]


def _asked(connection: Connection, id: str) -> Asked:
    _standing(connection, id)
    asked = asked_waiver(connection, id)
    if asked is None:
        what = "Nobody asks for a waiver of this finding."
        raise FindingError(what, "It may have been decided meanwhile.", "waiver_not_asked")
    return asked


def _standing(connection: Connection, id: str) -> Finding:
    found = findings.find(connection, id)
    if found.status == "resolved":
        raise FindingError(f"Finding {found.id} is resolved.", "There is nothing left to decide.", "resolved")
    return found


def _waive(connection: Connection, id: str, asked: Asked, approver: str, at: int | None) -> Finding:
    """Accept it; its history names who asked, and the approver beside."""
    if not asked.reason.strip():
        raise FindingError("A waiver needs a reason.", why="waiver_reason")
    if approver == asked.by:
        raise FindingError("Somebody else must approve a waiver.", "Name another person as approver.", "waiver_other")
    values = {"reason": asked.reason, "approver": approver, "waived_until": asked.until.isoformat()}
    found = _change(connection, id, {**values, "status": "waived"})
    return _tell(connection, found.id, asked.by, "waived", values, at)


def _decide(
    connection: Connection,
    id: str,
    actor: str,
    event: str,
    values: dict[str, Any],
    status: dict[str, str],
    at: int | None,
) -> Finding:
    found = _change(connection, id, {**values, **status})
    return _note(connection, found.id, actor, event, values, at)


def _change(connection: Connection, id: str, values: dict[str, Any]) -> Finding:
    found = _standing(connection, id)
    connection.execute(update(table).where(table.c.id == found.id).values(**values))
    return found


def _note(connection: Connection, id: str, actor: str, event: str, detail: dict[str, Any], at: int | None) -> Finding:
    found = _tell(connection, id, actor, event, detail, at)
    _audit(connection, actor, event, found, detail)
    return found


def _tell(connection: Connection, id: str, actor: str, event: str, detail: dict[str, Any], at: int | None) -> Finding:
    found = findings.find(connection, id)
    findings.note(connection, found.id, event, actor, detail, stamps.take(connection, at), stamps.done(at))
    return found


def _audit(connection: Connection, actor: str, event: str, found: Finding, detail: dict[str, Any]) -> None:
    audit.append(connection, actor, f"finding {event}", {"finding": found.id, **detail})
