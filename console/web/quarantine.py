"""Records that could not be understood: which, why, each step of one of them, and trying it again."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Query
from starlette.responses import Response

from console import in_quarantine, shapes_told, tried_again
from console.in_quarantine import Inspected
from console.web.desk import Operator, OperatorForm, Reader, Visit, see
from mappings.errors import MappingFileError
from state import audit, quarantine
from state.failures import StoreError
from state.quarantine import Refused

router = APIRouter()

SHOWN = "personal values shown"
"""What the audit says where somebody looked at a record with its personal values."""
_MOST = 200
_LARGEST = 2**63 - 1

Record = Annotated[int, Path(ge=1, le=_LARGEST)]
Name = Annotated[str, Query(max_length=100)]


@router.get("/quarantine")
def listing(visit: Reader, system: Name = "", stream: Name = "") -> Response:
    """All of them, or those of a system or stream, with the field and the reason."""
    if system:
        visit.touch(system)
    of, its, limit = system or None, stream or None, visit.limit
    with visit.desk.store.reading() as connection:
        found = quarantine.listing(connection, system=of, stream=its, systems=limit, limit=_MOST)
        count = quarantine.count(connection, system=of, stream=its, systems=limit)
    return visit.page(
        "quarantine",
        heads=in_quarantine.COLUMNS,
        rows=[(item.record_id, _row(visit, item)) for item in found],
        count=count,
        of=".".join(part for part in (system, stream) if part),
    )


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


def revealed(visit: Visit, system: str, stream: str, source_id: str) -> None:
    """Note that this person looked at the personal values of a record."""
    with visit.desk.store.transaction() as connection:
        detail = {"system": system, "stream": stream, "source_id": source_id}
        audit.append(connection, visit.member.name, SHOWN, detail)


def _inspected(visit: Visit, record: int, show_personal: bool) -> Inspected:
    """One record; raises ``HTTPException`` 404 if it is not in quarantine, or not this person's."""
    found = in_quarantine.inspect(visit.desk.store, visit.desk.settings, record, show_personal)
    if found is None:
        raise HTTPException(404)
    visit.touch(found.refused.system)
    return found


def _page(visit: Visit, found: Inspected, status: int = 200, problem: str = "", shown: bool = False) -> Response:
    facts = list(zip(in_quarantine.COLUMNS, _row(visit, found.refused), strict=True))
    return visit.page(
        "quarantined", status, found=found, facts=facts, told_as=shapes_told.told, problem=problem, shown=shown
    )


def _row(visit: Visit, item: Refused) -> tuple[Any, ...]:
    return in_quarantine.row(item, visit.desk.settings.business_day_zone, visit.texts)
