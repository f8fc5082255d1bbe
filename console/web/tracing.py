"""The trace: whatever number, name or id somebody types, the chain across the systems."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from console.chains import Tree, View, details, steps, title, why_here, why_same
from console.near import Offer, offers
from console.report import figures
from console.web.desk import Reader
from reconciliation.trace import Chain, trace

router = APIRouter()

_MOST_CHAINS = 20


@router.get("/trace")
def tracing(visit: Reader, text: str = "") -> Response:
    """The chains of what was typed; without it, the field to type in."""
    needle = text.strip()[:200]
    desk = visit.desk
    settings = desk.settings.model_copy(update={"locale": visit.texts.locale})
    found = trace(desk.store, settings, needle) if needle else []
    view = View(visit.texts, visit.lang, settings.business_day_zone)
    chains = [
        {"things": list(things(chain, view)), "steps": steps(chain, view), "findings": chain.findings}
        for chain in found[:_MOST_CHAINS]
    ]
    return visit.page("trace", needle=needle, chains=chains, count=len(found), near=_near(visit, needle, bool(found)))


def _near(visit: Reader, needle: str, found: bool) -> list[Offer]:
    """What may be meant where nothing is called so, to choose from."""
    if found or not needle:
        return []
    with visit.desk.store.reading() as connection:
        return offers(connection, needle, visit.texts)


def things(chain: Chain, view: View) -> Iterator[dict[str, Any]]:
    """The things of a chain from its beginning, each after what it follows from: depth, records, why it is there."""
    tree = Tree(chain)
    asked = frozenset(chain.found)
    pending = [(head, 0) for head in reversed(tree.children(None))]
    while pending:
        head, depth = pending.pop()
        yield {
            "depth": min(depth, 8),
            "entity": tree.records[head].entity,
            "records": [_record(tree, record_id, record_id in asked, view) for record_id in tree.members[head]],
            "why": list(why_here(tree, head, view.texts)),
        }
        pending += [(child, depth + 1) for child in reversed(tree.children(head))]


def _record(tree: Tree, record_id: int, asked: bool, view: View) -> dict[str, Any]:
    record = tree.records[record_id]
    url = figures.link({"url": record.url})
    return {
        "title": title(record, asked, view),
        "asked": asked,
        "details": [line for line in details(record, view) if line != record.url],
        "url": url,
        "order": record_id if record.entity == "order" and not record.deleted else None,
        "why": list(why_same(tree, record_id, view.texts)),
    }
