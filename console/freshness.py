"""How fresh everything is, and what waits for people: what ``ltc status`` and the workbench show."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from state.clock import from_us, now_us

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from console.i18n import Texts
    from settings.model import Settings, SystemSettings
    from state.circuits import Circuit
    from state.pauses import Pause, Pauses
    from state.queries import Attempt, Held, StreamStatus
    from state.store import Store

_GRACE = timedelta(minutes=15)
"""How long after its time a run may begin: workers look every few seconds, but may have other work."""
_PICKED_UP = timedelta(minutes=2)
"""How long after its time nothing may have begun before it is said that nothing carries the schedules out."""
_WRITES = ("push", "create")
FOLLOWS = ("not_tried", "resting")
"""Kinds of failures of a stream that have their cause in another, or in a rest."""
_WORST_FIRST = ("failed", "late", "interrupted", "never", "running", "unwritten", "ok", "paused")
COLUMNS = ("system", "stream", "state", "last", "age", "behind", "held", "quarantined", "next")


class Seen(Protocol):
    """What the state of a stream is told from."""

    @property
    def failing(self) -> list[Attempt]:
        """The last attempts that failed."""

    @property
    def paused(self) -> Pauses:
        """What people have paused."""

    @property
    def scheduled(self) -> dict[str, int]:
        """When each system's last run by a schedule began, in microseconds; of any under the empty name."""


class Scheduled(Seen, Protocol):
    """What is told from whether anything carries out the schedules."""

    @property
    def streams(self) -> list[StreamStatus]:
        """All streams."""


class Found(NamedTuple):
    """Everything read from the store at one instant."""

    streams: list[StreamStatus]
    failing: list[Attempt]
    running: list[Any]
    findings: int
    reconciled_at: int | None
    stuck: int
    planned: int
    new_records: int
    """Planned or in doubt."""
    created: int
    conflicts: int
    """Fields that a person is asked about."""
    drift: int
    """Fields that have changed and hold records back."""
    read_only: list[str]
    """Systems whose first matching nobody has accepted yet."""
    paused: Pauses
    """What people have paused."""
    circuits: dict[str, Circuit]
    """Systems at which the last runs failed."""
    scheduled: dict[str, int]
    """When the last run began that a schedule started, by system; ``""``: of any, or for none."""
    systems: list[str]
    """Those of ltc.yaml that it tells of."""
    unread: list[str]
    """Streams that have not been read to their end since the store was restored from a backup."""
    deployed: dict[str, str]
    """Marks of the schedules that ``ltc deploy`` has put on its server, by system; empty if it has put none there."""


def read(
    store: Store,
    settings: Settings,
    only: Sequence[str] | None = None,
    counted: Callable[[Connection], Held] | None = None,
    standing: Callable[[Connection], int] | None = None,
) -> Found:
    """Read it all at one instant, or what belongs to some systems ``only``; raises ``StoreError``.

    ``counted`` counts records in another way than ``queries.counted``, ``standing`` outstanding findings in another
    than ``findings.outstanding``.
    """
    from state import (
        circuits,
        creations,
        deployed,
        findings,
        held,
        pauses,
        queries,
        restore,
        runs,
        shapes,
        system_facts,
    )
    from sync import gates

    runs.close_abandoned(store)
    with store.reading() as connection:
        made = creations.counts(connection)
        found = Found(
            streams=queries.streams(connection, counted(connection) if counted else None),
            failing=[item for item in queries.failing(connection) if item.system in settings.systems],
            running=queries.recent_runs(connection, status="running"),
            findings=(standing or findings.outstanding)(connection),
            reconciled_at=queries.last_reconciliation(connection),
            stuck=queries.stuck_writes(connection),
            planned=queries.open_writes(connection),
            new_records=sum(made.get(status, 0) for status in ("planned", "sending", "unknown")),
            created=made.get("applied", 0),
            conflicts=len(held.listing(connection, why=("ask",))),
            drift=sum(item.drift.status is shapes.Status.OPEN for item in shapes.listing(connection)),
            read_only=gates.read_only(connection, settings, settings.systems),
            paused=pauses.read(connection),
            circuits=circuits.read(connection),
            scheduled=system_facts.scheduled(connection),
            systems=list(settings.systems),
            unread=restore.unread(connection, settings.systems),
            deployed=deployed.read(connection),
        )
        return found if only is None else _limited(connection, found, only)


