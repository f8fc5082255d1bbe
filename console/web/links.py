"""Links to decide: which records of different systems may mean the same, or follow from one another."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from starlette.responses import Response

from console import linked
from console.records import address, in_words
from console.web.desk import Decider, DeciderForm, Reader, Visit, see
from console.web.numbers import RecordId
from console.web.sides import side_by_side
from state import chains, links, lookup

if TYPE_CHECKING:
    from state.links import Link

router = APIRouter()

SIZE = 20
"""Links on a page."""


@router.get("/links")
def listing(visit: Reader, page: Annotated[int, Query(ge=1, le=100_000)] = 1) -> Response:
    """Suggested links, both records beside each other, the least certain first."""
    return _page(visit, page)


@router.post("/links/{kind}/{left}/{right}/confirm")
def confirm(visit: Decider, _sent: DeciderForm, kind: str, left: RecordId, right: RecordId) -> Response:
    """Say that the two belong together."""
    return _decide(visit, (kind, left, right), "confirmed", "")


@router.post("/links/{kind}/{left}/{right}/cut")
def cut(visit: Decider, sent: DeciderForm, kind: str, left: RecordId, right: RecordId) -> Response:
    """Say that they do not, and why."""
    reason = sent.get("reason", "").strip()[:1000]
    if not reason:
        return _page(visit, 1, 422, visit.texts("web.links.needs_reason"))
    return _decide(visit, (kind, left, right), "cut", reason)


def _decide(visit: Visit, pair: tuple[str, int, int], decision: str, reason: str) -> Response:
    with visit.desk.store.transaction() as connection:
        if linked.decide(connection, pair, decision, visit.member.name, reason) is None:
            raise HTTPException(404)
    return see("/links")


def _page(visit: Visit, page: int, status: int = 200, problem: str = "") -> Response:
    with visit.desk.store.reading() as connection:
        found = links.listing(connection, decision="suggested", limit=SIZE + 1, offset=(page - 1) * SIZE)
        ends = [end for link in found for end in (link.left_id, link.right_id)]
        rows = chains.rows(connection, sorted({*ends}))
        known = chains.identities(connection, {*ends})
        numbers = lookup.numbers(connection, known.values())
    shown = [
        {
            "address": f"/links/{link.kind}/{link.left_id}/{link.right_id}",
            "how": _how(visit, link),
            "ends": [
                {
                    "id": numbers.get(end) or (known[end].source_id if end in known else str(end)),
                    "name": address(known[end]) if end in known else str(end),
                    "entity": known[end].entity if end in known else "",
                    "url": rows.get(end, {}).get("url"),
                }
                for end in (link.left_id, link.right_id)
            ],
            "fields": side_by_side([rows.get(end, {}) for end in (link.left_id, link.right_id)], visit),
        }
        for link in found[:SIZE]
    ]
    return visit.page("links", status, links=shown, page=page, more=len(found) > SIZE, problem=problem)


def _how(visit: Visit, link: Link) -> str:
    evidence: dict[str, Any] = json.loads(link.evidence)
    texts = visit.texts
    kind = texts.name("links.kind", link.kind)
    return f"{kind} · {texts.name('links.method', link.method)} {link.score / 10:g} % · {in_words(evidence, texts)}"
