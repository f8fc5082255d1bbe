"""``ltc status``: how fresh everything is, what failed, what to do."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from console import jobs
from console.context import App, pass_app
from console.output import emit_json, say, table

if TYPE_CHECKING:
    from console.freshness import Found
    from state.queries import Attempt, StreamStatus


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
    from console import freshness

    found = freshness.read(app.store, app.settings)
    if as_json:
        emit_json(_as_dict(app, found))
    else:
        _show(app, found)
    return 0


def _show(app: App, found: Found) -> None:
    from console import freshness

    texts, settings = app.texts, app.settings
    for run in found.running:
        kind = texts.name("summary.kind", run.doing)
        say(texts("status.running_now", kind=kind, run=run.id, started=freshness.when(settings, run.started_at)))
    if found.streams:
        heads = [texts(f"status.columns.{name}") for name in freshness.COLUMNS]
        table(heads, [freshness.row(item, found, settings, texts) for item in found.streams])
    else:
        say(texts("status.nothing"))
    say()
    for pause in found.paused:
        say(freshness.paused(pause, settings, texts))
    for line in freshness.waiting(found, settings, texts):
        say(line)
    for item in found.failing:
        say("✗ " + freshness.problem(item, texts))
        if item.remedy:
            say(f"  → {item.remedy}")


def _as_dict(app: App, found: Found) -> dict[str, Any]:
    from console import freshness
    from sync.result import pause_as_dict

    now = freshness.now()
    return {
        "as_of": now,
        "streams": [_stream(app, item, found, now) for item in found.streams],
        "failing": [_attempt(item) for item in found.failing],
        "running": [
            {"run": run.id, "kind": run.doing, "started_at": _instant(run.started_at)} for run in found.running
        ],
        "last_reconciliation": _instant(found.reconciled_at),
        "open_findings": found.findings,
        "planned_writes": found.planned,
        "planned_new_records": found.new_records,
        "created_records": found.created,
        "conflicts": found.conflicts,
        "dead_letters": found.stuck,
        "drift": found.drift,
        "read_only": found.read_only,
        "paused": [pause_as_dict(item) for item in found.paused],
    }


def _stream(app: App, item: StreamStatus, found: Found, now: datetime) -> dict[str, Any]:
    from console import freshness

    due = freshness.due_told(item, found, app.settings)
    return {
        "system": item.system,
        "stream": item.stream,
        "entity": item.entity,
        "state": freshness.state(item, found, app.settings),
        "last_success": _instant(item.last_success),
        "age_seconds": None if item.last_success is None else round(freshness.seconds(now, item.last_success), 1),
        "covered_until": _instant(item.covered_until),
        "behind_seconds": None if item.covered_until is None else round(freshness.seconds(now, item.covered_until), 1),
        "held": item.held,
        "quarantined": item.quarantined,
        "discarded": item.discarded,
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
