"""Say oneself what a receipt settles: how much of which open item, and what explains the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, HTTPException
from starlette.responses import Response

from console import cash as shown
from console import splitting
from console.splitting import Wrong
from console.web.desk import Decider, DeciderForm, Visit, see
from console.web.numbers import RecordId
from reconciliation import money, sections

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.engine import Connection

router = APIRouter()

_MOST = 60
"""Open items on the page; a search finds the others."""
_MOST_DIFFERENCES = 3


@router.get("/cash/{receipt}/split")
def page(visit: Decider, receipt: RecordId, text: str = "") -> Response:
    """The receipt with the open items of its customer, or those that are looked for."""
    return _page(visit, receipt, text, {})


@router.post("/cash/{receipt}/split")
def split(visit: Decider, sent: DeciderForm, receipt: RecordId) -> Response:
    """Keep what was said, if it adds up."""
    if "find" in sent:
        return _page(visit, receipt, sent.get("text", ""), sent)
    reason = sent.get("reason", "").strip()[:4000]
    try:
        with visit.desk.store.transaction() as connection:
            found = _found(connection, receipt)
            splitting.keep(
                connection, receipt, found, _items(sent), list(_differences(sent)), visit.member.name, reason
            )
    except Wrong as wrong:
        return _page(
            visit, receipt, sent.get("text", ""), sent, visit.texts(f"split.wrong.{wrong.key}", **wrong.values)
        )
    return see(f"/cash?done={receipt}")


def _page(visit: Visit, receipt: int, text: str, sent: dict[str, str], problem: str = "") -> Response:
    with visit.desk.store.reading() as connection:
        figure, owed = _found(connection, receipt)
    fits = splitting.fitting(figure, owed, text, _items(sent))
    told = sections.receipt(figure, visit.lang)
    return visit.page(
        "cash_split",
        422 if problem else 200,
        receipt={"id": receipt, **told},
        items=[_item(key, owed[key], sent) for key in fits[:_MOST]],
        count=len(fits),
        text=text,
        kinds=shown.KINDS,
        differences=[(n, sent.get(f"kind-{n}", ""), sent.get(f"amount-{n}", "")) for n in range(_MOST_DIFFERENCES)],
        reason=sent.get("reason", ""),
        problem=problem,
    )


def _found(connection: Connection, receipt: int) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The receipt and the open items; raises ``HTTPException`` 404."""
    found = splitting.found(connection, receipt)
    if found is None:
        raise HTTPException(404)
    return found


def _items(sent: dict[str, str]) -> dict[str, str]:
    """Record id and what was written beside it."""
    given = {name: text for name, text in sent.items() if name.startswith("item-") and text.strip()}
    return {name.removeprefix("item-"): text for name, text in given.items()}


def _item(key: str, item: dict[str, Any], sent: dict[str, str]) -> dict[str, Any]:
    names = ("kind", "customer", "currency", "issued_on", "due_on", "record")
    open_amount = money.text(item["amount"], item["currency"])
    return {"id": key, "open": open_amount, "given": sent.get(f"item-{key}", "")} | {n: item[n] for n in names}


def _differences(sent: dict[str, str]) -> Iterable[tuple[str, str]]:
    for n in range(_MOST_DIFFERENCES):
        kind, amount = sent.get(f"kind-{n}", ""), sent.get(f"amount-{n}", "").strip()
        if kind or amount:
            yield kind, amount
