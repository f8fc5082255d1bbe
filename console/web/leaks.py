"""Records behind a figure: leads that were lost, quotes that are open; documents of a tie-out that do not agree."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, HTTPException
from starlette.responses import Response

from console.report import figures
from console.web.desk import Reader, Visit
from reconciliation import behind, money, river, words
from reconciliation.river import ENTITIES, LEADS, LOSES, WITHOUT_CLOSE
from reconciliation.rules import Rules
from state import chains, tieouts
from state import figures as stored
from state.clock import from_us
from state.prospects import FATES, LOST

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

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
    known = name in figures.TIE_OUTS and side in _OTHER and part in behind.PARTS
    if not known or not _CURRENCY.fullmatch(currency):
        raise HTTPException(404)
    key = behind.key(name, side, currency, part)
    with visit.desk.store.reading() as connection:
        kept = stored.some(connection, behind.KIND, [key]).get(key, {"documents": [], "count": 0})
        total = stored.some(connection, tieouts.KIND, [f"{name} {currency}"]).get(f"{name} {currency}")
        rows = _documents(visit, connection, kept["documents"], currency)
    said: dict[str, Any] = {"name": name, "side": side, "currency": currency, "part": part}
    sums = total[f"{part}_{side}"] if total else {"count": 0, "amount": 0}
    not_due = kept.get("not_due") or {"count": 0, "amount": 0}
    return visit.page(
        "tie_out",
        **said,
        rows=rows,
        documents=kept["count"],
        most=behind.MOST,
        positions=sums["count"],
        amount=_text(sums["amount"], currency),
        not_due=not_due["count"],
        not_due_amount=_text(not_due["amount"], currency),
    )


_OTHER = {"left": "right", "right": "left"}
_DUE = ("due_date", "promised_delivery_date", "arrival_date", "valid_until")
_ISSUED = ("issue_date", "order_date", "delivered_on", "shipped_on", "received_on")
"""The days of documents, the first that there is of each."""


def _documents(visit: Visit, connection: Connection, kept: list[dict[str, Any]], currency: str) -> list[dict[str, Any]]:
    found = chains.rows(connection, {item["record_id"] for item in kept})
    refs = {(row["system"], (row.get("party_ref") or "").removeprefix("id:")) for row in found.values()}
    names = chains.party_names(connection, sorted(refs))
    return [
        _document(visit, found[item["record_id"]], item, names, currency) for item in kept if item["record_id"] in found
    ]


def _document(
    visit: Visit, row: dict[str, Any], item: dict[str, Any], names: dict[tuple[str, str], str], currency: str
) -> dict[str, Any]:
    party = (row["system"], (row.get("party_ref") or "").removeprefix("id:"))
    opposite = item["opposite"]
    return {
        "what": visit.texts.name("entity", row["entity"]),
        "called": row.get("number") or row["source_id"],
        "system": row["system"],
        "customer": names.get(party, ""),
        "status": words.status(row["entity"], row["status"], visit.lang) if row.get("status") else "",
        "day": next((row[name] for name in _ISSUED if row.get(name)), ""),
        "due": next((row[name] for name in _DUE if row.get(name)), ""),
        "amount": _text(item["amount"], currency),
        "opposite": "" if opposite is None else _text(opposite, currency),
        "difference": "" if item["whole"] is None else _text(item["whole"] - (opposite or 0), currency),
        "waits": item["waits"],
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
