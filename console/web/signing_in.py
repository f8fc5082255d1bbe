"""Signing in and out, setting a password by a one-time link, and choosing the language."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from console.i18n import LOCALES
from console.membership import passwords_count
from console.web import passwords
from console.web.desk import Open, OpenForm, local, see
from console.web.guard import Limiter
from console.web.provided import provider_of, with_session
from console.web.provided import sign_in_page as choices
from state import members

router = APIRouter()


def attempts() -> Limiter:
    """For one workbench: whoever gives many wrong passwords from one address has to wait, whatever the names are."""
    return Limiter(most=20, seconds=300)


@router.get("/sign-in")
def sign_in_page(visit: Open, next: str = "/") -> Response:
    """The form; whoever is signed in goes on."""
    if visit.session is not None:
        return see(local(next))
    return choices(visit, onwards=local(next))


@router.post("/sign-in")
def sign_in(visit: Open, sent: OpenForm) -> Response:
    """Open a session, or say that name or password is wrong, whichever it is."""
    name, onwards = sent.get("name", "").strip(), local(sent.get("next", "/"))
    wrong: Limiter = visit.request.app.state.attempts
    if not passwords_count(visit.desk.settings):
        return choices(visit, 403, onwards=onwards, problem=visit.texts("provider.only"))
    if wrong.is_too_many(visit.address):
        return choices(visit, 429, onwards=onwards, problem=visit.texts("web.sign_in.too_many"), name=name)
    store = visit.desk.store
    with store.reading() as connection:
        member, kept = members.password_of(connection, name)
    right = passwords.is_right(kept, sent.get("password", ""))
    if member is None or not right:
        if member is not None:
            with store.transaction() as connection:
                members.failed(connection, member.name)
        wrong.count(visit.address)
        return choices(visit, 401, onwards=onwards, problem=visit.texts("web.sign_in.wrong"), name=name)
    with store.transaction() as connection:
        if kept and passwords.is_outdated(kept):
            members.rehash(connection, member.name, passwords.hashed(sent["password"]))
        members.sign_out(connection, visit.request.cookies.get(visit.desk.cookie, ""))
        token = members.sign_in(connection, member.name)
    return with_session(visit, see(onwards), token)


@router.post("/sign-out")
def sign_out(visit: Open, _sent: OpenForm) -> Response:
    """End the session."""
    token = visit.request.cookies.get(visit.desk.cookie)
    if token:
        with visit.desk.store.transaction() as connection:
            members.sign_out(connection, token)
    vouched = visit.session is not None and visit.session.provider is not None
    answer = see("/signed-out" if vouched and provider_of(visit) else "/sign-in")
    answer.delete_cookie(visit.desk.cookie, secure=visit.desk.secure, httponly=True, samesite="lax")
    return answer


@router.get("/welcome/{token}")
def welcome_page(visit: Open, token: str) -> Response:
    """The form to set a password; the same answer for links that are too old and that never were."""
    with visit.desk.store.reading() as connection:
        member = members.invited(connection, token)
    if member is None or not passwords_count(visit.desk.settings):
        return visit.page("welcome", 404, member=None, token="", problem="")
    return visit.page("welcome", member=member, token=token, problem="")


@router.post("/welcome/{token}")
def welcome(visit: Open, token: str, sent: OpenForm) -> Response:
    """Set the password and sign in."""
    password = sent.get("password", "")
    with visit.desk.store.reading() as connection:
        member = members.invited(connection, token)
    if member is None or not passwords_count(visit.desk.settings):
        return visit.page("welcome", 404, member=None, token="", problem="")
    problem = passwords.unfit(password, sent.get("again", ""), member.name)
    if problem:
        return visit.page("welcome", 422, member=member, token=token, problem=problem)
    kept = passwords.hashed(password)
    with visit.desk.store.transaction() as connection:
        accepted = members.accept(connection, token, kept)
        session = members.sign_in(connection, accepted.name) if accepted else None
        if accepted and accepted.locale is None:  # somebody signed in is no longer shown what their browser asks for
            members.set_locale(connection, accepted.name, visit.texts.locale)
    return with_session(visit, see("/"), session) if session else see("/sign-in")


@router.post("/language")
def language(visit: Open, sent: OpenForm) -> Response:
    """Show everything in another language from now on."""
    chosen = sent.get("locale", "")
    answer = see(local(sent.get("next", "/")))
    if chosen in LOCALES:
        if visit.session is not None:
            with visit.desk.store.transaction() as connection:
                members.set_locale(connection, visit.member.name, chosen)
        answer.set_cookie("lang", chosen, max_age=31_536_000, secure=visit.desk.secure, httponly=True, samesite="lax")
    return answer
