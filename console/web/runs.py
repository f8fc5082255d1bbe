"""Runs: what was run, what one did with each stream and is doing now, starting and stopping them."""

from __future__ import annotations

from dataclasses import replace
from textwrap import shorten
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from fastapi import APIRouter, HTTPException, Query
from starlette.responses import Response

from console import freshness, prefect_ui, ran, standing
from console.web import went_wrong
from console.web.access import Right
from console.web.collisions import Going, going
from console.web.desk import Operator, OperatorForm, Reader, Visit, see
from console.web.runs_asked import OUTCOMES, Wanted
from console.web.work import KINDS
from console.web.writes import listed, not_planned_anew
from state import audit, pauses, queries, runs, system_facts, written
from state.activity import RUN_KINDS
from state.clock import now_us
from state.queries import LeftOut

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.engine import Connection

    from console.standing import Silence
    from console.web.running import Line, Telling
    from console.web.work import AtWork, Worker
    from state.pauses import Pause, Pauses
    from state.queries import Attempt, RunRow

router = APIRouter()

_RUNS = 50
"""On a page."""
_LAST_PAGE = 1_000_000
_WRITTEN = 50
_SILENT_US = 10_000_000
"""A stream of which nothing was heard for so long waits for an answer."""
_YOUNG_US = 10_000_000
"""A run that began so lately may end at any moment: its page asks each second."""
_ASKS_YOUNG, _ASKS_OLD = 1, 3
"""Seconds after which the page of a run at work asks anew."""
_NOT_DONE = ("failed", "interrupted")
_NOT_WELL = (*_NOT_DONE, "partial")
_LONGEST_WHY = 140
"""Characters of the reason of a run in the list; its page has all of it."""
_READS, _WRITE = ("sync", "pull", "fetch"), ("push",)
_LEAVES_OUT = ("sync", "pull", "sweep")
"""Kinds that leave out what is paused."""
_STARTED_HERE = ("sync", "pull", "sweep", "reconcile", "plan")


