"""Write-backs and new records that need a person: looked at, edited, tried again, discarded, one or many."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Query
from starlette.responses import Response

from console import allowed, freshness, letters, letters_decided, refusing, written
from console.records import HIDDEN
from console.web import commands
from console.web.desk import Operator, OperatorForm, Reader, Visit, see
from console.web.quarantine import revealed
from console.web.sides import UNTYPED, Typed, offered, worded
from console.web.writes import shown
from state import creations, dead_letters, outbox, tried_again
from state.changes import Item, PlanError
from state.clock import now_us

if TYPE_CHECKING:
    from console.allowed import Allowed
    from state.creations import Creation
    from state.held import Decision

router = APIRouter()


_MOST = 200
"""Dead letters that one page shows."""
_TICK = "letter."
_DIGITS = 18
"""Of an instant in microseconds, at most."""

Name = Annotated[str, Query(max_length=100)]


@router.get("/dead-letters")
def listing(visit: Reader, system: Name = "", discarded: Name = "") -> Response:
    """All of them, or those of a system; ``discarded``: those that people took off the list."""
    return _discarded(visit, system) if discarded else _list(visit, system)


@router.post("/dead-letters/retry")
def retry_some(visit: Operator, sent: OperatorForm) -> Response:
    """Let the next plan take up again what was ticked, or all that the list showed."""
    return _some_decided(visit, sent, None)


@router.post("/dead-letters/discard")
def discard_some(visit: Operator, sent: OperatorForm) -> Response:
    """Take what was ticked, or all that the list showed, off it for good."""
    return _some_decided(visit, sent, sent.get("reason", "").strip()[: letters.LONGEST_REASON])


@router.get("/dead-letters/{id}")
def one(visit: Reader, id: str) -> Response:
    """One with everything that is known of it; personal values are hidden."""
    return _page(visit, id)


@router.post("/dead-letters/{id}/show")
def show(visit: Operator, _sent: OperatorForm, id: str) -> Response:
    """The same with personal values, which the audit notes."""
    item = _letter(visit, id)
    revealed(visit, item.system, item.stream, item.source_id if isinstance(item, Item) else item.origin.source_id)
    return _page(visit, id, show_personal=True)


@router.post("/dead-letters/{id}/edit")
def edit(visit: Operator, sent: OperatorForm, id: str) -> Response:
    """Have another value written instead, until its owner's value changes."""
    item = _letter(visit, id)
    name, value = sent.get("field", ""), sent.get("value", "").strip()
    if not isinstance(item, Item) or len(value) > letters.LONGEST_VALUE:
        raise HTTPException(400)
    try:
        desk, reason = visit.desk, sent.get("reason", "").strip()[: letters.LONGEST_REASON]
        edited = letters.edit(desk.store, desk.settings, item, {name: value}, visit.member.name, reason)
    except letters.Unfit as error:
        return _page(visit, id, 422, str(error), typed=Typed(name, value, reason))
    except PlanError as error:
        return _page(visit, id, 422, error.message, typed=Typed(name, value, reason))
    return _done(visit, item, "stands" if edited.stands else "edited", field=visit.texts.name("field", name))


@router.post("/dead-letters/{id}/retry")
def retry(visit: Operator, _sent: OperatorForm, id: str) -> Response:
    """Let the next plan take it up again."""
    return _decided(visit, id, None)


@router.post("/dead-letters/{id}/discard")
def discard(visit: Operator, sent: OperatorForm, id: str) -> Response:
    """Take it off the list for good."""
    return _decided(visit, id, sent.get("reason", "").strip()[: letters.LONGEST_REASON])


@router.post("/dead-letters/{id}/put-back")
def put_back(visit: Operator, sent: OperatorForm, id: str) -> Response:
    """Put a discarded one back on the list."""
    reason = sent.get("reason", "").strip()[: letters.LONGEST_REASON]
    try:
        with visit.desk.store.transaction() as connection:
            letter = dead_letters.discarded_one(connection, id, dead_letters.Which(systems=visit.systems))
            written.put_back(connection, letter, visit.member.name, reason)
    except dead_letters.NoneDiscarded:
        raise HTTPException(404) from None
    except PlanError as error:
        return _discarded(visit, "", 409, f"{error.message} {error.remedy}".strip())
    visit.desk.notes.keep(visit, visit.texts("operating.letters.done.put_back", record=_called(letter)))
    return see("/dead-letters")


