"""``ltc period``: the accounting periods, and who closed, approved and reopened them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from console import closes, jobs
from console.context import App, pass_app
from console.output import emit_json, say, table

if TYPE_CHECKING:
    from state.periods import Close


MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


def is_period(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """A month as an option or argument; raises ``click.BadParameter``."""
    if value is not None and not MONTH.fullmatch(value):
        raise click.BadParameter(f"{value!r} is no month. For example: 2026-10")
    return value


_period = click.argument("period", metavar="PERIOD", callback=is_period)
_by = click.option("--by", metavar="NAME", help="Who does it; default: LTC_ACTOR, else the login name.")


@click.group("period")
def command() -> None:
    """Close months one after the other: one person closes, another approves.

    A close reconciles and freezes the month's report, with a hash of all that it was computed from. What changes about
    its documents later is an adjustment of the month that is open.

    \b
    Examples:
      ltc period close 2026-10 --by wang.min
      ltc period approve 2026-10 --by li.na
      ltc report --period 2026-10 --format pdf
    """


@command.command("list")
@jobs.json_option
@pass_app
def listing(app: App, as_json: bool) -> int:
    """List every close of every month, those of reopened months too, and the month that comes next.

    \b
    Examples:
      ltc period list
      ltc period list --json
    """
    from reconciliation.closing import next_period
    from state import periods

    with app.store.reading() as connection:
        found = periods.closes(connection)
    if as_json:
        emit_json({"periods": [_as_dict(item) for item in found], "next": next_period(found)})
        return 0
    if found:
        rows = [closes.row(item, app.texts, app.settings.business_day_zone) for item in found]
        table([app.texts(f"period.columns.{name}") for name in closes.COLUMNS], rows)
    coming = next_period(found)
    say(app.texts("period.any") if coming is None else app.texts("period.next", period=coming))
    return 0


@command.command("show")
@_period
@jobs.json_option
@pass_app
def show(app: App, period: str, as_json: bool) -> int:
    """Show who signed a month, the hashes, and whether its figures are as they were frozen. Exit code 1 if not.

    \b
    Examples:
      ltc period show 2026-10
      ltc period show 2026-10 --json
    """
    from state import periods

    with app.store.reading() as connection:
        found = [item for item in periods.closes(connection) if item.period == period]
        intact = {item.revision: periods.is_intact(connection, item) for item in found}
    if as_json:
        emit_json([{**_as_dict(item), "intact": intact[item.revision]} for item in found])
    elif not found:
        say(app.texts("period.open", period=period))
    for item in [] if as_json else found:
        _show(app, item, intact[item.revision])
    return 0 if all(intact.values()) else 1


@command.command("close")
@_period
@_by
@click.option("--reason", default="", metavar="TEXT", help="Why, although errors are undecided; stays with the close.")
@jobs.json_option
@pass_app
def close(app: App, period: str, by: str | None, reason: str, as_json: bool) -> int:
    """Reconcile, and freeze the figures of a month that is over. Somebody else then approves it.

    While errors of the month or before are undecided, it needs a reason.

    \b
    Examples:
      ltc period close 2026-10
      ltc period close 2026-10 --by wang.min
      ltc period close 2026-10 --reason "The bank confirms the two receipts tomorrow"
    """
    from sync.closing import close_period

    made = close_period(app.store, app.settings, period, by or app.actor, reason)
    return _done(app, made, as_json)


@command.command("approve")
@_period
@_by
@jobs.json_option
@pass_app
def approve(app: App, period: str, by: str | None, as_json: bool) -> int:
    """Approve a closed month, as another person than who closed it.

    \b
    Examples:
      ltc period approve 2026-10 --by li.na
    """
    from reconciliation import closing

    return _done(app, closing.approve(app.store, app.settings, period, by or app.actor), as_json)


@command.command("reopen")
@_period
@_by
@click.option("--reason", required=True, metavar="TEXT", help="Why; it stays visible in every later report.")
@jobs.json_option
@pass_app
def reopen(app: App, period: str, by: str | None, reason: str, as_json: bool) -> int:
    """Open the last closed month again. An approved one: only whom `reconciliation.periods.reopen` names.

    \b
    Examples:
      ltc period reopen 2026-10 --by chen.cfo --reason "Invoices of the Hangzhou branch were missing"
    """
    from reconciliation import closing

    return _done(app, closing.reopen(app.store, app.settings, period, by or app.actor, reason), as_json)


def _done(app: App, item: Close, as_json: bool) -> int:
    if as_json:
        emit_json(_as_dict(item))
        return 0
    names = {"period": item.period, "closed_by": item.closed_by}
    done = {"approved_by": item.approved_by, "reopened_by": item.reopened_by, "records": f"{item.records:,}"}
    say(app.texts(f"period.done.{item.status}", **names, **done))
    return 0


def _show(app: App, item: Close, intact: bool) -> None:
    status = app.texts.name("period.status", item.status)
    say(f"{item.period}  {app.texts('period.columns.revision')} {item.revision}  {status}")
    row = closes.row(item, app.texts, app.settings.business_day_zone)
    for name, value in zip(closes.COLUMNS[3:], row[3:], strict=True):
        if value is not None:
            say(f"  {app.texts(f'period.columns.{name}')}: {value}")
    say(f"  {app.texts('period.records', count=f'{item.records:,}')}")
    say(f"  {app.texts('period.inputs_hash')}: {item.inputs_hash}")
    say(f"  {app.texts('period.figures_hash')}: {item.figures_hash}")
    say(f"  {app.texts('period.intact' if intact else 'period.broken')}")


def _as_dict(item: Close) -> dict[str, Any]:
    from dataclasses import asdict

    from reconciliation.sections import close as section

    return section(asdict(item))
