"""Links between records: those found and those decided, confirming and cutting them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from console import linked, same_words, signs
from console.exporting import is_removed
from console.records import without_personal
from console.web.api.callers import Caller, Decider, Reader
from console.web.api.records import MarkedRecord
from console.web.api.values import (
    SIZE,
    Instant,
    Key,
    Name,
    OneOf,
    Page,
    PageNumber,
    PageSize,
    Reason,
    Sent,
    first,
    instant_or_none,
)
from console.web.problems import Refusal
from state import chains, links, lookup
from state.chains import Identity
from state.links import Link as Stored
from state.links import LinkError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

router = APIRouter(tags=["links"])

_DECISIONS = ("suggested", "auto", "confirmed", "cut")
Kind = Annotated[str, Path(pattern="^[a-z_]{1,40}$", description="same_as or what else `kind` says")]
End = Annotated[Key, Path(description="The `id` of a record of the link")]


class LinkEnd(BaseModel):
    """One of the two records; ``id`` is ours."""

    id: int
    record: MarkedRecord


class SameWords(BaseModel):
    """Words of the two names that differ and count as the same."""

    why: str = Field(
        description="legal, vague (one only says that it is a company), legal_one_side, trade, "
        "other_trade (close trades that are compared as one), core (beside it: what tells the company apart), region, "
        "spelling, pinyin"
    )
    left: str = Field(description="Empty where only the other has such a word")
    right: str


class Sign(BaseModel):
    """One comparison of the two records."""

    field: str = Field(description="name, legal, address, phone, mail (e-mail and domain), tax or country")
    level: str = Field(description="How they compare, as `near` or `differs`")
    speaks: str = Field(description="for or against")
    weight: str = Field(description="strong (at least sixteen times as likely, or unlikely) or weak")


class Link(BaseModel):
    """That two records mean the same, or follow from one another."""

    kind: str
    left: LinkEnd
    right: LinkEnd
    method: str
    score: int = Field(description="Per mille")
    decision: str = Field(description="suggested (does not count yet), auto, confirmed or cut")
    evidence: dict[str, Any]
    signs: list[Sign] = Field(description="What speaks for and against it, where the records were weighed")
    same_words: list[SameWords] = Field(description="Of two customers, where their names speak for the link")
    decided_by: str | None
    decided_at: Instant | None
    reason: str | None = Field(description="Why somebody decided so, where they said it")


class Confirmed(Sent):
    """Why the two belong together, for whoever wants to say it."""

    reason: Reason | None = None


class Cut(Sent):
    """Why the two do not belong together."""

    reason: Reason


@router.get("/links")
def list_links(
    caller: Reader,
    decision: Annotated[str, OneOf(_DECISIONS)] = "suggested",
    entity: Annotated[Name, Query(description="Only links of such records, as `party`")] = "",
    method: Annotated[Name, Query(description="Only links found so")] = "",
    page: PageNumber = 1,
    size: PageSize = SIZE,
) -> Page[Link]:
    """List links, the least certain first; by default those that wait for a person."""
    wanted = {"decision": decision, "entity": entity or None, "method": method or None}
    with caller.store.reading() as connection:
        found = links.listing(connection, **wanted, limit=size, offset=first(page, size))
        total = links.count(connection, **wanted)
        items = _links(caller, connection, found)
    return Page(items=items, page=page, size=size, total=total)


@router.post("/links/{kind}/{left}/{right}/confirm")
def confirm_link(caller: Decider, kind: Kind, left: End, right: End, sent: Confirmed | None = None) -> Link:
    """Say that the two belong together, and why, if one wants; it then survives every run."""
    return _decide(caller, (kind, left, right), "confirmed", ((sent and sent.reason) or "").strip())


@router.post("/links/{kind}/{left}/{right}/cut")
def cut_link(caller: Decider, kind: Kind, left: End, right: End, sent: Cut) -> Link:
    """Say that they do not, and why."""
    return _decide(caller, (kind, left, right), "cut", sent.reason.strip())


def _decide(caller: Caller, pair: tuple[str, int, int], decision: str, reason: str) -> Link:
    with caller.store.transaction() as connection:
        try:
            found = linked.decide(connection, pair, decision, caller.name, reason)
        except LinkError as error:
            raise Refusal.of(error) from None
        if found is None:
            raise Refusal(404, "There is no such link.", "GET /api/v1/links lists those that wait for a decision.")
        return _links(caller, connection, [found])[0]


def _links(caller: Caller, connection: Connection, found: list[Stored]) -> list[Link]:
    ends = {end for link in found for end in (link.left_id, link.right_id)}
    known = chains.identities(connection, ends)
    numbers = lookup.numbers(connection, known.values())
    rows, reasons = chains.rows(connection, sorted(ends)), links.reasons(connection, found)
    shown = {end: _end(caller, end, known.get(end), numbers) for end in ends}
    return [_link(item, shown, rows, reasons) for item in found]


def _link(
    item: Stored,
    ends: dict[int, LinkEnd],
    rows: dict[int, dict[str, Any]],
    reasons: dict[tuple[str, int, int], str],
) -> Link:
    evidence = json.loads(item.evidence)
    return Link(
        kind=item.kind,
        left=ends[item.left_id],
        right=ends[item.right_id],
        method=item.method,
        score=item.score,
        decision=item.decision,
        evidence=without_personal(evidence),
        signs=[Sign(**one._asdict()) for one in signs.of(evidence)],
        same_words=[SameWords(why=one.why, left=one.one, right=one.other) for one in same_words.of_link(item, rows)],
        decided_by=item.decided_by,
        decided_at=instant_or_none(item.decided_at),
        reason=reasons.get((item.kind, item.left_id, item.right_id)),
    )


def _end(caller: Caller, id: int, is_there: Identity | None, numbers: dict[int, str]) -> LinkEnd:
    names = ("system", "entity", "source_id")
    told = {name: getattr(is_there, name) if is_there else None for name in names}
    removed = is_removed(caller.settings, told["system"])
    return LinkEnd(id=id, record=MarkedRecord(**told, number=numbers.get(id), url=None, system_removed=removed))
