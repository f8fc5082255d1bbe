"""``ltc reconcile``: link, tie out and check what the store holds."""

from __future__ import annotations

import click

from console import jobs
from console.context import App, pass_app


@click.command("reconcile")
@jobs.engine_option
@click.option("--as-of", metavar="WHEN", help="Judge as if it were this day or instant.")
@click.option(
    "--what-if",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    help="Rules of cash application, as under reconciliation.cash.rules: show what they would match otherwise, and "
    "change nothing.",
)
@jobs.json_option
@pass_app
def command(app: App, engine: str, as_of: str | None, what_if: str | None, as_json: bool) -> int:
    """Link the records of the systems, compare the totals, find what does not agree, and plan what is to be written
    back. Asks no system, and writes to none.

    \b
    Examples:
      ltc reconcile
      ltc reconcile --as-of 2026-10-31T18:00:00
      ltc reconcile --what-if rules.yaml
      ltc reconcile --json
    """
    if what_if is not None:
        from console import what_if as trial

        return trial.show(app, what_if, jobs.instant(app, as_of, "--as-of"), as_json)
    result = jobs.run(app, "reconcile", engine, as_of=jobs.instant(app, as_of, "--as-of"))
    return jobs.finish(app, result, as_json)
