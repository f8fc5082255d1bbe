"""What may be meant where nothing is called as somebody typed, in words for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from console.i18n import Texts


class Offer(NamedTuple):
    """A record to choose: what it is, what to ask for to see it, its amount with its currency or none, its system."""

    what: str
    called: str
    amount: str
    system: str


def offers(connection: Connection, needle: str, texts: Texts) -> list[Offer]:
    """Documents of that amount, then customers with it in their name; see ``state.near`` for what that costs."""
    from console.report import figures
    from reconciliation import money
    from state.near import near

    found = []
    for item in near(connection, needle):
        amount = ""
        if item.amount is not None:
            amount = f"{figures.money(money.text(item.amount, item.currency), item.currency)} {item.currency or ''}"
        found.append(Offer(texts.name("entity", item.entity), item.called, amount.strip(), item.system))
    return found
