"""A member's own account: tokens for programs, the password, and where they are signed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException
from starlette.responses import Response

from console import api_reference
from console.web import passwords
from console.web.access import Right
from console.web.api.application import PATH
from console.web.desk import Reader, Visit, see
from console.web.guard import Limiter
from console.web.provided import with_session
from state import api_tokens, members, signed_in
from state.api_tokens import ApiToken, Scope
from state.clock import from_us
from state.members import MemberError

router = APIRouter()

_CHOICES = (Scope.DECIDE, Scope.OPERATE)
"""What can be left out; every token may read."""


async def _form(visit: Reader) -> dict[str, str]:
    return await visit.form()


ReaderForm = Annotated[dict[str, str], Depends(_form)]


@dataclass(frozen=True)
class _Typed:
    """What somebody typed for a token that was not made, or what stands there at first."""

    name: str = ""
    days: str = str(api_tokens.DAYS)
    scopes: frozenset[str] = frozenset()


@router.get("/account")
def account(visit: Reader) -> Response:
    """The account of whoever is signed in."""
    return _page(visit)


@router.get("/account/api")
def programs(visit: Reader) -> Response:
    """What programs can do with a token."""
    return visit.page("account_api", api=_api(visit), path=PATH, line=_example(visit), groups=api_reference.groups())


@router.post("/account/tokens")
def create(visit: Reader, sent: ReaderForm) -> Response:
    """Make a token; it is shown once. Whoever has a password gives it, so that an open screen is not enough."""
    problem = _not_theirs(visit, sent.get("password", "")) if visit.member.has_password else ""
    name, days = sent.get("name", "").strip(), sent.get("days", "")
    if not problem and not 0 < len(name) <= api_tokens.LONGEST_NAME:
        problem = visit.texts("account.problem.name")
    if not problem and not (days.isdecimal() and len(days) < 4 and 0 < int(days) <= api_tokens.LONGEST_DAYS):
        problem = visit.texts("account.problem.days", most=api_tokens.LONGEST_DAYS)
    scopes = [scope for scope in _choices(visit) if sent.get(scope.value)]
    typed = _Typed(name[: api_tokens.LONGEST_NAME], days[:4], frozenset(scopes))
    if problem:
        return _page(visit, 422, problem, typed=typed)
    try:
        with visit.desk.store.transaction() as connection:
            made, text = api_tokens.create(connection, visit.member.name, name, scopes, visit.member.name, int(days))
    except MemberError:
        return _page(visit, 422, visit.texts("account.problem.most", most=api_tokens.MOST), typed=typed)
    return _page(visit, made=made, text=text)


@router.post("/account/tokens/{id}/revoke")
def revoke(visit: Reader, _sent: ReaderForm, id: str) -> Response:
    """End a token at once."""
    try:
        with visit.desk.store.transaction() as connection:
            ended = api_tokens.revoke(connection, id, visit.member.name, visit.member.name)
    except MemberError:
        raise HTTPException(404) from None
    visit.desk.notes.keep(visit, visit.texts("account.revoked", name=ended.name))
    return see("/account#tokens")


@router.post("/account/password")
def change_password(visit: Reader, sent: ReaderForm) -> Response:
    """Set another password; every session ends, and this browser gets a new one."""
    if not visit.member.has_password:
        raise HTTPException(404)
    password = sent.get("new", "")
    problem = _not_theirs(visit, sent.get("password", ""))
    if not problem and (key := passwords.unfit(password, sent.get("again", ""), visit.member.name)):
        problem = visit.texts(key)
    if problem:
        return _page(visit, 422, problem)
    kept = passwords.hashed(password)
    with visit.desk.store.transaction() as connection:
        signed_in.change_password(connection, visit.member.name, kept)
        token = members.sign_in(connection, visit.member.name)
    return with_session(visit, see("/account?changed=yes"), token)


@router.post("/account/sessions/end")
def end_others(visit: Reader, _sent: ReaderForm) -> Response:
    """Sign out everywhere else."""
    with visit.desk.store.transaction() as connection:
        signed_in.end_others(connection, visit.member.name, _this(visit))
    visit.desk.notes.keep(visit, visit.texts("account.ended_others"))
    return see("/account#sessions")


@router.post("/account/sessions/{id}/end")
def end(visit: Reader, _sent: ReaderForm, id: str) -> Response:
    """Sign out in one other browser."""
    with visit.desk.store.transaction() as connection:
        if not signed_in.end(connection, visit.member.name, id):
            raise HTTPException(404)
    visit.desk.notes.keep(visit, visit.texts("account.ended_one"))
    return see("/account#sessions")


def _page(
    visit: Visit,
    status: int = 200,
    problem: str = "",
    *,
    made: ApiToken | None = None,
    text: str = "",
    typed: _Typed = _Typed(),
) -> Response:
    with visit.desk.store.reading() as connection:
        tokens = api_tokens.listing(connection, visit.member.name)
        sessions = signed_in.listing(connection, visit.member.name)
    return visit.page(
        "account",
        status,
        problem=problem,
        changed=visit.request.query_params.get("changed") == "yes",
        made=made,
        text=text,
        typed=typed,
        api=_api(visit),
        line=_example(visit),
        tokens=[_shown(visit, token) for token in tokens],
        scopes=_choices(visit),
        most_days=api_tokens.LONGEST_DAYS,
        longest_name=api_tokens.LONGEST_NAME,
        sessions=[
            {
                "id": item.id,
                "began": _at(visit, item.began_at),
                "seen": _at(visit, item.seen_at),
                "this": item.id == _this(visit),
            }
            for item in sessions
        ],
    )


def _api(visit: Visit) -> str:
    """The address at which the API answers."""
    return f"{visit.base}{PATH}"


def _example(visit: Visit) -> str:
    """A call for a shell."""
    return f'curl -H "Authorization: Bearer $LTC_TOKEN" "{_api(visit)}/findings?size=10"'


def _choices(visit: Visit) -> list[Scope]:
    """The scopes that say something: those of rights that this person has."""
    return [scope for scope in _CHOICES if visit.may(Right(scope.value))]


def _shown(visit: Visit, token: ApiToken) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "scopes": [scope for scope in Scope if scope in token.scopes],
        "created": _at(visit, token.created_at),
        "expires": _at(visit, token.expires_at),
        "ended": token.has_ended,
        "seen": _at(visit, token.seen_at) if token.seen_at is not None else "",
    }


def _not_theirs(visit: Visit, password: str) -> str:
    """What is wrong with the password that somebody gave for their own; counted as at the sign-in."""
    wrong: Limiter = visit.request.app.state.attempts
    if wrong.is_too_many(visit.address):
        return visit.texts("web.sign_in.too_many")
    with visit.desk.store.reading() as connection:
        member, kept = members.password_of(connection, visit.member.name)
    if passwords.is_right(kept, password) and member is not None:
        return ""
    if member is not None:
        with visit.desk.store.transaction() as connection:
            members.failed(connection, member.name)
    wrong.count(visit.address)
    return visit.texts("account.problem.password" if member is not None else "account.problem.rests")


def _this(visit: Visit) -> str:
    return signed_in.id_of(visit.request.cookies.get(visit.desk.cookie, ""))


def _at(visit: Visit, microseconds: int) -> str:
    return f"{from_us(microseconds).astimezone(visit.desk.settings.business_day_zone):%Y-%m-%d %H:%M}"
