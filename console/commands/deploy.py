"""``ltc deploy``: put the schedules of ltc.yaml on a Prefect server."""

from __future__ import annotations

from dataclasses import asdict

import click

from console import jobs
from console.context import App, pass_app
from console.output import emit_json, say


@click.command("deploy")
@click.option("--work-pool", default="ltc", show_default=True, help="The pool whose workers do the work.")
@jobs.json_option
@pass_app
def command(app: App, work_pool: str, as_json: bool) -> int:
    """Create or update the deployments, schedules and limits on the Prefect server of PREFECT_API_URL.

    Reads of each system by its schedule, reconciliations, write-backs after them, and a nightly search for deletions.
    A worker carries them out: `prefect worker start --pool ltc`, on each machine that is to work, for as long as it
    runs. Running it again changes nothing. The workers must find the same ltc.yaml at the same path.

    \b
    Examples:
      PREFECT_API_URL=http://127.0.0.1:4200/api ltc deploy
      ltc deploy --work-pool finance --json
    """
    app.settings  # noqa: B018 - a wrong ltc.yaml is told before Prefect is imported
    from console import freshness
    from flows.deploy import deploy
    from state import deployed

    made = deploy(app.config, work_pool)
    with app.new_store.transaction() as connection:
        deployed.keep(connection, {name: freshness.mark(name, app.settings) for name in app.settings.systems})
    if as_json:
        emit_json(asdict(made))
        return 0
    for name in made.deployments:
        say(f"  {name}")
    say(app.texts("cli.deployed", pool=made.work_pool, count=len(made.deployments), automation=made.automation))
    say(app.texts("cli.deployed_worker", pool=made.work_pool))
    return 0