def _limited(connection: Connection, found: Found, only: Sequence[str]) -> Found:
    """What of it belongs to some systems; when and with how many findings it was reconciled is for everybody."""
    from state import dead_letters, held, measures, outbox, pauses, shapes
    from state.changes import OPEN

    writes = [outbox.counts(connection, name) for name in only]
    made = measures.writes(connection, only)
    drifts = [item for item in shapes.listing(connection) if item.system in only]
    return found._replace(
        systems=list(only),
        streams=[item for item in found.streams if item.system in only],
        failing=[item for item in found.failing if item.system in only],
        stuck=dead_letters.count(connection, dead_letters.Which(systems=only)),
        planned=sum(counts.get(status.value, 0) for counts in writes for status in OPEN),
        new_records=sum(made.get((name, "creation", state), 0) for name in only for state in ("planned", "unknown")),
        created=0,
        conflicts=sum(len(held.listing(connection, name, why=("ask",))) for name in only),
        drift=sum(item.drift.status is shapes.Status.OPEN for item in drifts),
        read_only=[name for name in found.read_only if name in only],
        paused=pauses.Pauses(item for item in found.paused if item.system in only),
        circuits={name: item for name, item in found.circuits.items() if name in only},
    )


def row(item: StreamStatus, found: Found, settings: Settings, texts: Texts) -> tuple[Any, ...]:
    """One stream, in the order of ``COLUMNS``."""
    present = now()
    zone = settings.business_day_zone
    last = texts("status.no_success") if item.last_success is None else short(from_us(item.last_success), zone)
    return (
        item.system,
        item.stream,
        texts(f"status.{state(item, found, settings)}"),
        last,
        _ago(present, item.last_success, texts),
        _ago(present, item.covered_until, texts),
        item.held,
        item.quarantined,
        joined(told, texts) if (told := next_told(item.system, [item], found, settings, texts))[0] else None,
    )


def waiting(found: Found, settings: Settings, texts: Texts, *, operates: bool = True) -> Iterator[str]:
    """What was restored and rests, what waits for people, and when it was reconciled, a sentence each.

    Who does not operate (``operates``) is told what is so, and not what to do on the server.
    """
    if found.unread:
        yield texts.counted("status.restored", len(found.unread))
    for circuit in found.circuits.values():
        if circuit.system in settings.systems and circuit.state(now_us()) == "open":
            yield texts(
                "status.resting",
                system=circuit.system,
                runs=circuit.runs,
                since=when(settings, circuit.since)[:16],
                until=when(settings, circuit.until)[:16],
            )
    if found.reconciled_at is None:
        yield texts("status.not_reconciled")
    else:
        yield texts.counted("status.reconciled", found.findings, at=when(settings, found.reconciled_at))
    late = sum(state(item, found, settings) == "late" for item in found.streams)
    if late:
        yield texts.counted("status.overdue", late)
    yield from scheduling(found, settings, texts, operates=operates)
    rejected = sum(item.quarantined for item in found.streams)
    pending = {"plans": found.planned, "new_records": found.new_records, "conflicts": found.conflicts}
    for key, count in {"quarantined": rejected, **pending, "dead_letters": found.stuck}.items():
        if count:
            yield texts.counted(f"status.{key}", count)
    if found.drift:
        yield texts.counted("status.drift", found.drift)
    if found.created:
        yield texts.counted("status.created", found.created)
    if found.read_only and found.streams:
        yield texts("status.read_only", systems=texts.listed(found.read_only))


