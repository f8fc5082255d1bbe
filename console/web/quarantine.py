"""Records that could not be understood: which, why, each step of one of them, trying it again and discarding it."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Path, Query
from starlette.responses import Response

from console import allowed, correcting, discarding, in_quarantine, letters, quarantine_names, shapes_told, tried_again
from console.in_quarantine import Inspected
from console.web.desk import Operator, OperatorForm, Reader, Visit, see
from console.web.sides import UNTYPED, Typed, offered, tested
from mappings.errors import MappingFileError
from state import audit, corrections, quarantine
from state.clock import now_us
from state.corrections import Correction
from state.failures import StoreError
from state.quarantine import Refused

router = APIRouter()

SHOWN = "personal values shown"
"""What the audit says where somebody looked at a record with its personal values."""
_MOST = 200
_LARGEST = 2**63 - 1

_TICK = "record."

Record = Annotated[int, Path(ge=1, le=_LARGEST)]
Name = Annotated[str, Query(max_length=100)]


@router.get("/quarantine")
def listing(visit: Reader, system: Name = "", stream: Name = "", discarded: Name = "") -> Response:
    """All of them, or those of a system or stream, with the field and the reason; ``discarded``: those off the list."""
    return _list(visit, _shown(visit, {"system": system, "stream": stream, "discarded": discarded}))


@router.post("/quarantine/discard")
def discard_some(visit: Operator, sent: OperatorForm) -> Response:
    """Take what was ticked, or all that the list showed, off it."""
    return _decided(visit, sent, discarded=False)


@router.post("/quarantine/put-back")
def put_back_some(visit: Operator, sent: OperatorForm) -> Response:
    """Put what was ticked, or all that were shown as discarded, back on the list."""
    return _decided(visit, sent, discarded=True)


@router.get("/quarantine/edits")
def edits(visit: Reader) -> Response:
    """The fields in whose place people have put a text, without the texts."""
    return _edits(visit)


@router.get("/quarantine/{record}")
def one(visit: Reader, record: Record) -> Response:
    """One with every step of its mapping; personal values are hidden."""
    return _page(visit, _inspected(visit, record, False))


@router.post("/quarantine/{record}/show")
def show(visit: Operator, _sent: OperatorForm, record: Record) -> Response:
    """The same with personal values and the record as it was received, which the audit notes."""
    found = _inspected(visit, record, False).refused
    revealed(visit, found.system, found.stream, found.source_id)
    return _page(visit, _inspected(visit, record, True), shown=True)


@router.post("/quarantine/{record}/retry")
def retry(visit: Operator, _sent: OperatorForm, record: Record) -> Response:
    """Map it again as it is held."""
    found = _inspected(visit, record, False)
    desk = visit.desk
    if found.refused.system not in desk.settings.systems:
        raise HTTPException(404)
    try:
        outcome = tried_again.retry(desk.store, desk.settings, [found.refused], visit.member.name)
    except MappingFileError as error:
        return _page(visit, found, 422, f"{error.where}: {error.message}")
    except StoreError as error:
        return _page(visit, found, 409, error.message)
    if outcome.error is not None:
        return _page(visit, found, 409, outcome.error.message)
    if outcome.counts["rejected"] or not outcome.counts["pulled"]:
        return _page(visit, _inspected(visit, record, False), 422, visit.texts("operating.still_refused"))
    told = visit.texts("tried_again.done", stream=f"{found.refused.system}.{found.refused.stream}", count=1, left=0)
    visit.desk.notes.keep(visit, told)
    return see("/quarantine")


@router.post("/quarantine/{record}/edit")
def edit(visit: Operator, sent: OperatorForm, record: Record) -> Response:
    """Have a text read in the place of a field of the source, until the source sends another version."""
    found = _inspected(visit, record, False)
    path, text = sent.get("field", ""), sent.get("value", "").strip()
    if path not in found.editable or len(text) > correcting.LONGEST_TEXT:
        raise HTTPException(400)
    desk, typed = visit.desk, Typed(path, text, _reason(sent))
    try:
        left = correcting.edit(desk.store, desk.settings, found.refused, {path: text}, visit.member.name, typed.reason)
    except correcting.Unfit as error:
        return _page(visit, found, 422, str(error), typed=typed)
    except MappingFileError as error:
        return _page(visit, found, 422, f"{error.where}: {error.message}", typed=typed)
    except StoreError as error:
        return _page(visit, found, 409, error.message, typed=typed)
    named = f"{found.refused.system}.{found.refused.stream}:{found.refused.source_id}"
    if left is None:
        visit.desk.notes.keep(visit, visit.texts("quarantine.edited", record=named))
        return see("/quarantine")
    field = visit.texts.name("field", left) if left else "–"
    visit.desk.notes.keep(visit, visit.texts("quarantine.edited_in_part", record=named, field=field))
    return see(f"/quarantine/{record}")


@router.post("/quarantine/{record}/unedit")
def unedit(visit: Operator, sent: OperatorForm, record: Record) -> Response:
    """Let it count as it was received again."""
    with visit.desk.store.reading() as connection:
        standing = corrections.of_record(connection, record)
    if not standing:
        raise HTTPException(404)
    visit.touch(standing[0].system)
    try:
        correcting.take_back(visit.desk.store, visit.desk.settings, record, visit.member.name, _reason(sent))
    except MappingFileError as error:
        return _edits(visit, 422, f"{error.where}: {error.message}")
    except StoreError as error:
        return _edits(visit, 409, error.message)
    named = f"{standing[0].system}.{standing[0].stream}:{standing[0].source_id}"
    visit.desk.notes.keep(visit, visit.texts("quarantine.unedited", record=named))
    return see("/quarantine/edits")


@router.post("/quarantine/{record}/discard")
def discard(visit: Operator, sent: OperatorForm, record: Record) -> Response:
    """Take it off the list, for a reason; it is kept as it was received."""
    found = _inspected(visit, record, False)
    reason = _reason(sent)
    if not reason:
        return _page(visit, found, 422, visit.texts("operating.quarantined.needs_reason"))
    return _said(visit, len(discarding.some(visit.desk.store, [record], False, reason, visit.member.name)), False)


@router.post("/quarantine/{record}/put-back")
def put_back(visit: Operator, sent: OperatorForm, record: Record) -> Response:
    """Put it back on the list."""
    _inspected(visit, record, False)
    done = discarding.some(visit.desk.store, [record], True, _reason(sent), visit.member.name)
    return _said(visit, len(done), True)


def revealed(visit: Visit, system: str, stream: str, source_id: str) -> None:
    """Note that this person looked at the personal values of a record."""
    with visit.desk.store.transaction() as connection:
        detail = {"system": system, "stream": stream, "source_id": source_id}
        audit.append(connection, visit.member.name, SHOWN, detail)


def _decided(visit: Visit, sent: dict[str, str], discarded: bool) -> Response:
    """Discard, or put ``discarded`` ones back: those that were ticked, or all that the page's filter showed."""
    shown, reason, store = _shown(visit, sent)._replace(discarded=discarded), _reason(sent), visit.desk.store
    if not discarded and not reason:
        return _list(visit, shown, 422, visit.texts("operating.quarantined.needs_reason"), _ticked(sent))
    if sent.get("what") == "all":
        until = _number(sent.get("until", ""))
        return _said(visit, discarding.every(store, shown, until, reason, visit.member.name), discarded, shown)
    with store.reading() as connection:
        found = quarantine.of_records(connection, _ticked(sent))
    chosen = [item.record_id for item in found if visit.may_touch(item.system)]
    if not chosen:
        return _list(visit, shown, 422, visit.texts("operating.quarantined.needs_ticks"))
    return _said(visit, len(discarding.some(store, chosen, discarded, reason, visit.member.name)), discarded, shown)


