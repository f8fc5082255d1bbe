"""``ltc quarantine``: records that could not be understood."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from console import jobs
from console.context import App, pass_app
from console.output import emit_json, say, table

if TYPE_CHECKING:
    from state.quarantine import Refused


_MOST = 10_000
"""Records that are tried again at once."""


@click.group("quarantine", invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> int:
    """Show the records that could not be understood, with the field and the reason. Without a command: list.

    They are kept, and tried again when the record or the mapping changes.

    \b
    Examples:
      ltc quarantine
      ltc quarantine list --system crm --json
      ltc quarantine retry crm
    """
    return 0 if ctx.invoked_subcommand else int(ctx.invoke(listing))


@command.command("list")
@click.option("--system", metavar="NAME", help="Only this system.")
@click.option("--stream", metavar="NAME", help="Only this stream.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="The newest so many.")
@jobs.json_option
@pass_app
def listing(app: App, system: str | None, stream: str | None, limit: int, as_json: bool) -> int:
    """List them, the newest first. Personal values are shown by type and length only.

    \b
    Examples:
      ltc quarantine list
      ltc quarantine list --system forms --stream lead
    """
    from console import in_quarantine
    from state import quarantine

    app.systems((system,) if system else ())
    with app.store.reading() as connection:
        found = quarantine.listing(connection, system=system, stream=stream, limit=limit)
        count = quarantine.count(connection, system=system, stream=stream)
    if as_json:
        emit_json([_as_dict(item) for item in found])
        return 0
    if not found:
        say(app.texts("quarantine.none"))
        return 0
    rows = [in_quarantine.row(item, app.settings.business_day_zone, app.texts) for item in found]
    table([app.texts(f"quarantine.columns.{name}") for name in in_quarantine.COLUMNS], rows)
    say(app.texts("quarantine.count", shown=f"{len(found):,}", count=f"{count:,}"))
    say(app.texts("quarantine.remedy"))
    return 0


@command.command("retry")
@click.argument("system")
@click.option("--stream", metavar="NAME", help="Only this stream.")
@pass_app
def retry(app: App, system: str, stream: str | None) -> int:
    """Map the records in quarantine again as they are held, after the mapping was mended. Asks no system.

    A sync does so by itself once the mapping has changed. What a connector could not even read must be pulled again.

    \b
    Examples:
      ltc quarantine retry forms
      ltc quarantine retry forms --stream lead
    """
    from console import tried_again
    from state import quarantine

    app.systems((system,))
    with app.store.reading() as connection:
        found = quarantine.listing(connection, system=system, stream=stream, limit=_MOST)
    by_stream: dict[str, list[Refused]] = {}
    for item in found:
        by_stream.setdefault(item.stream, []).append(item)
    if not found:
        say(app.texts("quarantine.none"))
    code = 0
    for name, items in by_stream.items():
        outcome = tried_again.retry(app.store, app.settings, items, app.actor)
        if outcome.error is not None:
            say(f"✗ {system}.{name}: {outcome.error.message}")
            code = 1
            continue
        left = outcome.counts["rejected"] + len(items) - outcome.counts["pulled"]
        shown = {"count": f"{len(items) - left:,}", "left": f"{left:,}"}
        say(app.texts("tried_again.done", stream=f"{system}.{name}", **shown))
    return code


def _as_dict(item: Refused) -> dict[str, Any]:
    from state.clock import from_us

    return {
        "system": item.system,
        "stream": item.stream,
        "source_id": item.source_id,
        "field": item.field,
        "value": item.value,
        "reason": item.reason,
        "run": item.run_id,
        "first_at": from_us(item.first_at),
        "last_at": from_us(item.last_at),
        "attempts": item.attempts,
    }