def _discarded(visit: Visit, system: str, status: int = 200, problem: str = "") -> Response:
    if system:
        visit.touch(system)
    with visit.desk.store.reading() as connection:
        which = dead_letters.Which(system or None, visit.systems)
        listed, count = dead_letters.discarded(connection, which, limit=_MOST)
    rows = [_off(visit, item) for item in listed]
    return visit.page("dead_letters_discarded", status, letters=rows, count=count, system=system, problem=problem)


def _off(visit: Visit, item: Item | Creation) -> dict[str, Any]:
    """A discarded one: why it was taken off, and what its system had said."""
    said = item.became_said
    if isinstance(item, Item):
        said = letters.said(replace(item, message=said), letters.personal(visit.desk.settings, item))
    at = "" if item.done_at is None else freshness.when(visit.desk.settings, item.done_at)[:16]
    return {**_brief(visit, item, item.attempts, {}), "at": at, "reason": item.message, "said": said}


def _list(
    visit: Visit, system: str, status: int = 200, problem: str = "", ticked: frozenset[str] = frozenset(), why: str = ""
) -> Response:
    if system:
        visit.touch(system)
    until = now_us()
    with visit.desk.store.reading() as connection:
        which = dead_letters.Which(system or None, visit.member.systems)
        listed, count = dead_letters.page(connection, which, limit=_MOST)
        tries = tried_again.tries(connection, [item for item in listed if isinstance(item, Item)])
        waiting = tried_again.waiting(connection, [system] if system else visit.systems)
        chosen = letters.chosen(connection, [item for item in listed if isinstance(item, Item)])
    rows = [_brief(visit, item, tries[item.id] if isinstance(item, Item) else item.attempts, chosen) for item in listed]
    again = [(item.system, _called(item), is_planned) for item, is_planned in waiting]
    more = {"problem": problem, "ticked": ticked, "why": why, "until": until}
    return visit.page("dead_letters", status, letters=rows, count=count, system=system, again=again, **more)


def _some_decided(visit: Visit, sent: dict[str, str], reason: str | None) -> Response:
    """Discard with a reason, or without one (``None``) retry: those that were ticked, or all that the page showed."""
    system, every = sent.get("system", "")[:100], sent.get("what") == "all"
    if system:
        visit.touch(system)
    ticked = frozenset(name.removeprefix(_TICK) for name in sent if name.startswith(_TICK))
    if reason == "":
        return _list(visit, system, 422, visit.texts("operating.letters.needs_reason"), ticked)
    with visit.desk.store.transaction() as connection:
        until = _instant(sent.get("until", "")) if every else None
        found = letters_decided.listed(connection, system or None, visit.may_touch, until)
        chosen = found if every else letters_decided.of_ids(found, ticked)
        done, left = letters_decided.decide(connection, chosen, visit.member.name, reason)
    if not chosen:
        why = sent.get("reason", "")[: letters.LONGEST_REASON]
        return _list(visit, system, 422, visit.texts("operating.letters.needs_ticks"), why=why)
    what = "retried_many" if reason is None else "discarded_many"
    told = [visit.texts(f"operating.letters.done.{what}", count=f"{len(done):,}")]
    if left:
        told.append(visit.texts("operating.letters.done.left", count=f"{len(left):,}"))
    visit.desk.notes.keep(visit, " ".join(told))
    return see(f"/dead-letters?{urlencode({'system': system})}" if system else "/dead-letters")


def _instant(text: str) -> int:
    """Microseconds; raises ``HTTPException`` 400 for what is none."""
    if not text.isascii() or not text.isdecimal() or len(text) > _DIGITS:
        raise HTTPException(400)
    return int(text)


def _decided(visit: Visit, id: str, reason: str | None) -> Response:
    """Discard with a reason, or without one (``None``) retry."""
    letter = _letter(visit, id)
    try:
        with visit.desk.store.transaction() as connection:
            written.decide(connection, letter, visit.member.name, reason)
    except PlanError as error:
        return _page(visit, id, 422, f"{error.message} {error.remedy}".strip())
    return _done(visit, letter, "retried" if reason is None else "discarded")


def _done(visit: Visit, letter: Item | Creation, what: str, **values: str) -> Response:
    """Go back to the list, which says what was done and what happens next."""
    told = visit.texts(f"operating.letters.done.{what}", record=_called(letter), **values)
    if what not in ("discarded", "stands"):
        told = f"{told} {_then(visit, letter.system)}"
    visit.desk.notes.keep(visit, commands.linked(visit, told))
    return see("/dead-letters")


def _then(visit: Visit, system: str) -> str:
    """When something to be written to a system is planned and sent, as its settings say."""
    way = visit.desk.settings.systems[system].push if system in visit.desk.settings.systems else "off"
    return visit.texts(f"operating.letters.then.{way}", system=system)


