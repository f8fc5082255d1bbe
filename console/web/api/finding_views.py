"""Views: filters of findings that members keep under a name, for themselves or for everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field, StringConstraints

from console.i18n import texts
from console.web import views
from console.web.access import Right
from console.web.api import finding_filter as known
from console.web.api.callers import Caller, Keeper, Reader
from console.web.api.values import Decimals, Flag, Name, OneOf, Searched, Sent, Told
from console.web.filters import Filter
from console.web.problems import Refusal
from state import saved_views
from state.finding_pages import GROUPS, ORDERS
from state.saved_views import LONGEST_NAME, ViewError

if TYPE_CHECKING:
    from console.i18n import Texts
    from state.saved_views import View as Stored

router = APIRouter(tags=["findings"])

ViewId = Annotated[str, Path(pattern="^[0-9a-f]{16}$", description="The id of a view")]
Called = Annotated[str, StringConstraints(max_length=LONGEST_NAME), Told, Field(examples=["Large, of finance"])]


class ViewFilter(Sent):
    """What is looked for; the names are those of the parameters of `GET /findings`."""

    text: Searched = ""
    stage: Annotated[str, OneOf(known.STAGES)] = ""
    department: Annotated[str, OneOf(known.KNOWN_DEPARTMENTS), Field(examples=["finance"])] = ""
    severity: Annotated[str, OneOf(known.SEVERITIES)] = ""
    status: Annotated[str, OneOf(known.STATUSES)] = ""
    check: Name = ""
    assignee: Name = ""
    customer: Searched = ""
    system: Name = ""
    kind: Annotated[str, OneOf(known.KNOWN_KINDS)] = ""
    age: Annotated[str, OneOf(known.KNOWN_AGES)] = ""
    least: Decimals = ""
    most: Decimals = ""
    waits: Annotated[str, OneOf(known.WAITING)] = ""
    until: Annotated[str, StringConstraints(pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$")] = ""
    older: Annotated[str, StringConstraints(pattern="^([1-9][0-9]{0,3})?$"), Field(examples=["30"])] = ""
    order: Annotated[str, OneOf(("", *ORDERS))] = ""
    group: Annotated[str, OneOf(("", *GROUPS))] = ""


class NewView(Sent):
    """What is to be kept, under which name."""

    name: Called
    filter: ViewFilter
    shared: Flag = Field(False, description="Whether everybody sees it")


class ViewChange(Sent):
    """Another name, and who sees it."""

    name: Called
    shared: Flag = Field(description="Whether everybody sees it")


class View(BaseModel):
    """One view."""

    id: str
    name: str
    member: str = Field(description="Who made it")
    shared: bool
    filter: dict[str, str] = Field(description="Parameters of `GET /findings`; `group` is for `/findings/groups`")
    page: str = Field(description="Where the workbench shows it")


class Views(BaseModel):
    """The caller's own, then those that others share."""

    items: list[View]


@router.get("/findings/views")
def list_views(caller: Reader) -> Views:
    """List the views that the caller sees."""
    with caller.store.reading() as connection:
        found = saved_views.listing(connection, caller.name)
    return Views(items=[_view(item) for item in found])


@router.post("/findings/views")
def save_view(caller: Keeper, sent: NewView) -> View:
    """Keep a view, in place of the caller's own one of this name."""
    query = Filter.of(sent.filter.model_dump()).query()
    with caller.store.transaction() as connection:
        try:
            return _view(saved_views.save(connection, caller.name, sent.name, query, shared=sent.shared))
        except ViewError as error:
            raise _refused(error) from None


@router.post("/findings/views/{id}/change")
def change_view(caller: Keeper, id: ViewId, sent: ViewChange) -> View:
    """Rename a view, share it or keep it to oneself. Of others' views, an admin may change the shared ones."""
    with caller.store.transaction() as connection:
        try:
            admin = _is_admin(caller)
            return _view(saved_views.change(connection, id, caller.name, sent.name, shared=sent.shared, admin=admin))
        except ViewError as error:
            raise _refused(error) from None


@router.post("/findings/views/{id}/delete")
def delete_view(caller: Keeper, id: ViewId) -> Views:
    """Take a view away, and list those that are left."""
    with caller.store.transaction() as connection:
        try:
            saved_views.remove(connection, id, caller.name, admin=_is_admin(caller))
        except ViewError as error:
            raise _refused(error) from None
        return Views(items=[_view(item) for item in saved_views.listing(connection, caller.name)])


def _is_admin(caller: Caller) -> bool:
    """Whether the member is one, signed in: no token administers."""
    return caller.may(Right.ADMINISTER)


def _view(item: Stored) -> View:
    given = Filter.of(dict(parse_qsl(item.query))).given()
    return View(
        id=item.id, name=item.name, member=item.member, shared=item.shared, filter=given, page=views.address(item)
    )


def _refused(error: ViewError) -> Refusal:
    def told(words: Texts) -> str:
        return words(f"looking.view.wrong.{error.reason}")

    remedy = "GET /api/v1/findings/views lists those there are."
    return Refusal(404 if error.reason == "gone" else 409, told(texts("en")), remedy, words=told)
