"""For admins: who may open an approved month again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.responses import Response

from console.web.access import Right, may
from console.web.admin import common, period_rights
from console.web.admin.common import REFUSALS, Outcome
from console.web.admin.period_rights import REOPEN
from console.web.desk import Administrator, AdministratorForm, Visit, see
from state import members, periods
from yamlfiles.editing import drop, put

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.engine import Connection

router = APIRouter()

_FIELD = "reopen."
"""How the name of a person's tick begins."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may be named. ``able``: a member who may decide, without which being named is of no use."""

    name: str
    named: bool
    able: bool
    closes: bool
    """Whether they closed a month that stands, or the settings name them to close."""


@router.get("/settings/periods")
def reopeners(visit: Administrator) -> Response:
    """Who may, as ltc.yaml has it."""
    common.whole(visit)
    return _page(visit, {}, Outcome())


@router.post("/settings/periods")
def name_reopeners(visit: Administrator, sent: AdministratorForm) -> Response:
    """Show what would be different in ltc.yaml, or save it."""
    common.whole(visit)
    visit = common.in_language(visit, sent)

    def change(text: str, file: str) -> str:
        named = period_rights.named(text, file)
        people = (person.name for person in _people(visit, named) if _FIELD + person.name in sent)
        return _with(text, file, named, list(people))

    outcome = common.changed(visit, sent, change, visit.texts("admin.why.reopening"))
    if outcome.saved:
        return see("/settings?said=changed")
    return _page(visit, sent, outcome)


def admins(connection: Connection) -> list[str]:
    """The members who may change the settings as a whole."""
    return [item.name for item in members.listing(connection) if _can(item, Right.ADMINISTER) and item.systems is None]


def _can(item: members.Member, right: Right) -> bool:
    return item.active and may(item.roles, right)


def _with(text: str, file: str, before: list[str], after: list[str]) -> str:
    if before == after:
        return text
    return put(text, file, REOPEN, after) if after else drop(text, file, REOPEN)


def _people(visit: Visit, named: list[str], chosen: Iterable[str] | None = None) -> list[Person]:
    """Those who are named, then every other member who may decide; ``chosen`` are those that the form ticks."""
    with visit.desk.store.reading() as connection:
        able = [item.name for item in members.listing(connection) if _can(item, Right.DECIDE)]
        closers = {item.closed_by for item in periods.closes(connection) if item.stands}
    closers |= set(visit.desk.settings.reconciliation.periods.makers)
    ticked = set(named if chosen is None else chosen)
    names = dict.fromkeys((*named, *able))
    return [Person(name, name in ticked, name in able, name in closers) for name in names]


def _page(visit: Visit, sent: dict[str, str], outcome: Outcome) -> Response:
    found = common.files(visit)
    people: list[Person] = []
    seen = ""
    chosen = [name.removeprefix(_FIELD) for name in sent if name.startswith(_FIELD)] if sent else None
    try:
        main = found.read(found.main)
        people, seen = _people(visit, period_rights.named(main.text, found.main), chosen), main.digest
    except REFUSALS as error:
        outcome = common.refused(error)
    ticked = [person for person in people if person.named]
    return visit.page(
        "admin_reopening",
        outcome.status,
        people=people,
        field=_FIELD,
        alone=ticked[0].name if len(ticked) == 1 and ticked[0].closes else "",
        outcome=outcome,
        seen=seen,
        why=sent.get("why", ""),
        why_not=found.why_not(found.main),
    )
