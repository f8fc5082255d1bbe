"""``ltc push``: show what is to be written to the systems, or write exactly that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from console import jobs
from console.context import App, pass_app
from console.output import emit_json, say, table

if TYPE_CHECKING:
    from state.outbox import Item, Plan


@click.command("push")
@click.option("--plan/--apply", "plan", default=True, help="Show the plan (default), or carry out the plan shown last.")
@jobs.engine_option
@jobs.system_option
@jobs.json_option
@pass_app
def command(app: App, plan: bool, engine: str, systems: tuple[str, ...], as_json: bool) -> int:
    """Show what would be written to each system, field by field with the reason; --apply writes exactly that.

    --apply carries out the plan that --plan (or the last sync) showed and nothing else. If the records have changed so
    that another plan is due now, it writes nothing and says so.

    \b
    Examples:
      ltc push --plan
      ltc push --plan --system crm --json
      ltc push --apply
      ltc push --apply --system crm
    """
    chosen = app.systems(systems)
    if plan:
        result = jobs.run(app, "push", engine, systems=chosen, push="plan")
        if as_json:
            emit_json({"run": result.run_id, "status": result.status, "plans": [_plan(item) for item in result.plans]})
        else:
            _show(app, result.plans)
            if result.status != "done":
                return jobs.finish(app, result, as_json)
        return jobs.code(result)
    return _apply(app, engine, chosen, as_json)


def _apply(app: App, engine: str, chosen: Sequence[str] | None, as_json: bool) -> int:
    from state import outbox

    with app.store.reading() as connection:
        plans = [plan for plan in outbox.open_plans(connection, chosen) if plan.open_items]
    if not plans:
        if as_json:
            emit_json({"status": "done", "applied": [], "plans": []})
        else:
            say(app.texts("cli.no_plan"))
        return 0
    result = jobs.merged(jobs.run(app, "push", engine, plan_id=plan.id) for plan in plans)
    return jobs.finish(app, result, as_json)


def _show(app: App, plans: Sequence[Plan]) -> None:
    from state.clock import from_us

    texts, zone = app.texts, app.settings.business_day_zone
    if not plans:
        say(texts("cli.nothing_to_write"))
        return
    names = ("stream", "record", "field", "old", "new", "reason")
    for plan in plans:
        made = f"{from_us(plan.created_at).astimezone(zone):%Y-%m-%d %H:%M}"
        say(texts("cli.plan_head", system=plan.system, id=plan.id, count=len(plan.open_items), made=made))
        rows = [
            (
                item.stream,
                item.number or item.source_id,
                change.field,
                _value(change.old),
                _value(change.new),
                change.reason,
            )
            for item in plan.open_items
            for change in item.changes
        ]
        table([texts(f"cli.columns.{name}") for name in names], rows)
        say()
    say(texts("cli.plan_apply"))


def _value(value: Any) -> Any:
    return None if value in (None, "") else str(value)


def _plan(plan: Plan) -> dict[str, Any]:
    from state.clock import from_us

    return {
        "id": plan.id,
        "system": plan.system,
        "status": plan.status.value,
        "created_at": from_us(plan.created_at),
        "changes": [_item(item) for item in plan.open_items],
    }


def _item(item: Item) -> dict[str, Any]:
    return {
        "stream": item.stream,
        "entity": item.entity,
        "source_id": item.source_id,
        "number": item.number,
        "status": item.status.value,
        "idempotency_key": item.idempotency_key,
        "fields": [
            {
                "field": change.field,
                "source_field": change.source_field,
                "old": change.old,
                "new": change.new,
                "source_old": change.source_old,
                "source_new": change.source_new,
                "reason": change.reason,
                "because": change.because,
            }
            for change in item.changes
        ],
    }
