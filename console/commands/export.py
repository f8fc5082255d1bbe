"""``ltc export``: everything that the last reconciliation found, as one file for other programs."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.context import App, pass_app
from console.output import is_terminal, printable, say

if TYPE_CHECKING:
    from console.i18n import Texts

_QUIET_SECONDS = 10.0


@click.command("export")
@click.argument("what", type=click.Choice(["findings", "links", "receipts"]))
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv"]),
    help="jsonl: one JSON object a line. Default: as the file's suffix says, else jsonl.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The file to write or replace, when it is whole; only you may read it. Default: standard output.",
)
@click.option("--all", "everything", is_flag=True, help="Also findings that are resolved.")
@pass_app
def command(app: App, what: str, form: str | None, out: Path | None, everything: bool) -> int:
    """Write all findings, links, or receipts with what they settle, a line each: for other programs.

    Millions of lines take no more memory than thousands: they are written as they are read, from one moment of the
    store. A line shows what `ltc findings list`, `ltc links list` and `ltc cash list` show with --json; of a finding
    without comments and files. It asks no system.

    \b
    Examples:
      ltc export findings --out findings.csv
      ltc export links --format csv > links.csv
      ltc export receipts | jq -r 'select(.left != "0.00") | .record.number'
      ltc --lang zh-CN export findings --all --out findings.jsonl
    """
    from console import exporting

    if everything and what != "findings":
        raise click.UsageError("--all goes with findings; of links and receipts everything is written anyway.")
    chosen = form or ("csv" if out is not None and out.suffix == ".csv" else "jsonl")
    if out is not None and not out.parent.is_dir():
        raise click.UsageError(f"There is no folder {out.parent} to write into.")
    with app.store.reading() as connection:
        found = _Counted(app.texts, exporting.rows(connection, app.settings, what, app.locale, everything))
        lines = exporting.FORMS[chosen](iter(found), what)
        if out is None:
            sys.stdout.writelines(map(printable, lines) if is_terminal() else lines)
            sys.stdout.flush()
            return 0
        with exporting.replacing(out, chosen) as file:
            file.writelines(lines)
    say(app.texts("export.written", count=f"{found.count:,}", path=out))
    return 0


class _Counted:
    """Rows on their way, counted; every ten seconds a line on standard error says how far they are."""

    def __init__(self, texts: Texts, rows: Iterator[dict[str, Any]]) -> None:
        self.count = 0
        self._texts = texts
        self._rows = rows

    def __iter__(self) -> Iterator[dict[str, Any]]:
        told = time.monotonic()
        for row in self._rows:
            self.count += 1
            yield row
            if time.monotonic() - told >= _QUIET_SECONDS:
                told = time.monotonic()
                click.echo(self._texts("export.under_way", count=f"{self.count:,}"), err=True)
