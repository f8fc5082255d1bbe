"""``ltc push``: show what is to be written to the systems, or write exactly that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from console import jobs, new_records, rejecting, sentences
from console.context import App, pass_app
from console.output import emit_json, say, table

if TYPE_CHECKING:
    from state.creations import CreationPlan
    from state.outbox import Item, Plan
    from sync.matching import Matching
    from sync.result import SyncResult


@click.command("push")
@click.option("--plan/--apply", "plan", default=True, help="Show the plan (default), or carry out the plan shown last.")
@click.option("--approve", is_flag=True, help="With --apply: also a plan larger than writing.limits in ltc.yaml.")
@click.option(
    "--accept-first",
    "accept",
    multiple=True,
    metavar="SYSTEM",
    help="You have seen how the records of this new system were matched: let it be written to from now on.",
)
@click.option(
    "--reject",
    multiple=True,
    metavar="RECORD",
    help="Take this record out of the plan: it is not written until its value changes. Needs --reason.",
)
@click.option(
    "--reason", default="", metavar="TEXT", help="Why, with --reject; kept with the decision and in the audit."
)
@jobs.engine_option
@jobs.system_option
@jobs.paused_option
@jobs.json_option
@pass_app
def command(
    app: App,
    plan: bool,
    approve: bool,
    accept: tuple[str, ...],
    reject: tuple[str, ...],
    reason: str,
    engine: str,
    systems: tuple[str, ...],
    paused: bool,
    as_json: bool,
) -> int:
    """Show what would be written to each system, field by field with the reason; --apply writes exactly that.

    So are new records that the rules under `creation` in ltc.yaml want: --plan shows them, --apply creates them.

    --apply carries out the plan that --plan (or the last sync) showed and nothing else. If the records have changed so
    that another plan is due now, it writes nothing and says so.

    A system that is new here is read only: --plan shows how its records were matched, --accept-first lets it be written
    to. It refuses while keys that others go by (document numbers) are not unique.

    --reject takes records out of the plan, with a reason; --apply then carries out exactly what is left. What was
    rejected is listed by `ltc conflicts list --all` and comes back when its owner wants another value.

    \b
    Examples:
      ltc push --plan
      ltc push --plan --system crm --json
      ltc push --accept-first crm
      ltc push --apply
      ltc push --apply --system crm --approve
      ltc push --reject crm:Q-00461 --reason "In dispute"
    """
    chosen = app.systems(systems)
    if approve and plan:
        raise click.UsageError("--approve goes with --apply.")
    if reject:
        for line in rejecting.reject(app, reject, reason, chosen):
            if plan or not as_json:
                say(line)
        if plan:
            return 0
    if accept:
        _accept(app, accept, as_json, silent=as_json and not plan)
        if plan:
            return 0
    if not plan:
        return _apply(app, engine, chosen, as_json, approve=approve, paused=paused)
    result = jobs.run(app, "push", engine, systems=chosen, push="plan", paused=True)  # nothing is asked of any system
    left = _left(app, chosen, result)
    if as_json:
        emit_json(_planned(result, left))
    else:
        _show_new(app, left.new)
        _show(app, result, left)
        if result.status != "done":
            return jobs.finish(app, result, as_json)
    return jobs.code(result)


def _planned(result: SyncResult, left: _Left) -> dict[str, Any]:
    plans = [{**_plan(item), "exceeds": left.exceeds.get(item.id, ())} for item in result.plans]
    records = [{**new_record_plan(item), "exceeds": left.exceeds.get(item.id, ())} for item in result.new_records]
    new = [as_dict(item) for item in left.new]
    shown = {"plans": plans, "new_records": records, "refused_records": left.refused, "first_run": new}
    return {"run": result.run_id, "status": result.status, **shown, "held": left.held}


def _accept(app: App, systems: tuple[str, ...], as_json: bool, silent: bool) -> None:
    from sync import matching

    app.systems(systems)
    found = matching.accept(app.store, systems, app.actor)
    if silent:
        return
    if as_json:
        emit_json({"accepted": [as_dict(item) for item in found]})
        return
    for item in found:
        say(app.texts("push.accepted", system=item.system))


def new_record_plan(plan: CreationPlan) -> dict[str, Any]:
    """A plan of new records as JSON-able data."""
    from sync import create

    return create.as_dict(plan)


def as_dict(found: Matching) -> dict[str, Any]:
    """A matching as JSON-able data."""
    from sync import matching

    return matching.as_dict(found)


def _apply(app: App, engine: str, chosen: Sequence[str] | None, as_json: bool, **allowed: bool) -> int:
    from state import outbox
    from sync import create

    with app.store.reading() as connection:
        plans = [plan.id for plan in outbox.open_plans(connection, chosen) if plan.open_items]
    plans += [plan.id for plan in create.stored_plans(app.store, chosen or app.settings.systems)]
    if not plans:
        if as_json:
            emit_json({"status": "done", "applied": [], "plans": [], "created": [], "new_records": []})
        else:
            say(app.texts("cli.no_plan"))
        return 0
    given = {name: True for name, wanted in allowed.items() if wanted}
    result = jobs.merged(jobs.run(app, "push", engine, plan_id=plan, **given) for plan in plans)
    return jobs.finish(app, result, as_json)


class _Left(NamedTuple):
    """What keeps plans or wishes back."""

    new: list[Matching]
    """Systems whose matching nobody has accepted yet."""
    exceeds: dict[str, tuple[str, ...]]
    """Plan → what it exceeds."""
    held: dict[str, dict[str, int]]
    """System → reason → wishes that are not planned."""
    refused: int
    """New records that cannot be created."""


def _left(app: App, chosen: Sequence[str] | None, result: SyncResult) -> _Left:
    from state import creations, held
    from sync import gates, matching

    names = list(chosen or app.settings.systems)
    with app.store.reading() as connection:
        new = [matching.matching(connection, name) for name in gates.read_only(connection, app.settings, names)]
        large = [plan for plan in result.plans if not plan.large_approved_by]
        sizes = {plan.id: gates.size(connection, app.settings, plan) for plan in large}
        exceeds = {plan: gates.exceeds(app.settings, size) for plan, size in sizes.items()}
        exceeds |= {plan.id: gates.exceeds_creations(app.settings, plan) for plan in result.new_records}
        refused = [item for item in creations.dead_letters(connection) if item.system in names]
        waiting = {name: held.counts(connection, name) for name in names}
    return _Left(new, exceeds, {name: found for name, found in waiting.items() if found}, len(refused))


def _show_new(app: App, new: Sequence[Matching]) -> None:
    """How the records of systems that are new here were matched, and what to do next."""
    for found in new:
        say(app.texts("push.first_run", system=found.system))
        rows = [
            (
                item.entity,
                item.records,
                item.linked,
                app.texts.listed(
                    f"{app.texts(f'links.method.{name}')} {count}" for name, count in item.methods.items()
                ),
            )
            for item in found.entities
        ]
        table([app.texts(f"push.columns.{name}") for name in ("entity", "records", "linked", "methods")], rows)
        for double in found.doubles:
            shown = {"entity": double.entity, "number": double.key, "records": app.texts.listed(double.records)}
            say(app.texts("push.not_unique", **shown))
        said = "push.mend_first" if found.doubles else "push.accept_next"
        say(app.texts(said, system=found.system))
        say()


def _show(app: App, result: SyncResult, left: _Left) -> None:
    if not (result.plans or result.new_records):
        say(app.texts("cli.nothing_to_write"))
    _show_held(app, left.held)
    _show_plans(app, result.plans, left)
    new_records.show_plans(app, result.new_records, left.exceeds, left.refused)
    if result.plans or result.new_records:
        say(app.texts("cli.plan_apply"))


def _show_plans(app: App, plans: Sequence[Plan], left: _Left) -> None:
    from state.clock import from_us

    texts, zone = app.texts, app.settings.business_day_zone
    names = ("stream", "record", "field", "old", "new", "reason")
    for plan in plans:
        made = f"{from_us(plan.created_at).astimezone(zone):%Y-%m-%d %H:%M}"
        say(texts.counted("cli.plan_head", len(plan.open_items), system=plan.system, id=plan.id, made=made))
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
        contested = sum(change.contested for item in plan.open_items for change in item.changes)
        if contested:
            say(texts("push.contested", count=contested))
        if left.exceeds.get(plan.id):
            say(texts("push.large", exceeds=sentences.listed(left.exceeds[plan.id], texts.locale)))
        say()


def _show_held(app: App, held: dict[str, dict[str, int]]) -> None:
    for system, reasons in held.items():
        told = app.texts.listed(f"{app.texts(f'push.held.{why}')} {count}" for why, count in sorted(reasons.items()))
        say(app.texts("push.not_planned", system=system, reasons=told))


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
                "contested": change.contested,
            }
            for change in item.changes
        ],
    }
