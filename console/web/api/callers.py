"""Who calls: a program with a token of a member, or the browser of somebody who is signed in."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import Depends, Query, Request

from console.i18n import texts
from console.web import language
from console.web.access import Right, may
from console.web.desk import Desk, Visit
from console.web.guard import Limiter
from console.web.problems import Refusal
from state import api_tokens
from state.api_tokens import ApiToken, Scope
from state.failures import StoreError

if TYPE_CHECKING:
    from settings.model import Settings
    from state.members import Member
    from state.store import Store

_SAFE = ("GET", "HEAD", "OPTIONS")
_SIGN_IN = (
    "Send `Authorization: Bearer ltc_…` with a token of yours (make one on the page /account, under “Tokens for "
    "programs”), or sign in at /sign-in."
)
Lang = Annotated[
    Literal["en", "zh-CN"] | None,
    Query(
        description="Language of titles, explanations and actions; default: that of `Accept-Language`, else the "
        "member's, else that of ltc.yaml."
    ),
]


@dataclass(frozen=True)
class Caller:
    """Somebody who calls; ``token`` is what they call with, ``None`` for a browser's session."""

    visit: Visit
    member: Member
    token: ApiToken | None

    @property
    def store(self) -> Store:
        """The store of the workbench."""
        return self.visit.desk.store

    @property
    def settings(self) -> Settings:
        """Its settings."""
        return self.visit.desk.settings

    @property
    def name(self) -> str:
        """The name for histories and the audit."""
        return self.member.name

    @property
    def rights(self) -> list[Right]:
        """What the member may do and the token lets them, at this moment."""
        return [right for right in Right if self.may(right)]

    def may(self, right: Right) -> bool:
        """Whether the member has a right and the token, if it is one, does not withhold it."""
        return may(self.member.roles, right) and self.lets(right)

    def lets(self, right: Right) -> bool:
        """Whether what they call with does not withhold a right: a token lets its scopes, a session everything.

        Who looks into the audit only reads, as every token may.
        """
        return self.token is None or right in (Right.OPEN, Right.AUDIT, *map(_right, self.token.scopes))

    @property
    def systems(self) -> list[str]:
        """The systems of ltc.yaml whose rows this member sees and may act on, in its order."""
        return [name for name in self.settings.systems if self.member.may_touch(name)]

    @property
    def limit(self) -> list[str] | None:
        """``systems`` for a member who is limited to some, ``None`` for all others."""
        return None if self.member.systems is None else self.systems

    def locale(self, lang: str | None) -> str:
        """The language to answer in: ``en`` or ``zh-CN``."""
        return lang or language.of_program(self.visit.request, self.member.locale, self.settings.locale)


def wrong_tokens() -> Limiter:
    """For one workbench: whoever sends tokens that are none from one address is soon told to stop."""
    return Limiter(most=20, seconds=300)


def calls() -> Limiter:
    """For one workbench: how often one token may be used."""
    return Limiter(most=1200, seconds=60)


def needs(right: Right, scope: Right | None = None) -> Callable[[Request], Caller]:
    """A dependency: a caller with this right; raises ``Refusal`` 401, 403 or 429.

    ``scope`` is what a token has to let, where that is not the same.
    """
    asked = scope or right

    def caller(request: Request) -> Caller:
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        by_token = scheme.lower() == "bearer"  # a proxy before us may have use for another scheme
        request.state.own_language = None  # told to `language_of`: nobody needs to be looked up once more
        found = _by_token(request, credentials.strip()) if by_token else _by_session(request)
        request.state.own_language = found.member.locale
        if not may(found.member.roles, right) or not found.lets(asked):
            raise _refused(found, right, asked)
        return found

    caller.right, caller.scope = right, asked  # type: ignore[attr-defined]  # read when the document is written
    return caller


