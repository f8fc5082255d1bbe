"""``ltc quarantine``: records that could not be understood."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from console import jobs
from console.context import App, pass_app
from console.output import emit_json, say, table

if TYPE_CHECKING:
    from state.quarantine import Refused


@click.group("quarantine", invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> int:
    """Show the records that could not be understood, with the field and the reason. Without a command: list.

    They are kept, and tried again when the record or the mapping changes.

    \b
    Examples:
      ltc quarantine
      ltc quarantine list --system crm --json
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
    rows = [in_quarantine.row(item, app.settings.business_day_zone) for item in found]
    table([app.texts(f"quarantine.columns.{name}") for name in in_quarantine.COLUMNS], rows)
    say(app.texts("quarantine.count", shown=f"{len(found):,}", count=f"{count:,}"))
    say(app.texts("quarantine.remedy"))
    return 0


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
