"""``ltc status``: how fresh everything is, what failed, what to do."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from console import jobs
from console.context import App, pass_app
from console.output import emit_json, say, table

if TYPE_CHECKING:
    from settings.model import SystemSettings
    from state.queries import Attempt, StreamStatus


class _Found(NamedTuple):
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


@click.command("status")
@jobs.json_option
@pass_app
def command(app: App, as_json: bool) -> int:
    """Show for each stream when it was last read, how far behind it is, what is held, and what failed. Asks no system.

    Behind: everything that changed in the source more than this time ago has been read.

    \b
    Examples:
      ltc status
      ltc status --json
    """
    found = _read(app)
    if as_json:
        emit_json(_as_dict(app, found))
    else:
        _show(app, found)
    return 0


def _read(app: App) -> _Found:
    from state import creations, findings, held, queries, runs, shapes
    from sync import gates

    store = app.store
    runs.close_abandoned(store)
    with store.reading() as connection:
        made = creations.counts(connection)
        return _Found(
            streams=queries.streams(connection),
            failing=queries.failing(connection),
            running=queries.recent_runs(connection, status="running"),
            findings=findings.outstanding(connection),
            reconciled_at=queries.last_reconciliation(connection),
            stuck=queries.stuck_writes(connection),
            planned=queries.open_writes(connection),
            new_records=sum(made.get(status, 0) for status in ("planned", "sending", "unknown")),
            created=made.get("applied", 0),
            conflicts=len(held.listing(connection, why=("ask",))),
            drift=sum(item.drift.status is shapes.Status.OPEN for item in shapes.listing(connection)),
            read_only=gates.read_only(connection, app.settings, app.settings.systems),
        )


def _show(app: App, found: _Found) -> None:
    texts = app.texts
    for run in found.running:
        kind = texts.name("summary.kind", run.kind)
        say(texts("status.running_now", kind=kind, run=run.id, started=_when(app, run.started_at)))
    if found.streams:
        names = ("system", "stream", "state", "last", "age", "behind", "held", "quarantined", "next")
        table([texts(f"status.columns.{name}") for name in names], [_row(app, item, found) for item in found.streams])
    else:
        say(texts("status.nothing"))
    say()
    _show_work(app, found)
    for item in found.failing:
        where = item.system if item.stream == "*" else f"{item.system}.{item.stream}"
        direction = texts.name("progress", item.direction)
        say("✗ " + texts("status.problem", where=f"{where} {direction}", message=item.message or ""))
        if item.remedy:
            say(f"  → {item.remedy}")


def _show_work(app: App, found: _Found) -> None:
    """What waits for people."""
    texts = app.texts
    if found.reconciled_at is None:
        say(texts("status.not_reconciled"))
    else:
        say(texts("status.reconciled", at=_when(app, found.reconciled_at), count=f"{found.findings:,}"))
    rejected = sum(item.quarantined for item in found.streams)
    waiting = {"plans": found.planned, "new_records": found.new_records, "conflicts": found.conflicts}
    for key, count in {"quarantined": rejected, **waiting, "dead_letters": found.stuck}.items():
        if count:
            say(texts(f"status.{key}", count=f"{count:,}"))
    if found.drift:
        say(texts("status.drift", count=f"{found.drift:,}"))
    if found.created:
        say(texts("status.created", count=f"{found.created:,}"))
    if found.read_only and found.streams:
        say(texts("status.read_only", systems=", ".join(found.read_only)))


def _row(app: App, item: StreamStatus, found: _Found) -> tuple[Any, ...]:
    now = _now()
    last = app.texts("status.never") if item.last_success is None else _when(app, item.last_success)[5:16]
    due = _next(app, item)
    return (
        item.system,
        item.stream,
        app.texts(f"status.{_state(item, found)}"),
        last,
        _ago(now, item.last_success),
        _ago(now, item.covered_until),
        item.held,
        item.quarantined,
        None if due is None else f"{due.astimezone(app.settings.business_day_zone):%m-%d %H:%M}",
    )


def _state(item: StreamStatus, found: _Found) -> str:
    """``ok``, or how its last pull ended; ``failed`` as well if its whole system could not be opened since."""
    if any(
        other.system == item.system and other.stream == "*" and other.direction == "pull" for other in found.failing
    ):
        return "failed"
    if item.last_pull is None:
        return "never"
    return {"done": "ok"}.get(item.last_pull.status, item.last_pull.status)


def _next(app: App, item: StreamStatus) -> datetime | None:
    """When the schedule in ltc.yaml has the stream's system pulled next."""
    system: SystemSettings | None = app.settings.systems.get(item.system)
    if system is None or system.schedule is None:
        return None
    now = _now()
    if system.schedule.cron is not None:
        from settings.cron import next_due

        return next_due(system.schedule.cron, now.astimezone(app.settings.business_day_zone))
    if item.last_pull is None:
        return now
    from state.clock import from_us

    return max(now, from_us(item.last_pull.started_at) + timedelta(seconds=system.schedule.interval or 0))


def _now() -> datetime:
    from state.clock import from_us, now_us

    return from_us(now_us())


def _when(app: App, at: int) -> str:
    from state.clock import from_us

    return f"{from_us(at).astimezone(app.settings.business_day_zone):%Y-%m-%d %H:%M:%S}"


def _ago(now: datetime, at: int | None) -> str | None:
    """``45 s``, ``12 min``, ``5 h``, ``3 d``."""
    if at is None:
        return None
    seconds = _seconds(now, at)
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def _seconds(now: datetime, at: int) -> float:
    from state.clock import from_us

    return max((now - from_us(at)).total_seconds(), 0.0)


def _as_dict(app: App, found: _Found) -> dict[str, Any]:
    now = _now()
    return {
        "as_of": now,
        "streams": [_stream(app, item, found, now) for item in found.streams],
        "failing": [_attempt(item) for item in found.failing],
        "running": [{"run": run.id, "kind": run.kind, "started_at": _instant(run.started_at)} for run in found.running],
        "last_reconciliation": _instant(found.reconciled_at),
        "open_findings": found.findings,
        "planned_writes": found.planned,
        "planned_new_records": found.new_records,
        "created_records": found.created,
        "conflicts": found.conflicts,
        "dead_letters": found.stuck,
        "drift": found.drift,
        "read_only": found.read_only,
    }


def _stream(app: App, item: StreamStatus, found: _Found, now: datetime) -> dict[str, Any]:
    due = _next(app, item)
    return {
        "system": item.system,
        "stream": item.stream,
        "entity": item.entity,
        "state": _state(item, found),
        "last_success": _instant(item.last_success),
        "age_seconds": None if item.last_success is None else round(_seconds(now, item.last_success), 1),
        "covered_until": _instant(item.covered_until),
        "behind_seconds": None if item.covered_until is None else round(_seconds(now, item.covered_until), 1),
        "held": item.held,
        "quarantined": item.quarantined,
        "deleted": item.deleted,
        "next_scheduled": None if due is None else due.astimezone(now.tzinfo),
    }


def _attempt(item: Attempt) -> dict[str, Any]:
    return {
        "system": item.system,
        "stream": item.stream,
        "direction": item.direction,
        "run": item.run_id,
        "at": _instant(item.started_at),
        "kind": item.error_kind,
        "message": item.message,
        "remedy": item.remedy,
    }


def _instant(at: int | None) -> datetime | None:
    from state.clock import from_us

    return None if at is None else from_us(at)
