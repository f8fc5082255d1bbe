"""``ltc fetch``: read now what webhooks told of."""

from __future__ import annotations

import click

from console import jobs
from console.context import App, pass_app


@click.command("fetch")
@jobs.engine_option
@jobs.system_option
@jobs.unattended_option
@jobs.json_option
@pass_app
def command(app: App, engine: str, systems: tuple[str, ...], unattended: bool, as_json: bool) -> int:
    """Read the records that webhooks told of since the last time, and nothing else.

    Every pull and sync does that first, and `ltc serve --webhooks` a few seconds after a webhook came.

    \b
    Examples:
      ltc fetch
      ltc fetch --system forms --json
    """
    result = jobs.run(app, "fetch", engine, systems=app.systems(systems), unattended=unattended)
    return jobs.finish(app, result, as_json)
