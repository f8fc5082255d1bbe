"""For admins: who may use the workbench, as what and for which systems; who is let in, and who is not any more."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fastapi import APIRouter, HTTPException
from starlette.responses import Response

from console import membership
from console.web.desk import Administrator, AdministratorForm, Visit, see
from console.web.provided import BACK
from settings.errors import SecretMissing
from settings.secrets import resolve
from state import members, provided
from state.clock import from_us
from state.members import MemberError, Role

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from settings.model import Settings
    from state.members import Member

router = APIRouter()

_ROLE, _SYSTEM = "role.", "system."
"""How the fields of boxes begin that may be ticked."""


@router.get("/members")
def people(visit: Administrator) -> Response:
    """All members, and the form that invites one."""
    return _people(visit)


@router.post("/members/invite")
def invite(visit: Administrator, sent: AdministratorForm) -> Response:
    """Make a one-time link; it is on this page and never again."""
    name = sent.get("name", "")
    try:
        membership.refuse_without_passwords(visit.desk.settings)
        limit = _systems(visit, sent) if "scope" in sent else None
        with visit.desk.store.transaction() as connection:
            token = members.invite(connection, name, _roles(sent), visit.member.name, limit)
            if "scope" in sent and limit is None and members.find(connection, name).systems is not None:
                members.set_systems(connection, name, None, visit.member.name)
            found = members.find(connection, name)
    except MemberError as error:
        return _people(visit, 422, problem=_told(visit, error, name, "invite."), typed=name, sent=sent)
    return _people(visit, link=f"{visit.base}/welcome/{token}", typed=found.name, scope=_scope(visit, found))


@router.get("/members/{name}")
def person(visit: Administrator, name: str) -> Response:
    """One member, and what can be changed about them."""
    return _person(visit, name)


@router.post("/members/{name}/roles")
def change_roles(visit: Administrator, sent: AdministratorForm, name: str) -> Response:
    """Give exactly these roles."""
    return _done(visit, name, lambda connection: members.set_roles(connection, name, _roles(sent), visit.member.name))


@router.post("/members/{name}/systems")
def change_systems(visit: Administrator, sent: AdministratorForm, name: str) -> Response:
    """Limit to these systems, or to none."""

    def change(connection: Connection) -> None:
        ticked_before = members.find(connection, name).systems or frozenset()
        members.set_systems(connection, name, _systems(visit, sent, ticked_before), visit.member.name)

    return _done(visit, name, change)


@router.post("/members/{name}/deactivate")
def deactivate(visit: Administrator, _sent: AdministratorForm, name: str) -> Response:
    """Take all access away."""

    def change(connection: Connection) -> None:
        if members.find(connection, name).name == visit.member.name:
            raise MemberError("Nobody deactivates themselves here.", "Ask another admin.", "oneself")
        members.deactivate(connection, name, visit.member.name)

    return _done(visit, name, change)


@router.post("/members/{name}/readmit")
def readmit(visit: Administrator, _sent: AdministratorForm, name: str) -> Response:
    """Let somebody in again who signs in through the provider."""
    return _done(visit, name, lambda connection: provided.readmit(connection, name, visit.member.name))


@router.post("/members/{name}/bind")
def bind(visit: Administrator, sent: AdministratorForm, name: str) -> Response:
    """Say that somebody who was turned away is this member."""

    def change(connection: Connection) -> None:
        issuer = membership.issuer(visit.desk.settings)
        found, subject = members.find(connection, name), sent.get("subject", "")
        if subject not in [item.subject for item in provided.turned_away(connection, found.name, issuer)]:
            raise MemberError("Nobody of this subject was turned away.", "Let them sign in once.", "subject")
        provided.bind(connection, found.name, issuer, subject, visit.member.name)

    return _done(visit, name, change)


@router.post("/members/{name}/unbind")
def unbind(visit: Administrator, _sent: AdministratorForm, name: str) -> Response:
    """Let nobody be this member through the provider any more."""
    return _done(visit, name, lambda connection: provided.unbind(connection, name, visit.member.name))


def _people(
    visit: Visit,
    status: int = 200,
    *,
    problem: str = "",
    link: str = "",
    typed: str = "",
    scope: str = "",
    sent: dict[str, str] | None = None,
) -> Response:
    """``sent`` is a form that is shown again as it was filled in."""
    settings = visit.desk.settings
    with visit.desk.store.reading() as connection:
        found = members.listing(connection)
    return visit.page(
        "members",
        status,
        columns=membership.COLUMNS,
        rows=[membership.row(item, visit.texts, settings.business_day_zone) for item in found],
        roles=membership.ROLES,
        systems=list(settings.systems),
        passwords=membership.passwords_count(settings),
        provider=settings.workbench.sign_in,
        unset=_unset(settings),
        example=membership.SIGN_IN,
        back=f"{visit.base}{BACK}",
        problem=problem,
        link=link,
        scope=scope,
        ticked=_roles(sent or {}),
        chosen=_ticked(sent) if sent and (sent.get("scope") == "some" or _ticked(sent)) else None,
        typed=typed,
    )


def _unset(settings: Settings) -> str:
    """Which secret of the identity provider is not set, in a sentence; empty if none is missing. Asks no other
    program for it."""
    given = settings.workbench.sign_in
    secret = given.client_secret if given is not None else None
    if not secret or "${prefect:" in secret:
        return ""
    try:
        resolve(secret)
    except SecretMissing as error:
        return str(error)
    return ""


def _person(visit: Visit, name: str, status: int = 200, problem: str = "") -> Response:
    settings = visit.desk.settings
    given, zone = settings.workbench.sign_in, settings.business_day_zone
    candidates: list[tuple[str, str]] = []
    with visit.desk.store.reading() as connection:
        try:
            found = members.find(connection, name)
        except MemberError:
            raise HTTPException(404) from None
        if given is not None:
            away = provided.turned_away(connection, found.name, given.issuer)
            candidates = [(item.subject, f"{from_us(item.at).astimezone(zone):%Y-%m-%d %H:%M}") for item in away]
    return visit.page(
        "member",
        status,
        member=found,
        columns=membership.COLUMNS[1:],
        row=membership.row(found, visit.texts, zone)[1:],
        roles=membership.ROLES,
        systems=[*settings.systems, *sorted((found.systems or frozenset()) - settings.systems.keys())],
        passwords=membership.passwords_count(settings),
        candidates=candidates,
        provider=given.called if given else "",
        problem=problem,
    )


def _done(visit: Visit, name: str, change: Callable[[Connection], Any]) -> Response:
    try:
        with visit.desk.store.transaction() as connection:
            change(connection)
    except MemberError as error:
        return _person(visit, name, 422, _told(visit, error, name))
    visit.desk.notes.keep(visit, visit.texts("people.saved", name=name))
    return see(f"/members/{quote(name, safe='')}")


def _told(visit: Visit, error: MemberError, name: str, where: str = "") -> str:
    """Why it was refused, in the words for this place where there are some."""
    own = f"{where}{error.why}"
    key = own if f"people.why.{own}" in visit.texts.words else error.why
    return visit.texts(f"people.why.{key}", name=name[:80])


def _roles(sent: dict[str, str]) -> list[Role]:
    return [role for role in Role if _ROLE + role in sent]


def _ticked(sent: dict[str, str]) -> list[str]:
    return [field.removeprefix(_SYSTEM) for field in sent if field.startswith(_SYSTEM)]


def _scope(visit: Visit, found: Member) -> str:
    """What somebody who was invited will see and act on."""
    systems = visit.texts("people.all") if found.systems is None else visit.texts.listed(sorted(found.systems))
    return visit.texts("people.systems", name=found.name, systems=systems)


def _systems(visit: Visit, sent: dict[str, str], ticked_before: Collection[str] = ()) -> list[str] | None:
    """The systems that were ticked; ``None`` for all of them.

    Whoever ticks a system means it: "all systems" stands chosen in the form of an invitation, and says nothing against
    that. Boxes that the form came with say nothing against choosing "all systems".
    """
    ticked = _ticked(sent)
    if sent.get("scope") == "all" and set(ticked) <= set(ticked_before):
        return None
    return membership.known(ticked, visit.desk.settings)
