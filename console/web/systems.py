"""For IT: how fresh each stream is, what was run, what is to be written back, what needs a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, HTTPException
from starlette.responses import Response

from console import freshness, in_quarantine, ran
from console.records import HIDDEN
from console.web.desk import Operator, OperatorForm, Reader, Visit, see
from console.web.work import KINDS
from mappings.errors import MappingFileError
from state import creations, outbox, quarantine, queries, runs
from state.changes import Item, PlanError
from sync.systems import SystemUnusable, mapping_for

if TYPE_CHECKING:
    from console.web.work import Worker

router = APIRouter()

_RUNS = 50
_REFUSED = 200


@router.get("/systems")
def systems(visit: Reader) -> Response:
    """Streams, what waits for people, what failed; and the buttons that start a run."""
    desk = visit.desk
    found = freshness.read(desk.store, desk.settings)
    failing = [(freshness.problem(item, visit.texts), item.remedy) for item in found.failing]
    return visit.page(
        "systems",
        columns=freshness.COLUMNS,
        rows=[
            (freshness.state(item, found), freshness.row(item, found, desk.settings, visit.texts))
            for item in found.streams
        ],
        waiting=list(freshness.waiting(found, desk.settings, visit.texts)),
        failing=failing,
        problem=_worker(visit).problem,
        busy=bool(found.running) or _worker(visit).is_at_work(),
        systems=list(desk.settings.systems),
    )


@router.get("/runs")
def listing(visit: Reader) -> Response:
    """The last runs."""
    runs.close_abandoned(visit.desk.store)
    with visit.desk.store.reading() as connection:
        found = queries.recent_runs(connection, _RUNS)
    zone = visit.desk.settings.business_day_zone
    rows = [ran.run(item, visit.texts, zone) for item in found]
    busy = any(item.status == "running" for item in found) or _worker(visit).is_at_work()
    return visit.page(
        "runs", heads=ran.RUNS, part_heads=ran.PARTS, rows=rows, parts=None, run="", failing=[], busy=busy
    )


@router.get("/runs/{id}")
def one(visit: Reader, id: str) -> Response:
    """What a run did with each stream."""
    with visit.desk.store.reading() as connection:
        parts = queries.run_parts(connection, id)
        run = queries.run(connection, id)
    if run is None:
        raise HTTPException(404)
    zone = visit.desk.settings.business_day_zone
    return visit.page(
        "runs",
        heads=ran.RUNS,
        part_heads=ran.PARTS,
        rows=[ran.run(run, visit.texts, zone)],
        parts=[ran.part(item, visit.texts) for item in parts],
        run=id,
        failing=[(f"{item.system}.{item.stream}: {item.message}", item.remedy) for item in parts if item.message],
        busy=run.status == "running",
    )


@router.post("/runs")
def start(visit: Operator, sent: OperatorForm) -> Response:
    """Start a run."""
    kind, system = sent.get("kind", ""), sent.get("system", "")
    if kind not in KINDS or kind == "push" or (system and system not in visit.desk.settings.systems):
        raise HTTPException(400)
    return _started(visit, kind, system=system or None)


@router.get("/plans")
def plans(visit: Reader) -> Response:
    """What is to be written to each system, field by field, with the reason."""
    with visit.desk.store.reading() as connection:
        found = outbox.open_plans(connection)
    shown = [
        {"id": plan.id, "system": plan.system, "items": [_item(visit, item) for item in plan.open_items]}
        for plan in found
        if plan.open_items
    ]
    return visit.page("plans", plans=shown, busy=_worker(visit).is_at_work())


@router.post("/plans/{id}/apply")
def apply(visit: Operator, _sent: OperatorForm, id: str) -> Response:
    """Carry out exactly this plan."""
    with visit.desk.store.reading() as connection:
        try:
            outbox.load(connection, id)
        except PlanError:
            raise HTTPException(404) from None
    return _started(visit, "push", plan_id=id)


@router.get("/quarantine")
def refused(visit: Reader) -> Response:
    """Records that could not be understood, with the field and the reason."""
    with visit.desk.store.reading() as connection:
        found = quarantine.listing(connection, limit=_REFUSED)
        count = quarantine.count(connection)
    zone = visit.desk.settings.business_day_zone
    return visit.page(
        "quarantine", heads=in_quarantine.COLUMNS, rows=[in_quarantine.row(item, zone) for item in found], count=count
    )


@router.get("/dead-letters")
def dead_letters(visit: Reader) -> Response:
    """Write-backs and new records that need a person."""
    return _dead_letters(visit)


@router.post("/dead-letters/{id}/retry")
def retry(visit: Operator, _sent: OperatorForm, id: str) -> Response:
    """Let the next plan take it up again."""
    return _decided(visit, id, None)


@router.post("/dead-letters/{id}/discard")
def discard(visit: Operator, sent: OperatorForm, id: str) -> Response:
    """Take it off the list for good."""
    return _decided(visit, id, sent.get("reason", "").strip()[:1000])


def _dead_letters(visit: Visit, status: int = 200, problem: str = "") -> Response:
    with visit.desk.store.reading() as connection:
        writes = outbox.dead_letters(connection)
        made = creations.dead_letters(connection, None)
    shown = [{**_item(visit, item), "id": item.letter, "state": item.status.value} for item in writes]
    shown += [
        {
            "id": item.letter,
            "record": f"{item.system}:{item.stream}",
            "changes": [],
            "origin": f"{item.origin.system}:{item.number or item.origin.source_id}",
            "state": "gone" if item.made_source_id else item.status.value,
            "attempts": item.attempts,
            "message": item.message,
        }
        for item in made
    ]
    return visit.page("dead_letters", status, letters=shown, problem=problem)


def _decided(visit: Visit, id: str, reason: str | None) -> Response:
    """Discard with a reason, or without one (``None``) retry."""
    actor = visit.member.name
    try:
        with visit.desk.store.transaction() as connection:
            letter = creations.letter(connection, id) or outbox.letter(connection, id)
            if isinstance(letter, Item):
                if reason is None:
                    outbox.retry(connection, letter.id, actor)
                else:
                    outbox.discard(connection, letter.id, reason, actor)
            elif reason is None:
                creations.retry(connection, letter, actor)
            else:
                creations.discard(connection, letter, reason, actor)
    except PlanError as error:
        return _dead_letters(visit, 422, f"{error.message} {error.remedy}".strip())
    return see("/dead-letters")


def _item(visit: Visit, item: Item) -> dict[str, Any]:
    """A write-back without personal values; all values count as that where the mapping cannot be read."""
    try:
        personal = mapping_for(visit.desk.settings, item.system).stream(item.stream).personal
        hidden = {change.field for change in item.changes} & set(personal)
    except (MappingFileError, SystemUnusable):
        hidden = {change.field for change in item.changes}
    changes = [
        (change.field, *((HIDDEN, HIDDEN) if change.field in hidden else (change.old, change.new)), change.reason)
        for change in item.changes
    ]
    record = f"{item.system}:{item.stream}:{item.source_id}"
    return {
        "record": record,
        "number": item.number or item.source_id,
        "changes": changes,
        "origin": "",
        "state": item.status.value,
        "attempts": item.attempts,
        "message": item.message,
    }


def _started(visit: Visit, kind: str, **given: Any) -> Response:
    if not _worker(visit).start(kind, visit.member.name, **given):
        return visit.page("refused", 409, what="409")
    return see("/runs")


def _worker(visit: Visit) -> Worker:
    worker: Worker = visit.request.app.state.worker
    return worker