def language_of(request: Request) -> str:
    """The language of a refusal; who calls is looked up where that was not done, as at an address that is none."""
    desk: Desk = request.app.state.desk
    if not hasattr(request.state, "own_language"):
        request.state.own_language = None
        with suppress(StoreError):  # a store that cannot be used must not hide what is to be told
            request.state.own_language = _own_language(request, desk)
    return language.of_program(request, request.state.own_language, desk.settings.locale)


def _own_language(request: Request, desk: Desk) -> str | None:
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        session = desk.signed_in(request)
        return session.member.locale if session else None
    with desk.store.reading() as connection:
        found = api_tokens.find(connection, credentials.strip())
    return found[1].locale if found else None


def _by_token(request: Request, text: str) -> Caller:
    desk: Desk = request.app.state.desk
    with desk.store.reading() as connection:
        found = api_tokens.find(connection, text)
    visit = _visit(request)
    if found is None:
        wrong: Limiter = request.app.state.wrong_tokens
        if wrong.is_too_many(visit.address):
            raise Refusal(429, "Too many wrong tokens came from this address.", "Wait five minutes.", _later(300))
        wrong.count(visit.address)
        challenge = {"WWW-Authenticate": 'Bearer realm="ltc", error="invalid_token"'}
        what = "The token is none of ours, has ended or was revoked, or its member has no access any more."
        raise Refusal(401, what, "Make a new one on the page /account, under “Tokens for programs”.", challenge)
    token, member, to_note = found
    made: Limiter = request.app.state.calls
    if made.is_too_many(token.id):
        raise Refusal(429, "This token is used too often.", "Wait a minute, and ask for larger pages.", _later(60))
    made.count(token.id)
    if to_note:
        with desk.store.transaction() as connection:
            api_tokens.seen(connection, token.id)
    return Caller(visit, member, token)


def _by_session(request: Request) -> Caller:
    desk: Desk = request.app.state.desk
    session = desk.signed_in(request)
    if session is None:
        raise Refusal(401, "Nobody is signed in.", _SIGN_IN, {"WWW-Authenticate": 'Bearer realm="ltc"'})
    if request.method not in _SAFE:
        mark = request.headers.get("x-csrf-token", "")
        if not hmac.compare_digest(mark.encode(), session.csrf.encode()):
            raise Refusal(
                403,
                "The request does not carry the mark of its session.",
                "Send the `csrf` field of any page's form as `X-CSRF-Token`, or use a token.",
            )
    return Caller(_visit(request), session.member, None)


def _refused(found: Caller, right: Right, scope: Right) -> Refusal:
    if not may(found.member.roles, right):
        remedy = "An admin can change it: `ltc members roles NAME --role …`."
        return Refusal(403, f"The roles of {found.name} do not include the right `{right}`.", remedy)
    if scope not in map(_right, Scope):
        return Refusal(403, "No token approves: that is for people.", "Sign in, and do it there.")
    remedy = f"Make one with the scope `{scope}` on the page /account, under “Tokens for programs”."
    return Refusal(403, f"The token does not have the scope `{scope}`.", remedy)


def _visit(request: Request) -> Visit:
    return Visit(request.app.state.desk, request, None, texts("en"))


def _right(scope: Scope) -> Right:
    return Right(scope.value)


def _later(seconds: int) -> dict[str, str]:
    return {"Retry-After": str(seconds)}


Reader = Annotated[Caller, Depends(needs(Right.READ))]
Keeper = Annotated[Caller, Depends(needs(Right.READ, Right.DECIDE))]
"""For what every member may keep for themselves: a token that only reads changes nothing all the same."""
Decider = Annotated[Caller, Depends(needs(Right.DECIDE))]
Approver = Annotated[Caller, Depends(needs(Right.APPROVE))]
Operator = Annotated[Caller, Depends(needs(Right.OPERATE))]
Auditor = Annotated[Caller, Depends(needs(Right.AUDIT, Right.READ))]
"""Somebody who looks into the audit, for which a token that reads will do."""
