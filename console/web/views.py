"""The views of findings that members keep: saved from the list, shared, renamed, deleted, opened first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Depends
from starlette.responses import Response

from console.web.access import Right
from console.web.desk import Reader, Visit, see
from console.web.filters import Filter
from state import saved_views
from state.saved_views import View, ViewError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection

router = APIRouter()


async def _form(visit: Reader) -> dict[str, str]:
    return await visit.form()


Sent = Annotated[dict[str, str], Depends(_form)]


def address(view: View) -> str:
    """Where a view is seen."""
    return "/findings?" + urlencode({**Filter.of(dict(parse_qsl(view.query))).given(), "view": view.id})


@router.get("/findings/views")
def listing(visit: Reader) -> Response:
    """All views that this person sees."""
    return _page(visit)


@router.post("/findings/views")
def save(visit: Reader, sent: Sent) -> Response:
    """Keep what the list shows under a name."""
    query, shared = Filter.of(sent).query(), "shared" in sent

    def keep(connection: Connection) -> str:
        made = saved_views.save(connection, visit.member.name, sent.get("name", ""), query, shared=shared)
        if "first" in sent:
            saved_views.open_first(connection, visit.member.name, made.id)
        return address(made)

    return _done(visit, keep)


@router.post("/findings/views/none/first")
def open_plainly(visit: Reader, _sent: Sent) -> Response:
    """Let the findings open with all of them again."""

    def forget(connection: Connection) -> str:
        saved_views.open_first(connection, visit.member.name, None)
        return "/findings/views"

    return _done(visit, forget)


@router.post("/findings/views/{id}/first")
def open_first(visit: Reader, _sent: Sent, id: str) -> Response:
    """Let the findings open with this view."""

    def choose(connection: Connection) -> str:
        saved_views.open_first(connection, visit.member.name, id)
        return "/findings/views"

    return _done(visit, choose)


@router.post("/findings/views/{id}/change")
def change(visit: Reader, sent: Sent, id: str) -> Response:
    """Rename a view, share it or keep it to oneself."""

    def rename(connection: Connection) -> str:
        admin, shared = visit.may(Right.ADMINISTER), "shared" in sent
        saved_views.change(connection, id, visit.member.name, sent.get("name", ""), shared=shared, admin=admin)
        return "/findings/views"

    return _done(visit, rename)


@router.post("/findings/views/{id}/delete")
def delete(visit: Reader, _sent: Sent, id: str) -> Response:
    """Take a view away."""

    def remove(connection: Connection) -> str:
        saved_views.remove(connection, id, visit.member.name, admin=visit.may(Right.ADMINISTER))
        return "/findings/views"

    return _done(visit, remove)


def _done(visit: Visit, work: Callable[[Connection], str]) -> Response:
    try:
        with visit.desk.store.transaction() as connection:
            onwards = work(connection)
    except ViewError as error:
        return _page(visit, 422, visit.texts(f"looking.view.wrong.{error.reason}"))
    return see(onwards)


def _page(visit: Visit, status: int = 200, problem: str = "") -> Response:
    with visit.desk.store.reading() as connection:
        known = saved_views.listing(connection, visit.member.name)
        first = saved_views.first(connection, visit.member.name)
    admin = visit.may(Right.ADMINISTER)
    return visit.page(
        "finding_views",
        status,
        views=[(view, address(view), view.member == visit.member.name or admin) for view in known],
        first=first.id if first else "",
        longest=saved_views.LONGEST_NAME,
        problem=problem,
    )
