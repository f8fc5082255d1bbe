"""``ltc cash``: money that its source has not applied, what it may settle, and what people decide about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from console import cash as shown
from console import jobs
from console.context import App, pass_app
from console.output import emit_json, say, table
from console.records import address, one

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

_CLASSES = (
    *("duplicate?", "overpayment", "advance", "already_settled", "to_decide", "money_out", "other_currency"),
    *(
        "unknown_payer",
        "payer_unlisted",
        "nothing_open",
        "no_match",
        "taken_by_decision",
        "decision_outdated",
        "left_by_decision",
    ),
)
_reason = click.option("--reason", default="", metavar="TEXT", help="Why; kept in the audit.")


@click.group("cash")
def command() -> None:
    """List money that its source has not applied; say what it settles, and every later run keeps to it.

    RECEIPT and ITEM are SYSTEM:STREAM:ID, SYSTEM:NUMBER, or a number that only one record has. The rules are those of
    `reconciliation.cash` in ltc.yaml; nothing is booked in any system.

    \b
    Examples:
      ltc cash list
      ltc cash show books:payment:8f2a
      ltc cash confirm books:payment:8f2a --rank 2
      ltc cash pin books:payment:8f2a INV-1001=500 INV-1002=250
    """


@command.command("list")
@click.option("--class", "classes", multiple=True, type=click.Choice(_CLASSES), help="Only what is left of this class.")
@click.option("--all", "everything", is_flag=True, help="Also receipts of which nothing is left.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="How many.")
@jobs.json_option
@pass_app
def listing(app: App, classes: tuple[str, ...], everything: bool, limit: int, as_json: bool) -> int:
    """List unapplied cash with its class, what to do next and the best suggestion; the largest amounts first.

    \b
    Examples:
      ltc cash list
      ltc cash list --class to_decide
      ltc cash list --all --json
    """
    from state import cash_standing

    with app.store.reading() as connection:
        found = cash_standing.every(connection)
    chosen = [
        item for item in found.values() if (everything or item["left"]) and (not classes or item["class"] in classes)
    ]
    chosen.sort(key=lambda item: (item["currency"], -abs(item["left"]), str(item["record"].get("source_id"))))
    if as_json:
        emit_json([shown.as_dict(app, item) for item in chosen[:limit]])
        return 0
    if not chosen:
        say(app.texts("cash.none"))
        return 0
    names = ("receipt", "received_on", "customer", "amount", "left", "class", "next_step", "best")
    table([app.texts(f"cash.columns.{name}") for name in names], [shown.row(app, item) for item in chosen[:limit]])
    say(app.texts.counted("cash.count", len(chosen)))
    return 0


@command.command("show")
@click.argument("receipt")
@jobs.json_option
@pass_app
def show(app: App, receipt: str, as_json: bool) -> int:
    """Show one receipt: what it settles and why, what explains the rest, and the suggestions.

    \b
    Examples:
      ltc cash show books:payment:8f2a
      ltc cash show books:payment:8f2a --json
    """
    with app.store.reading() as connection:
        _, figure = _receipt(connection, receipt)
    if as_json:
        emit_json(shown.as_dict(app, figure))
    else:
        shown.show(app, figure)
    return 0


@command.command("confirm")
@click.argument("receipt")
@click.option("--rank", type=click.IntRange(1, 5), default=1, show_default=True, help="Which suggestion.")
@_reason
@pass_app
def confirm(app: App, receipt: str, rank: int, reason: str) -> int:
    """Take a suggestion, beside what was decided of the receipt before; without one, what the rules matched is held.

    \b
    Examples:
      ltc cash confirm books:payment:8f2a
      ltc cash confirm books:payment:8f2a --rank 2 --reason "Told by phone"
    """
    with app.store.transaction() as connection:
        record_id, figure = _receipt(connection, receipt)
        if not figure["left"] and any(entry["decision"] == "pinned" for entry in figure["applied"]):
            raise click.UsageError("All of it is decided; `ltc cash show` says how, and `ltc cash undo` takes it back.")
        chosen = shown.choice(figure, rank)
        if chosen is None and figure["suggestions"]:
            count = len(figure["suggestions"])
            raise click.UsageError(f"There are {count} suggestions for it; `ltc cash show` has them.")
        if chosen is None:
            raise click.UsageError(
                "Nothing is suggested for it. Say what it settles: `ltc cash pin RECEIPT ITEM=AMOUNT`."
            )
        count = shown.take(connection, record_id, figure, chosen, app.actor, reason.strip())
        after = _receipt(connection, receipt)[1]
    say(app.texts.counted("cash.said.pinned", count, receipt=shown.name(figure["record"])))
    _say_rest(app, after)
    say(app.texts("links.from_next_run"))
    return 0


@command.command("pin")
@click.argument("receipt")
@click.argument("items", nargs=-1, required=True, metavar="ITEM[=AMOUNT]...")
@click.option("--difference", "differences", multiple=True, metavar="KIND=AMOUNT", help="What explains the rest.")
@_reason
@pass_app
def pin(app: App, receipt: str, items: tuple[str, ...], differences: tuple[str, ...], reason: str) -> int:
    """Say which items a receipt settles and how much of each; without an amount all that is open.

    It takes the place of what was decided of the receipt before. What is left of it stays in `ltc cash list`.
    A difference is negative where money is missing: --difference discount=-20.00. Of it and the items no more may come
    together than came in.

    \b
    Examples:
      ltc cash pin books:payment:8f2a INV-1001
      ltc cash pin books:payment:8f2a INV-1001=500 INV-1002=250.50
      ltc cash pin books:payment:8f2a INV-1001=1000 --difference fee=-15
    """
    from state import cash

    with app.store.transaction() as connection:
        record_id, figure = _receipt(connection, receipt)
        rows = [_item(connection, text, figure["currency"]) for text in items]
        told = [shown.difference(text, figure["currency"]) for text in differences]
        names = {row[0]: text.partition("=")[0] for row, text in zip(rows, items, strict=True)}
        shown.check(app.texts, rows, told, figure, names)
        cash.pin(connection, record_id, [(row[0], row[1], row[1]) for row in rows], told, app.actor, reason.strip())
        after = _receipt(connection, receipt)[1]
    say(app.texts.counted("cash.said.pinned", len(rows), receipt=shown.name(figure["record"])))
    _say_rest(app, after)
    say(app.texts("links.from_next_run"))
    return 0


@command.command("cut")
@click.argument("receipt")
@click.argument("items", nargs=-1, required=True, metavar="ITEM...")
@click.option("--reason", required=True, metavar="TEXT", help="Why it does not settle them; kept in the audit.")
@pass_app
def cut(app: App, receipt: str, items: tuple[str, ...], reason: str) -> int:
    """Say that a receipt does not settle these items, whatever the rules find.

    \b
    Examples:
      ltc cash cut books:payment:8f2a INV-1001 --reason "Paid for another order"
    """
    from state import cash

    if not reason.strip():
        raise click.UsageError("An item is cut with a reason: `--reason TEXT`.")
    with app.store.transaction() as connection:
        record_id, figure = _receipt(connection, receipt)
        ids = [one(connection, text).record_id for text in items]
        cash.cut(connection, record_id, ids, app.actor, reason.strip())
    say(app.texts.counted("cash.said.cut", len(ids), receipt=shown.name(figure["record"])))
    say(app.texts("links.from_next_run"))
    return 0


@command.command("undo")
@click.argument("receipt")
@_reason
@pass_app
def undo(app: App, receipt: str, reason: str) -> int:
    """Take back what was decided about a receipt: the next run judges it anew.

    \b
    Examples:
      ltc cash undo books:payment:8f2a
      ltc cash undo books:payment:8f2a --reason "The bank has said that it is of Beta"
    """
    from state import cash

    with app.store.transaction() as connection:
        found = one(connection, receipt)
        gone = cash.undo(connection, found.record_id, app.actor, reason.strip())
    say(app.texts("cash.said.undone" if gone else "cash.said.undecided", receipt=address(found)))
    return 0 if gone else 1


def _say_rest(app: App, figure: dict[str, Any]) -> None:
    """Say how much of a receipt a decision leaves, if it leaves anything."""
    if figure["left"]:
        say(app.texts("cash.said.left", amount=shown.money(figure["left"], figure["currency"])))


def _receipt(connection: Connection, text: str) -> tuple[int, dict[str, Any]]:
    """A receipt and what became of it; raises ``click.UsageError`` if it is none that is left to apply."""
    from state import cash_standing

    found = one(connection, text)
    figure = cash_standing.some(connection, [found.record_id]).get(found.record_id)
    if figure is None:
        raise click.UsageError(
            f"{address(found)} is no money that is left to apply: its source has applied it, or no run has seen it yet."
        )
    return found.record_id, figure


def _item(connection: Connection, text: str, currency: str) -> tuple[int, int, int]:
    """Record id, minor units to apply, minor units open; raises ``click.UsageError``."""
    from state import cash, figures

    name, given, amount = text.rpartition("=")
    found = one(connection, name if given else text)
    owed = figures.standing(connection, "receivable").get(str(found.record_id))
    if owed is None or owed["kind"] == "payment":
        raise click.UsageError(f"{address(found)} is no invoice or credit note that is open.")
    if cash.currencies(connection, [found.record_id])[found.record_id] != currency:
        raise click.UsageError(f"{address(found)} is not in {currency}; confirm a suggestion, or give a dated rate.")
    return found.record_id, shown.minor(amount, currency) if given else owed["amount"], owed["amount"]
