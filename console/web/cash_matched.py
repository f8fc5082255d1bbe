"""What rules have matched by themselves: each receipt with its items, the rule and the evidence; one can be undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.responses import Response

from console import cash as shown
from console import decided, matched
from console.web.cash import dated
from console.web.desk import Decider, DeciderForm, Reader, Visit, see
from console.web.numbers import RecordId
from reconciliation import sections
from settings.cash import SHIPPED
from state import cash_matched, chains

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

router = APIRouter()

SIZE = 20
"""Receipts on a page."""
_LONGEST = 200
_SHIPPED = {rule["name"] for rule in SHIPPED}
"""Rules that say in words why they match; others have the name that somebody gave them."""


@router.get("/cash/matched")
def matched_by_rules(visit: Reader, text: str = "", page: Annotated[int, Query(ge=1, le=1000)] = 1) -> Response:
    """Receipts that rules have matched, received last first; ``text`` is looked for in what is shown of them."""
    return _page(visit, text, page)


@router.post("/cash/{receipt}/unmatch")
def unmatch(visit: Decider, sent: DeciderForm, receipt: RecordId) -> Response:
    """Say that a receipt does not settle what rules have matched it with, and why; the next run judges it anew."""
    text, reason = sent.get("text", ""), sent.get("reason", "").strip()[:4000]
    if not reason:
        return _page(visit, text, 1, visit.texts("split.wrong.reason"))
    with visit.desk.store.transaction() as connection:
        count = matched.undo(connection, receipt, visit.member.name, reason)
    visit.desk.notes.keep(visit, visit.texts("matching.by_rules.undone" if count else "matching.by_rules.gone"))
    asked = f"?{urlencode({'text': text[:_LONGEST]})}" if text else ""
    return see(f"/cash/matched{asked}")


def _page(visit: Visit, text: str, page: int, problem: str = "") -> Response:
    text = text.strip()[:_LONGEST]
    with visit.desk.store.reading() as connection:
        keys = matched.found(connection, text)
        rows = _rows(visit, connection, keys[(page - 1) * SIZE : page * SIZE])
    return visit.page(
        "cash_matched",
        422 if problem else 200,
        problem=problem,
        text=text,
        rows=rows,
        count=len(keys),
        most=cash_matched.LOOKED_AT,
        page=page,
        more=len(keys) > page * SIZE,
        asked=urlencode({"text": text}) if text else "",
    )


def _rows(visit: Visit, connection: Connection, keys: list[int]) -> list[dict[str, Any]]:
    figures, sources = cash_matched.figures(connection, keys), chains.rows(connection, keys)
    said = {row["receipt"]: row for row in dated(visit, decided.told(connection, decided.newest(connection, keys)))}
    rows = []
    for key in keys:
        told, source = sections.receipt(figures[key], visit.lang), sources.get(key, {})
        for entry, of in zip(told["applied"], figures[key]["applied"], strict=True):
            entry["called"] = shown.called(of["record"])
            entry["why"] = shown.because(visit.desk.settings, visit.texts, of["rule"], of["evidence"])
            entry["own_rule"] = "" if of["rule"] in _SHIPPED else of["rule"]
        more = {"payer": source.get("payer_name") or "", "reference_text": source.get("reference_text") or ""}
        called = shown.called(figures[key]["record"], source)
        rows.append({**told, **more, "id": key, "called": called, "decided": said.get(key)})
    return rows
