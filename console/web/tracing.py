"""The trace: whatever number, name, amount or id somebody types, the chain across the systems."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from fastapi import APIRouter
from sqlalchemy.engine import Connection
from starlette.responses import Response

from console import decided, linked
from console.chains import Tree, View, details, standing, steps, why_here, why_same
from console.in_quarantine import when_discarded
from console.near import offers
from console.report import figures
from console.unchained import Unchained, unchained
from console.web import next_reconciliation, trace_owed, writes
from console.web.cash import dated
from console.web.desk import Reader
from console.web.trace_owed import Owed, Receipt
from reconciliation import words
from reconciliation.trace import Chain, ChainRecord, traced
from state import activity, links, near, quarantine, written
from state.quarantine import Refused

router = APIRouter()

_MOST_CHAINS = 20
_MOST_RECORDS = 1000
_MOST_DONE = 20
_MOST_CUSTOMERS = 5
_MOST_DAYS = 5
"""Of a step of the course; of more the first ones and the last."""


@router.get("/trace")
def tracing(visit: Reader, text: str = "") -> Response:
    """The chains of what was typed; without it, the field to type in."""
    needle = text.strip()[:200]
    desk = visit.desk
    settings = desk.settings.model_copy(update={"locale": visit.texts.locale})
    view = View(visit.texts, visit.lang, settings.business_day_zone, settings.systems)
    with desk.store.reading() as connection:  # one for all: what is shown is of one moment
        found = traced(connection, settings, needle) if needle else []
        whole = [chain for chain in found if chain.records]
        told = {
            "held": _held(visit, connection, found),
            **_done(visit, connection, whole[:_MOST_CHAINS]),
            **_near(visit, connection, needle, bool(found)),
            "waiting": _waiting(visit, connection, whole[:_MOST_CHAINS]),
            "owed": trace_owed.of_invoices(visit, connection, whole[:_MOST_CHAINS], _MOST_RECORDS),
        }
    chains = [
        {
            "customers": _customers(chain),
            "things": list(things(chain, tree, view)),
            "steps": steps(tree, view),
            "findings": chain.findings,
            "matched": _matched(chain, told["owed"]),
        }
        for chain in whole[:_MOST_CHAINS]
        for tree in [Tree(chain)]
    ]
    return visit.page(
        "trace",
        needle=needle,
        chains=chains,
        count=len(whole),
        most_days=_MOST_DAYS,
        **told,
    )


def _done(visit: Reader, connection: Connection, chains: Sequence[Chain]) -> dict[str, Any]:
    """What people decided about the payments of the chains, and what was written to their records, the last first."""
    ids = [record.record_id for chain in chains for record in chain.records][:_MOST_RECORDS]
    if not ids:
        return {"decided": [], "writes": []}
    groups = decided.newest(connection, ids)[:_MOST_DONE]
    found = decided.told(connection, groups)
    sent = written.listing(connection, written.Wanted(visit.systems, records=ids), _MOST_DONE)
    return {
        "decided": dated(visit, found),
        "writes": writes.listed(visit, connection, sent),
    }


def _waiting(visit: Reader, connection: Connection, chains: Sequence[Chain]) -> list[str]:
    """Links of the chains that a person has confirmed and that do not count yet, and when they will."""
    records = {record.record_id: record for chain in chains for record in chain.records}
    pairs = {(item.left_id, item.right_id) for chain in chains for item in chain.links if item.decision == "confirmed"}
    if not pairs:
        return []
    ends = sorted({end for pair in pairs for end in pair})[:_MOST_RECORDS]
    began = activity.last_reconciliation_began(connection)
    found = linked.waiting(links.of_records(connection, ends, with_suggestions=False), began)
    told = [
        visit.texts("near.linked", left=_called(records[link.left_id]), right=_called(records[link.right_id]))
        + visit.texts("near.waits", who=str(link.decided_by))
        for link in found
        if (link.left_id, link.right_id) in pairs
    ]
    return [*told[:_MOST_DONE], next_reconciliation.told(visit, connection)] if told else []


def _called(record: ChainRecord) -> str:
    """A customer by its name, a document by its number, and where it is."""
    name = record.name if record.entity == "party" else None
    return f"{name or record.number or record.source_id} ({record.system})"


def _held(visit: Reader, connection: Connection, found: Sequence[Chain]) -> list[dict[str, Any]]:
    """What the chains cannot show, or show as it was before, with the reason and the way to it."""
    if not found:
        return []
    items = unchained(connection, found)
    return [_said(visit, item) for item in items[:_MOST_CHAINS]]


def _said(visit: Reader, item: Unchained) -> dict[str, Any]:
    refused = item.refused
    key = "left_out" if refused is None else "older" if item.older else "refused"
    named = {"record": item.source_id, "stream": item.stream, "system": item.system}
    since = item.since(visit.desk.settings.business_day_zone)
    own = refused if refused is not None and visit.may_touch(item.system) else None
    return {
        "text": visit.texts(f"trace.held.{key}", **named, since=since),
        "field": visit.texts.name("field", own.field) if own else "",
        "value": visit.plain(own.value) if own else "",
        "reason": own.reason if own else "",
        "discarded": _discarded(visit, refused),
        "discard_reason": (own.discard_reason or "") if own else "",
        "record": item.record_id if own else None,
    }


def _discarded(visit: Reader, refused: Refused | None) -> str:
    """Who has discarded it and when; empty if nobody has."""
    if refused is None or refused.discarded_by is None:
        return ""
    at = when_discarded(refused, visit.desk.settings.business_day_zone)
    return visit.texts("trace.held.discarded", name=refused.discarded_by, at=at)


def _near(visit: Reader, connection: Connection, needle: str, found: bool) -> dict[str, Any]:
    """What may be meant where nothing is called so, to choose from, by what it is found by."""
    if found or not needle:
        return {"near": [], "most": near.MOST, "quarantined": 0}
    items = offers(connection, needle, visit.texts, visit.desk.settings.systems)
    held = 0 if items else quarantine.count(connection, systems=visit.limit)
    groups = [(by, list(some)) for by, some in groupby(items, key=lambda item: item.by)]
    return {"near": groups, "most": near.MOST, "quarantined": held}


def _matched(chain: Chain, owed: Mapping[int, Owed]) -> list[Receipt]:
    """The receipts that are matched with invoices of a chain and not linked with it yet, each once."""
    linked = {record.number or record.source_id for record in chain.records if record.entity == "payment"}
    found = [one for record in chain.records if record.record_id in owed for one in owed[record.record_id].receipts]
    once = {one.called: one for one in found if one.called not in linked}
    return sorted(once.values(), key=lambda one: (one.day, one.called))


def _customers(chain: Chain) -> list[tuple[int, str]]:
    """The customers that documents of a chain name, each name once; empty where the chain has customers itself."""
    if any(record.entity == "party" for record in chain.records):
        return []
    found = {record.party: record.party_id for record in reversed(chain.records) if record.party and record.party_id}
    return [(number, name) for name, number in reversed(found.items()) if number][:_MOST_CUSTOMERS]


def things(chain: Chain, tree: Tree, view: View) -> Iterator[dict[str, Any]]:
    """The things of a chain from its beginning, each after what it follows from: depth, records, why it is there."""
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
        "what": words.document(record.entity, record.kind, view.lang),
        "number": record.number or record.source_id,
        "standing": standing(record, view),
        "deleted": record.deleted,
        "removed": record.system not in view.systems,
        "asked": asked,
        "details": [line for line in details(record, tree, view) if line != record.url],
        "url": url,
        "customer": record_id if record.entity == "party" else None,
        "order": record_id
        if record.entity == "order" and not record.deleted and record.system in view.systems
        else None,
        "why": list(why_same(tree, record_id, view.texts)),
        "id": record_id,
    }