def _edits(visit: Visit, status: int = 200, problem: str = "") -> Response:
    with visit.desk.store.reading() as connection:
        found = corrections.standing(connection, visit.limit, _MOST)
        texts = corrections.texts(connection, [item.record_id for item in found])
        names = quarantine_names.called(connection, visit.desk.settings, found)
    zone = visit.desk.settings.business_day_zone
    rows = [
        (
            item.record_id,
            in_quarantine.edit_row(item, zone),
            _chosen(visit, item, texts.get((item.record_id, item.path))),
        )
        for item in found
    ]
    more = {"names": names, "id_told": in_quarantine.id_told, "problem": problem}
    return visit.page("quarantine_edits", status, heads=in_quarantine.EDITED, rows=rows, **more)


def _chosen(visit: Visit, item: Correction, text: str | None) -> str | None:
    """What was chosen from a list, in words; ``None`` for a text that somebody typed."""
    means = text and allowed.listed(visit.desk.settings, item.system, item.stream, item.path, text)
    return offered(visit, *means) if means else None


def _shown(visit: Visit, given: dict[str, str]) -> discarding.Shown:
    """What the page lists; raises ``HTTPException`` 404 for a system that is not this person's."""
    system, stream = given.get("system", "")[:100], given.get("stream", "")[:100]
    if system:
        visit.touch(system)
    return discarding.Shown(system or None, stream or None, visit.limit, bool(given.get("discarded")))


