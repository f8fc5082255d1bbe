"""What a customer sees of one order by its link: how far it is, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, HTTPException
from starlette.responses import Response

from console.order_words import how_far, told
from console.web.desk import Decider, DeciderForm, Open, Visit, see
from console.web.numbers import RecordId
from mappings.model import ENTITIES
from reconciliation import words
from reconciliation.trace import ChainRecord, trace
from state import chains, queries, shares
from state.clock import from_us

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

router = APIRouter()

_DATES = {"order": ("order_date", "promised_delivery_date"), "delivery": ("planned_date", "shipped_on", "delivered_on")}


@router.get("/orders/{record}/share")
def sharing(visit: Decider, record: RecordId) -> Response:
    """Links to an order: how many there are, and the buttons that make one or end all."""
    return _sharing(visit, record)


@router.post("/orders/{record}/share")
def share(visit: Decider, sent: DeciderForm, record: RecordId) -> Response:
    """Make a link; it is shown once."""
    days = sent.get("days", "")
    _order(visit, record)
    with visit.desk.store.transaction() as connection:
        token = shares.share(
            connection, record, visit.member.name, int(days) if days.isdecimal() and len(days) < 5 else shares.DAYS
        )
    return _sharing(visit, record, f"{visit.base}/track/{token}")


@router.post("/orders/{record}/share/end")
def end(visit: Decider, sent: DeciderForm, record: RecordId) -> Response:
    """End all links to an order, or one."""
    number, link = _order(visit, record), sent.get("link", "")
    with visit.desk.store.transaction() as connection:
        shares.end(connection, record, visit.member.name, link)
        more = shares.links_to(connection, record)
    told = "looking.share.ended_one" if more else "looking.share.ended"
    visit.desk.notes.keep(visit, visit.texts(told, number=number))
    return see(f"/orders/{record}/share")


@router.get("/track/{token}")
def track(visit: Open, token: str) -> Response:
    """The order of a link: number, dates, how far delivery, billing and payment are, and its deliveries."""
    with visit.desk.store.reading() as connection:
        record = shares.shared(connection, token)
        number = None if record is None else shown_order(connection, record)
    if record is None or number is None:
        return visit.page("track_ended", 404)
    settings = visit.desk.settings.model_copy(update={"locale": visit.texts.locale})
    found = trace(visit.desk.store, settings, number)
    chain = next((item for item in found if any(one.record_id == record for one in item.records)), None)
    if chain is None:
        raise HTTPException(404)
    order = next(item for item in chain.records if item.record_id == record)
    follows = {link.right_id for link in chain.links if link.left_id == record}
    parts = [item for item in chain.records if item.entity == "delivery" and item.record_id in follows]
    return visit.page(
        "track",
        number=order.number or order.source_id,
        how_far=how_far(order.status, order.states, visit.lang),
        states=[(name, words.state(value, visit.lang)) for name, value in told(order.states)],
        as_of=_as_of(visit, chain.records),
        dates=_dates(order),
        deliveries=[
            (item.number or "", words.status("delivery", item.status, visit.lang), _dates(item)) for item in parts
        ],
    )


def _as_of(visit: Visit, records: Iterable[ChainRecord]) -> str:
    """Until when everything was read of which an order consists; empty if something never was."""
    parts = {(item.system, item.entity) for item in records}
    with visit.desk.store.reading() as connection:
        read = [item.covered_until for item in queries.streams(connection, {}) if (item.system, item.entity) in parts]
    known = [at for at in read if at]
    zone = visit.desk.settings.business_day_zone
    return f"{from_us(min(known)).astimezone(zone):%Y-%m-%d %H:%M}" if known and len(known) == len(read) else ""


def _sharing(visit: Visit, record: int, link: str = "") -> Response:
    number, zone = _order(visit, record), visit.desk.settings.business_day_zone
    with visit.desk.store.reading() as connection:
        links = shares.standing(connection)
        orders = {id: shown_order(connection, id) for id in dict.fromkeys(id for id, *_ in links)}
    shown = [
        (id, orders[id], by, f"{from_us(end).astimezone(zone):%Y-%m-%d %H:%M}", link_id)
        for id, by, end, link_id in links
    ]
    return visit.page(
        "share",
        record=record,
        number=number,
        count=sum(id == record for id, *_ in links),
        links=[item for item in shown if item[1] is not None],
        link=link,
        days=shares.DAYS,
    )


def _order(visit: Visit, record: int) -> str:
    """The number (or id) of an order; raises 404 if there is none, or it is deleted."""
    with visit.desk.store.reading() as connection:
        number = shown_order(connection, record)
    if number is None:
        raise HTTPException(404)
    return number


def shown_order(connection: Connection, record: int) -> str | None:
    """The number (or id) of an order that can be shared; ``None`` if there is none, or it is deleted."""
    row: dict[str, Any] = chains.rows(connection, [record]).get(record, {})
    if row.get("entity") != "order" or row["deleted"]:
        return None
    return str(row.get("number") or row["source_id"])


def _dates(record: ChainRecord) -> list[tuple[str, str]]:
    known = ENTITIES[record.entity].model_fields
    return [(name, record.dates[name]) for name in _DATES[record.entity] if name in known and name in record.dates]
