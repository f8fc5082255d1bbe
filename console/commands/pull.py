"""``ltc pull``: only read."""

from __future__ import annotations

import click

from console import jobs
from console.context import App, pass_app


@click.command("pull")
@jobs.engine_option
@click.option("--full", is_flag=True, help="Read everything again, whatever was read before.")
@jobs.system_option
@jobs.stream_option
@click.option("--since", metavar="WHEN", help="Read what changed since this day or instant.")
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
    paused: bool,
    unattended: bool,
    as_json: bool,
) -> int:
    """Read what changed in the systems into the store, and nothing else.

    \b
    Examples:
      ltc pull
      ltc pull --system erp --stream order
      ltc pull --system crm --full
    """
    result = jobs.run(
        app,
        "pull",
        engine,
        systems=app.systems(systems),
        streams=list(streams) or None,
        full=full,
        since=jobs.instant(app, since, "--since"),
        paused=paused,
        unattended=unattended,
    )
    return jobs.finish(app, result, as_json)
