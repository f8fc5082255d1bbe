"""Orders that customers may follow by a link."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from console.web.api.callers import Decider
from console.web.api.values import Key, Sent, Whole
from console.web.problems import Refusal
from console.web.tracking import shown_order
from state import shares

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

router = APIRouter(tags=["orders"])

OrderId = Annotated[Key, Path(description="The `id` of an order's record, as `GET /chains` gives it")]


class Sharing(Sent):
    """For how long."""

    days: Annotated[int, Field(ge=1, le=shares.LONGEST_DAYS), Whole] = Field(
        shares.DAYS, description="So long the link is good", examples=[30]
    )


class Shares(BaseModel):
    """How many links to an order are good now."""

    order: int
    number: str
    links: int


class Share(Shares):
    """A link, which is shown only now."""

    link: str = Field(description="Whoever has it sees how far the order is, and nothing else")
    days: int


@router.get("/orders/{id}/share")
def count_links_to_order(caller: Decider, id: OrderId) -> Shares:
    """Tell how many links to an order are good."""
    with caller.store.reading() as connection:
        return _shares(connection, id)


@router.post("/orders/{id}/share")
def share_order(caller: Decider, id: OrderId, sent: Sharing) -> Share:
    """Make a link with which a customer sees how far one order is, without signing in."""
    with caller.store.transaction() as connection:
        _number(connection, id)
        token = shares.share(connection, id, caller.name, sent.days)
        made = _shares(connection, id)
    return Share(**made.model_dump(), link=f"{caller.visit.base}/track/{token}", days=sent.days)


@router.post("/orders/{id}/share/end")
def end_links_to_order(caller: Decider, id: OrderId) -> Shares:
    """End all links to an order."""
    with caller.store.transaction() as connection:
        _number(connection, id)
        shares.end(connection, id, caller.name)
        return _shares(connection, id)


def _shares(connection: Connection, id: int) -> Shares:
    return Shares(order=id, number=_number(connection, id), links=shares.links_to(connection, id))


def _number(connection: Connection, id: int) -> str:
    number = shown_order(connection, id)
    if number is None:
        raise Refusal(404, f"There is no order {id}.", "GET /api/v1/chains?text=NUMBER finds it.")
    return number
