"""What may be meant where nothing is called as somebody typed, in words for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Container

    from sqlalchemy.engine import Connection

    from console.i18n import Texts


_NAMED = 3
"""Names of others that are told of a customer."""


class Offer(NamedTuple):
    """What to choose: what it is, what to ask for to see it, its amount with its currency or none, where it is."""

    what: str
    called: str
    amount: str
    systems: str
    by: str
    """What it is found by, as in ``state.near``."""
    same: str
    """Of a customer: as which others, called otherwise, it is linked, and whether that counts yet; else empty."""


def offers(connection: Connection, needle: str, texts: Texts, systems: Container[str]) -> list[Offer]:
    """Records with it in their number, documents of that amount, customers with it in their name.

    ``systems`` are those of ltc.yaml: others are marked as removed. What is called the same in several systems is
    offered once: it leads to the same chains. See ``state.near`` for what that costs.
    """
    from console.report import figures
    from reconciliation import money
    from state.near import NAME, near

    found: dict[tuple[str, str, str, str], list[str]] = {}
    ids: dict[str, list[int]] = {}
    for item in near(connection, needle):
        amount = ""
        if item.amount is not None:
            amount = f"{figures.money(money.text(item.amount, item.currency), item.currency)} {item.currency or ''}"
        offer = (texts.name("entity", item.entity), item.called, amount.strip(), item.by)
        found.setdefault(offer, []).append(item.system)
        ids.setdefault(item.called, []).extend(item.ids)
    same = _same(connection, ids, texts)
    removed = texts("joined.aside", text=texts("trace.removed"))

    def marked(names: list[str]) -> str:
        return texts.listed(name if name in systems else name + removed for name in dict.fromkeys(names))

    return [
        Offer(what, called, amount, marked(names), by, same.get(called, "") if by == NAME else "")
        for (what, called, amount, by), names in found.items()
    ]


def _same(connection: Connection, ids: dict[str, list[int]], texts: Texts) -> dict[str, str]:
    """By the name of a customer, as which others it is linked: names, and what waits for a reconciliation."""
    from console import linked
    from state import activity, links, named

    wanted = [one for some in ids.values() for one in some]
    found = [
        link
        for link in (links.of_records(connection, wanted, with_suggestions=False) if wanted else ())
        if link.kind == "same_as" and link.left_entity == "party" and link.decision in ("auto", "confirmed")
    ]
    if not found:
        return {}
    names = named.titles(connection, {end: "party" for link in found for end in (link.left_id, link.right_id)})
    began = activity.last_reconciliation_began(connection)
    told: dict[str, str] = {}
    for called, own in ids.items():
        theirs = [link for link in found if link.left_id in own or link.right_id in own]
        others = {names.get(end, "") for link in theirs for end in (link.left_id, link.right_id)} - {called, ""}
        parts = [texts("near.same", names=texts.listed(sorted(others)[:_NAMED]))] if others else []
        by = dict.fromkeys(str(link.decided_by) for link in linked.waiting(theirs, began))
        if by:
            parts.append(texts("near.waits", who=texts.listed(by)))
        told[called] = texts.clauses(parts)
    return told
