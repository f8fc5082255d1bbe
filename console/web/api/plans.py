"""Plans: what is to be written to and created in each system, carried out, and rejected in part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Body, Path, Request, Response

from console import asked, letters, planned, written
from console.asked import ASKED
from console.exporting import is_removed
from console.web.api import starting
from console.web.api.callers import Caller, Operator, Reader
from console.web.api.plan_models import (
    Carrying,
    Change,
    Conflict,
    Decided,
    Deciding,
    Left,
    NewRecord,
    NewRecords,
    Overwritten,
    Plan,
    Plans,
    Rejecting,
    Rejection,
    Restoring,
    TakenBack,
    Write,
)
from console.web.api.run_models import Started
from console.web.api.values import SIZE, Key, Page, PageNumber, PageSize, cut, instant, instant_or_none
from console.web.conflicts import waiting
from console.web.problems import Refusal
from state import chains, held, outbox, overwritten, pauses, rejections
from state.changes import Item, PlanError
from sync import create, gates

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.engine import Connection

    from state.changes import Plan as Stored
    from state.creations import Creation, CreationPlan
    from state.held import Held
    from state.overwritten import Standing
    from state.rejections import Rejected

router = APIRouter(tags=["plans"])

PlanId = Annotated[str, Path(pattern="^[0-9a-f]{16}$", description="The id of a plan")]
WriteId = Annotated[Key, Path(description="The `id` of a write-back, as `GET /overwritten` gives it")]
RejectionId = Annotated[str, Path(pattern="^[0-9a-f]{10}$", description="The id of a rejection")]
ConflictId = Annotated[str, Path(pattern="^[0-9a-f]{10}$", description="The id of a conflict")]


@router.get("/plans")
def list_plans(caller: Reader) -> Plans:
    """List what is to be written to each system, field by field with the reason, and what is to be created."""
    with caller.store.reading() as connection:
        found = [plan for plan in outbox.open_plans(connection, caller.limit) if plan.open_items]
        items = [_plan(caller, connection, plan) for plan in found]
    new = create.stored_plans(caller.store, caller.systems)
    return Plans(items=items, new=[_creations(caller, plan) for plan in new])


@router.post("/plans/{id}/apply", status_code=202, responses=starting.LOCATION)
def apply_plan(
    caller: Operator, request: Request, response: Response, id: PlanId, sent: Annotated[Carrying | None, Body()] = None
) -> Started:
    """Carry out exactly this plan, or some writes of it, each only if its record is still as it was read."""
    given = sent or Carrying()
    system = _system_of(caller, id)
    with caller.store.reading() as connection:
        pause = pauses.read(connection).among(system, planned.streams_of(connection, id))
        _refuse_out_of_date(connection, id, given)
    starting.refuse_paused(caller, pause, allowed=given.paused)
    only = None if given.items is None else frozenset(given.items)
    ways: dict[str, Any] = {"only": only, "approve": given.large, "paused": given.paused}
    return starting.start(caller, request.app.state.worker, response, "push", plan_id=id, **ways)


@router.post("/plans/{id}/reject")
def reject_of_plan(caller: Operator, id: PlanId, sent: Rejecting) -> Left:
    """Take writes out of a plan, for as long as their owners want the same; what is left is a plan of its own."""
    _system_of(caller, id)
    with caller.store.transaction() as connection:
        try:
            return Left(plan=planned.reject(connection, id, set(sent.items), sent.reason, caller.name))
        except PlanError as error:
            raise Refusal(409, error.message, error.remedy) from None


@router.get("/rejections")
def list_rejections(caller: Reader, page: PageNumber = 1, size: PageSize = SIZE) -> Page[Rejection]:
    """List what people do not want written although its owner still wants it."""
    with caller.store.reading() as connection:
        theirs = [item for item in rejections.listing(connection) if caller.member.may_touch(item.held.system)]
        found = cut(theirs, page, size)
        currencies = currencies_of(connection, [item.held.record_id for item in found.items])
    items = [_rejection(caller, item, currencies.get(item.held.record_id)) for item in found.items]
    return Page(items=items, page=page, size=size, total=found.total)


@router.post("/rejections/{id}/take-back")
def take_rejection_back(caller: Operator, request: Request, id: RejectionId) -> TakenBack:
    """Let what was rejected be written after all: it is in the next plan."""
    with caller.store.transaction() as connection:
        system = planned.take_back(connection, caller.systems, id, caller.name)
    if system is None:
        raise Refusal(404, f"There is no rejection {id}.", "GET /api/v1/rejections lists them.")
    return TakenBack(id=id, planning=request.app.state.worker.start("plan", caller.name, system=system) is not None)


@router.get("/conflicts")
def list_conflicts(caller: Reader, page: PageNumber = 1, size: PageSize = SIZE) -> Page[Conflict]:
    """List fields that somebody else has written and of which ltc.yaml says that a person decides."""
    with caller.store.reading() as connection:
        theirs = [item for item in held.listing(connection, why=ASKED) if caller.member.may_touch(item.system)]
        found = cut(theirs, page, size)
        currencies = currencies_of(connection, [item.record_id for item in found.items])
        called = asked.names(connection, caller.settings, found.items)
        done = asked.under_way(connection, found.items)
    items = [
        _conflict(
            caller,
            item,
            currencies.get(item.record_id),
            name=called.get(item.record_id),
            decided=done[item.id].choice if item.id in done else None,
        )
        for item in found.items
    ]
    return Page(items=items, page=page, size=size, total=found.total)


@router.post("/conflicts/{id}/decide")
def decide_conflict(caller: Operator, request: Request, id: ConflictId, sent: Deciding) -> Decided:
    """Let the owner's value be written, or leave what is there, until its owner wants another value."""
    with caller.store.transaction() as connection:
        found = waiting(connection, id)
        if found is None or not caller.member.may_touch(found.system):
            raise Refusal(404, f"There is no conflict {id}.", "GET /api/v1/conflicts lists them.")
        held.decide(connection, found, sent.choice, caller.name, (sent.reason or "").strip())
    started = request.app.state.worker.start("plan", caller.name, system=found.system)
    return Decided(id=id, choice=sent.choice, planning=started is not None)