def scheduling(found: Found, settings: Settings, texts: Texts, *, operates: bool = True) -> list[str]:
    """Whether anything runs what is scheduled in ltc.yaml, in a sentence; nothing where nothing is scheduled."""
    status = "status" if operates else "status.others"
    if all(system.schedule is None for system in settings.systems.values()):
        return []
    if "" not in found.scheduled:
        return [texts(f"{status}.unscheduled")]
    at = when(settings, found.scheduled[""])[:16]
    missed = _missed(found, settings)
    if missed and all(from_us(found.scheduled[""]) < time for time in missed.values()):
        count = sum(item.system in missed for item in _overdue(found, settings))
        due = short(min(missed.values()), settings.business_day_zone)
        return [texts.counted(f"{status}.nobody", count, at=at, due=due)]
    changed = [name for name in found.systems if _uncarried(name, found, settings) == "undeployed"]
    left = [name for name in found.systems if name in missed or _has_missed(name, found, settings)]
    left = [name for name in left if name not in changed]
    unseen = [name for name in found.systems if _is_unseen(name, found, settings) and name not in (*left, *changed)]
    told = [texts("status.scheduled", at=at)]
    for key, names in {"left_alone": left, "undeployed": changed, "unseen": unseen}.items():
        if names:
            told.append(texts(f"{status}.{key}", systems=texts.listed(names)))
    return told


def unseen(names: Sequence[str], seen: Seen, settings: Settings) -> list[str]:
    """The systems that have a schedule by which no run of them has begun yet, of those that are not paused."""
    return [name for name in names if _is_unseen(name, seen, settings)]


def _is_unseen(system: str, seen: Seen, settings: Settings) -> bool:
    return _is_scheduled(system, seen, settings) and system not in seen.scheduled


def _is_scheduled(system: str, seen: Seen, settings: Settings) -> bool:
    given = settings.systems.get(system)
    return given is not None and given.schedule is not None and seen.paused.own(system) is None


def mark(system: str, settings: Settings) -> str:
    """What the schedule of a system is known by once it is deployed; empty without one."""
    from state import deployed

    schedule = settings.systems[system].schedule
    return "" if schedule is None else deployed.mark(schedule.cron, schedule.interval, settings.timezone)


def carried(system: str, found: Found, settings: Settings) -> str:
    """``none`` without a schedule or while paused, ``yes`` if it was seen to be carried out, or why it is not."""
    return (_uncarried(system, found, settings) or "yes") if _is_scheduled(system, found, settings) else "none"


def _uncarried(system: str, found: Found, settings: Settings) -> str:
    """Why nothing is known to carry out the schedule of a system; else empty.

    ``undeployed``: what was deployed is another one. ``never``: no run of this system has begun by its schedule yet,
    whatever ran of others. ``missed``: a time of it has passed without one.
    """
    if not _is_scheduled(system, found, settings):
        return ""
    if found.deployed and found.deployed.get(system, "") != mark(system, settings):
        return "undeployed"
    if _runs_by_schedule(system, found):
        return ""
    if system not in found.scheduled:
        return "never"
    return "missed" if _has_missed(system, found, settings) else ""


def _runs_by_schedule(system: str, found: Found) -> bool:
    return any(item.asked.because == "schedule" and system in item.asked.systems for item in found.running)


def _has_missed(system: str, found: Found, settings: Settings) -> bool:
    """Whether a time of its schedule has passed without a run by it, with a moment of grace.

    That is the first time after its last scheduled run, or after the schedule was saved. The grace is short for what
    was never run by its schedule, as no run of another system speaks for it.
    """
    if not _is_scheduled(system, found, settings) or _runs_by_schedule(system, found):
        return False
    last = found.scheduled.get(system)
    known = [moment for moment in (None if last is None else from_us(last), _saved(settings)) if moment is not None]
    due = _after(settings.systems[system], max(known), settings) if known else None
    return due is None or due + (_PICKED_UP if last is None else _GRACE) < now()


def _saved(settings: Settings) -> datetime | None:
    """When ltc.yaml was saved last: none of its schedules can have been missed before; ``None`` without the file."""
    try:
        return datetime.fromtimestamp(settings.path.stat().st_mtime, UTC)
    except OSError:
        return None


