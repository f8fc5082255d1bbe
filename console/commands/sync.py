"""``ltc sync``: the whole job."""

from __future__ import annotations

import click

from console import jobs
from console.context import App, pass_app


@click.command("sync")
@jobs.engine_option
@click.option("--full", is_flag=True, help="Read everything again, whatever was read before.")
@jobs.system_option
@jobs.stream_option
@click.option("--since", metavar="WHEN", help="Read what changed since this day or instant.")
@click.option(
    "--push",
    type=click.Choice(["plan", "apply", "off"]),
    help="plan: only plan the write-backs; apply: carry them out; off: neither. Default: as ltc.yaml says per system.",
)
@jobs.paused_option
@jobs.unattended_option
@jobs.json_option
@pass_app
def command(
    app: App,
    engine: str,
    full: bool,
    systems: tuple[str, ...],
    streams: tuple[str, ...],
    since: str | None,
    push: str | None,
    paused: bool,
    unattended: bool,
    as_json: bool,
) -> int:
    """Pull what changed, reconcile, plan what to write back, and write it where ltc.yaml allows.

    A system that is down does not stop the others: its part fails (exit code 3) and the next run catches up.

    \b
    Examples:
      ltc sync
      ltc sync --system crm --system erp --push plan
      ltc sync --full --stream crm.opportunity
      ltc sync --since 2026-10-01 --json
      ltc sync --engine prefect
    """
    result = jobs.run(
        app,
        "sync",
        engine,
        systems=app.systems(systems),
        streams=list(streams) or None,
        full=full,
        since=jobs.instant(app, since, "--since"),
        paused=paused,
        unattended=unattended,
        push=push,
    )
    return jobs.finish(app, result, as_json)
