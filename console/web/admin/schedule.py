"""For admins: how often each system is synced, whether anything does that, and when it is next."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from console import freshness
from console.web import carrying, systems
from console.web.admin import common, timing
from console.web.admin.common import REFUSALS, Outcome
from console.web.admin.timing import Timing
from console.web.desk import Administrator, AdministratorForm, Visit, see
from yamlfiles.editing import update
from yamlfiles.reading import parse

router = APIRouter()

_NEXT = 5
"""Times that are listed before a change is saved."""


@dataclass
class Planned:
    """A system's schedule as it is in the form."""

    system: str
    timing: Timing
    before: Timing
    """As ltc.yaml has it."""
    wrong: str = ""
    """The field that is wrong."""
    problem: str = ""
    """Key of what is wrong with it."""
    said: str = ""
    """In words."""
    due: datetime | None = None
    """When it comes next, as ltc.yaml has it."""
    is_late: bool = False
    uncarried: str = ""
    """That nothing carries it out, in words; empty if something does."""
    coming: list[datetime] = field(default_factory=list)
    """The next times of one that is not saved yet."""


@router.get("/settings/schedule")
def schedules(visit: Administrator, said: Annotated[str, Query(max_length=20)] = "") -> Response:
    """The schedules of all systems."""
    common.whole(visit)
    return _page(visit, {}, Outcome(), said == "saved")


@router.post("/settings/schedule")
def reschedule(visit: Administrator, sent: AdministratorForm) -> Response:
    """Show what would be different in ltc.yaml, or save it."""
    common.whole(visit)
    visit = common.in_language(visit, sent)

    def change(text: str, file: str) -> str:
        for name, entry in _systems(text, file).items():
            text = _with(text, file, name, entry, sent)
        return text

    def is_wrong(text: str) -> bool:
        return any(row.problem for row in _rows(visit, text, sent))

    outcome = common.changed(visit, sent, change, visit.texts("admin.why.schedule"), is_wrong)
    if outcome.saved:
        return see("/settings/schedule?said=saved")
    return _page(visit, sent, outcome)


def _with(text: str, file: str, name: str, entry: dict[str, Any], sent: dict[str, str]) -> str:
    row = _row(name, entry, sent)
    if row.problem:
        return text
    changed = dict(entry)
    timing.put(changed, row.timing)
    return text if changed == entry else update(text, file, ("systems", name), changed)


def _row(name: str, entry: dict[str, Any], sent: dict[str, str]) -> Planned:
    before = timing.of(entry.get("schedule"))
    row = Planned(name, timing.typed(sent, before, f".{name}"), before)
    row.wrong, row.problem = row.timing.problem() or ("", "")
    return row


def _rows(visit: Visit, text: str, sent: dict[str, str]) -> list[Planned]:
    settings = visit.desk.settings
    present = freshness.now().astimezone(settings.business_day_zone)
    rows = [_row(name, entry, sent) for name, entry in _systems(text, common.files(visit).main).items()]
    found = systems.fresh(visit)
    for row in rows:
        if row.problem:
            continue
        row.said = row.timing.said(visit.texts)
        if row.timing != row.before:
            row.coming = row.timing.coming(present, _NEXT)
        elif row.system in settings.systems:
            row.uncarried = freshness.next_told(row.system, [], found, settings, visit.texts)[1]
            due = None if row.uncarried else freshness.next_of(row.system, found, settings)
            row.due = due.astimezone(present.tzinfo) if due is not None else None
            row.is_late = freshness.is_late(row.system, found, settings)
    return rows


def _systems(text: str, file: str) -> dict[str, dict[str, Any]]:
    found = parse(text.removeprefix("\ufeff").replace("\r\n", "\n"), file).get("systems")
    entries = found if isinstance(found, dict) else {}
    return {name: dict(entry) for name, entry in entries.items() if isinstance(entry, dict)}


def _page(visit: Visit, sent: dict[str, str], outcome: Outcome, saved: bool = False) -> Response:
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
        kinds=timing.KINDS,
        units=timing.UNITS,
        outcome=Outcome() if wrong else outcome,
        seen=seen,
        saved=saved,
        carrying=carrying.of(visit),
        waits_for=carrying.after_change(visit),
        at_work=freshness.scheduling(systems.fresh(visit), visit.desk.settings, visit.texts),
        why=sent.get("why", ""),
        why_not=found.why_not(found.main),
    )