@router.get("/runs")
def listing(visit: Reader, asked: Wanted, page: Annotated[int, Query(ge=1, le=_LAST_PAGE)] = 1) -> Response:
    """Runs, the newest first, as the filters choose them."""
    runs.close_abandoned(visit.desk.store)
    zone = visit.desk.settings.business_day_zone
    asking = asked.asking(zone)
    with visit.desk.store.reading() as connection:
        if visit.limit is None:
            found, count = queries.some_runs(connection, asking, _RUNS, (page - 1) * _RUNS)
            people = queries.starters(connection)
        else:
            theirs = ran.concerning(connection, visit.may_touch, asking=asking)
            found, count = theirs[(page - 1) * _RUNS : page * _RUNS], len(theirs)
            people = sorted({item.asked.by for item in theirs if item.asked.by})
        failed = queries.failed_parts(connection, [item.id for item in found if item.status in _NOT_WELL])
    known = asked.system in ("", *visit.systems)
    return visit.page(
        "runs",
        422 if asked.is_wrong else 200,
        heads=ran.RUNS,
        rows=[(item, ran.run(item, visit.texts, zone), _why(visit, item, failed)) for item in found],
        busy=any(item.status == "running" for item in found) or (page == 1 and worker(visit).is_at_work()),
        asked=asked,
        systems=visit.systems if known or not visit.may_touch(asked.system) else [*visit.systems, asked.system],
        kinds=RUN_KINDS,
        outcomes=OUTCOMES,
        people=list(map(ran.called, people)),
        count=count,
        place=page,
        last=max(1, -(-count // _RUNS)),
        at_page=lambda number: f"/runs?{asked.query(number)}",
    )


def _why(visit: Visit, run: RunRow, failed: Mapping[str, list[Attempt]]) -> str:
    """Why a run did not end well, as far as this person sees it: the first reason, and how many more there are."""
    parts = [item for item in failed.get(run.id, ()) if visit.may_touch(item.system)]
    told = [(freshness.cause_place(item, visit.texts), item.message) for item in freshness.causes(parts)]
    problems = ran.limited(run, visit.may_touch).problems
    told += [("", item.message) for item in problems if item.message not in {message for _, message in told}]
    if not told:
        return ""
    where, message = told[0]
    first = shorten(f"{where}{visit.plain(message)}", _LONGEST_WHY, placeholder=" …")
    return f"{first} ({visit.texts.counted('operating.runs.more', len(told) - 1)})" if told[1:] else first


@router.get("/runs/{id}")
def one(visit: Reader, id: str) -> Response:
    """What a run did with each stream, and does now."""
    runs.close_abandoned(visit.desk.store)
    whole, everything = _run(visit, id)
    run = ran.limited(whole, visit.may_touch)
    parts = [item for item in everything if visit.may_touch(item.system)]
    with visit.desk.store.reading() as connection:
        flow_run = system_facts.flow_run(connection, id)
        stopped = _stopped(visit, connection, run)
        wanted = written.Wanted(visit.systems, parts=tuple(parts))
        done = listed(visit, connection, written.listing(connection, wanted, _WRITTEN))
        count = written.count(connection, wanted)
        met = {item.system for item in parts if item.counts.get("conflict")}
        changed = {name: written.count(connection, wanted._replace(systems=[name], conflicts=True)) for name in met}
        together = queries.one_wish(connection, whole)
        stands = pauses.read(connection)
    telling = worker(visit).telling(id)
    run = _leaves_out(run, parts, telling, stands)
    lines = [line for line in telling.lines if _is_of(line, run) and visit.may_touch(line.system)] if telling else []
    goes_on = worker(visit).goes_on(id)
    turn = _turn(visit, run, telling)
    waits = turn is not None and turn[0] in ("waits", "now")
    zone = visit.desk.settings.business_day_zone
    return visit.page(
        "run",
        heads=ran.RUNS,
        part_heads=ran.PARTS,
        row=ran.run(run, visit.texts, zone),
        ended_as=run.status,
        stopped=stopped,
        left_out=ran.left_out(run, visit.texts),
        refused=sum(map(ran.refused, parts)),
        changed=[not_planned_anew(visit, changed[name], name) for name in sorted(met) if changed[name]],
        unsearched=run.kind == "sweep" and run.status == "done" and not parts and not run.paused,
        parts=[(ran.ended(item), ran.part(item, visit.texts)) for item in parts],
        run=id,
        written=done,
        written_count=count,
        troubles=went_wrong.of(visit, run, parts),
        log=ran.log(parts, run.phases, lines, visit.texts, zone, visit.plain),
        busy=run.status == "running" or waits or goes_on,
        steps=_steps(visit, id, together, telling.steps if telling is not None and goes_on else ()),
        asks_every=_ASKS_YOUNG if now_us() - run.started_at < _YOUNG_US else _ASKS_OLD,
        turn=turn,
        reads_until=run.kind in ("sync", "pull") and any(item.direction == "pull" for item in parts),
        reads=run.status == "running",
        ours=telling is not None,
        stopping=_stopping(visit, parts) if telling is not None and telling.stopping else "",
        may_stop=_may_stop(visit, whole, everything),
        now_doing=_now_doing(visit, run, parts, telling) if run.status == "running" else [],
        prefect=prefect_ui.address(flow_run),
        flow_run=flow_run,
    )


def _leaves_out(run: RunRow, parts: list[Attempt], telling: Telling | None, stands: Pauses) -> RunRow:
    """A run that goes on with what it leaves out because it is paused, which it keeps itself only at its end.

    Of one that was started elsewhere by a person it is not known whether it works on that, too; a read from a day on
    is of some streams only.
    """
    known = run.asked.because == "schedule" if telling is None else not telling.also_paused
    if run.status != "running" or run.kind not in _LEAVES_OUT or run.asked.since is not None or not known:
        return run
    worked = {(item.system, name) for item in parts for name in (pauses.WHOLE, item.stream)}
    left = [
        LeftOut(pause.system, pause.what, pause.paused_by, pause.reason)
        for pause in stands
        if pause.system in run.asked.systems
        and pause.paused_at <= run.started_at
        and (pause.system, pause.stream) not in worked
    ]
    return replace(run, paused=tuple(left))


class Step(NamedTuple):
    """A run of several that were asked for at once; the id is empty where there is none yet, or none to be seen."""

    kind: str
    state: str
    run: str
    is_here: bool


def _steps(visit: Visit, id: str, together: list[RunRow], planned: tuple[str, ...]) -> list[Step]:
    """The runs that were asked for at once with this one, and those that are still to come; none if it is alone."""
    texts = visit.texts
    found = [
        Step(
            texts.name("summary.kind", item.doing),
            texts.name("summary.status", item.status),
            item.id if visit.limit is None or ran.concerns(item, visit.may_touch) else "",
            item.id == id,
        )
        for item in together
    ]
    to_come = texts("operating.wish.to_come")
    found += [Step(texts.name("summary.kind", kind), to_come, "", False) for kind in planned[len(together) :]]
    return found if len(found) > 1 else []


def _is_of(line: Line, run: RunRow) -> bool:
    """Whether a line was told in this run, and not in another one of the same wish."""
    return run.started_at <= line.at and (run.ended_at is None or line.at <= run.ended_at)


def _stopped(visit: Visit, connection: Connection, run: RunRow) -> str:
    """Of a run that was stopped or cut off: by whom, and what becomes of the rest; empty for any other."""
    if run.status != "interrupted" or run.ended_at is None:
        return ""
    found = audit.stopped(connection, run.id, run.started_at, run.ended_at)
    if found is None:
        who = visit.texts("operating.stopped.nobody")
    else:
        at = freshness.when(visit.desk.settings, found.at)
        who = visit.texts("operating.stopped.by", name=ran.called(found.actor), at=at)
    rest = "pull" if run.kind in _READS else "write" if run.kind in _WRITE else "else"
    return f"{who} {visit.texts(f'operating.stopped.{rest}')}"


def _now_doing(visit: Visit, run: RunRow, parts: list[Attempt], telling: Telling | None) -> list[str]:
    """What a run waits for or does now that no part tells, in sentences."""
    now, texts = now_us(), visit.texts
    if telling is not None and telling.reconciles_since is not None:
        return [texts("operating.doing.reconciles", seconds=f"{(now - telling.reconciles_since) / 1e6:,.0f}")]
    at_work = [item for item in parts if item.status == "running"]
    if not at_work and parts and run.kind == "sync":
        return [texts("operating.doing.settles")]
    heard = {(line.system, line.stream): line.at for line in telling.lines} if telling is not None else {}
    silent = [(item, max(item.started_at, heard.get((item.system, item.stream), 0))) for item in at_work]
    waits = [(item, since) for item, since in silent if now - since > _SILENT_US and telling is not None]
    return [_waits(visit, item, (now - since) / 1e6) for item, since in waits]


def _waits(visit: Visit, item: Attempt, seconds: float) -> str:
    """That nothing came of a stream for so many seconds, and how long a call may take that is not answered."""
    given = {"what": f"{item.system}.{item.stream}", "seconds": f"{seconds:,.0f}"}
    silence = _silence(visit, item.system)
    if silence is None:
        return visit.texts("operating.doing.waits", **given)
    key = "waits_once" if silence.tries == 1 else "waits_most"
    return visit.texts(f"operating.doing.{key}", **given, tries=silence.tries, most=f"{silence.most:.3g}")


def _silence(visit: Visit, system: str) -> Silence | None:
    return standing.silence(visit.desk.settings, system) if system in visit.desk.settings.systems else None


def _stopping(visit: Visit, parts: list[Attempt]) -> str:
    """When a run that was asked to stop does, at the latest where a system does not answer."""
    at_work = dict.fromkeys(item.system for item in parts if item.status == "running")
    known = {name: found.seconds for name in at_work if (found := _silence(visit, name)) is not None}
    told = visit.texts("operating.stopping")
    if not known:
        return told
    given = {"systems": visit.texts.listed(known), "most": f"{max(known.values()):.3g}"}
    return f"{told} {visit.texts('operating.stopping_waits', **given)}"


def _turn(visit: Visit, run: RunRow, telling: Telling | None) -> tuple[str, str, str] | None:
    """Of a sync that could not reconcile at once: how far it is (``operating.turn``), and the run to see with its kind.

    ``None`` for any other; the run is empty where there is none to see.
    """
    if telling is None or not telling.in_turn:
        return None
    first, then = telling.runs[0], telling.runs[1:]
    if run.id != first:
        return "first", first, ""
    if then:
        return _then(visit, then[0]), then[0], ""
    if not worker(visit).goes_on(run.id):
        return "never", "", ""
    other = telling.waits_for
    kind = visit.texts.name("summary.kind", other.kind) if other else ""
    return "waits", other.run if other and shows(visit, other) else "", kind


def _then(visit: Visit, id: str) -> str:
    """How far the run is that does the rest of a sync."""
    with visit.desk.store.reading() as connection:
        run = queries.run(connection, id)
    status = "running" if run is None else run.status
    return {"running": "now", "done": "then"}.get(status, "in_vain" if status in _NOT_DONE else "then")


@router.post("/runs")
def start(visit: Operator, sent: OperatorForm) -> Response:
    """Start a run."""
    from console.web import systems

    kind, system, allowed = sent.get("kind", ""), sent.get("system", ""), sent.get("paused") == "yes"
    if kind not in _STARTED_HERE or (system and system not in visit.desk.settings.systems):
        raise HTTPException(400)
    if not system:
        if not visit.systems:
            raise HTTPException(404)  # no system at all would be taken for all of them
        return started(visit, kind, systems=visit.systems, paused=allowed)
    visit.touch(system)
    with visit.desk.store.reading() as connection:
        paused = pauses.read(connection).own(system)
    if paused is not None and not allowed and kind in ("sync", "pull", "sweep"):
        return systems.page(visit, system, 409, said_paused(visit, paused))
    if kind == "sweep" and (unsearched := systems.why_not_searched(visit, system)):
        return systems.page(visit, system, 422, unsearched)
    return started(visit, kind, system=system, paused=allowed)


@router.post("/runs/{id}/stop")
def stop(visit: Operator, _sent: OperatorForm, id: str) -> Response:
    """Ask a run that was started here to end after the page at work."""
    if not _may_stop(visit, *_run(visit, id)):
        raise HTTPException(404)
    if not worker(visit).stop(id, visit.member.name):
        return visit.page("refused", 409, what="not_here")
    return see(f"/runs/{id}")


def started(visit: Visit, kind: str, **given: Any) -> Response:
    """Start a run and show it at work; or say that one is going on."""
    assert kind in KINDS  # noqa: S101 - callers have looked
    at_work = worker(visit).start(kind, visit.member.name, **given)
    if at_work is None:
        named = [given["system"]] if given.get("system") else given.get("systems")
        works_on = worker(visit).works_on(kind, named, given.get("plan_id"), given.get("item_id"))
        return refused(visit, worker(visit).in_the_way(kind, works_on))
    return see(begun(visit, at_work))


def refused(visit: Visit, going: Going | None, again: dict[str, str] | None = None) -> Response:
    """That a run is in the way, with the way to it; ``None`` if it has just ended.

    ``again`` is the ``address`` and the ``reason`` of what can be sent once more when that has ended.
    """
    run = going.run if going and shows(visit, going) else ""
    return visit.page("refused", 409, what="409", run=run, again=again)


def shows(visit: Visit, going: Going) -> bool:
    """Whether a run at work is one that this person may look at."""
    return not going.systems or any(map(visit.may_touch, going.systems))


def at_work(visit: Visit) -> list[Going]:
    """The runs at work, whoever started them and wherever."""
    with visit.desk.store.reading() as connection:
        rows = queries.recent_runs(connection, _RUNS, "running")
    waiting = worker(visit).waiting()
    pulled = {item.run for item in waiting}
    return [item for item in going(rows, list(visit.desk.settings.systems)) if item.run not in pulled] + waiting


def hindrance(visit: Visit, going: Going) -> tuple[str, str]:
    """A run at work in words, with what cannot start before it has ended; and its id, if this person may look at it."""
    kind = visit.texts.name("summary.kind", going.kind)
    theirs = visit.texts.listed(name for name in visit.systems if name in going.systems)
    told = visit.texts("operating.in_the_way.of" if theirs else "operating.in_the_way.told", kind=kind, systems=theirs)
    waits = (["systems"] if theirs else []) + (["reconciles"] if going.reconciles else [])
    said = [told, *(visit.texts(f"operating.in_the_way.{name}") for name in waits)]
    return " ".join(said), going.run if shows(visit, going) else ""


def begun(visit: Visit, at_work: AtWork) -> str:
    """The address of the run that was just started; of what says why there is none, where it could not begin."""
    id = at_work.begun()
    if id is not None:
        return f"/runs/{id}"
    return "/systems" if worker(visit).problem else "/runs"


def said_paused(visit: Visit, pause: Pause) -> str:
    """Why it was not started, and how it is all the same."""
    return f"{visit.texts('deciding.paused', where=pause.what)} {visit.texts('operating.although')}"


def worker(visit: Visit) -> Worker:
    """What starts runs here."""
    found: Worker = visit.request.app.state.worker
    return found


def _run(visit: Visit, id: str) -> tuple[RunRow, list[Attempt]]:
    """A run and what it did with each stream; raises ``HTTPException`` 404 for one that is not this person's."""
    with visit.desk.store.reading() as connection:
        run = queries.run(connection, id)
        parts = queries.run_parts(connection, id)
    if run is None or (visit.limit is not None and not _concerns(visit, run, parts)):
        raise HTTPException(404)
    return run, parts


def _concerns(visit: Visit, run: RunRow, parts: list[Attempt]) -> bool:
    return ran.concerns(run, visit.may_touch) or any(visit.may_touch(item.system) for item in parts)


def _may_stop(visit: Visit, run: RunRow, parts: list[Attempt]) -> bool:
    return visit.may(Right.OPERATE) and ran.is_theirs(run, parts, visit.may_touch)