@router.get("/overwritten")
def list_overwritten(caller: Reader, page: PageNumber = 1, size: PageSize = SIZE) -> Page[Overwritten]:
    """List write-backs that replaced what somebody else had written, the last first."""
    with caller.store.reading() as connection:
        found, total = overwritten.of_systems(connection, caller.systems, size, (page - 1) * size)
        standing = overwritten.standing(connection, found)
        currencies = currencies_of(connection, [item.record_id for item in found])
    items = [_overwritten(caller, item, currencies.get(item.record_id), standing.get(item.id)) for item in found]
    return Page(items=items, page=page, size=size, total=total)


@router.post("/overwritten/{id}/restore", status_code=202, responses=starting.LOCATION)
def restore_overwritten(
    caller: Operator,
    request: Request,
    response: Response,
    id: WriteId,
    sent: Annotated[Restoring | None, Body()] = None,
) -> Started:
    """Write back now what a write-back had replaced; it stays until the owner's value changes."""
    with caller.store.reading() as connection:
        try:
            item = overwritten.one(connection, id)
        except PlanError:
            item = None
    if item is None or not caller.member.may_touch(item.system):
        raise Refusal(404, f"Write-back {id} replaced nothing.", "GET /api/v1/overwritten lists the ones that did.")
    given: dict[str, Any] = {"system": item.system, "item_id": item.id}
    given["reason"] = ((sent.reason if sent else None) or "").strip()
    return starting.start(caller, request.app.state.worker, response, "restore", **given)


def currencies_of(connection: Connection, records: Iterable[int]) -> dict[int, str | None]:
    """The currency of each record, by its id."""
    rows = chains.rows(connection, list(records))
    return {record_id: row.get("currency") for record_id, row in rows.items()}


def changes(caller: Caller, item: Item, currency: str | None) -> list[Change]:
    """The fields of a write-back without personal values."""
    return [
        Change(field=change.field, source_field=change.source_field, old=old, new=new, reason=change.reason)
        for change, old, new in written.changes(caller.settings, item, currency)
    ]


def said(caller: Caller, item: Item) -> str:
    """What the source said of it, without personal values."""
    return letters.said(item, letters.personal(caller.settings, item))


