"""``ltc report``: what ties out, what does not, and who should act."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from console import jobs
from console.context import App, pass_app
from console.output import emit_json, say


@click.command("report")
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "json", "xlsx", "html", "all"]),
    default="terminal",
    show_default=True,
    help="json is the public format of docs/report-schema.json; all writes HTML, XLSX and JSON.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The file to write; for all: the folder. Default: ltc-report.html or .xlsx, the folder reports.",
)
@click.option("--as-of", metavar="WHEN", help="What was open on this day or at this instant.")
@click.option("--fail-on-findings", is_flag=True, help="Exit with 4 if findings of severity error are open.")
@pass_app
def command(app: App, form: str, out: Path | None, as_of: str | None, fail_on_findings: bool) -> int:
    """Report on what the last reconciliation found: tie-outs, findings by department, ageing. Asks no system.

    \b
    Examples:
      ltc report
      ltc report --format xlsx --out october.xlsx
      ltc --lang zh-CN report --format all --out reports
      ltc report --format json --fail-on-findings | jq .findings
    """
    from reconciliation import report as reports

    if form == "terminal" and out is not None:
        raise click.UsageError("--out needs --format json, xlsx, html or all.")
    data = reports.build(app.store, app.settings, jobs.instant(app, as_of, "--as-of"), app.locale)
    _give_out(app, data, form, out)
    errors = sum(1 for item in data["findings"] if item["severity"] == "error" and item["status"] != "waived")
    if fail_on_findings and errors:
        click.echo(app.texts("cli.findings_open", count=errors), err=True)
        return 4
    return 0


def _give_out(app: App, data: dict[str, Any], form: str, out: Path | None) -> None:
    if form == "terminal":
        from rich.console import Console

        from console.report import terminal

        terminal.show(data, app.locale, Console())
    elif form == "json" and out is None:
        emit_json(data)
    elif form == "all":
        from console.report import write_all

        for kind, path in write_all(data, out or Path("reports"), app.locale).items():
            say(app.texts("cli.reports_written", kind=kind, path=path))
    else:
        path = out or Path(f"ltc-report.{form}")
        _write(data, form, path, app.locale)
        say(app.texts("cli.reports_written", kind=form, path=path))


def _write(data: dict[str, Any], form: str, path: Path, locale: str) -> None:
    if form == "xlsx":
        from console.report import xlsx

        xlsx.write(data, path, locale)
    elif form == "html":
        from console.report import html

        path.write_text(html.render(data, locale), encoding="utf-8")
    else:
        import json

        path.write_text(json.dumps(data, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
