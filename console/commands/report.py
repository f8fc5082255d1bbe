"""``ltc report``: what ties out, what does not, and who should act."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from console import jobs
from console.commands.period import is_period
from console.context import App, pass_app
from console.output import emit_json, say

_FORMS = ("terminal", "json", "html", "xlsx", "pdf", "csv", "all")


@click.command("report")
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMS),
    default="terminal",
    show_default=True,
    help="json is the public format of docs/report-schema.json; csv is a zip of tables; all writes every file.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The file to write; for all: the folder. Default: ltc-report with its suffix, the folder reports.",
)
@click.option("--as-of", metavar="WHEN", help="The report of this instant again; of a day: of its first instant.")
@click.option(
    "--period",
    metavar="YYYY-MM",
    callback=is_period,
    help="The month whose documents and movements are shown; a closed one as it was frozen. Default: that of the day.",
)
@click.option("--fail-on-findings", is_flag=True, help="Exit with 4 if findings of severity error are open.")
@pass_app
def command(
    app: App, form: str, out: Path | None, as_of: str | None, period: str | None, fail_on_findings: bool
) -> int:
    """Report on what the last reconciliation found: tie-outs, what customers owe, findings. Asks no system.

    \b
    Examples:
      ltc report
      ltc report --format xlsx --out october.xlsx
      ltc report --period 2026-10 --format pdf
      ltc --lang zh-CN report --format all --out reports
      ltc report --format json --fail-on-findings | jq .findings
    """
    from reconciliation import report as reports

    if form == "terminal" and out is not None:
        raise click.UsageError(f"--out needs --format {', '.join(_FORMS[1:-1])} or all.")
    when = jobs.instant(app, as_of, "--as-of")
    data = reports.build(app.store, app.settings, when, app.chosen_locale, period)
    made_by, now = reports.made_by(app.store, when), version("ltc-sync")
    if when is not None and made_by not in (None, now):
        click.echo(app.texts("cli.other_version", then=made_by, now=now), err=True)
    _give_out(app, data, form, out)
    errors = sum(1 for item in data["findings"] if item["severity"] == "error" and item["status"] != "waived")
    if fail_on_findings and errors:
        click.echo(app.texts.counted("cli.findings_open", errors), err=True)
        return 4
    return 0


def _give_out(app: App, data: dict[str, Any], form: str, out: Path | None) -> None:
    if form == "terminal":
        from rich.console import Console

        from console.report import terminal

        terminal.show(data, data["locale"], Console())
    elif form == "json" and out is None:
        emit_json(data)
    elif form == "all":
        from console.report import write_all

        for kind, path in write_all(data, out or Path("reports"), data["locale"]).items():
            say(app.texts("cli.reports_written", kind=kind, path=path))
    else:
        from console.report import SUFFIXES, write

        path = out or Path(f"ltc-report{SUFFIXES[form]}")
        write(data, form, path, data["locale"])
        say(app.texts("cli.reports_written", kind=form, path=path))