def _after(system: SystemSettings, moment: datetime, settings: Settings) -> datetime | None:
    """The first time after a moment at which its schedule has a system pulled; ``None`` without any."""
    if system.schedule is None:
        return None
    if system.schedule.cron is not None:
        from settings import cron

        return cron.next_due(system.schedule.cron, moment.astimezone(settings.business_day_zone))
    return moment + timedelta(seconds=system.schedule.interval or 0)


def unattended(found: Scheduled, settings: Settings) -> list[datetime]:
    """The times that have passed of systems that are overdue, of which no scheduled run has begun since; else none.

    A run of another system shows that something carries schedules out, but not that of a system of which no scheduled
    run was ever seen.
    """
    return list(_missed(found, settings).values())


def _missed(found: Scheduled, settings: Settings) -> dict[str, datetime]:
    """The first time that each system has missed, as ``unattended`` says."""
    saved, began = _saved(settings), found.scheduled.get("")
    missed: dict[str, datetime] = {}
    for item in _overdue(found, settings):
        time = overdue_since(item, found, settings)
        if time is None:
            continue
        if saved is not None:
            time = max(time, _after(settings.systems[item.system], saved, settings) or time)
        speaks = began is not None and item.system in found.scheduled and from_us(began) >= time
        if time + _PICKED_UP < now() and not speaks:
            missed[item.system] = min(time, missed.get(item.system, time))
    return missed


def _overdue(found: Scheduled, settings: Settings) -> list[StreamStatus]:
    return [item for item in found.streams if overdue_since(item, found, settings) is not None]


def paused(item: Pause, settings: Settings, texts: Texts) -> str:
    """What is paused, by whom, since when and why."""
    since = when(settings, item.paused_at)[:16]
    return texts("pausing.told", what=item.what, by=item.paused_by, since=since, reason=item.reason)


class Cause(NamedTuple):
    """Why streams of a system failed, once for all of them that failed for the same reason in the same direction."""

    system: str
    direction: str
    streams: tuple[str, ...]
    """Empty if the system could not be opened at all."""
    message: str
    remedy: str
    run_id: str
    ended_at: int | None
    """Of the newest of them, in microseconds."""
    untried: tuple[str, ...]
    """Streams that were not asked for because of it."""


def causes(failing: Sequence[Attempt]) -> list[Cause]:
    """Why systems fail, the true cause of each first; what was only not tried because of it is told with it."""
    found: list[Cause] = []
    for system in dict.fromkeys(item.system for item in failing):
        own = sorted((item for item in failing if item.system == system), key=lambda item: -item.started_at)
        true = [item for item in own if item.error_kind not in FOLLOWS] or own
        untried = tuple(sorted({item.stream for item in own if item not in true and item.stream != "*"}))
        groups: dict[tuple[str, str | None], list[Attempt]] = {}
        for item in true:
            groups.setdefault((item.direction, item.message), []).append(item)
        for place, items in enumerate(groups.values()):
            first, streams = items[0], tuple(sorted(item.stream for item in items if item.stream != "*"))
            said = (first.message or "", first.remedy or "", first.run_id, first.ended_at)
            found.append(Cause(system, first.direction, streams, *said, () if place else untried))
    return found


def cause_place(item: Cause, texts: Texts) -> str:
    """What failed and where, for the reason to follow."""
    where = f"{item.system}.{item.streams[0]}" if len(item.streams) == 1 else item.system
    which = f" ({texts.listed(item.streams)})" if len(item.streams) > 1 else ""
    return texts("status.problem", where=f"{where} {texts.name('progress', item.direction)}{which}", message="")


def problem(item: Attempt, texts: Texts) -> str:
    """What failed, where, and why."""
    return f"{place(item, texts)}{item.message or ''}"


def place(item: Attempt, texts: Texts) -> str:
    """What failed and where, for the reason to follow."""
    where = item.system if item.stream == "*" else f"{item.system}.{item.stream}"
    return texts("status.problem", where=f"{where} {texts.name('progress', item.direction)}", message="")


