"""Links: which records of different systems mean the same or follow from one another, to decide and as they stand."""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Query
from starlette.responses import Response

from console import freshness, linked, same_words, signs
from console.near import offers
from console.records import address, in_words
from console.web import next_reconciliation
from console.web.desk import Decider, DeciderForm, Reader, Visit, see
from console.web.numbers import RecordId
from console.web.sides import side_by_side
from reconciliation.same_values import differing
from state import chains, links, lookup, near

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.engine import Connection

    from console.web.sides import Field
    from reconciliation.linking.same_words import Same
    from state.links import Link

router = APIRouter()

SIZE = 20
"""Links on a page."""
_NAMED = ("party", "product", "opportunity")
_ONE_NAME = ("same", "translated")
"""How two names compare that are one."""
_ONLY_AN_ID = ("owner_ref",)
"""Fields that tell nobody anything: who takes care of it, by an id."""
_WEIGHED = ("expected", "alike")
"""What of the evidence is numbers for a statistician."""
_MOST_RECORDS = 100
"""Records of one number whose links are shown."""


@router.get("/links")
def listing(visit: Reader, page: Annotated[int, Query(ge=1, le=100_000)] = 1) -> Response:
    """Suggested links, both records beside each other, the least certain first."""
    return _page(visit, page)


@router.get("/links/held")
def held(visit: Reader, text: str = "", page: Annotated[int, Query(ge=1, le=100_000)] = 1) -> Response:
    """The links of what has this number, name or id, those that hold and those that were cut.

    Without it what people said about links, the last first.
    """
    return _held(visit, text.strip()[:200], page)


@router.post("/links/{kind}/{left}/{right}/confirm")
def confirm(visit: Decider, sent: DeciderForm, kind: str, left: RecordId, right: RecordId) -> Response:
    """Say that the two belong together, and why, if one wants."""
    return _decide(visit, (kind, left, right), "confirmed", sent.get("reason", "").strip()[:1000], sent)


@router.post("/links/{kind}/{left}/{right}/cut")
def cut(visit: Decider, sent: DeciderForm, kind: str, left: RecordId, right: RecordId) -> Response:
    """Say that they do not, and why."""
    reason = sent.get("reason", "").strip()[:1000]
    if not reason:
        problem = visit.texts("web.links.needs_reason")
        if "text" in sent:
            return _held(visit, sent["text"].strip()[:200], 1, 422, problem)
        return _page(visit, 1, 422, problem)
    return _decide(visit, (kind, left, right), "cut", reason, sent)


def _decide(visit: Visit, pair: tuple[str, int, int], decision: str, reason: str, sent: dict[str, str]) -> Response:
    """Keep it, and go back to the page from which it came."""
    with visit.desk.store.transaction() as connection:
        if linked.decide(connection, pair, decision, visit.member.name, reason) is None:
            raise HTTPException(404)
        takes_effect = next_reconciliation.told(visit, connection)
    visit.desk.notes.keep(visit, f"{visit.texts(f'held.said.{decision}')} {takes_effect}")
    return see(f"/links/held?{urlencode({'text': sent['text'][:200]})}" if "text" in sent else "/links")


def _page(visit: Visit, page: int, status: int = 200, problem: str = "") -> Response:
    with visit.desk.store.reading() as connection:
        found = links.listing(connection, decision="suggested", limit=SIZE + 1, offset=(page - 1) * SIZE)
        shown = _shown(visit, connection, found[:SIZE])
        takes_effect = next_reconciliation.told(visit, connection)
    return visit.page(
        "links",
        status,
        links=shown,
        page=page,
        more=len(found) > SIZE,
        problem=problem,
        takes_effect=takes_effect,
    )


def _held(visit: Visit, text: str, page: int, status: int = 200, problem: str = "") -> Response:
    first = (page - 1) * SIZE
    with visit.desk.store.reading() as connection:
        if text:
            ids = [item.record_id for item in lookup.named(connection, text)[:_MOST_RECORDS]]
            found = links.of_records(connection, ids, with_suggestions=False)[first : first + SIZE + 1]
        else:
            found = links.decided(connection, limit=SIZE + 1, offset=first)
        shown = _shown(visit, connection, found[:SIZE])
        takes_effect = next_reconciliation.told(visit, connection)
        meant = (
            offers(connection, text, visit.texts, visit.desk.settings.systems)
            if text and not found and page == 1
            else []
        )
    groups = [(by, list(some)) for by, some in groupby(meant, key=lambda item: item.by)]
    return visit.page(
        "links_held",
        status,
        links=shown,
        text=text,
        page=page,
        more=len(found) > SIZE,
        problem=problem,
        takes_effect=takes_effect,
        near=groups,
        most=near.MOST,
    )


