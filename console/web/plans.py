"""Write-backs: what is to be written with its reason, carried out as ticked, and rejected with a reason."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Query
from starlette.responses import Response

from console import allowed, asked, freshness, letters, planned, sentences
from console.records import HIDDEN
from console.report import figures
from console.web import conflicts, runs
from console.web.collisions import in_the_way
from console.web.commands import OnPage, coded
from console.web.desk import Operator, OperatorForm, Reader, Visit, see
from console.web.runs_asked import Asked
from console.web.sides import worded
from console.web.writes import Value, listed, not_planned_anew, shown
from state import circuits, outbox, overwritten, pauses, queries, rejections, written
from state.changes import IN_DOUBT, Plan, PlanError
from state.restore import unread as unread_since_restored
from state.runs import LeaseHeld
from sync import create, gates

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from state.creations import CreationPlan
    from state.held import Held
    from state.queries import Attempt
    from state.rejections import Rejected

router = APIRouter()

MOST_TICKS = 150
"""Records of a plan that are shown with a tick at once; a form may have 200 fields."""
_LEAST_SHARE, _WHOLE_PERCENTS = Decimal("0.001"), Decimal("0.1")
_REJECTED = 100
_WRITTEN = 50
_LONGEST_TEXT = 200
_LAST_PAGE = 1_000_000

Text = Annotated[str, Query(max_length=_LONGEST_TEXT)]
PageNumber = Annotated[int, Query(ge=1, le=_LAST_PAGE)]


@dataclass(frozen=True, slots=True)
class _Sent:
    """What somebody had filled in: a page that says what is wrong with it shows it again. ``ticked`` are writes."""

    plan: str = ""
    system: str = ""
    ticked: frozenset[int] = frozenset()
    all: bool = False
    doubtful: bool = False
    """Only what was sent without an answer: whether it was written is found out, and it is sent again if not."""
    reason: str = ""
    approve: bool = False
    paused: bool = False
    place: int = 1

    @classmethod
    def of(cls, sent: dict[str, str], id: str, system: str) -> _Sent:
        """Raises ``HTTPException`` 400 for what is no form of ours."""
        ticked = frozenset(_number(name.removeprefix("item.")) for name in sent if name.startswith("item."))
        every, doubtful, approve, paused = (
            sent.get(name) == "yes" for name in ("all", "doubtful", "approve", "paused")
        )
        place = max(1, min(_number(sent.get("place", "1")), _LAST_PAGE))
        reason = sent.get("reason", "")[: rejections.LONGEST_REASON]
        return cls(id, system, ticked, every, doubtful, reason, approve, paused, place)


@router.get("/plans")
def plans(visit: Reader, system: Text = "", page: PageNumber = 1, rejected: PageNumber = 1) -> Response:
    """What is to be written to each system, field by field, with the reason; and what was rejected.

    ``page`` is that of the plan for ``system``, ``rejected`` that of what was rejected.
    """
    return _page(visit, given=_Sent(system=system, place=page), rejected_place=rejected)


@router.get("/plans/written")
def written_so_far(
    visit: Reader,
    text: Text = "",
    run: Text = "",
    replaced: Text = "",
    system: Text = "",
    by: Text = "",
    day: Text = "",
    page: PageNumber = 1,
) -> Response:
    """What was written, the last first: each field before and after, what came of it, and who let it go.

    ``system``, ``by`` (who let it go) and ``day`` choose. With ``replaced`` only what replaced a value that somebody
    else had written, or may have.
    """
    asking, by = Asked(day=day), by.strip()
    sent = asking.asking(visit.desk.settings.business_day_zone)
    systems = [name for name in visit.systems if name == system] if system else visit.systems
    with visit.desk.store.reading() as connection:
        parts = tuple(queries.run_parts(connection, run)) if run else None
        wanted = written.Wanted(
            systems, text.strip(), parts, by=by, since=sent.since, before=sent.before, replaced=bool(replaced)
        )
        found = listed(visit, connection, written.listing(connection, wanted, _WRITTEN, (page - 1) * _WRITTEN))
        count = written.count(connection, wanted)
    given = {"text": text, "run": run, "replaced": replaced, "system": system, "by": by, "day": day}
    asked = {name: value for name, value in given.items() if value}
    return visit.page(
        "written",
        422 if asking.is_wrong else 200,
        is_wrong=asking.is_wrong,
        asked=given,
        anything=bool(asked.keys() - {"run"}),
        systems=visit.systems,
        rows=found,
        count=count,
        text=text,
        run=run,
        replaced=bool(replaced),
        place=page,
        last=max(1, -(-count // _WRITTEN)),
        at_page=lambda number: f"/plans/written?{urlencode({**asked, 'page': number})}",
    )


@router.post("/overwritten/{id}/restore")
def restore(visit: Operator, sent: OperatorForm, id: str) -> Response:
    """Write back now what a write-back had replaced, by a run of its own; it stays until the owner's value changes."""
    with visit.desk.store.reading() as connection:
        try:
            item = overwritten.one(connection, _number(id))
        except PlanError:
            raise HTTPException(404) from None
    visit.touch(item.system)
    reason = sent.get("reason", "").strip()[: rejections.LONGEST_REASON]
    going = runs.worker(visit).in_the_way("restore", [item.system])
    if going is not None:
        again = {"address": f"/overwritten/{item.id}/restore", "reason": reason}
        return runs.refused(visit, going, again)
    return runs.started(visit, "restore", item_id=item.id, reason=reason)