def _called(letter: Item | Creation) -> str:
    """The record as people know it: by its number, where it has one."""
    if isinstance(letter, Item):
        return f"{letter.system}:{letter.stream}:{letter.number or letter.source_id}"
    return f"{letter.system}:{letter.stream} ({letter.origin.system}:{letter.number or letter.origin.source_id})"


def _letter(visit: Visit, id: str) -> Item | Creation:
    """The one with this id; raises ``HTTPException`` 404 if there is none, or it is not this person's."""
    try:
        with visit.desk.store.reading() as connection:
            item = creations.letter(connection, id) or outbox.letter(connection, id)
    except PlanError:
        raise HTTPException(404) from None
    visit.touch(item.system)
    return item


def _page(
    visit: Visit, id: str, status: int = 200, problem: str = "", show_personal: bool = False, typed: Typed = UNTYPED
) -> Response:
    item = _letter(visit, id)
    with visit.desk.store.reading() as connection:
        tries = tried_again.tries(connection, [item])[item.id] if isinstance(item, Item) else item.attempts
        chosen = letters.chosen(connection, [item] if isinstance(item, Item) else [])
    whole = _write(visit, item, show_personal) if isinstance(item, Item) else _creation(item, show_personal)
    at = [item.created_at, item.sent_at]
    times = ["" if instant is None else freshness.when(visit.desk.settings, instant)[:16] for instant in at]
    more = {"created_at": times[0], "sent_at": times[1], "then": _then(visit, item.system)}
    letter = {**_brief(visit, item, tries, chosen), **whole, **more}
    return visit.page("dead_letter", status, letter=letter, problem=problem, shown=show_personal, typed=typed)


def _brief(visit: Visit, item: Item | Creation, tries: int, chosen: dict[tuple[int, str], Decision]) -> dict[str, Any]:
    known = {"id": item.letter, "system": item.system, "tries": tries, "gone": letters.is_gone(item.message)}
    if isinstance(item, Item):
        return {**shown(visit, item, chosen), **known, "origin": ""}
    return {
        **known,
        "record": f"{item.system}:{item.stream}",
        "named": "",
        "chosen": {},
        "changes": [],
        "origin": f"{item.origin.system}:{item.number or item.origin.source_id}",
        "state": "gone" if item.made_source_id else item.status.value,
        "message": item.message,
    }


def _write(visit: Visit, item: Item, show_personal: bool) -> dict[str, Any]:
    hidden = frozenset() if show_personal else letters.personal(visit.desk.settings, item)
    rows = []
    for change in item.changes:
        told = [worded(item.entity, change.field, value, visit) for value in (change.old, change.new)]
        own = [_in_source(visit, value) for value in (change.source_old, change.source_new)]
        values = [*told, *own]
        if change.field in hidden:
            values = [value if value in (None, "") else HIDDEN for value in values]
        rows.append((change.field, change.source_field, *values, change.reason))
    offered = {change.field: _offered(visit, item, change.field) for change in item.changes}
    return {"rows": rows, "message": letters.said(item, hidden), "editable": True, "offered": offered}


def _in_source(visit: Visit, value: Any) -> Any:
    """A source's own value; whether something is so in words."""
    return visit.texts(f"web.finding.{'yes' if value else 'no'}") if isinstance(value, bool) else value


def _offered(visit: Visit, item: Item, name: str) -> list[tuple[str, str]]:
    """The values that can be written into a field instead of the one that was not, with words; empty where any can.

    Of those that the source writes with the same word the one that is offered is what this word is read as.
    """
    settings = visit.desk.settings
    [change] = [change for change in item.changes if change.field == name]
    read = {repr(value.source): value.canonical for value in allowed.to_read(settings, item.system, item.stream, name)}
    found: dict[str, Allowed] = {}
    for value in allowed.to_write(settings, item.system, item.stream, name):
        if value.canonical == change.new or value.source == change.source_new:
            continue  # it was refused
        if refusing.never(settings, item.system, item.stream, [(change.source_field, value.source)]):
            continue
        word = repr(value.source)
        if word not in found or read.get(word) == value.canonical:
            found[word] = value
    return [(str(value.canonical), offered(visit, item.entity, name, value)) for value in found.values()]


def _creation(item: Creation, show_personal: bool) -> dict[str, Any]:
    """A new record; nobody has said which of a source's own fields are personal, so all values count as that."""
    rows = [
        (name, name, None, value if show_personal else HIDDEN, None, None, "") for name, value in item.values.items()
    ]
    return {"rows": rows, "editable": False}