def _shown(visit: Visit, connection: Connection, found: Sequence[Link]) -> list[dict[str, Any]]:
    """Links for a page: how they were found, what was said about them, both records beside each other."""
    ends = [end for link in found for end in (link.left_id, link.right_id)]
    rows = chains.rows(connection, sorted({*ends}))
    known = chains.identities(connection, {*ends})
    numbers = lookup.numbers(connection, known.values())
    reasons = links.reasons(connection, found)
    same = {id(link): same_words.of_link(link, rows) for link in found}
    return [
        {
            "address": f"/links/{link.kind}/{link.left_id}/{link.right_id}",
            **told(visit, link, same[id(link)]),
            "decision": link.decision,
            "who": link.decided_by,
            "reason": reasons.get((link.kind, link.left_id, link.right_id), ""),
            "at": "" if link.decided_at is None else freshness.when(visit.desk.settings, link.decided_at)[:16],
            "ends": [
                {
                    "id": numbers.get(end) or (known[end].source_id if end in known else str(end)),
                    "name": address(known[end]) if end in known else str(end),
                    "entity": known[end].entity if end in known else "",
                    "system": known[end].system if end in known else "",
                    "called": _name(rows.get(end, {})),
                    "customer": f"/customers/{end}" if end in known and known[end].entity == "party" else "",
                    "url": rows.get(end, {}).get("url"),
                }
                for end in (link.left_id, link.right_id)
            ],
            "fields": _fields(visit, link, rows, same[id(link)]),
        }
        for link in found
    ]


def _name(row: dict[str, Any]) -> str:
    """The name of what has one, except of people."""
    return str(row.get("name") or "") if row.get("entity") in _NAMED else ""


def _fields(visit: Visit, link: Link, rows: Mapping[int, dict[str, Any]], same: list[Same]) -> list[Field]:
    """Both records beside each other; of two customers what differs is marked as on the page of a customer, and their
    names where these are alike and not the same, which is the question here."""
    both = [rows.get(end, {}) for end in (link.left_id, link.right_id)]
    found = [field for field in side_by_side(both, visit) if field.name not in _ONLY_AN_ID]
    if {row.get("entity") for row in both} != {"party"}:
        return found
    name = (same_words.level(same, json.loads(link.evidence)).get("alike") or {}).get("name")
    differ = {*differing(both), *(("name",) if name and name["level"] not in _ONE_NAME else ())}
    return [field._replace(differs=field.name in differ) for field in found]


def told(visit: Visit, link: Link, same: list[Same]) -> dict[str, Any]:
    """What a link says and how it was found (``how``), what speaks for and against it (``signs``, a line each), the
    numbers behind that (``numbers``), and its ``words`` that count as the same, which are ``same``."""
    evidence: dict[str, Any] = same_words.level(same, json.loads(link.evidence))
    texts = visit.texts
    head = [texts.name("links.kind", link.kind), f"{texts.name('links.method', link.method)} {link.score / 10:g} %"]
    found = in_words({name: value for name, value in evidence.items() if name not in _WEIGHED}, texts)
    weighed = {name: evidence[name] for name in _WEIGHED if name in evidence}
    of = signs.of(evidence)
    signs_ = signs.sentences(of, texts)
    if signs_ and link.method == "likeness":
        doubt = any((sign.speaks, sign.weight) == ("against", "strong") for sign in of)
        percent = min(round(link.score / 10), 99)
        together = "links.signs.doubtful" if doubt else "links.signs.together"
        signs_.append(texts(together, percent=percent, rest=100 - percent))
    return {
        "how": " · ".join([*head, found] if found else head),
        "signs": signs_,
        "numbers": in_words(weighed, texts) if weighed else "",
        "words": same_words.sentences(same, texts),
    }
