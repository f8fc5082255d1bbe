"""What may be meant where nothing is called as somebody typed, in words for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Container

    from sqlalchemy.engine import Connection

    from console.i18n import Texts


class Offer(NamedTuple):
    """What to choose: what it is, what to ask for to see it, its amount with its currency or none, where it is."""

    what: str
    called: str
    amount: str
    systems: str
    by: str
    """What it is found by, as in ``state.near``."""


def offers(connection: Connection, needle: str, texts: Texts, systems: Container[str]) -> list[Offer]:
    """Records with it in their number, documents of that amount, customers with it in their name.

    ``systems`` are those of ltc.yaml: others are marked as removed. What is called the same in several systems is
    offered once: it leads to the same chains. See ``state.near`` for what that costs.
    """
    from console.report import figures
    from reconciliation import money
    from state.near import near

    found: dict[tuple[str, str, str, str], list[str]] = {}
    for item in near(connection, needle):
        amount = ""
        if item.amount is not None:
            amount = f"{figures.money(money.text(item.amount, item.currency), item.currency)} {item.currency or ''}"
        offer = (texts.name("entity", item.entity), item.called, amount.strip(), item.by)
        found.setdefault(offer, []).append(item.system)
    removed = texts("joined.aside", text=texts("trace.removed"))

    def marked(names: list[str]) -> str:
        return texts.listed(name if name in systems else name + removed for name in dict.fromkeys(names))

    return [Offer(what, called, amount, marked(names), by) for (what, called, amount, by), names in found.items()]
