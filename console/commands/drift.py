"""``ltc drift``: fields that are new, gone or of another type, and taking them for how records look from now on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from console import jobs
from console.context import App, pass_app
from console.output import emit_json, say, table

if TYPE_CHECKING:
    from state.shapes import Drift, Listed


@click.group("drift", invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> int:
    """Show how the records of a stream look different from before. Without a command: list.

    A new field stops nothing unless ltc.yaml says so. Where a field that the mapping reads is gone or of another type,
    the records that would lose by it are held back in quarantine until the mapping is mended or the change accepted.

    \b
    Examples:
      ltc drift
      ltc drift list --system crm --json
      ltc drift accept crm lead Phone
    """
    return 0 if ctx.invoked_subcommand else int(ctx.invoke(listing))


@command.command("list")
@click.option("--system", metavar="NAME", help="Only this system.")
@click.option("--stream", metavar="NAME", help="Only this stream.")
@click.option("--all", "accepted", is_flag=True, help="Also what was accepted, with who did and why.")
@jobs.json_option
@pass_app
def listing(app: App, system: str | None, stream: str | None, accepted: bool, as_json: bool) -> int:
    """List the changes, the newest first.

    \b
    Examples:
      ltc drift list
      ltc drift list --system forms --stream lead --all
    """
    from console import drifted
    from state import shapes

    app.systems((system,) if system else ())
    with app.store.reading() as connection:
        found = shapes.listing(connection, system=system, stream=stream, accepted=accepted)
    if as_json:
        emit_json([_as_dict(item) for item in found])
        return 0
    if not found:
        say(app.texts("drift.none"))
        return 0
    heads = [app.texts(f"drift.columns.{name}") for name in drifted.COLUMNS]
    table(heads, [drifted.row(item, app.texts, app.settings.business_day_zone) for item in found])
    if any(item.drift.status == "open" for item in found):
        say(app.texts("drift.remedy"))
    return 0


@command.command("accept")
@click.argument("system")
@click.argument("stream")
@click.argument("field", required=False)
@click.option("--reason", default="", metavar="TEXT", help="Why; kept in the audit.")
@jobs.json_option
@pass_app
def accept(app: App, system: str, stream: str, field: str | None, reason: str, as_json: bool) -> int:
    """Take what changed, in one FIELD or in all, for how the records of SYSTEM STREAM look from now on.

    The records held back for it are mapped again by the next pull (or `ltc replay`): a field that is gone is empty in
    them.

    \b
    Examples:
      ltc drift accept forms lead
      ltc drift accept crm lead Phone --reason "No longer asked for"
    """
    from console import drifted
    from state import quarantine, shapes
    from sync import drift

    app.systems((system,))
    store = app.store
    with store.reading() as connection:
        known = shapes.known_stream(connection, system, stream)
    done = [] if known is None else drift.accept(store, known, field, actor=app.actor, reason=reason.strip())
    if not done:
        where = f"{system}.{stream}" + (f" {field}" if field else "")
        raise click.UsageError(f"Nothing has changed in {where} that is not accepted. `ltc drift list` shows what has.")
    with store.reading() as connection:
        waiting = quarantine.count(connection, system=system, stream=stream)
    if as_json:
        emit_json({"accepted": [_drift(item) for item in done], "quarantined": waiting})
        return 0
    for item in done:
        say(app.texts("drift.accepted", path=item.path, what=drifted.what(item, app.texts)))
    if waiting:
        say(app.texts("drift.waiting", count=f"{waiting:,}"))
    return 0


def _drift(item: Drift) -> dict[str, Any]:
    told = {"path": item.path, "kind": item.kind.value, "type": item.type or None, "before": item.before or None}
    return {**told, "fields": list(item.fields)}


def _as_dict(item: Listed) -> dict[str, Any]:
    from state.clock import from_us

    return {
        "system": item.system,
        "stream": item.stream,
        **_drift(item.drift),
        "status": item.drift.status.value,
        "since": from_us(item.since),
        "run": item.run_id,
        "decided_by": item.decided_by,
        "decided_at": None if item.decided_at is None else from_us(item.decided_at),
        "reason": item.reason,
    }
