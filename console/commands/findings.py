"""``ltc findings``: what does not tie out, and what people decide and say about it."""

from __future__ import annotations

import click

from console import findings as shown
from console import jobs
from console.commands import findings_handling
from console.context import App, pass_app
from console.output import emit_json, say, table

_STATUSES = ("open", "assigned", "explained", "waived", "resolved")
_STAGES = (
    *("lead", "opportunity", "quote", "order", "delivery", "billing", "collection", "payout"),
    *("service", "master_data", "sync"),
)
_DEPARTMENTS = ("marketing", "sales", "sales_operations", "logistics", "finance", "customer_service", "it")


@click.group("findings")
def command() -> None:
    """List what does not tie out; assign, explain or waive it, comment on it, attach evidence.

    A finding goes by itself when the data is mended. Its ID may be cut short as long as it stays the only one. Where
    several IDs are given, the decision is taken for all of them or for none.

    \b
    Examples:
      ltc findings list --department finance
      ltc findings show b5aadeae2637
      ltc findings assign b5aadeae2637 --to wang.min
    """


@command.command("list")
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice(_STATUSES),
    help="Default: all that are not resolved; `open`: nobody has decided on them.",
)
@click.option("--stage", type=click.Choice(_STAGES), help="Only this hand-off.")
@click.option("--department", type=click.Choice(_DEPARTMENTS), help="Only what this department is to act on.")
@click.option("--customer", default="", metavar="NAME", help="Only of customers with this in their name, with sums.")
@click.option("--check", "check_id", metavar="NAME", help="Only this check; `ltc checks list` has the names.")
@jobs.json_option
@pass_app
def listing(
    app: App,
    statuses: tuple[str, ...],
    stage: str | None,
    department: str | None,
    customer: str,
    check_id: str | None,
    as_json: bool,
) -> int:
    """List findings, errors and the largest amounts first; of a customer also how many and how much by department.

    \b
    Examples:
      ltc findings list
      ltc findings list --status open --stage billing
      ltc findings list --department finance --json
      ltc findings list --customer "Acme" --department finance
    """
    from state import findings, handling

    _known_check(app, check_id)
    with app.store.reading() as connection:
        found = findings.listing(
            connection, statuses=statuses or _STATUSES[:-1], check_id=check_id, customer=customer.strip()
        )
        said = handling.said(connection, [item.id for item in found])
    chosen = [item for item in found if stage in (None, item.stage) and department in (None, item.department)]
    listed = shown.in_words(app, chosen, said)
    if as_json:
        emit_json(listed)
        return 0
    if not listed:
        say(app.texts("findings.none"))
        return 0
    names = ("id", "severity", "stage", "department", "status", "age", "due_on", "amount", "currency", "explanation")
    table([app.texts(f"findings.columns.{name}") for name in names], [shown.row(app, item) for item in listed])
    say(app.texts.counted("findings.count", len(listed)))
    if customer.strip():
        shown.by_department(app, listed)
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
    from state import findings, handling

    with app.store.reading() as connection:
        found = findings.find(connection, finding_id)
        history = findings.history(connection, found.id)
        said = handling.said(connection, [found.id])
    if as_json:
        emit_json(shown.with_history(app, found, said, history))
    else:
        shown.show(app, found, said, history)
    return 0


def _known_check(app: App, check_id: str | None) -> None:
    if check_id is None:
        return
    from reconciliation import checks
    from reconciliation.checks import own

    if checks.get(check_id) is None and check_id not in own.load(app.settings.reconciliation.checks_folder):
        raise click.UsageError(f"There is no check {check_id!r}. `ltc checks list` has the names.")


for _handling in (
    *(findings_handling.assign, findings_handling.explain, findings_handling.waive, findings_handling.unwaive),
    *(findings_handling.comment, findings_handling.attach, findings_handling.attachment),
):
    command.add_command(_handling)
