"""Receipts that wait and those that rules have matched: taking a suggestion, saying it oneself, taking it back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query

from console import cash as shown
from console import matched, splitting
from console.i18n import texts
from console.web.api.callers import Caller, Decider, Lang, Reader
from console.web.api.cash_models import Choice, Decided, OpenItem, Receipt, Split, Undo, Unmatch
from console.web.api.records import marked
from console.web.api.values import SIZE, Key, Page, PageNumber, PageSize, Searched, cut
from console.web.problems import Refusal
from reconciliation import money, sections, words
from state import cash, cash_matched

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from console.i18n import Texts

router = APIRouter(tags=["cash"])

ReceiptId = Annotated[Key, Path(description="The `id` of a receipt")]


@router.get("/receipts")
def list_receipts(caller: Reader, page: PageNumber = 1, size: PageSize = SIZE, lang: Lang = None) -> Page[Receipt]:
    """List the receipts of which something waits for a decision, the largest of each currency first, with suggestions.

    What people decided since the last reconciliation counts: `left` is what that leaves.
    """
    with caller.store.reading() as connection:
        waiting = shown.waiting(connection)
    found = cut(waiting, page, size)
    items = _receipts(caller, found.items, lang)
    return Page(items=items, page=page, size=size, total=found.total)


@router.get("/receipts/matched")
def list_matched_receipts(
    caller: Reader,
    text: Annotated[Searched, Query(description="In number, customer, payer, bank text or items")] = "",
    page: PageNumber = 1,
    size: PageSize = SIZE,
    lang: Lang = None,
) -> Page[Receipt]:
    """List receipts that rules have matched by themselves, received last first, with rule and evidence of each item.

    Of many the 5,000 that were matched last are listed; a text finds at most 500, and what is called just so.
    """
    with caller.store.reading() as connection:
        keys = cut(matched.found(connection, text), page, size)
        figures = cash_matched.figures(connection, keys.items)
    items = _receipts(caller, [(id, figures[id]) for id in keys.items], lang)
    return Page(items=items, page=page, size=size, total=keys.total)


@router.post("/receipts/{id}/unmatch")
def undo_match(caller: Decider, id: ReceiptId, sent: Unmatch) -> Decided:
    """Say that a receipt does not settle what rules have matched it with; the next run judges it anew without that."""
    with caller.store.transaction() as connection:
        count = matched.undo(connection, id, caller.name, sent.reason.strip())
    if not count:
        what = f"No rule has matched receipt {id}, or somebody has decided about it."
        raise Refusal(404, what, "GET /api/v1/receipts/matched lists what rules have matched.")
    return Decided(receipt=id, items=count)


@router.post("/receipts/{id}/confirm")
def confirm_suggestion(caller: Decider, id: ReceiptId, sent: Choice) -> Decided:
    """Take a suggestion, beside what was decided of the receipt before; every later run keeps to it.

    Nothing is booked in any system.
    """
    with caller.store.transaction() as connection:
        figure = dict(shown.waiting(connection)).get(id)
        if figure is None:
            raise Refusal(404, f"No receipt {id} waits for a decision.", "GET /api/v1/receipts lists those that do.")
        chosen = shown.choice(figure, sent.rank)
        if chosen is None:
            what = f"Receipt {id} has no suggestion {sent.rank}."
            raise Refusal(409, what, "Suggestions change with every reconciliation: read the receipt again.")
        count = shown.take(connection, id, figure, chosen, caller.name, (sent.reason or "").strip())
    return Decided(receipt=id, items=count)


@router.get("/receipts/{id}/items")
def list_open_items(
    caller: Reader,
    id: ReceiptId,
    text: Annotated[Searched, Query(description="In numbers, customers and amounts; default: the payer's")] = "",
    page: PageNumber = 1,
    size: PageSize = SIZE,
) -> Page[OpenItem]:
    """List the open items that a receipt may settle, the oldest first: those in its currency."""
    with caller.store.reading() as connection:
        of = _found(connection, id)
    found = cut(splitting.fitting(of, text).keys, page, size)
    return Page(items=[_item(caller, key, of) for key in found.items], page=page, size=size, total=found.total)


@router.post("/receipts/{id}/split")
def split_receipt(caller: Decider, id: ReceiptId, sent: Split) -> Decided:
    """Say oneself what a receipt settles, and what explains the rest, in the place of what was decided of it before.

    Nothing is booked in any system. What is left of the receipt stays in `GET /api/v1/receipts`.
    """
    items = {str(item.item): item.amount for item in sent.items}
    if len(items) < len(sent.items):
        raise Refusal(409, "An item is named twice.", "Say once how much of it is settled.")
    differences = [(item.kind, item.amount) for item in sent.differences]
    with caller.store.transaction() as connection:
        found = _found(connection, id)
        try:
            count = splitting.keep(
                connection, found, items, differences, caller.name, sent.reason.strip(), accepted=sent.accepted
            )
        except splitting.Wrong as wrong:
            raise _worded(wrong.told, f"GET /api/v1/receipts/{id}/items lists what is open.") from None
        except splitting.Doubtful as error:
            doubts = error.doubts

            def doubted(words: Texts) -> str:
                return " ".join(words(f"split.doubt.{key}", **values) for key, values in doubts)

            raise _worded(doubted, "If that is meant, send `accepted` as true.") from None
    return Decided(receipt=id, items=count)


@router.post("/receipts/{id}/undo")
def undo_decision(caller: Decider, id: ReceiptId, sent: Undo | None = None) -> Decided:
    """Take a decision back, and why, if one wants: the next run judges the receipt anew."""
    with caller.store.transaction() as connection:
        count = cash.undo(connection, id, caller.name, ((sent and sent.reason) or "").strip())
    if not count:
        raise Refusal(404, f"Nothing was decided about a receipt {id}.", "It may have been taken back already.")
    return Decided(receipt=id, items=count)


def _worded(told: Callable[[Texts], str], remedy: str) -> Refusal:
    """A refusal in the words of the page."""
    return Refusal(409, told(texts("en")), remedy, words=told)


def _found(connection: Connection, id: int) -> splitting.Found:
    """The receipt and the open items in its currency; raises ``Refusal`` 404."""
    found = splitting.found(connection, id)
    if found is None:
        raise Refusal(404, f"No receipt {id} waits for a decision.", "GET /api/v1/receipts lists those that do.")
    return found


def _receipts(caller: Caller, figures: Sequence[tuple[int, Any]], lang: str | None) -> list[Receipt]:
    language, settings = words.language(caller.locale(lang)), caller.settings
    return [Receipt(id=id, **marked(settings, sections.receipt(figure, language))) for id, figure in figures]


def _item(caller: Caller, key: str, of: splitting.Found) -> OpenItem:
    item = of.owed[key]
    shown = marked(caller.settings, {"record": sections.record(item["record"])})
    return OpenItem(
        id=int(key),
        record=shown["record"],
        kind=item["kind"],
        customer_number=item["customer_number"],
        customer=item["customer"],
        currency=item["currency"],
        issued_on=item["issued_on"],
        due_on=item["due_on"],
        open=money.text(item["amount"], item["currency"]) or "0",
        free=money.text(of.free(key), item["currency"]) or "0",
    )
