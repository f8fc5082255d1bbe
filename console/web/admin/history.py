"""For admins: every change of ltc.yaml and the files beside it that was made here, and the way back."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Path, Query
from starlette.responses import Response

from console import outdated
from console.outdated import Outdated
from console.web.admin import common, differences
from console.web.admin.common import REFUSALS, Outcome
from console.web.admin.verdicts import connection_of
from console.web.desk import Administrator, AdministratorForm, Visit, see
from state import failed_checks
from state.clock import from_us
from state.settings_changes import Change

router = APIRouter()

_SHOWN = 30
_MOST = 2**53
Number = Annotated[int, Path(ge=1, le=_MOST)]


@router.get("/settings/history")
def history(
    visit: Administrator,
    before: Annotated[int, Query(ge=0, le=_MOST)] = 0,
    back: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """The changes, the newest first; ``back`` is a system that was just put back, of which findings are to return."""
    common.whole(visit)
    found = common.files(visit)
    changes = found.history(limit=_SHOWN + 1, before=before)
    shown = changes[:_SHOWN]
    return visit.page(
        "admin_history",
        undone=found.undone_by(shown),
        changes=[(change, _at(visit, change), differences.told(change.hunks)) for change in shown],
        older=shown[-1].id if len(changes) > _SHOWN else 0,
        back=back if back in visit.systems else "",
    )


@router.get("/settings/history/{number}")
def one(visit: Administrator, number: Number) -> Response:
    """What a change changed."""
    common.whole(visit)
    return _page(visit, _change(visit, number), Outcome())


@router.post("/settings/history/{number}/undo")
def undo(visit: Administrator, sent: AdministratorForm, number: Number) -> Response:
    """Take it back, in a change of its own."""
    common.whole(visit)
    change = _change(visit, number)
    reason = common.why(sent, visit.texts("admin.why.undone", number=number))
    there = {name: connection_of(system) for name, system in visit.desk.settings.systems.items()}
    try:
        undone = common.files(visit).undo(number, visit.desk.settings, visit.member.name, reason)
    except REFUSALS as error:
        return _page(visit, change, common.refused(error))
    back = sorted(visit.desk.settings.systems.keys() - there)
    with visit.desk.store.transaction() as connection:
        for name, system in visit.desk.settings.systems.items():
            if there.get(name) != connection_of(system):  # what failed was another connection
                failed_checks.note(connection, name, failed=False)
    said = [visit.texts("admin.history.undone", number=number, why=change.why)]
    to_change = undone if undone and _outdated(visit, change) else None
    told = back if to_change else back[1:]  # the history itself says it of the first, as long as it is open
    said += [visit.texts("admin.history.back", system=name) for name in told]
    visit.desk.notes.keep(visit, " ".join(said))
    if to_change:
        return see(f"/settings/history/{to_change}")
    return see("/settings/history" + (f"?{urlencode({'back': back[0]})}" if back else ""))


def _change(visit: Visit, number: int) -> Change:
    try:
        return common.files(visit).change(number)
    except LookupError:
        raise HTTPException(404) from None


def _outdated(visit: Visit, change: Change) -> list[Outdated]:
    """What the store holds that another mapping than that of the changed file has read."""
    return outdated.of_file(visit.desk.store, visit.desk.settings, change.file, visit.systems)


def _later(visit: Visit, change: Change) -> list[Change]:
    """The later changes of the same lines; of the same file, if none can be told."""
    newer = [item for item in common.files(visit).history(file=change.file, limit=_SHOWN) if item.id > change.id]
    return [item for item in newer if differences.overlaying(change.hunks, item.hunks)] or newer


def _at(visit: Visit, change: Change) -> str:
    return f"{from_us(change.at).astimezone(visit.desk.settings.business_day_zone):%Y-%m-%d %H:%M}"


def _page(visit: Visit, change: Change, outcome: Outcome) -> Response:
    return visit.page(
        "admin_change",
        outcome.status,
        change=change,
        at=_at(visit, change),
        lines=list(differences.shown(change.hunks)),
        undone=common.files(visit).undone_by([change]).get(change.id),
        outcome=outcome,
        in_the_way=_later(visit, change) if outcome.key == "undo_overlaid" else [],
        outdated=_outdated(visit, change),
        why_not=common.files(visit).why_not(change.file),
    )
