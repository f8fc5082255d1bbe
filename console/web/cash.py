"""The matching desk: money that its source has not applied, one receipt after the other, with ranked suggestions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from starlette.responses import Response

from console import cash as shown
from console.web.desk import Decider, DeciderForm, Reader, Visit, see
from console.web.numbers import LARGEST, RecordId
from reconciliation import sections
from state import cash, chains, figures

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

router = APIRouter()

_LISTED = 50
_LAST = 1_000_000
_LIKELY = 600
"""Only a suggestion of at least 60 % for a known customer waits for the Enter key: others ask for a look first."""


@router.get("/cash")
def desk(
    visit: Reader,
    skip: Annotated[int, Query(ge=0, le=_LAST)] = 0,
    receipt: Annotated[int | None, Query(ge=1, le=LARGEST)] = None,
    done: Annotated[int | None, Query(ge=1, le=LARGEST)] = None,
) -> Response:
    """A receipt with what it may settle, and what waits behind it.

    ``skip`` leaves so many for later, ``receipt`` asks for one, ``done`` is the one decided last, which can be undone.
    """
    with visit.desk.store.reading() as connection:
        waiting = shown.by_worth(shown.waiting(connection), visit.desk.settings)
        with_choice = [item for item in waiting if item[1]["suggestions"]]
        if receipt is not None:
            chosen = next((item for item in waiting if item[0] == receipt), None)
        else:
            chosen = with_choice[min(skip, len(with_choice) - 1)] if with_choice else None
        told = _told(visit, connection, *chosen) if chosen else None
    return visit.page(
        "cash",
        receipt=told,
        count=len(with_choice),
        all=len(waiting),
        skip=min(skip, max(len(with_choice) - 1, 0)),
        done=done,
        rows=[(id, sections.receipt(figure, visit.lang)) for id, figure in waiting[:_LISTED]],
    )


@router.post("/cash/{receipt}/confirm")
def confirm(visit: Decider, sent: DeciderForm, receipt: RecordId) -> Response:
    """Take a suggestion; every later run keeps to it."""
    skip, rank = sent.get("skip", "0"), sent.get("rank", "")
    with visit.desk.store.transaction() as connection:
        figure = dict(shown.waiting(connection)).get(receipt)
        chosen = shown.choice(figure, int(rank)) if figure and rank.isdecimal() and len(rank) < 3 else None
        if chosen is None:
            raise HTTPException(400)
        shown.take(connection, receipt, chosen, visit.member.name, "")
    return see(f"/cash?skip={skip if skip.isdecimal() and len(skip) < 7 else 0}&done={receipt}")


@router.post("/cash/{receipt}/undo")
def undo(visit: Decider, _sent: DeciderForm, receipt: RecordId) -> Response:
    """Take a decision back: the next run judges the receipt anew."""
    with visit.desk.store.transaction() as connection:
        cash.undo(connection, receipt, visit.member.name)
    return see(f"/cash?receipt={receipt}")


def _told(visit: Visit, connection: Connection, id: int, figure: dict[str, Any]) -> dict[str, Any]:
    told = sections.receipt(figure, visit.lang)
    source = chains.rows(connection, [id]).get(id, {})
    entries = [entry for option in figure["suggestions"] for entry in option["applied"]]
    owed = figures.some(connection, "receivable", {str(entry["item"]) for entry in entries})
    for option, raw in zip(told["suggestions"], figure["suggestions"], strict=True):
        option["why"] = shown.because(visit.desk.settings, visit.texts, option["rule"], option["evidence"])
        for entry, of in zip(option["applied"], raw["applied"], strict=True):
            item = owed.get(str(of["item"]), {})
            entry |= {name: item.get(name) or "" for name in ("customer", "issued_on", "due_on")}
    more = {name: source.get(name) or "" for name in ("reference_text", "payer_name")}
    method = visit.texts.name("deciding.method", source["method"]) if source.get("method") else ""
    first = told["suggestions"][0] if told["suggestions"] else None
    likely = first is not None and first["score"] >= _LIKELY and bool(told["customer"])
    return {"id": id, **more, "method": method, "likely": likely, **told}