def state(item: StreamStatus, found: Seen, settings: Settings) -> str:
    """``ok``, ``paused``, ``late``, ``removed`` (from ltc.yaml), or how its last pull ended.

    ``failed`` as well if its system could not be opened since; ``late`` if its schedule has passed and nothing came.
    """
    if item.system not in settings.systems:
        return "removed"
    if found.paused.of(item.system, item.stream) is not None:
        return "paused"
    if any(
        other.system == item.system and other.stream == "*" and other.direction == "pull" for other in found.failing
    ):
        return "failed"
    if item.last_pull is None:
        return "never"
    if item.last_pull.status != "done":
        return item.last_pull.status
    due = next_due(item, found, settings)
    return "late" if due is not None and due + _GRACE < now() else "ok"


def condition(system: str, found: Found, settings: Settings) -> str:
    """The state of a system: the worst of its streams'; ``unwritten`` if it is only read well, because writes failed.

    ``paused`` only if nothing of it is read.
    """
    states = {state(item, found, settings) for item in found.streams if item.system == system}
    if not states:
        return "paused" if found.paused.own(system) is not None else "never"
    if is_unwritten(system, found):
        states.add("unwritten")
    return next(item for item in _WORST_FIRST if item in states)


def is_unwritten(system: str, found: Seen) -> bool:
    """Whether the last write-backs or new records of a system failed."""
    return any(item.system == system and item.direction in _WRITES for item in found.failing)


def next_due(item: StreamStatus, found: Seen, settings: Settings) -> datetime | None:
    """When the schedule in ltc.yaml has the stream's system pulled after its last pull, be it past already.

    What was never run by its schedule can have missed no time before ltc.yaml was saved. ``None`` without a schedule,
    and while paused.
    """
    system: SystemSettings | None = settings.systems.get(item.system)
    if system is None or system.schedule is None or found.paused.of(item.system, item.stream) is not None:
        return None
    last = None if item.last_pull is None else from_us(item.last_pull.started_at)
    if last is None and system.schedule.cron is None:
        return now()
    saved = _saved(settings) if item.system not in found.scheduled else None
    return _after(system, max(filter(None, (last or now(), saved))), settings)


