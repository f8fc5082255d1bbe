"""``ltc sweep``: find what was deleted where a system does not say so."""

from __future__ import annotations

import click

from console import jobs
from console.context import App, pass_app


@click.command("sweep")
@jobs.engine_option
@jobs.system_option
@jobs.stream_option
@click.option("--force", is_flag=True, help="Believe even that a large part of a stream was deleted.")
@jobs.paused_option
@jobs.unattended_option
@jobs.json_option
@pass_app
def command(
    app: App,
    engine: str,
    systems: tuple[str, ...],
    streams: tuple[str, ...],
    force: bool,
    paused: bool,
    unattended: bool,
    as_json: bool,
) -> int:
    """Compare the complete list of ids with what we hold, in the streams that do not report deletions.

    If a large part of a stream seems to be deleted nothing is marked: look first, then use --force.

    \b
    Examples:
      ltc sweep
      ltc sweep --system forms
      ltc sweep --system forms --stream lead --force
    """
    chosen = {"systems": app.systems(systems), "streams": list(streams) or None, "paused": paused}
    result = jobs.run(app, "sweep", engine, force=force, unattended=unattended, **chosen)
    return jobs.finish(app, result, as_json)
