"""Findings as the API answers with them, and decisions about one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Path

from console import record_values
from console.exporting import is_removed
from console.web import assigning
from console.web.api.finding_models import (
    AskedWaiver,
    Assignment,
    Event,
    Finding,
    FindingDetail,
    FoundRecord,
    RecordValues,
)
from console.web.api.values import Record, instant
from console.web.problems import Refusal
from reconciliation import report, words
from reconciliation.rules import Rules
from state import chains, findings, handling
from state.attachments import AttachmentError
from state.findings import Finding as Stored
from state.findings import FindingError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from console.web.api.callers import Caller

FindingId = Annotated[str, Path(pattern="^[0-9a-f]{20}$", description="The whole id of a finding")]


def find(connection: Connection, id: str) -> Stored:
    """The finding with an id; raises ``Refusal`` 404."""
    try:
        return findings.find(connection, id)
    except FindingError:
        raise Refusal(404, f"There is no finding {id}.", "GET /api/v1/findings lists them.") from None


def addressee(caller: Caller, sent: Assignment) -> str:
    """Who is to take care of it: a member as they are called, or whoever is named; raises ``Refusal`` 409."""
    name = sent.to.strip()
    with caller.store.reading() as connection:
        known = assigning.called(connection, name)
    if known is None and not sent.outside:
        raise Refusal(409, f"{name} is not a member.", "Name a member, or send `outside`: true.")
    return known or name


def decided(
    caller: Caller, id: str, lang: str | None, decision: Callable[[Connection, int | None], Stored]
) -> FindingDetail:
    """Decide, and show what has come of it; raises ``Refusal`` 404, and 409 if it cannot be decided so."""
    with caller.store.transaction() as connection:
        find(connection, id)
        try:
            decision(connection, Rules.of(caller.settings).fixed_at)
        except (FindingError, AttachmentError) as error:
            raise Refusal.of(error) from None
        return detail(caller, connection, id, lang)


def shown(caller: Caller, connection: Connection, found: list[Stored], lang: str | None) -> list[Finding]:
    """Findings as the report has them."""
    rules, language = Rules.of(caller.settings), words.language(caller.locale(lang))
    said = handling.said(connection, [item.id for item in found])
    made = []
    for item in found:
        told = report.shown(item, rules, language, said.get(item.id, ()))
        told["records"] = [_marked(caller, record) for record in told["records"]]
        made.append(Finding(**told))
    return made


def _marked(caller: Caller, record: dict[str, Any]) -> dict[str, Any]:
    """A record with whether its system was removed from ltc.yaml."""
    return {**record, "system_removed": is_removed(caller.settings, record["system"])}


def detail(caller: Caller, connection: Connection, id: str, lang: str | None) -> FindingDetail:
    """All about one; raises ``Refusal`` 404."""
    found = find(connection, id)
    [brief] = shown(caller, connection, [found], lang)
    rows = chains.rows(connection, [record.record_id for record in found.records])
    asked = handling.asked_waiver(connection, id)
    return FindingDetail(
        **brief.model_dump(),
        values=[
            RecordValues(
                record=FoundRecord(**_marked(caller, {name: asdict(record)[name] for name in Record.model_fields})),
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