@router.post("/plans/{id}/apply")
def apply(visit: Operator, sent: OperatorForm, id: str) -> Response:
    """Write what is ticked and leave the rest where it is; or, by a button of its own, exactly this plan."""
    given = _Sent.of(sent, id, _system_of(visit, id))
    if runs.worker(visit).in_the_way("push", [given.system]) is not None:
        return _page(visit, 409, visit.texts("web.refused.help.409"), given)
    with visit.desk.store.reading() as connection:
        try:
            plan = _chosen(outbox.load(connection, id), given)
        except PlanError:
            plan = None  # new records, which are created as they are shown
        if plan is not None and not plan.items:
            return _page(visit, 422, visit.texts("operating.plans.none_ticked"), given)
        waits = pauses.read(connection).among(given.system, planned.streams_of(connection, id))
        refused = "" if given.approve else _too_large(visit, connection, plan, id)
        if given.system in gates.read_only(connection, visit.desk.settings, [given.system]):
            refused = visit.texts("operating.plans.first", system=given.system)
        if plan is not None and planned.out_of_date(connection, plan.open_items):
            refused = visit.texts("operating.plans.stale_refused")
    if waits is not None and not given.paused:
        return _page(visit, 409, runs.said_paused(visit, waits), given)
    if refused:
        return _page(visit, 422, refused, given)
    only = None if given.all or plan is None else frozenset(item.id for item in plan.items)
    return runs.started(visit, "push", plan_id=id, only=only, approve=given.approve, paused=given.paused)


def _chosen(plan: Plan, given: _Sent) -> Plan:
    """The part of a plan that is to be carried out; without items if nothing is."""
    if given.all:
        return plan
    if given.doubtful:
        return replace(plan, items=tuple(item for item in plan.items if item.status in IN_DOUBT))
    return replace(plan, items=tuple(item for item in plan.items if item.id in given.ticked))


def _too_large(visit: Visit, connection: Connection, plan: Plan | None, id: str) -> str:
    """Why more than that is not written, or created, without somebody's word; empty if it may be."""
    settings = visit.desk.settings
    if plan is None:
        [new] = [made for made in create.stored_plans(visit.desk.store, visit.systems) if made.id == id]
        exceeds = gates.exceeds_creations(settings, new)
    else:
        exceeds = () if plan.large_approved_by else gates.exceeds(settings, gates.size(connection, settings, plan))
    said = coded(sentences.listed(exceeds, visit.texts.locale))
    return OnPage(visit.texts)("operating.plans.too_large", exceeds=said) if exceeds else ""


@router.post("/plans/{id}/reject")
def reject(visit: Operator, sent: OperatorForm, id: str) -> Response:
    """Reject what is ticked, and write nothing; what is left waits."""
    given = _Sent.of(sent, id, _system_of(visit, id))
    if not given.ticked:
        return _page(visit, 422, visit.texts("operating.plans.none_ticked"), given)
    try:
        with visit.desk.store.transaction() as connection:
            planned.reject(connection, id, given.ticked, given.reason, visit.member.name)
    except (PlanError, LeaseHeld) as error:
        return _page(visit, 422, error.message, given)
    visit.desk.notes.keep(visit, visit.texts("deciding.plans.rejected", rejected=len(given.ticked)))
    return see("/plans")


