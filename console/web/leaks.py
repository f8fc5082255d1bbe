"""Records behind a figure: leads that were lost, quotes that are open; documents of a tie-out that do not agree."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException
from starlette.responses import Response

from console import cash as cash_shown
from console import needed, tied
from console.report import figures
from console.web import outstanding
from console.web.desk import Reader, Visit
from reconciliation import behind, money, river, words
from reconciliation.behind import SIDES
from reconciliation.cash import words as cash_words
from reconciliation.river import ENTITIES, LEADS, LOSES, WITHOUT_CLOSE
from reconciliation.rules import Rules
from state import cash
from state import figures as stored
from state.clock import from_us
from state.prospects import FATES, LOST

if TYPE_CHECKING:
    from console.tied import Document
    from state.prospects import Listed

router = APIRouter()

MOST = 200
_CURRENCY = re.compile(r"[A-Z]{3}")


@router.get("/river")
def behind_the_river(
    visit: Reader, handoff: str = "", fate: str = "", period: str = "", currency: str = ""
) -> Response:
    """The newest records behind a figure, each with the way to its chain."""
    chosen, fates = river.span(period), FATES if handoff in WITHOUT_CLOSE else (LOST,)
    known = handoff in (*WITHOUT_CLOSE, *LOSES) and fate in fates
    if chosen is None or not known or not _CURRENCY.fullmatch(currency):
        raise HTTPException(404)
    rules = Rules.of(visit.desk.settings)
    with visit.desk.store.reading() as connection:
        found = river.listed(connection, rules, handoff, chosen, currency, fate, MOST + 1)
    return visit.page(
        "leaks",
        rows=[_row(visit, ENTITIES[handoff], item) for item in found[:MOST]],
        more=len(found) > MOST,
        most=MOST,
        handoff=handoff,
        fate=fate,
        period=chosen.name,
        currency="" if handoff == LEADS else currency,
    )


@router.get("/tie-outs")
def behind_a_tie_out(visit: Reader, name: str = "", side: str = "", currency: str = "", part: str = "") -> Response:
    """The largest documents behind a part of a tie-out, as the last reconciliation left them."""
    known = name in figures.TIE_OUTS and side in SIDES and part in behind.PARTS
    if not known or not _CURRENCY.fullmatch(currency):
        raise HTTPException(404)
    with visit.desk.store.reading() as connection:
        found = tied.part(connection, name, side, currency, part)
        why = outstanding.about(visit, connection, [item.record_id for item in found.documents], "title")
        payments = {str(item.record_id) for item in found.documents if item.entity == "payment"}
        receipts = stored.some(connection, cash.KIND, payments) if payments else {}
    return visit.page(
        "tie_out",
        title=_title(visit, name, side, part),
        name=name,
        side=side,
        currency=currency,
        part=part,
        rows=[
            {
                **_document(visit, item, currency, receipts.get(str(item.record_id), {})),
                "why": why.get(item.record_id, ()),
                "unexplained": _unexplained(item, part),
                "receipt": _receipt(visit, item.record_id, receipts.get(str(item.record_id))),
            }
            for item in found.documents
        ],
        documents=found.count,
        most=behind.MOST,
        positions=found.positions,
        amount=_text(found.amount, currency),
        not_due=found.not_due,
        not_due_amount=_text(found.not_due_amount, currency),
        missing="" if found.missing is None else _text(found.missing, currency),
        stand_ins=needed.stand_ins(visit.desk.settings, name),
    )


def _title(visit: Visit, name: str, side: str, part: str) -> str:
    """What the documents are: orders without a matching invoice."""
    if part == behind.UNMATCHED:
        return visit.texts(f"tie_outs.without.{name}.{side}")
    return visit.texts("tie_outs.excluded", what=visit.texts(f"tie_outs.of_side.{name}.{side}"))


def _unexplained(item: Document, part: str) -> str:
    """What is known of a document about which nothing was found and of which the matching desk knows nothing."""
    if part == behind.EXCLUDED:
        return "excluded"
    if item.waits:
        return "waits"
    return "alone" if item.opposite is None else "differs"


def _receipt(visit: Visit, record_id: int, figure: dict[str, Any] | None) -> tuple[str, str] | None:
    """What cash application made of money, and the page that shows it: matched, perhaps for, or what it is."""
    if figure is None:
        return None
    best = next(iter(figure["suggestions"]), None)
    told, items = ("matched", figure["applied"]) if figure["applied"] else ("perhaps", best["applied"] if best else [])
    if items:
        names = dict.fromkeys(cash_shown.called(entry["record"]) for entry in items)
        text = visit.texts(f"tie_outs.behind.{told}", what=visit.texts.listed(names))
    else:
        text = cash_words.text(cash_words.CLASSES, figure["class"], visit.lang) or ""
    called = cash_shown.called(figure["record"])
    where = f"/cash?receipt={record_id}" if figure["left"] else f"/trace?{urlencode({'text': called})}"
    return (text, where) if text else None


def _document(visit: Visit, item: Document, currency: str, receipt: dict[str, Any]) -> dict[str, Any]:
    return {
        "what": visit.texts.name("entity", item.entity),
        "called": item.number or item.source_id,
        "system": item.system,
        "customer": item.customer or receipt.get("customer") or "",
        "status": words.status(item.entity, item.status, visit.lang) if item.status else "",
        "day": item.issued_on or "",
        "due": item.due_on or "",
        "amount": _text(item.amount, currency),
        "opposite": "" if item.opposite is None else _text(item.opposite, currency),
        "elsewhere": [f"{_text(amount, other)} {other}" for other, amount in item.elsewhere],
        "difference": "" if item.difference is None else _text(item.difference, currency),
        "waits": item.waits,
    }


def _text(amount: int, currency: str) -> str:
    return figures.money(Decimal(money.text(amount, currency) or 0), currency)


def _row(visit: Visit, entity: str, item: Listed) -> dict[str, Any]:
    day = item.day
    if isinstance(day, int):
        zone: Any = visit.desk.settings.business_day_zone
        at: datetime = from_us(day).astimezone(zone)
        day = f"{at:%Y-%m-%d}"
    return {
        "system": item.system,
        "called": item.number or item.source_id,
        "name": item.name or "",
        "status": words.status(entity, item.status, visit.lang) if item.status else "",
        "day": day or "",
        "amount": _text(item.amount, item.currency or "") if item.amount is not None else "",
    }
