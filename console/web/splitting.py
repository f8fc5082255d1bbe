"""Say oneself what a receipt settles: how much of which open item, and what explains the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, HTTPException
from starlette.responses import Response

from console import cash as shown
from console import splitting
from console.splitting import Doubtful, Found, Wrong
from console.web.cash import taken_by
from console.web.desk import Decider, DeciderForm, Visit, see
from console.web.numbers import RecordId
from reconciliation import money, sections
from state import chains

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.engine import Connection

router = APIRouter()

_FIRST = 25
"""Open items of the payer that the page begins with; a search finds the others."""
_MOST = 60
"""Open items that a search shows."""
_MOST_DIFFERENCES = 3


@router.get("/cash/{receipt}/split")
def page(visit: Decider, receipt: RecordId, text: str = "") -> Response:
    """The receipt with what is suggested and the open items of the payer, or those that are looked for."""
    return _page(visit, receipt, text, None)


@router.post("/cash/{receipt}/split")
def split(visit: Decider, sent: DeciderForm, receipt: RecordId) -> Response:
    """Keep what was said, if it adds up and whoever says it has seen what speaks against it."""
    text = sent.get("text", "")
    looks = "find" in sent or ("enter" in sent and text != sent.get("looked", ""))  # Enter in the search
    if looks or "fill" in sent:
        return _page(visit, receipt, text, sent)
    reason = sent.get("reason", "").strip()[:4000]
    try:
        with visit.desk.store.transaction() as connection:
            splitting.keep(
                connection,
                _found(connection, receipt),
                _items(sent),
                list(_differences(sent)),
                visit.member.name,
                reason,
                accepted="accepted" in sent,
            )
    except Wrong as wrong:
        return _page(visit, receipt, text, sent, wrong)
    except Doubtful as error:
        doubts = [visit.texts(f"split.doubt.{key}", **values) for key, values in error.doubts]
        return _page(visit, receipt, text, sent, doubts=doubts)
    return see(f"/cash?done={receipt}")


def _page(
    visit: Visit,
    receipt: int,
    text: str,
    sent: dict[str, str] | None,
    wrong: Wrong | None = None,
    doubts: Sequence[str] = (),
) -> Response:
    """The form with what was ``sent``; else with what was decided before, if anything was."""
    with visit.desk.store.reading() as connection:
        of = _found(connection, receipt)
        source = chains.rows(connection, [receipt]).get(receipt, {})
    before = _before(of) if sent is None else {}
    sent = before or _filled(sent or {}, of)
    fits = splitting.fitting(of, text, [*_items(sent), *of.suggested])
    most = _MOST if text.strip() else _FIRST
    rest = splitting.rest(of.figure, [*_items(sent).values(), *(amount for _, amount in _differences(sent))])
    called = shown.called(of.figure["record"], source)
    return visit.page(
        "cash_split",
        422 if wrong or doubts else 200,
        receipt={"id": receipt, **sections.receipt(of.figure, visit.lang), "called": called, "payer": of.payer},
        items=[_item(key, of, sent) for key in fits.keys[:most]],
        count=len(fits.keys),
        alike=fits.alike,
        text=text,
        rest=money.text(rest, of.figure["currency"]),
        too_much=rest * of.figure["amount"] < 0,
        kinds=shown.KINDS,
        differences=[(n, sent.get(f"kind-{n}", ""), sent.get(f"amount-{n}", "")) for n in range(_MOST_DIFFERENCES)],
        reason=sent.get("reason", ""),
        problem=wrong.told(visit.texts) if wrong else "",
        marked=_marked(wrong, sent) if wrong else "",
        again=bool(before),
        doubts=doubts,
    )


def _before(of: Found) -> dict[str, str]:
    """The form as it was kept before; what is left then can be given to further items."""
    currency = of.figure["currency"]
    form = {f"item-{key}": money.text(amount, currency) or "" for key, amount in of.said.items()}
    if len(of.beside) > _MOST_DIFFERENCES:  # by the API: there are no fields for all of them
        return {}
    for n, (kind, amount) in enumerate(of.beside):
        form |= {f"kind-{n}": kind, f"amount-{n}": money.text(amount, currency) or ""}
    return form


def _marked(wrong: Wrong, sent: dict[str, str]) -> str:
    """The field of the form that is wrong; empty where it is the form as a whole."""
    if wrong.item:
        return f"item-{wrong.item}"
    if wrong.difference is not None:
        place = [n for n, _, _ in _given(sent)][wrong.difference]
        return f"{'kind' if wrong.key == 'kind' else 'amount'}-{place}"
    return "reason" if wrong.key == "reason" else ""


def _found(connection: Connection, receipt: int) -> Found:
    """The receipt and the open items; raises ``HTTPException`` 404."""
    found = splitting.found(connection, receipt)
    if found is None:
        raise HTTPException(404)
    return found


def _filled(sent: dict[str, str], of: Found) -> dict[str, str]:
    """The form with as much of the item whose button was pressed as is free and is left of the money."""
    key = sent.get("fill", "")
    if key not in of.owed:
        return sent
    name = f"item-{key}"
    others = {field: text for field, text in sent.items() if field != name}
    amounts = [*_items(others).values(), *(amount for _, amount in _differences(others))]
    fitting = splitting.fill(of, key, amounts)
    return {**others, name: money.text(fitting, of.figure["currency"]) or ""} if fitting else others


def _items(sent: dict[str, str]) -> dict[str, str]:
    """Record id and what was written beside it."""
    given = {name: text for name, text in sent.items() if name.startswith("item-") and text.strip()}
    return {name.removeprefix("item-"): text for name, text in given.items()}


def _item(key: str, of: Found, sent: dict[str, str]) -> dict[str, Any]:
    item = of.owed[key]
    names = ("kind", "customer", "currency", "issued_on", "due_on", "record")
    return {
        "id": key,
        "open": money.text(item["amount"], item["currency"]),
        "free": money.text(of.free(key), item["currency"]),
        "is_free": bool(of.free(key)),
        "given_away": not of.left_by_decisions(key),
        "taken": [taken_by(one, item["currency"]) for one in of.taken.get(key, ())],
        "suggested": key in of.suggested,
        "given": sent.get(f"item-{key}", ""),
    } | {name: item[name] for name in names}


def _differences(sent: dict[str, str]) -> Iterable[tuple[str, str]]:
    """Kind and amount of each difference that was given."""
    return ((kind, amount) for _, kind, amount in _given(sent))


def _given(sent: dict[str, str]) -> Iterable[tuple[int, str, str]]:
    """The same, with the place of its fields."""
    for n in range(_MOST_DIFFERENCES):
        kind, amount = sent.get(f"kind-{n}", ""), sent.get(f"amount-{n}", "").strip()
        if kind or amount:
            yield n, kind, amount
