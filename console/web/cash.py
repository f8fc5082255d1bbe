"""The matching desk: money that its source has not applied, one receipt after the other, with ranked suggestions."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from starlette.responses import Response

from console import cash as shown
from console import decided, freshness, reserved, unapplied
from console.web import outstanding
from console.web.desk import Decider, DeciderForm, Reader, Visit, see
from console.web.numbers import LARGEST, RecordId
from reconciliation import sections
from reconciliation.cash import words
from state import cash, cash_standing, chains, figures, findings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.engine import Connection

    from console.reserved import Taken

router = APIRouter()

_LISTED = 50
_DECIDED = 5
"""Decisions at the foot of the desk; a page of their own has all."""
_LAST = 1_000_000
_LONGEST = 200
"""Characters of what is looked for."""
_LIKELY = 600
"""A suggestion of at least 60 % for a known customer is taken with one key: others ask for a tick first."""


@router.get("/cash")
def desk(
    visit: Reader,
    skip: Annotated[int, Query(ge=0, le=_LAST)] = 0,
    receipt: Annotated[int | None, Query(ge=1, le=LARGEST)] = None,
    done: Annotated[int | None, Query(ge=1, le=LARGEST)] = None,
    until: date | None = None,
    text: str = "",
) -> Response:
    """A receipt with what it may settle, and what waits behind it.

    ``skip`` leaves so many for later, ``receipt`` asks for one, ``done`` is the one decided last, which can be undone;
    ``until`` leaves out what was received later, ``text`` what it is not in, of what the list shows.
    """
    return _page(visit, skip, receipt, done, until=until, text=text.strip()[:_LONGEST])


@router.get("/cash/decided")
def decisions(visit: Reader, page: Annotated[int, Query(ge=1, le=100_000)] = 1) -> Response:
    """What was decided about receipts, by whom, when and why, and the last of what was taken back; the last first."""
    with visit.desk.store.reading() as connection:
        rows, count, undone = decided.listing(connection, (page - 1) * _LISTED, _LISTED)
    more = count + undone > page * _LISTED
    return visit.page("cash_decided", decided=dated(visit, rows), count=count, undone=undone, page=page, more=more)


@router.post("/cash/{receipt}/confirm")
def confirm(visit: Decider, sent: DeciderForm, receipt: RecordId) -> Response:
    """Take a suggestion; every later run keeps to it."""
    skip, rank = sent.get("skip", "0"), sent.get("rank", "")
    left_out = int(skip) if skip.isdecimal() and len(skip) < 7 else 0
    until = _day(sent.get("until", ""))
    with visit.desk.store.transaction() as connection:
        figure = dict(shown.waiting(connection)).get(receipt)
        chosen = shown.choice(figure, int(rank)) if figure and rank.isdecimal() and len(rank) < 3 else None
        if figure is None or chosen is None:
            raise HTTPException(400)
        reason = sent.get("reason", "").strip()[:4000]
        problem = _problem(visit, connection, receipt, figure, chosen, reason if "seen" in sent else None)
        if not problem:
            shown.take(connection, receipt, figure, chosen, visit.member.name, reason)
    if problem:
        return _page(visit, left_out, receipt, problem=problem, until=until)
    return see(f"/cash?skip={left_out}&done={receipt}{_too(until)}")


@router.post("/cash/{receipt}/undo")
def undo(visit: Decider, sent: DeciderForm, receipt: RecordId) -> Response:
    """Take a decision back, and why, if one wants to say it: the next run judges the receipt anew."""
    with visit.desk.store.transaction() as connection:
        told = decided.of_receipt(connection, receipt)
        cash.undo(connection, receipt, visit.member.name, sent.get("reason", "").strip()[:4000])
    visit.desk.notes.keep(visit, _undone(visit, told) if told else visit.texts("matching.not_decided"))
    return see(f"/cash?receipt={receipt}")


def _undone(visit: Visit, told: dict[str, Any]) -> str:
    """What was taken back: of which receipt, and what it settled or was said to be."""
    parts = [entry["called"] for entry in told["entries"]]
    parts += [visit.texts(f"split.kinds.{entry['kind']}") for entry in told["differences"]]
    return visit.texts("matching.undone", receipt=told["called"], what=visit.texts.listed(parts))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _too(until: date | None) -> str:
    """What keeps the desk to receipts until a day, at the end of its addresses."""
    return f"&until={until}" if until else ""


def _page(
    visit: Visit,
    skip: int,
    receipt: int | None,
    done: int | None = None,
    problem: str = "",
    until: date | None = None,
    text: str = "",
) -> Response:
    with visit.desk.store.reading() as connection:
        waiting = shown.by_worth(shown.waiting(connection, until), visit.desk.settings)
        with_choice = [item for item in waiting if item[1]["suggestions"]]
        if receipt is not None:
            found = cash_standing.some(connection, [receipt])
            chosen = (receipt, found[receipt]) if found else None
        else:
            chosen = with_choice[min(skip, len(with_choice) - 1)] if with_choice else None
        told = _told(visit, connection, *chosen) if chosen else None
        wanted = unapplied.containing(connection, waiting, text) if text else waiting
        listed = _rows(visit, connection, wanted[:_LISTED])
        kept = cash_standing.some(connection, [done]).get(done) if done else None
        shown_ids = {row["id"] for row in listed} | ({chosen[0]} if chosen else set())
        said = findings.of_records(connection, shown_ids)
        about = outstanding.told_of(visit, said, "explanation")
        rows, standing, undone = decided.listing(connection, 0, _DECIDED)
    return visit.page(
        "cash",
        422 if problem else 200,
        problem=problem,
        receipt=told,
        about=about,
        count=len(with_choice),
        all=len(waiting),
        found=len(wanted),
        text=text,
        left_of_done=shown.money(kept["left"], kept["currency"]) if kept and kept["left"] else "",
        base=visit.desk.settings.base_currency,
        skip=min(skip, max(len(with_choice) - 1, 0)),
        done=done,
        until=until,
        until_too=_too(until),
        rows=listed,
        decided=dated(visit, rows),
        decided_count=standing,
        decided_more=standing + undone > len(rows),
    )


def _rows(visit: Visit, connection: Connection, found: list[tuple[int, dict[str, Any]]]) -> list[dict[str, Any]]:
    sources = chains.rows(connection, [id for id, _ in found])
    return [
        {
            "id": id,
            "called": shown.called(figure["record"], source),
            **_receipt(visit, figure, source),
            "worth": _worth(visit, figure),
        }
        for id, figure in found
        for source in [sources.get(id)]
    ]


def _worth(visit: Visit, figure: dict[str, Any]) -> str | None:
    """What is left in the base currency; empty where it is in that, ``None`` without a rate."""
    settings = visit.desk.settings
    if figure["currency"] == settings.base_currency:
        return ""
    value = shown.worth(figure, settings)
    return None if value is None else shown.money(value, settings.base_currency)


def _receipt(visit: Visit, figure: dict[str, Any], source: Mapping[str, Any] | None) -> dict[str, Any]:
    """A receipt in words, with its payer as the bank calls him."""
    return {**sections.receipt(figure, visit.lang), "payer": (source or {}).get("payer_name") or ""}


def _told(visit: Visit, connection: Connection, id: int, figure: dict[str, Any]) -> dict[str, Any]:
    source = chains.rows(connection, [id]).get(id, {})
    told = _receipt(visit, figure, source)
    entries = [entry for option in figure["suggestions"] for entry in option["applied"]]
    owed = figures.some(connection, "receivable", {str(entry["item"]) for entry in entries})
    held = reserved.taken(connection, id)
    for option, raw in zip(told["suggestions"], figure["suggestions"], strict=True):
        option["why"] = shown.because(visit.desk.settings, visit.texts, option["rule"], option["evidence"])
        option["likely"] = _likely(figure, raw)
        for entry, of in zip(option["applied"], raw["applied"], strict=True):
            item = owed.get(str(of["item"]), {})
            entry |= {name: item.get(name) or "" for name in ("customer", "issued_on", "due_on")}
            entry["taken"] = [taken_by(one, of["currency"]) for one in held.get(str(of["item"]), ())]
    for entry, of in zip(told["applied"], figure["applied"], strict=True):
        entry["why"] = shown.because(visit.desk.settings, visit.texts, of["rule"], of["evidence"])
    more = {name: source.get(name) or "" for name in ("reference_text", "payer_name")}
    method = visit.texts.name("deciding.method", source["method"]) if source.get("method") else ""
    said = decided.of_receipt(connection, id)
    return {
        "id": id,
        "called": shown.called(figure["record"], source),
        **more,
        "method": method,
        "decided": dated(visit, [said])[0] if said else None,
        "is_left": bool(figure["left"]),
        "by_rules": [one for one in told["applied"] if one["decision"] != "pinned"],
        "given": _given(connection, figure, held) if figure["class"] == "taken_by_decision" else [],
        **told,
    }


def taken_by(one: Taken, currency: str) -> dict[str, Any]:
    """The receipt that has something of an item, for a page."""
    amount = shown.money(one.applied, currency)
    return {"receipt": one.receipt, "called": shown.called(one.record), "amount": amount} | {
        "customer": one.customer,
        "decided_by": one.decided_by,
    }


def _given(connection: Connection, figure: dict[str, Any], held: dict[str, list[Taken]]) -> list[dict[str, Any]]:
    """The items of this customer that decisions have given to others."""
    decisions = {key: [one for one in some if one.decided_by is not None] for key, some in held.items()}
    owed = figures.some(connection, "receivable", {key for key, some in decisions.items() if some})
    return [
        {"item": shown.called(item["record"]), **taken_by(one, item["currency"])}
        for key, item in owed.items()
        for one in decisions[key]
        if item["customer_number"] == figure["customer_number"]
    ]


def _problem(
    visit: Visit, connection: Connection, receipt: int, figure: dict[str, Any], chosen: dict[str, Any], why: str | None
) -> str:
    """Why a suggestion cannot be taken like that; empty if it can. A guess needs a reason, from one who compared.

    ``why`` is ``None`` where nobody said to have compared the two.
    """
    wanted = [(entry["item"], entry["applied"]) for entry in chosen["applied"]]
    owed = figures.some(connection, "receivable", {str(item) for item, _ in wanted})
    rows = [(item, amount, owed[str(item)]["amount"]) for item, amount in wanted if str(item) in owed]
    other = reserved.decided_elsewhere(rows, reserved.taken(connection, receipt))
    if other is not None:
        item, by = other
        names = {"item": shown.called(owed[str(item)]["record"]), "receipt": shown.called(by.record)}
        return visit.texts("split.wrong.decided", **names, who=by.decided_by or "")
    if why or _likely(figure, chosen):
        return ""
    return visit.texts("matching.look_first" if why is None else "split.wrong.reason")


def _likely(figure: dict[str, Any], option: dict[str, Any]) -> bool:
    """Whether one key may take it; what the rules matched themselves is no guess."""
    return "rank" not in option or (option["score"] >= _LIKELY and bool(figure["customer"]))


def dated(visit: Visit, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was decided, with times and kinds of differences in words."""
    return [
        {
            **row,
            "at": _when(visit, row["at"]),
            "undone": row["undone"] and {**row["undone"], "at": _when(visit, row["undone"]["at"])},
            "differences": [
                {**one, "kind_text": words.text(words.DIFFERENCES, one["kind"], visit.lang)}
                for one in row["differences"]
            ],
        }
        for row in rows
    ]


def _when(visit: Visit, at: int) -> str:
    """To the minute."""
    return freshness.when(visit.desk.settings, at)[:16]
