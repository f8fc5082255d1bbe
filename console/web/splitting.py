"""Say oneself what a receipt settles: how much of which open item, and what explains the rest."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, HTTPException
from starlette.responses import Response

from console import cash as shown
from console.web.desk import Decider, DeciderForm, Visit, see
from reconciliation import money, sections
from state import cash, figures

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.engine import Connection

router = APIRouter()

_MOST = 60
"""Open items on the page; a search finds the others."""
_MOST_DIFFERENCES = 3


class Wrong(Exception):
    """What cannot be kept: the key of a sentence, and what stands in it."""

    def __init__(self, key: str, values: dict[str, str]) -> None:
        super().__init__(key)
        self.key = key
        self.values = values


@router.get("/cash/{receipt}/split")
def page(visit: Decider, receipt: int, text: str = "") -> Response:
    """The receipt with the open items of its customer, or those that are looked for."""
    return _page(visit, receipt, text, {})


@router.post("/cash/{receipt}/split")
def split(visit: Decider, sent: DeciderForm, receipt: int) -> Response:
    """Keep what was said, if it adds up."""
    if "find" in sent:
        return _page(visit, receipt, sent.get("text", ""), sent)
    try:
        with visit.desk.store.transaction() as connection:
            figure, owed = _found(connection, receipt)
            rows = list(_rows(sent, figure, owed))
            told = list(_differences(sent, figure["currency"]))
            _check(rows, told, figure)
            pinned = [(item, amount, amount) for item, amount, _ in rows]
            cash.pin(connection, receipt, pinned, told, visit.member.name, sent.get("reason", "").strip()[:4000])
    except Wrong as wrong:
        return _page(
            visit, receipt, sent.get("text", ""), sent, visit.texts(f"split.wrong.{wrong.key}", **wrong.values)
        )
    return see(f"/cash?done={receipt}")


def _page(visit: Visit, receipt: int, text: str, sent: dict[str, str], problem: str = "") -> Response:
    with visit.desk.store.reading() as connection:
        figure, owed = _found(connection, receipt)
    needle = text.strip()[:200].casefold()
    typed = {key for key in owed if sent.get(f"item-{key}", "").strip()}
    fits = [(key, item) for key, item in owed.items() if key in typed or _fits(item, figure, needle)]
    fits.sort(key=lambda entry: (entry[0] not in typed, entry[1]["due_on"] or entry[1]["issued_on"] or "", entry[0]))
    told = sections.receipt(figure, visit.lang)
    return visit.page(
        "cash_split",
        422 if problem else 200,
        receipt={"id": receipt, **told},
        items=[_item(key, item, sent) for key, item in fits[:_MOST]],
        count=len(fits),
        text=text,
        kinds=shown.KINDS,
        differences=[(n, sent.get(f"kind-{n}", ""), sent.get(f"amount-{n}", "")) for n in range(_MOST_DIFFERENCES)],
        reason=sent.get("reason", ""),
        problem=problem,
    )


def _found(connection: Connection, receipt: int) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The receipt, and the items in its currency that are open, by record id."""
    figure = figures.standing(connection, cash.KIND).get(str(receipt))
    if figure is None:
        raise HTTPException(404)
    owed = figures.standing(connection, "receivable")
    same = {key: item for key, item in owed.items() if item["currency"] == figure["currency"]}
    return figure, {key: item for key, item in same.items() if item["kind"] != "payment"}


def _fits(item: dict[str, Any], figure: dict[str, Any], needle: str) -> bool:
    """Without a word the customer's; with one, what has it in its number, its customer or its amount."""
    if not needle:
        return figure["customer_number"] is not None and item["customer_number"] == figure["customer_number"]
    amount = money.text(abs(item["amount"]), item["currency"]) or ""
    names = (item["record"].get("number"), item["record"].get("source_id"), item["customer"], item["customer_number"])
    return needle.replace(",", "") == amount or any(needle in str(name or "").casefold() for name in names)


def _item(key: str, item: dict[str, Any], sent: dict[str, str]) -> dict[str, Any]:
    names = ("kind", "customer", "currency", "issued_on", "due_on", "record")
    open_amount = money.text(item["amount"], item["currency"])
    return {"id": key, "open": open_amount, "given": sent.get(f"item-{key}", "")} | {n: item[n] for n in names}


def _rows(
    sent: dict[str, str], figure: dict[str, Any], owed: dict[str, dict[str, Any]]
) -> Iterable[tuple[int, int, int]]:
    """Item, minor units to apply, minor units open."""
    for name, given in sent.items():
        key = name.removeprefix("item-")
        if key == name or not given.strip():
            continue
        if key not in owed:
            raise Wrong("gone", {})
        yield int(key), _minor(given, figure["currency"]), owed[key]["amount"]


def _differences(sent: dict[str, str], currency: str) -> Iterable[tuple[None, str, int]]:
    for n in range(_MOST_DIFFERENCES):
        kind, amount = sent.get(f"kind-{n}", ""), sent.get(f"amount-{n}", "").strip()
        if not kind and not amount:
            continue
        if kind not in shown.KINDS:
            raise Wrong("kind", {})
        yield None, kind, _minor(amount, currency)


def _check(rows: list[tuple[int, int, int]], told: list[tuple[None, str, int]], figure: dict[str, Any]) -> None:
    if not rows:
        raise Wrong("nothing", {})
    found = shown.misfit(rows, told, figure)
    if found is not None:
        raise Wrong(*found)


def _minor(text: str, currency: str) -> int:
    """Major units as people write them, in minor units; groups of thousands may be parted by commas."""
    try:
        value = Decimal(text.strip().replace(",", "").replace("，", ""))
        minor = value.scaleb(money.places(currency))
    except ArithmeticError:
        raise Wrong("amount", {"text": text.strip()[:40]}) from None
    if not value.is_finite() or abs(value) >= Decimal(10) ** 15:
        raise Wrong("amount", {"text": text.strip()[:40]})
    if minor != minor.to_integral_value():
        raise Wrong("decimals", {"text": text.strip()[:40], "currency": currency})
    return int(minor)
