"""``ltc backfill``: read streams anew from a day on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from console import jobs
from console.context import App, pass_app
from console.output import emit_json, say, table

if TYPE_CHECKING:
    from datetime import datetime

    from console.backfill import Cost


@click.command("backfill")
@click.argument("name", metavar="SYSTEM[.STREAM]")
@click.option("--since", required=True, metavar="WHEN", help="The day or instant from which on it is read.")
@click.option("--plan/--apply", "plan", default=True, help="Show what it would cost (default), or read it.")
@jobs.engine_option
@jobs.paused_option
@jobs.json_option
@pass_app
def command(app: App, name: str, since: str, plan: bool, engine: str, paused: bool, as_json: bool) -> int:
    """Read anew what changed in a stream, or in all of a system, since a day: --plan shows the cost, --apply reads.

    Records that are held as they are change nothing; what was missed is found. Deletions that a source does not report
    are found by `ltc sweep`. A source may remember changes for a shorter time than was asked for: then use
    `ltc pull --full`.

    \b
    Examples:
      ltc backfill crm.deal --since 2026-10-01
      ltc backfill crm.deal --since 2026-10-01 --apply
    """
    from console import backfill, streams

    system, _, stream = name.partition(".")
    app.systems((system,))
    known = streams.names(app.settings, system)
    if stream and stream not in known:
        raise click.UsageError(f"{system} has no stream {stream!r}. It has: {', '.join(known)}.")
    chosen = [stream] if stream else known
    begin = jobs.instant(app, since, "--since")
    assert begin is not None  # noqa: S101 - the option is required
    if plan:
        _show(app, backfill.costs(app.store, app.settings, system, chosen, begin), begin, as_json)
        return 0
    given: Any = {"systems": [system], "streams": [f"{system}.{item}" for item in chosen], "paused": paused}
    jobs.refuse_paused(app, **given)
    backfill.note(app.new_store, system, chosen, begin, app.actor)
    return jobs.finish(app, jobs.run(app, "pull", engine, since=begin, **given), as_json)


def _show(app: App, costs: list[Cost], since: datetime, as_json: bool) -> None:
    if as_json:
        from dataclasses import asdict

        emit_json({"since": since, "streams": [asdict(item) for item in costs]})
        return
    names = ("system", "stream", "held", "since", "undated", "calls")
    rows = [[getattr(item, name) for name in names] for item in costs]
    table([app.texts(f"backfill.columns.{name}") for name in names], rows)
    if any(item.whole for item in costs):
        say(app.texts("backfill.whole", streams=app.texts.listed(item.stream for item in costs if item.whole)))
    say(app.texts("backfill.next"))
