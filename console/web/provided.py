"""The way to the company's identity provider and back, and out of it again."""

from __future__ import annotations

import logging
import re
import secrets
from threading import Lock
from typing import TYPE_CHECKING

from fastapi import APIRouter, HTTPException
from starlette.responses import Response

from console.membership import passwords_count
from console.web.commands import OnPage
from console.web.desk import Open, Visit, local, see
from console.web.guard import Limiter
from console.web.provider import Provider
from console.web.provider_documents import ProviderError
from state import members, provided, provider_visits

if TYPE_CHECKING:
    from console.web.provider import Identity
    from settings.sign_in import SignIn

router = APIRouter()

BACK = "/sign-in/provider/back"
"""Where people come back; with the workbench's address before it, what is registered at the provider."""
_LONGEST = 4096
"""Characters of a state or a code."""
_STATUS = {"down": 503, "busy": 503, "broken": 502}
_CODE = re.compile(r"[a-z_]{1,40}")

_log = logging.getLogger("ltc.sign_in")


class Providers:
    """The provider that ltc.yaml names at the moment, with what is known about it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._last: Provider | None = None
        self.starts = Limiter(most=300, seconds=300)
        """Counts by address who is sent to the provider, or out of it; a company's people may share one."""

    def of(self, given: SignIn | None) -> Provider | None:
        """The provider of these settings; ``None`` without any."""
        if given is None:
            return None
        with self._lock:
            if self._last is None or self._last.given != given:
                self._last = Provider(given)
            return self._last


def provider_of(visit: Visit) -> Provider | None:
    """The provider through which people sign in here."""
    known: Providers = visit.request.app.state.providers
    return known.of(visit.desk.settings.workbench.sign_in)


def sign_in_page(visit: Visit, status: int = 200, *, onwards: str, problem: str = "", name: str = "") -> Response:
    """The page on which people choose how they sign in. ``problem`` is a sentence, ``name`` what was typed."""
    given = visit.desk.settings.workbench.sign_in
    shown = {"provider": given.called if given else "", "passwords": passwords_count(visit.desk.settings)}
    return visit.page("sign_in", status, next=onwards, problem=problem, name=name, **shown)


@router.get("/sign-in/provider")
def begin(visit: Open, next: str = "/") -> Response:
    """Send a browser to the provider, with a secret that it brings back."""
    provider, onwards = _provider(visit), local(next)
    known: Providers = visit.request.app.state.providers
    if visit.session is not None:
        return see(onwards)
    if known.starts.is_too_many(visit.address):
        return sign_in_page(visit, 429, onwards=onwards, problem=visit.texts("web.sign_in.too_many"))
    known.starts.count(visit.address)
    state = secrets.token_urlsafe(32)
    # Kept by the browser over several tabs; every visit has a nonce and a verifier of its own, made from it.
    secret = visit.request.cookies.get(_cookie(visit)) or secrets.token_urlsafe(32)
    try:
        address = provider.address(visit.base + BACK, state, secret)
    except ProviderError as error:
        return _failed(visit, error, onwards)
    with visit.desk.store.transaction() as connection:
        provider_visits.begin(connection, state, secret, onwards[:_LONGEST])
    answer = see(address)
    answer.set_cookie(
        _cookie(visit),
        secret,
        max_age=provider_visits.SECONDS,
        secure=visit.desk.secure,
        httponly=True,
        samesite="lax",  # the way back begins at the provider
    )
    return answer


@router.get(BACK)
def back(visit: Open, state: str = "", code: str = "", error: str = "", iss: str | None = None) -> Response:
    """Let in whoever was sent from here, comes back once, and whom the provider vouches for."""
    provider, secret = _provider(visit), visit.request.cookies.get(_cookie(visit), "")
    onwards = None
    if state and secret and max(len(state), len(code), len(secret)) <= _LONGEST:
        with visit.desk.store.transaction() as connection:
            onwards = provider_visits.finish(connection, state, secret)
    if onwards is None:
        return _failed(visit, ProviderError("again"), "/")
    if error or not code:
        said = f"it came back with the error {error}" if _CODE.fullmatch(error) else "it came back without a code"
        return _failed(visit, ProviderError("declined" if error == "access_denied" else "unbelieved", said), onwards)
    try:
        identity = provider.identity(code, iss, visit.base + BACK, state, secret)
    except ProviderError as failure:
        return _failed(visit, failure, onwards)
    return _arrived(visit, identity, onwards)


@router.get("/signed-out")
def signed_out(visit: Open) -> Response:
    """Say that only the session here has ended, and lead to the provider's own sign-out."""
    address, provider = None, provider_of(visit)
    known: Providers = visit.request.app.state.providers
    if provider is not None and not known.starts.is_too_many(visit.address):
        known.starts.count(visit.address)
        try:
            address = provider.end_session(visit.base + "/sign-in")
        except ProviderError:
            address = None  # it cannot be asked now; the page says what to do
    given = visit.desk.settings.workbench.sign_in
    return visit.page("signed_out", address=address, provider=given.called if given else "")


def with_session(visit: Visit, answer: Response, token: str) -> Response:
    """Give a browser the session of this token."""
    answer.set_cookie(
        visit.desk.cookie,
        token,
        max_age=members.LONGEST_SECONDS,
        secure=visit.desk.secure,
        httponly=True,
        samesite="lax",
    )
    return answer


def _arrived(visit: Visit, identity: Identity, onwards: str) -> Response:
    who = (identity.issuer, identity.subject, identity.name, identity.roles)
    with visit.desk.store.transaction() as connection:
        arrival = provided.arrive(connection, *who)
        if not arrival.refusal:
            members.sign_out(connection, visit.request.cookies.get(visit.desk.cookie, ""))
            token = members.sign_in(connection, arrival.name, identity.issuer)
    if arrival.refusal:
        return _failed(visit, ProviderError(arrival.refusal), onwards, 403, name=arrival.name)
    answer = with_session(visit, see(onwards), token)
    answer.delete_cookie(_cookie(visit), secure=visit.desk.secure, httponly=True, samesite="lax")
    return answer


def _failed(visit: Visit, error: ProviderError, onwards: str, status: int = 0, name: str = "") -> Response:
    given = visit.desk.settings.workbench.sign_in
    known = status or _STATUS.get(error.why, 400)
    if error.reason:
        _log.warning("Signing in through the identity provider failed: %s", error.reason)
    t = OnPage(visit.texts)
    sentence = t(f"provider.why.{error.why}", provider=given.called if given else "", name=name[:80])
    return sign_in_page(visit, known, onwards=onwards, problem=sentence)


def _provider(visit: Visit) -> Provider:
    found = provider_of(visit)
    if found is None:
        raise HTTPException(404)
    return found


def _cookie(visit: Visit) -> str:
    """The cookie with the browser's secret; over TLS only this host can have set it."""
    return "__Host-ltc-provider" if visit.desk.secure else "ltc-provider"