def _refuse_out_of_date(connection: Connection, id: str, given: Carrying) -> None:
    """Raise ``Refusal`` 409 for what does not stand as the plan says."""
    try:
        plan = outbox.load(connection, id)
    except PlanError:
        return  # new records
    chosen = [item for item in plan.open_items if given.items is None or item.id in given.items]
    if stale := planned.out_of_date(connection, chosen):
        told = "1 write-back of this plan is" if len(stale) == 1 else f"{len(stale)} write-backs of this plan are"
        remedy = "Plan anew: POST /api/v1/runs with `kind: plan`; then look at GET /api/v1/plans."
        raise Refusal(409, f"{told} out of date: the record, or its mapping, has changed since.", remedy)


def _system_of(caller: Caller, id: str) -> str:
    system = planned.system_of(caller.store, caller.systems, id)
    if system is None:
        raise Refusal(404, f"There is no plan {id}.", "GET /api/v1/plans lists them.")
    return system


def _plan(caller: Caller, connection: Connection, plan: Stored) -> Plan:
    settings = caller.settings
    currencies = currencies_of(connection, [item.record_id for item in plan.open_items])
    exceeds = () if plan.large_approved_by else gates.exceeds(settings, gates.size(connection, settings, plan))
    return Plan(
        id=plan.id,
        system=plan.system,
        system_removed=is_removed(settings, plan.system),
        status=plan.status.value,
        created_at=instant(plan.created_at),
        approved_by=plan.approved_by,
        exceeds=list(exceeds),
        items=[_write(caller, item, currencies.get(item.record_id)) for item in plan.open_items],
    )


def _write(caller: Caller, item: Item, currency: str | None) -> Write:
    return Write(
        id=item.id,
        system=item.system,
        stream=item.stream,
        source_id=item.source_id,
        number=item.number,
        currency=currency,
        status=item.status.value,
        attempts=item.attempts,
        message=said(caller, item),
        changes=changes(caller, item, currency),
    )


def _creations(caller: Caller, plan: CreationPlan) -> NewRecords:
    exceeds = gates.exceeds_creations(caller.settings, plan)
    return NewRecords(id=plan.id, system=plan.system, exceeds=list(exceeds), items=[_new(item) for item in plan.items])


def _new(item: Creation) -> NewRecord:
    return NewRecord(
        stream=item.stream, origin=origin(item), number=item.number, status=item.status.value, reason=item.reason
    )


def origin(item: Creation) -> str:
    """Of what a record is to be made: ``system:stream:id``."""
    return f"{item.origin.system}:{item.origin.stream}:{item.origin.source_id}"


def _rejection(caller: Caller, item: Rejected, currency: str | None) -> Rejection:
    wish = item.held
    hidden = letters.personal_fields(caller.settings, wish.system, wish.stream, [wish.field])
    old, new = (_value(wish.entity, wish.field, value, currency, hidden) for value in (wish.old, wish.new))
    return Rejection(
        id=wish.id,
        system=wish.system,
        system_removed=is_removed(caller.settings, wish.system),
        stream=wish.stream,
        source_id=wish.source_id,
        number=wish.number,
        field=wish.field,
        old=old,
        new=new,
        currency=currency,
        by=item.decided_by,
        at=instant(item.decided_at),
        reason=item.reason,
    )


def _conflict(caller: Caller, item: Held, currency: str | None, name: str | None, decided: str | None) -> Conflict:
    hidden = letters.personal_fields(caller.settings, item.system, item.stream, [item.field])
    agreed, old, new = (
        _value(item.entity, item.field, value, currency, hidden) for value in (item.agreed, item.old, item.new)
    )
    return Conflict(
        id=item.id,
        system=item.system,
        system_removed=is_removed(caller.settings, item.system),
        stream=item.stream,
        source_id=item.source_id,
        number=item.number,
        name=name,
        field=item.field,
        agreed=agreed,
        old=old,
        new=new,
        currency=currency,
        since=instant(item.since),
        decided=decided,
    )


def _overwritten(caller: Caller, item: Item, currency: str | None, standing: Standing | None) -> Overwritten:
    fields = {change.field for change in overwritten.lost(item)}
    return Overwritten(
        id=item.id,
        system=item.system,
        stream=item.stream,
        source_id=item.source_id,
        number=item.number,
        currency=currency,
        certain=not item.unsettled,
        at=instant_or_none(item.sent_at or item.done_at),
        stands=standing,
        changes=[change for change in changes(caller, item, currency) if change.field in fields],
    )


def _value(entity: str, field: str, value: object, currency: str | None, hidden: frozenset[str]) -> Any:
    return written.plain(entity, field, value, currency, hidden=field in hidden)
