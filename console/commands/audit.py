"""``ltc audit``: who did what, and proof that nobody changed the record of it."""

from __future__ import annotations

import json
from typing import Any

import click

from console import jobs
from console.context import App, pass_app
from console.output import emit_json, say, table


@click.group("audit")
def command() -> None:
    """Show what people and runs did, and prove that the record of it is whole.

    \b
    Examples:
      ltc audit list
      ltc audit verify
    """


@command.command("list")
@click.option("--actor", metavar="NAME", help="Only what this person or program did.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="The newest so many.")
@jobs.json_option
@pass_app
def listing(app: App, actor: str | None, limit: int, as_json: bool) -> int:
    """List decisions and write-backs, the newest first.

    \b
    Examples:
      ltc audit list
      ltc audit list --actor wang.min --json
    """
    from state import audit
    from state.clock import from_us

    with app.store.reading() as connection:
        found = audit.entries(connection, limit=limit, actor=actor)
    if as_json:
        emit_json(
            [
                {
                    "id": item.id,
                    "at": from_us(item.at),
                    "actor": item.actor,
                    "action": item.action,
                    "detail": item.detail,
                }
                for item in found
            ]
        )
        return 0
    if not found:
        say(app.texts("audit.none"))
        return 0
    zone = app.settings.business_day_zone
    rows = [
        (
            str(item.id),
            f"{from_us(item.at).astimezone(zone):%Y-%m-%d %H:%M:%S}",
            item.actor,
            item.action,
            _said(item.detail),
        )
        for item in found
    ]
    table([app.texts(f"audit.columns.{name}") for name in ("id", "at", "actor", "action", "detail")], rows)
    return 0


@command.command("verify")
@jobs.json_option
@pass_app
def verify(app: App, as_json: bool) -> int:
    """Recompute the chain of hashes. Exit code 1 if a row was changed, inserted or removed before the last one.

    \b
    Examples:
      ltc audit verify
    """
    from state import audit

    with app.store.reading() as connection:
        found = audit.verify(connection)
    if as_json:
        emit_json({"intact": found.intact, "rows": found.rows, "broken_at": found.broken_at, "problem": found.problem})
    elif found.intact:
        say(app.texts("audit.intact", count=f"{found.rows:,}"))
    else:
        click.echo(app.texts.counted("audit.broken", found.rows, problem=found.problem), err=True)
    return 0 if found.intact else 1


def _said(detail: dict[str, Any]) -> str:
    return ", ".join(
        f"{name}: {value if isinstance(value, str | int) else json.dumps(value, ensure_ascii=False)}"
        for name, value in detail.items()
    )
