"""Run a job for a command, with Prefect or without, show what came of it, and choose the exit code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import click

from console import telemetry
from console.context import App
from console.output import emit_json
from sync import process

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

engine_option: Decorator = click.option(
    "--engine",
    type=click.Choice(["local", "prefect"]),
    envvar="LTC_ENGINE",
    default="local",
    show_default=True,
    show_envvar=True,
    help="local: in this process. prefect: as a Prefect flow run, on the server of PREFECT_API_URL or a temporary one.",
)
json_option: Decorator = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
system_option: Decorator = click.option(
    "--system", "systems", multiple=True, metavar="NAME", help="Only this system; may be given several times."
)
stream_option: Decorator = click.option(
    "--stream",
    "streams",
    multiple=True,
    metavar="NAME",
    help="Only this stream, as STREAM or SYSTEM.STREAM; may be given several times.",
)

paused_option: Decorator = click.option(
    "--paused", is_flag=True, help="Also what was paused with `ltc pause`, which is left out otherwise."
)

unattended_option: Decorator = click.option(
    "--unattended",
    is_flag=True,
    help="For timers: a system at which several runs in a row failed rests for a while, up to an hour.",
)

_CODES = {"done": 0, "partial": 3, "interrupted": 3, "failed": 1}


def run(app: App, job: str, engine: str, **options: Any) -> Any:
    """Do ``sync.job.run_<job>`` and return its ``SyncResult``; ``options`` that are ``None`` are left out.

    Raises ``click.UsageError`` for a system or stream that is asked for by name and paused, without ``paused``.
    """
    from console.progress import progress

    given = {name: value for name, value in options.items() if value is not None}
    refuse_paused(app, given.get("systems"), given.get("streams") or (), given.get("paused", False))
    chosen = list(given.get("systems") or ([] if job == "reconcile" else app.settings.systems))
    with progress(app.locale) as shown, telemetry.run(job, shown, engine) as (traced, ended):
        if engine == "prefect":
            result = _with_prefect(app, job, traced, given)
        else:
            from sync import job as jobs

            process.yielding()
            work = getattr(jobs, f"run_{job}")
            result = work(app.new_store, app.settings, progress=traced, actor=app.actor, **given)
        ended(result)
    note_stopped(app, result, chosen)
    return result


def note_stopped(app: App, result: Any, systems: Iterable[str]) -> None:
    """Keep in the audit that somebody stopped a run, by Ctrl-C or SIGTERM; nothing for one that was not stopped."""
    if not result.stopped_by_hand:
        return
    from state import audit

    detail = {"run": result.run_id, "kind": result.kind, "systems": list(systems)}
    with app.new_store.transaction() as connection:
        audit.append(connection, app.actor, audit.RUN_STOPPED, detail)


def refuse_paused(app: App, systems: Sequence[str] | None, streams: Sequence[str], paused: bool = False) -> None:
    """Raise ``click.UsageError`` for a system or stream that is asked for by name and paused, without ``paused``."""
    if paused or not (systems or streams):
        return
    from state import pauses

    with app.new_store.reading() as connection:
        found = pauses.read(connection)
    for pause in found:
        if pause.stream == pauses.WHOLE:
            asked = pause.system in (systems or ()) or any(name.startswith(f"{pause.system}.") for name in streams)
        else:
            asked = pause.what in streams or (pause.stream in streams and pause.system in (systems or [pause.system]))
        if asked:
            raise click.UsageError(
                f"{pause.paused_by} has paused {pause.what}: {pause.reason}. Add --paused to work on it all the same, "
                f"or `ltc resume {pause.what}`."
            )


def _with_prefect(app: App, job: str, shown: Any, given: dict[str, Any]) -> Any:
    """One flow run; where a flow takes one system, one for each."""
    from flows.sync import run as run_flow

    app.settings  # noqa: B018 - a wrong ltc.yaml is told before Prefect is imported
    chosen = given.pop("systems", None)
    if job in ("sync", "reconcile"):
        more = {"systems": chosen} if chosen else {}
        return run_flow(app.config, flow=job, progress=shown, actor=app.actor, **more, **given)
    return merged(
        run_flow(app.config, flow=job, progress=shown, actor=app.actor, system=system, **given)
        for system in chosen or [None]
    )


def merged(results: Iterable[Any]) -> Any:
    """Several runs of one kind as one result, named by the last."""
    whole: Any = None
    interrupted = False
    for result in results:
        interrupted = interrupted or result.status == "interrupted"
        if whole is not None:
            result.outcomes[:0] = whole.outcomes
            result.plans[:0] = whole.plans
            result.applied[:0] = whole.applied
            result.new_records[:0] = whole.new_records
            result.created[:0] = whole.created
            result.problems[:0] = whole.problems
            result.seconds += whole.seconds
        whole = result
        if interrupted:
            break
    whole.conclude(interrupted)
    return whole


def finish(app: App, result: Any, as_json: bool) -> int:
    """Show the result; returns the exit code."""
    if as_json:
        from sync.result import as_dict

        emit_json(as_dict(result))
    else:
        from console import summary

        summary.show(result, None, app.locale)
    return code(result)


def code(result: Any) -> int:
    """The exit code for what became of a run: if nothing worked only because of ltc.yaml, that of a wrong ltc.yaml."""
    kinds = {item.error.kind for item in result.failed if item.error} | {item.kind for item in result.problems}
    if result.status == "failed" and kinds and kinds <= {"configuration", "not_tried"}:
        return 2
    return _CODES.get(result.status, 1)


def instant(app: App, text: str | None, option: str) -> datetime | None:
    """A day or an instant as a person writes it; without an offset it is in the time zone of ltc.yaml."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is no day and no instant. For example: 2026-10-01 or 2026-10-01T08:00:00+08:00",
            param_hint=option,
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=app.settings.business_day_zone)