def upcoming(item: StreamStatus, found: Found, settings: Settings) -> datetime | None:
    """When the stream is due next; ``None`` once that has passed and nothing came, and where ``next_due`` is."""
    due = next_due(item, found, settings)
    if due is None or due <= now():
        return None
    given, last = settings.systems[item.system].schedule, found.scheduled.get(item.system)
    if given is None or given.interval is None or last is None:
        return due
    # What is read by hand does not move an interval: it goes on from the runs that it has begun itself.
    span = timedelta(seconds=given.interval)
    return from_us(last) + span * ((now() - from_us(last)) // span + 1)


def due_told(item: StreamStatus, found: Found, settings: Settings) -> datetime | None:
    """Since when the stream is due, or when it is next: ``None`` if nothing is known to carry its schedule out."""
    since = overdue_since(item, found, settings)
    return since if since is not None or _uncarried(item.system, found, settings) else upcoming(item, found, settings)


def overdue_since(item: StreamStatus, found: Seen, settings: Settings) -> datetime | None:
    """The time of a stream that has passed without a pull; ``None`` before its time, and while it is read."""
    if item.last_pull is None or item.last_pull.status == "running":
        return None
    due = next_due(item, found, settings)
    return due if due is not None and due <= now() else None


def next_told(
    system: str, streams: Sequence[StreamStatus], found: Found, settings: Settings, texts: Texts
) -> tuple[str, str]:
    """When the next of these streams of a system is due, or since when the first has been due, empty without a
    schedule; and that nothing carries it out, where that is so: no time to come is named then, as it would not hold."""
    zone = settings.business_day_zone
    rest = bool(streams) and all(found.paused.of(system, item.stream) is not None for item in streams)
    why = "" if rest else _uncarried(system, found, settings)
    told = _next_time(system, streams, found, settings, texts, promised=not why)
    if not why:
        return told, ""
    last = "" if why != "missed" else short(from_us(found.scheduled[system]), zone)
    return told, texts(f"status.uncarried.{why}", last=last)


def _next_time(
    system: str, streams: Sequence[StreamStatus], found: Found, settings: Settings, texts: Texts, *, promised: bool
) -> str:
    """When it is due in words: since when, not before a system has rested, or at what time if that is ``promised``."""
    zone = settings.business_day_zone
    overdue = [time for item in streams if (time := overdue_since(item, found, settings)) is not None]
    due = [time for item in streams if (time := upcoming(item, found, settings)) is not None]
    first = min(due, default=None) if streams else next_of(system, found, settings)
    until = rests_until(system, found)
    if until is not None and (overdue or (first is not None and first < until)):
        later = _after_rest(system, until, settings)
        return texts("status.not_before", at=short(until, zone)) if later is None else short(later, zone)
    if overdue:
        return texts("status.due_since", at=_clock(min(overdue), zone))
    return short(first, zone) if first is not None and promised else ""


def rests_until(system: str, found: Found) -> datetime | None:
    """Until when what runs by itself leaves a system alone that failed several times; ``None`` if it does not."""
    circuit = found.circuits.get(system)
    return from_us(circuit.until) if circuit is not None and circuit.state(now_us()) == "open" else None


def _after_rest(system: str, until: datetime, settings: Settings) -> datetime | None:
    """The first time of a cron expression after a rest; ``None`` for an interval, of which no time is known ahead."""
    given = settings.systems[system]
    if given.schedule is None or given.schedule.cron is None:
        return None
    return _after(given, until, settings)


def joined(told: tuple[str, str], texts: Texts) -> str:
    """Both parts of what ``next_told`` says as one text."""
    return texts("joined.clause").join(filter(None, told))


def _clock(moment: datetime, zone: tzinfo) -> str:
    """The time of an instant of today, with its day of another one."""
    here = moment.astimezone(zone)
    return f"{here:%H:%M}" if here.date() == now().astimezone(zone).date() else short(moment, zone)


def next_of(system: str, found: Found, settings: Settings) -> datetime | None:
    """When the next of a system's streams is due, of those whose time has not passed; not before it has rested."""
    own = [item for item in found.streams if item.system == system]
    due = [time for item in own if (time := upcoming(item, found, settings)) is not None]
    first = min(due, default=None) if own else _first_of_all(system, settings)
    until = rests_until(system, found)
    if first is None or until is None or first >= until:
        return first
    return _after_rest(system, until, settings) or until


def _first_of_all(system: str, settings: Settings) -> datetime | None:
    """When a system that has no streams yet is due by its cron expression; ``None`` without one."""
    schedule = settings.systems[system].schedule
    if schedule is None or schedule.cron is None:
        return None
    from settings import cron

    return cron.next_due(schedule.cron, now().astimezone(settings.business_day_zone))


def is_late(system: str, found: Found, settings: Settings) -> bool:
    """Whether the time of one of its streams has passed and nothing came."""
    return any(item.system == system and state(item, found, settings) == "late" for item in found.streams)


def now() -> datetime:
    """The present instant."""
    return from_us(now_us())


def when(settings: Settings, at: int) -> str:
    """An instant (microseconds) in the zone of business days."""
    return f"{from_us(at).astimezone(settings.business_day_zone):%Y-%m-%d %H:%M:%S}"


def seconds(present: datetime, at: int) -> float:
    """Seconds since an instant (microseconds)."""
    return max((present - from_us(at)).total_seconds(), 0.0)


def short(moment: datetime, zone: tzinfo) -> str:
    """An instant to the minute; its year only where it is not the present one."""
    here = moment.astimezone(zone)
    return f"{here:%m-%d %H:%M}" if here.year == now().astimezone(zone).year else f"{here:%Y-%m-%d %H:%M}"


def _ago(present: datetime, at: int | None, texts: Texts) -> str | None:
    """``45 s``, ``12 min``, ``5 h``, ``3 d``."""
    if at is None:
        return None
    passed = seconds(present, at)
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if passed >= 2 * size:
            return texts(f"status.ago.{unit}", count=int(passed // size))
    return texts("status.ago.s", count=int(passed))
