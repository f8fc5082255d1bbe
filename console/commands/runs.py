"""``ltc runs``: what was run, and what each run did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from console import jobs
from console.context import App, pass_app
from console.output import emit_json, say, table

if TYPE_CHECKING:
    from state.queries import Attempt, RunRow


@click.command("runs")
@click.argument("run_id", required=False, metavar="[RUN]")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many, the newest first."
)
@click.option("--verbose", is_flag=True, help="Also why, for which systems, with which counts, and by what.")
@jobs.json_option
@pass_app
def command(app: App, run_id: str | None, limit: int, verbose: bool, as_json: bool) -> int:
    """List the last runs, or show what one run did with each stream.

    \b
    Examples:
      ltc runs
      ltc runs --verbose
      ltc runs --limit 100 --json
      ltc runs 20261031T100000Z-0a1b2c3d
    """
    from state import queries, runs

    store = app.store
    runs.close_abandoned(store)
    with store.reading() as connection:
        found: list[Any] = queries.run_parts(connection, run_id) if run_id else queries.recent_runs(connection, limit)
    if run_id and not found:
        raise click.UsageError(f"There is no run {run_id}, or it did nothing. `ltc runs` lists them.")
    if as_json:
        emit_json([_part(item) if run_id else _run(item) for item in found])
    elif run_id:
        _show_parts(app, found)
    else:
        _show(app, found, verbose)
    return 0


def _show(app: App, found: list[RunRow], verbose: bool) -> None:
    from console import ran

    if not found:
        say(app.texts("cli.no_runs"))
        return
    names, told = (ran.RUNS, ran.run) if verbose else (ran.BRIEFLY, ran.briefly)
    rows = [told(item, app.texts, app.settings.business_day_zone) for item in found]
    table([app.texts(f"cli.columns.{name}") for name in names], rows)


def _show_parts(app: App, found: list[Attempt]) -> None:
    from console import ran

    rows = [ran.part(item, app.texts) for item in found]
    table([app.texts(f"cli.columns.{name}") for name in ran.PARTS], rows)
    for part in found:
        if part.message:
            say(f"✗ {part.system}.{part.stream}: {part.message}")
            if part.remedy:
                say(f"  → {part.remedy}")


def _run(run: RunRow) -> dict[str, Any]:
    from state.clock import from_us

    return {
        "run": run.id,
        "kind": run.doing,
        "engine": run.engine,
        "status": run.status,
        "started_at": from_us(run.started_at),
        "ended_at": None if run.ended_at is None else from_us(run.ended_at),
        "counts": run.counts,
    }


def _part(part: Attempt) -> dict[str, Any]:
    from state.clock import from_us

    return {
        "system": part.system,
        "stream": part.stream,
        "direction": part.direction,
        "status": part.status,
        "started_at": from_us(part.started_at),
        "ended_at": None if part.ended_at is None else from_us(part.ended_at),
        "counts": part.counts,
        "error": {"kind": part.error_kind, "message": part.message, "remedy": part.remedy} if part.message else None,
    }
