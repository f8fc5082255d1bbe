"""Records behind a figure of the river: the leads that were lost, quotes that are open, orders that were cancelled."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, HTTPException
from starlette.responses import Response

from console.report import figures
from console.web.desk import Reader, Visit
from reconciliation import money, river, words
from reconciliation.river import ENTITIES, LEADS, LOSES, WITHOUT_CLOSE
from reconciliation.rules import Rules
from state.clock import from_us
from state.prospects import FATES, LOST

if TYPE_CHECKING:
    from state.prospects import Listed

router = APIRouter()

MOST = 200
_CURRENCY = re.compile(r"[A-Z]{3}")


@router.get("/river")
def behind(visit: Reader, handoff: str = "", fate: str = "", period: str = "", currency: str = "") -> Response:
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
        "amount": figures.money(Decimal(money.text(item.amount, item.currency) or 0), item.currency)
        if item.amount is not None
        else "",
    }
