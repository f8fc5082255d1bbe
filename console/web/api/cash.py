"""Receipts that wait: what they may settle, taking a suggestion, taking it back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from console import cash as shown
from console.web.api.callers import Decider, Lang, Reader
from console.web.api.cash_models import Choice, Decided, Receipt
from console.web.api.values import SIZE, Key, Page, PageNumber, PageSize, cut
from console.web.problems import Refusal
from reconciliation import sections, words
from state import cash

router = APIRouter(tags=["cash"])

ReceiptId = Annotated[Key, Path(description="The `id` of a receipt")]


@router.get("/receipts")
def list_receipts(caller: Reader, page: PageNumber = 1, size: PageSize = SIZE, lang: Lang = None) -> Page[Receipt]:
    """List the receipts that wait for a decision, the largest of each currency first, with ranked suggestions."""
    with caller.store.reading() as connection:
        waiting = shown.waiting(connection)
    found = cut(waiting, page, size)
    language = words.language(caller.locale(lang))
    items = [Receipt(id=id, **sections.receipt(figure, language)) for id, figure in found.items]
    return Page(items=items, page=page, size=size, total=found.total)


@router.post("/receipts/{id}/confirm")
def confirm_suggestion(caller: Decider, id: ReceiptId, sent: Choice) -> Decided:
    """Take a suggestion; every later run keeps to it. Nothing is booked in any system."""
    with caller.store.transaction() as connection:
        figure = dict(shown.waiting(connection)).get(id)
        if figure is None:
            raise Refusal(404, f"No receipt {id} waits for a decision.", "GET /api/v1/receipts lists those that do.")
        chosen = shown.choice(figure, sent.rank)
        if chosen is None:
            what = f"Receipt {id} has no suggestion {sent.rank}."
            raise Refusal(409, what, "Suggestions change with every reconciliation: read the receipt again.")
        count = shown.take(connection, id, chosen, caller.name, (sent.reason or "").strip())
    return Decided(receipt=id, items=count)


@router.post("/receipts/{id}/undo")
def undo_decision(caller: Decider, id: ReceiptId) -> Decided:
    """Take a decision back: the next run judges the receipt anew."""
    with caller.store.transaction() as connection:
        count = cash.undo(connection, id, caller.name)
    if not count:
        raise Refusal(404, f"Nothing was decided about a receipt {id}.", "It may have been taken back already.")
    return Decided(receipt=id, items=count)