@router.post("/rejections/{id}/take-back")
def take_back(visit: Operator, _sent: OperatorForm, id: str) -> Response:
    """Put what was rejected back: the next plan has it again, which is made at once unless a run is going on."""
    with visit.desk.store.transaction() as connection:
        system = planned.take_back(connection, visit.systems, id, visit.member.name)
    if system is None:
        raise HTTPException(404)
    at_once = runs.worker(visit).start("plan", visit.member.name, system=system)
    key = "back" if at_once else "back_later"
    visit.desk.notes.keep(visit, visit.texts(f"operating.rejected.{key}", system=system))
    return see("/plans")


def _number(text: str) -> int:
    """A number of a form; anything else is no form of ours."""
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise HTTPException(400)
    return int(text)


def _system_of(visit: Visit, id: str) -> str:
    """The system that a plan writes to; raises ``HTTPException`` 404."""
    system = planned.system_of(visit.desk.store, visit.systems, id)
    if system is None:
        raise HTTPException(404)
    return system


def _page(
    visit: Visit, status: int = 200, problem: str = "", given: _Sent | None = None, rejected_place: int = 1
) -> Response:
    filled = given or _Sent()
    settings = visit.desk.settings
    with visit.desk.store.reading() as connection:
        found = [plan for plan in outbox.open_plans(connection, visit.systems) if plan.open_items]
        rejected = [item for item in rejections.listing(connection) if visit.may_touch(item.held.system)]
        paused = pauses.read(connection)
        first = gates.read_only(connection, settings, visit.systems)
        unread = unread_since_restored(connection, visit.systems)
        failed = _failed_writes(visit, connection) if found else {}
        told = [_plan(visit, connection, plan, first, filled) for plan in found]
        conflicting = conflicts.told(visit, connection)
        changed = written.conflicts(connection, visit.systems)
    for plan in told:
        pause = paused.among(plan["system"], plan["streams"])
        plan["paused"] = pause and freshness.paused(pause, settings, visit.texts)
        plan["failed"] = failed.get(plan["system"])
    new = [_creations(visit, plan, filled) for plan in create.stored_plans(visit.desk.store, visit.systems)]
    last = max(1, -(-len(rejected) // _REJECTED))
    place = min(rejected_place, last)
    at_work = [] if problem else runs.at_work(visit)
    hindered = {name for name in visit.systems if in_the_way("push", [name], at_work)}
    return visit.page(
        "plans",
        status,
        plans=told,
        new=new,
        **conflicting,
        changed=[(system, not_planned_anew(visit, count, system)) for system, count in changed.items()],
        rejected=[_rejection(visit, item) for item in rejected[(place - 1) * _REJECTED :][:_REJECTED]],
        rejected_count=len(rejected),
        restored=visit.texts.counted("status.restored", len(unread)) if unread else "",
        place=place,
        last=last,
        busy=bool(hindered) and not {item["system"] for item in (*told, *new)} - hindered,
        hindered=hindered,
        problem=problem,
    )


def _failed_writes(visit: Visit, connection: Connection) -> dict[str, tuple[str, Attempt]]:
    """Of systems whose last write-backs failed: in how many runs and when, in a sentence; and the newest of them."""
    found: dict[str, tuple[str, Attempt]] = {}
    rests = circuits.read(connection, writing=True)
    for item in sorted(queries.failing(connection), key=lambda item: item.started_at):
        if item.direction in ("push", "create") and item.message:
            runs = rests[item.system].runs if item.system in rests else 1
            at = freshness.when(visit.desk.settings, item.started_at)[:16]
            key = "failed_one" if runs == 1 else "failed"
            found[item.system] = (visit.texts(f"operating.plans.{key}", count=f"{runs:,}", at=at), item)
    return found


def _plan(visit: Visit, connection: Connection, plan: Plan, first: list[str], filled: _Sent) -> dict[str, Any]:
    settings = visit.desk.settings
    size = gates.size(connection, settings, plan)
    exceeds = () if plan.large_approved_by else gates.exceeds(settings, size)
    given = filled if filled.system == plan.system else _Sent()
    last = -(-len(plan.open_items) // MOST_TICKS)
    place = min(given.place, last)
    items = plan.open_items[(place - 1) * MOST_TICKS :][:MOST_TICKS]
    stale = planned.out_of_date(connection, items)
    chosen = letters.chosen(connection, items)
    called = asked.names(connection, settings, items)
    return {
        "id": plan.id,
        "system": plan.system,
        "count": len(plan.open_items),
        "items": [
            {
                **shown(visit, item, chosen),
                "called": called.get(item.record_id),
                "ticked": item.id in given.ticked,
                "stale": item.id in stale,
            }
            for item in items
        ],
        "place": place,
        "last": last,
        "given": given,
        "streams": sorted({item.stream for item in plan.open_items}),
        "doubtful": sum(item.status in IN_DOUBT for item in plan.open_items),
        "exceeds": coded(sentences.listed(exceeds, visit.texts.locale)),
        "size": _size(visit, size, bool(exceeds)),
        "stale": bool(stale),
        "first": plan.system in first,
    }


def _size(visit: Visit, size: gates.Size, exceeds: bool) -> str:
    """How large a plan is; of one that ``exceeds`` it, how large one may be without somebody's word."""
    limits, base = visit.desk.settings.writing.limits, visit.desk.settings.base_currency
    of = {"stream": size.stream, "alive": f"{size.alive:,}"}
    key = "size_one" if size.changes == 1 else "size"
    said = [
        visit.texts(f"operating.plans.{key}", count=f"{size.changes:,}"),
        visit.texts("operating.plans.share", **of, written=f"{size.written:,}", share=percent(size.share)),
    ]
    if not exceeds:
        return " ".join(said)
    most, part, records = f"{limits.changes:,}", percent(limits.share), f"{int(limits.share * size.alive):,}"
    said.append(visit.texts("operating.plans.most", **of, most=most, part=part, records=records))
    if limits.money is not None:
        said.append(visit.texts("operating.plans.worth", money=figures.money(limits.money, base), base=base))
    return " ".join([*said, visit.texts("operating.plans.beyond")])


def percent(share: Decimal) -> str:
    """A share as people say it: whole percents from ten on, a tenth below, and never 0 for what is something."""
    if 0 < share < _LEAST_SHARE:
        return f"< {_LEAST_SHARE:.1%}"
    said = f"{share:.0%}" if share >= _WHOLE_PERCENTS else f"{share:.1%}"
    return said.replace(".0%", "%")


def _creations(visit: Visit, plan: CreationPlan, filled: _Sent) -> dict[str, Any]:
    exceeds = gates.exceeds_creations(visit.desk.settings, plan)
    return {
        "id": plan.id,
        "system": plan.system,
        "given": filled if filled.plan == plan.id else _Sent(),
        "paused": "",
        "items": [
            {
                "stream": item.stream,
                "origin": f"{item.origin.system}:{item.number or item.origin.source_id}",
                "number": item.number or item.origin.source_id,
                "reason": item.reason,
            }
            for item in plan.items[:MOST_TICKS]
        ],
        "count": len(plan.items),
        "exceeds": coded(sentences.listed(exceeds, visit.texts.locale)),
    }


def _in_both(visit: Visit, wish: Held, value: Any) -> Value:
    """A value in our words and, where its mapping has a table, in those of its system."""
    told = worded(wish.entity, wish.field, value, visit)
    known = allowed.to_write(visit.desk.settings, wish.system, wish.stream, wish.field)
    own = next((item.source for item in known if item.canonical == value), None)
    return Value(told, own if isinstance(own, str) and own not in (told, value) else "")


def _rejection(visit: Visit, item: Rejected) -> dict[str, Any]:
    wish = item.held
    personal = letters.personal_fields(visit.desk.settings, wish.system, wish.stream, [wish.field])
    restored = item.reason == overwritten.unsaid(item.decided_by)
    return {
        "id": wish.id,
        "system": wish.system,
        "number": wish.number or wish.source_id,
        "field": wish.field,
        "old": Value(HIDDEN, "") if personal else _in_both(visit, wish, wish.old),
        "new": Value(HIDDEN, "") if personal else _in_both(visit, wish, wish.new),
        "by": "" if restored else item.decided_by,
        "at": freshness.when(visit.desk.settings, item.decided_at)[:16],
        "reason": visit.texts("operating.rejected.restored", name=item.decided_by) if restored else item.reason,
    }
