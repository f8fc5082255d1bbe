"""``ltc findings``: what does not tie out, and what people decide about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from console import jobs
from console.context import App, pass_app
from console.output import emit_json, say, table
from console.records import printable

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from reconciliation.rules import Rules
    from state.findings import Event, Finding

_STATUSES = ("open", "assigned", "explained", "waived", "resolved")
_STAGES = (
    *("lead", "opportunity", "quote", "order", "delivery", "billing", "collection", "payout"),
    *("service", "master_data", "sync"),
)
_DEPARTMENTS = ("marketing", "sales", "sales_operations", "logistics", "finance", "customer_service", "it")
_SHORT = 12


@click.group("findings")
def command() -> None:
    """List what does not tie out; assign, explain or waive it.

    A finding goes by itself when the data is mended. Its ID may be cut short as long as it stays the only one.

    \b
    Examples:
      ltc findings list --department finance
      ltc findings show b5aadeae2637
      ltc findings assign b5aadeae2637 --to wang.min
    """


@command.command("list")
@click.option(
    "--status", "statuses", multiple=True, type=click.Choice(_STATUSES), help="Default: all that are not resolved."
)
@click.option("--stage", type=click.Choice(_STAGES), help="Only this hand-off.")
@click.option("--department", type=click.Choice(_DEPARTMENTS), help="Only what this department is to act on.")
@click.option("--check", "check_id", metavar="NAME", help="Only this check; `ltc checks list` has the names.")
@jobs.json_option
@pass_app
def listing(
    app: App,
    statuses: tuple[str, ...],
    stage: str | None,
    department: str | None,
    check_id: str | None,
    as_json: bool,
) -> int:
    """List findings, errors and the largest amounts first.

    \b
    Examples:
      ltc findings list
      ltc findings list --status open --stage billing
      ltc findings list --department finance --json
    """
    from state import findings

    _known_check(check_id)
    with app.store.reading() as connection:
        found = findings.listing(connection, statuses=statuses or _STATUSES[:-1], check_id=check_id, with_urls=as_json)
    chosen = [item for item in found if stage in (None, item.stage) and department in (None, item.department)]
    shown = _in_words(app, chosen)
    if as_json:
        emit_json(shown)
        return 0
    if not shown:
        say(app.texts("findings.none"))
        return 0
    names = ("id", "severity", "stage", "department", "status", "age", "amount", "currency", "explanation")
    table([app.texts(f"findings.columns.{name}") for name in names], [_row(app, item) for item in shown])
    say(app.texts("findings.count", count=f"{len(shown):,}"))
    return 0


@command.command("show")
@click.argument("finding_id", metavar="ID")
@jobs.json_option
@pass_app
def show(app: App, finding_id: str, as_json: bool) -> int:
    """Show one finding: what is wrong, what to do, the records it is about, and its history.

    \b
    Examples:
      ltc findings show b5aadeae2637
      ltc findings show b5aadeae2637 --json
    """
    from state import findings

    with app.store.reading() as connection:
        found = findings.find(connection, finding_id)
        history = findings.history(connection, found.id)
    _show(app, found, history, as_json)
    return 0


@command.command("assign")
@click.argument("finding_id", metavar="ID")
@click.option("--to", "assignee", required=True, metavar="NAME", help="Who takes care of it.")
@jobs.json_option
@pass_app
def assign(app: App, finding_id: str, assignee: str, as_json: bool) -> int:
    """Make somebody responsible.

    \b
    Examples:
      ltc findings assign b5aadeae2637 --to wang.min
    """
    from state import findings

    if not assignee.strip():
        raise click.UsageError("Say who takes care of it: `--to NAME`.")
    return _decide(
        app, as_json, lambda connection: findings.assign(connection, finding_id, assignee.strip(), app.actor)
    )


@command.command("explain")
@click.argument("finding_id", metavar="ID")
@click.option("--reason", required=True, metavar="TEXT", help="Why it is so.")
@jobs.json_option
@pass_app
def explain(app: App, finding_id: str, reason: str, as_json: bool) -> int:
    """Say why it is so. It stays on the list until the data is mended.

    \b
    Examples:
      ltc findings explain b5aadeae2637 --reason "Customer pays both orders with one transfer in November"
    """
    from state import findings

    return _decide(app, as_json, lambda connection: findings.explain(connection, finding_id, reason.strip(), app.actor))


@command.command("waive")
@click.argument("finding_id", metavar="ID")
@click.option("--reason", required=True, metavar="TEXT", help="Why it is accepted.")
@click.option("--approver", required=True, metavar="NAME", help="Who approved it; somebody else than you.")
@click.option(
    "--until", required=True, type=click.DateTime(["%Y-%m-%d"]), metavar="DAY", help="Last day on which it is accepted."
)
@jobs.json_option
@pass_app
def waive(app: App, finding_id: str, reason: str, approver: str, until: datetime, as_json: bool) -> int:
    """Accept a finding until a day. After it, the finding is open again if the data still shows it.

    \b
    Examples:
      ltc findings waive b5aadeae2637 --reason "Under the limit of policy F-12" --approver li.na --until 2026-12-31
    """
    from reconciliation.rules import Rules
    from state import findings

    day, today = until.date(), Rules.of(app.settings).today
    if day < today:
        raise click.UsageError(f"--until {day} has passed: today is {today}.")
    if not approver.strip():
        raise click.UsageError("Name who approved it: `--approver NAME`.")
    return _decide(
        app,
        as_json,
        lambda connection: findings.waive(connection, finding_id, reason.strip(), approver.strip(), day, app.actor),
    )


def _decide(app: App, as_json: bool, decision: Callable[[Connection], Finding]) -> int:
    from state import findings

    with app.store.transaction() as connection:
        found = decision(connection)
        history = findings.history(connection, found.id)
    if as_json:
        _show(app, found, history, as_json)
        return 0
    [shown] = _in_words(app, [found])
    status = app.texts.name("findings.status", found.status)
    say(app.texts("findings.decided", id=found.id[:_SHORT], status=status, explanation=printable(shown["explanation"])))
    return 0


def _known_check(check_id: str | None) -> None:
    if check_id is None:
        return
    from reconciliation import checks

    if checks.get(check_id) is None:
        raise click.UsageError(f"There is no check {check_id!r}. `ltc checks list` has the names.")


def _in_words(app: App, found: list[Finding]) -> list[dict[str, Any]]:
    """As in the report, and in its order."""
    from reconciliation import report, words
    from reconciliation.rules import Rules

    rules: Rules = Rules.of(app.settings)
    shown = [report.as_dict(item, rules, words.language(app.locale)) for item in found]
    return sorted(shown, key=report.sort_key)


def _row(app: App, item: dict[str, Any]) -> tuple[Any, ...]:
    from decimal import Decimal

    return (
        item["id"][:_SHORT],
        app.texts.name("findings.severity", item["severity"]),
        app.texts.name("summary.stage", item["stage"]),
        app.texts.name("summary.department", item["department"]),
        app.texts.name("findings.status", item["status"]),
        item["age_days"],
        None if item["amount"] is None else Decimal(item["amount"]),
        item["currency"],
        item["explanation"],
    )


def _show(app: App, found: Finding, history: list[Event], as_json: bool) -> None:
    from state.clock import from_us

    [shown] = _in_words(app, [found])
    if as_json:
        events = [
            {
                "at": from_us(item.at),
                "event": item.event,
                "actor": item.actor,
                "detail": item.detail,
                "run": item.run_id,
            }
            for item in history
        ]
        emit_json({**shown, "history": events})
        return
    texts = app.texts
    severity, status = texts.name("findings.severity", found.severity), texts.name("findings.status", found.status)
    say(f"{found.id}  {severity} · {status} · {shown['title']} ({found.check_id})")
    say(printable(shown["explanation"]))
    if shown["action"]:
        say(f"  → {shown['action']}")
    say()
    for name in ("stage", "department"):
        say(f"{texts(f'findings.columns.{name}')}: {texts(f'summary.{name}.{shown[name]}')}")
    if shown["amount"] is not None:
        from decimal import Decimal

        own, base = Decimal(shown["amount"]), shown["base_amount"]
        in_base = f" ({app.settings.base_currency} {Decimal(base):,})" if base is not None else ""
        say(f"{texts('findings.columns.amount')}: {shown['currency'] or ''} {own:,}{in_base}")
    for name in ("since", "first_seen", "age_days", "assignee", "reason", "approver", "waived_until"):
        if shown[name] is not None:
            say(printable(f"{texts(f'findings.fields.{name}')}: {shown[name]}"))
    _show_records(app, shown["records"])
    _show_history(app, history)


def _show_records(app: App, records: list[dict[str, Any]]) -> None:
    say()
    names = ("system", "entity", "number", "source_id", "url")
    rows = [tuple(record[name] for name in names) for record in records]
    table([app.texts(f"findings.records.{name}") for name in names], rows)


def _show_history(app: App, history: list[Event]) -> None:
    from state.clock import from_us

    say()
    zone = app.settings.business_day_zone
    for item in history:
        about = ", ".join(
            f"{name}: {value}" for name, value in item.detail.items() if not isinstance(value, dict | list)
        )
        at = f"{from_us(item.at).astimezone(zone):%Y-%m-%d %H:%M}"
        say(f"{at}  {app.texts(f'findings.event.{item.event}')}  {item.actor}{f'  {about}' if about else ''}")
