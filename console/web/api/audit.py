"""The audit: what people and runs did, for those who operate; of decisions for those who decide."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from console import audited
from console.records import without_personal
from console.web.access import Right, may
from console.web.api.callers import Auditor
from console.web.api.values import SIZE, Instant, Moment, Name, Page, PageNumber, PageSize, Searched, first, instant
from state import audit
from state.clock import to_us

router = APIRouter(tags=["audit"])


class Entry(BaseModel):
    """Something that somebody did. Rows are numbered without a gap, and none is ever changed."""

    id: int
    at: Instant
    actor: str = Field(description="A member, `system`, or who ran the command")
    action: str
    detail: dict[str, Any] = Field(description="Personal values are •••")
    erased: bool = Field(description="Its detail was taken away, because a person asked to be forgotten")


@router.get("/audit")
def list_audit(
    caller: Auditor,
    actor: Annotated[Searched, Query(description="Who did it")] = "",
    action: Annotated[Searched, Query(description="What was done, as `action` names it")] = "",
    system: Annotated[Name, Query(description="What is about this system")] = "",
    since: Annotated[Moment | None, Query(description="Then or later")] = None,
    before: Annotated[Moment | None, Query(description="Earlier than that")] = None,
    page: PageNumber = 1,
    size: PageSize = SIZE,
) -> Page[Entry]:
    """List what was done, the newest first; of a member who is limited to systems, what is about those.

    A member who decides and does not operate gets what was decided about findings, cash, links, periods and shares, and
    what they did themselves.
    """
    chosen: audit.Chosen = {
        "actor": actor or None,
        "action": action or None,
        "system": system or None,
        "since": None if since is None else to_us(since),
        "before": None if before is None else to_us(before),
    }
    operates = may(caller.member.roles, Right.OPERATE)
    chosen |= audited.seen(caller.name, operates=operates, limit=caller.limit)
    with caller.store.reading() as connection:
        found = audit.entries(connection, limit=size, offset=first(page, size), **chosen)
        total = audit.count(connection, **chosen)
    items = [
        Entry(
            id=item.id,
            at=instant(item.at),
            actor=item.actor,
            action=item.action,
            detail=_told(audited.limited(item, caller.member.may_touch)),
            erased=item.erased,
        )
        for item in found
    ]
    return Page(items=items, page=page, size=size, total=total)


def _told(detail: dict[str, Any]) -> dict[str, Any]:
    return {
        name: without_personal(value) if isinstance(value, dict) else value
        for name, value in without_personal(detail).items()
    }
