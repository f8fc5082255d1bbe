"""For admins: how often each system is synced, and when that is next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from console.web.admin import common, drafts
from console.web.admin.common import REFUSALS, Outcome
from console.web.desk import Administrator, AdministratorForm, Visit, see
from settings import cron
from yamlfiles.editing import update
from yamlfiles.reading import parse

router = APIRouter()


@dataclass
class Planned:
    """A system's schedule as it is in the form; ``due`` is when it comes next, ``problem`` a key of what is wrong."""

    system: str
    every: str
    cron: str
    interval: str
    due: datetime | None = None
    written: str = ""
    """The interval as ltc.yaml has it."""
    problem: str = ""


@router.get("/settings/schedule")
def schedules(visit: Administrator) -> Response:
    """The schedules of all systems."""
    common.whole(visit)
    return _page(visit, {}, Outcome())


@router.post("/settings/schedule")
def reschedule(visit: Administrator, sent: AdministratorForm) -> Response:
    """Show what would be different in ltc.yaml, or save it."""
    common.whole(visit)

    def change(text: str, file: str) -> str:
        for name, entry in _systems(text, file).items():
            text = _with(text, file, name, entry, sent)
        return text

    def is_wrong(text: str) -> bool:
        return any(row.problem for row in _rows(visit, text, sent))

    outcome = common.changed(visit, sent, change, visit.texts("admin.why.schedule"), is_wrong)
    if outcome.saved:
        return see("/settings?said=changed")
    return _page(visit, sent, outcome)


def _with(text: str, file: str, name: str, entry: dict[str, Any], sent: dict[str, str]) -> str:
    row = _row(name, entry, sent)
    if row.problem:
        return text
    changed = dict(entry)
    drafts.set_schedule(changed, row.every, row.cron, row.interval)
    return text if changed == entry else update(text, file, ("systems", name), changed)


def _row(name: str, entry: dict[str, Any], sent: dict[str, str]) -> Planned:
    every, expression, minutes = drafts.schedule_of(entry.get("schedule"))
    row = Planned(
        name,
        sent.get(f"every.{name}", every),
        " ".join(sent.get(f"cron.{name}", expression).split()),
        sent.get(f"interval.{name}", minutes).strip(),
    )
    if row.every not in ("", "cron", "interval"):
        row.problem = "no_choice"
    if row.every == "cron" and not cron.is_possible(row.cron):
        row.problem = "no_cron"
    if row.every == "interval" and not drafts.is_interval(row.interval):
        row.problem = "no_minutes"
    return row


def _rows(visit: Visit, text: str, sent: dict[str, str]) -> list[Planned]:
    now = datetime.now(visit.desk.settings.business_day_zone)
    rows = [_row(name, entry, sent) for name, entry in _systems(text, common.files(visit).main).items()]
    for row in rows:
        given = row.every == "interval" and not row.problem
        row.written = drafts.with_unit(row.interval) if given else ""
        row.due = cron.next_due(row.cron, now) if row.every == "cron" and not row.problem else None
    return rows


def _systems(text: str, file: str) -> dict[str, dict[str, Any]]:
    found = parse(text.removeprefix("\ufeff").replace("\r\n", "\n"), file).get("systems")
    entries = found if isinstance(found, dict) else {}
    return {name: dict(entry) for name, entry in entries.items() if isinstance(entry, dict)}


def _page(visit: Visit, sent: dict[str, str], outcome: Outcome) -> Response:
    found = common.files(visit)
    rows: list[Planned] = []
    seen = ""
    try:
        main = found.read(found.main)
        rows, seen = _rows(visit, main.text, sent), main.digest
    except REFUSALS as error:
        outcome = common.refused(error)
    wrong = any(row.problem for row in rows)
    return visit.page(
        "admin_schedule",
        422 if wrong else outcome.status,
        rows=rows,
        zone=visit.desk.settings.timezone,
        outcome=Outcome() if wrong else outcome,
        seen=seen,
        why=sent.get("why", ""),
        why_not=found.why_not(found.main),
    )