def _ticked(sent: dict[str, str]) -> set[int]:
    return {_number(name.removeprefix(_TICK)) for name in sent if name.startswith(_TICK)}


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > len(str(_LARGEST)) or int(text) > _LARGEST:
        raise HTTPException(400)
    return int(text)


def _reason(sent: dict[str, str]) -> str:
    return sent.get("reason", "").strip()[: letters.LONGEST_REASON]


def _said(visit: Visit, count: int, discarded: bool, shown: discarding.Shown | None = None) -> Response:
    """Go back to the list, which says how many were discarded, or put back."""
    done = "put_back_done" if discarded else "discard_done"
    visit.desk.notes.keep(visit, visit.texts.counted(f"operating.quarantined.{done}", count))
    given = {} if shown is None else {"system": shown.system, "stream": shown.stream}
    query = urlencode({name: value for name, value in given.items() if value})
    return see(f"/quarantine?{query}" if query else "/quarantine")


def _list(
    visit: Visit, shown: discarding.Shown, status: int = 200, problem: str = "", ticked: set[int] | None = None
) -> Response:
    until = now_us()
    others = shown._replace(discarded=not shown.discarded)
    with visit.desk.store.reading() as connection:
        found = quarantine.listing(connection, **shown._asdict(), limit=_MOST)
        count = quarantine.count(connection, **shown._asdict())
        off = quarantine.count(connection, **others._asdict())
        edited = bool(corrections.standing(connection, visit.limit, 1))
        names = quarantine_names.called(connection, visit.desk.settings, found)
    made = in_quarantine.discarded_row if shown.discarded else in_quarantine.row
    zone = visit.desk.settings.business_day_zone
    within = urlencode({name: value for name in ("system", "stream") if (value := getattr(shown, name))})
    return visit.page(
        "quarantine",
        status,
        heads=in_quarantine.DISCARDED if shown.discarded else in_quarantine.COLUMNS,
        rows=[(item.record_id, made(item, zone, visit.texts)) for item in found],
        names=names,
        id_told=in_quarantine.id_told,
        count=count,
        others=0 if shown.discarded else off,
        of=".".join(part for part in (shown.system, shown.stream) if part),
        shown=shown,
        within=within,
        until=until,
        problem=problem,
        edited=edited,
        ticked=ticked or set(),
    )


def _inspected(visit: Visit, record: int, show_personal: bool) -> Inspected:
    """One record; raises ``HTTPException`` 404 if it is not in quarantine, or not this person's."""
    found = in_quarantine.inspect(visit.desk.store, visit.desk.settings, record, show_personal)
    if found is None:
        raise HTTPException(404)
    visit.touch(found.refused.system)
    return found


def _page(
    visit: Visit,
    found: Inspected,
    status: int = 200,
    problem: str = "",
    shown: bool = False,
    typed: Typed = UNTYPED,
) -> Response:
    facts = list(zip(in_quarantine.COLUMNS, _row(visit, found.refused), strict=True))
    at = in_quarantine.when_discarded(found.refused, visit.desk.settings.business_day_zone)
    entity = found.tested.entity if found.tested is not None else ""
    more = {
        "in_words": lambda name, value: tested(entity, name, value, visit),
        "told_as": shapes_told.told,
        "id_told": in_quarantine.id_told,
        "problem": problem,
        "shown": shown,
        "discarded_at": at,
        "typed": typed,
    }
    edits = {path: _offered(visit, found, name) for path, name in found.refusing.items()}
    return visit.page("quarantined", status, found=found, facts=facts, edits=edits, **more)


def _offered(visit: Visit, found: Inspected, name: str) -> list[tuple[str, str]]:
    """The texts that can be read where a canonical field is, each with what it means; empty where any can."""
    assert found.tested is not None  # noqa: S101 - there is a step that refuses it
    values = allowed.to_read(visit.desk.settings, found.refused.system, found.refused.stream, name)
    return [(str(value.source), offered(visit, found.tested.entity, name, value)) for value in values]


def _row(visit: Visit, item: Refused) -> tuple[Any, ...]:
    return in_quarantine.row(item, visit.desk.settings.business_day_zone, visit.texts)
