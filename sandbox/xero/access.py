"""Who may call the stand-in and how often: tokens, scopes, the organisation, Xero's limits."""

from __future__ import annotations

import base64
import binascii
import secrets
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

SCOPES = frozenset(
    scope + suffix
    for scope in (
        "accounting.contacts",
        "accounting.invoices",
        "accounting.payments",
        "accounting.banktransactions",
        "accounting.settings",
        "accounting.transactions",
    )
    for suffix in ("", ".read")
)
_OLD = "accounting.transactions"
_NEEDS = {
    "Contacts": ("accounting.contacts",),
    "Organisation": ("accounting.settings",),
    "Invoices": ("accounting.invoices", _OLD),
    "CreditNotes": ("accounting.invoices", _OLD),
    "Payments": ("accounting.payments", _OLD),
    "Overpayments": ("accounting.payments", "accounting.banktransactions", _OLD),
    "Prepayments": ("accounting.payments", "accounting.banktransactions", _OLD),
}
TOKEN_SECONDS = 1800
GRACE = timedelta(minutes=30)
"""So long a refresh token is taken again after its first use (community.xero.com/developer/discussion/105714701)."""


class Denied(Exception):
    """The request is answered with this status, body and headers."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(str(status))
        self.status = status
        self.body = body
        self.headers = dict(headers or {})


@dataclass(slots=True)
class Limits:
    """Xero's limits for one organisation; lower them to see what a client does."""

    minute: int = 60
    day: int = 5000


@dataclass(slots=True)
class Access:
    """The custom connection's credentials and what its tokens may do."""

    clock: Callable[[], datetime]
    client_id: str = "LTC-DEMO-CLIENT"
    client_secret: str = "ltc-demo-secret"  # noqa: S105 - the demo's, known to all
    tenant_id: str = "0f2c5e1a-7a1d-4a43-9d5c-3d6f6a1b9e70"
    allowed: frozenset[str] = SCOPES
    """Scopes of the connection; asking for another is refused."""
    limits: Limits = field(default_factory=Limits)
    _tokens: dict[str, tuple[datetime, frozenset[str]]] = field(default_factory=dict)
    _refresh: dict[str, datetime | None] = field(default_factory=dict)
    """Refresh tokens and when each was first used."""
    _recent: deque[datetime] = field(default_factory=deque)
    _today: int = 0

    def reset(self) -> None:
        """Forget tokens and counts; back to Xero's limits."""
        self._tokens.clear()
        self._refresh.clear()
        self._recent.clear()
        self._today = 0
        self.limits = Limits()
        self.allowed = SCOPES

    def token(self, authorization: str, form: bytes) -> dict[str, Any]:
        """Answer of the token endpoint. Raises ``Denied``."""
        if _basic(authorization) != (self.client_id, self.client_secret):
            raise Denied(400, {"error": "invalid_client"})
        asked = parse_qs(form.decode())
        if asked.get("grant_type") == ["refresh_token"]:
            return {**self._issued(self.allowed), "refresh_token": self._next(asked.get("refresh_token", [""])[0])}
        if asked.get("grant_type") != ["client_credentials"]:
            raise Denied(400, {"error": "unsupported_grant_type"})
        scopes = frozenset(" ".join(asked.get("scope", [])).split())
        if not scopes <= self.allowed:
            raise Denied(400, {"error": "invalid_scope"})
        return self._issued(scopes)

    def authorise(self) -> str:
        """The refresh token that a person's consent brings."""
        token = secrets.token_urlsafe(32)
        self._refresh[token] = None
        return token

    def _next(self, token: str) -> str:
        """The refresh token after this one. Raises ``Denied``."""
        moment = self.clock()
        used = self._refresh.get(token, datetime.min.replace(tzinfo=moment.tzinfo))
        if used is not None and moment - used > GRACE:
            raise Denied(400, {"error": "invalid_grant"})
        self._refresh[token] = used or moment
        return self.authorise()

    def _issued(self, scopes: frozenset[str]) -> dict[str, Any]:
        token = secrets.token_urlsafe(32)
        self._tokens[token] = (self.clock() + timedelta(seconds=TOKEN_SECONDS), scopes)
        return {
            "access_token": token,
            "expires_in": TOKEN_SECONDS,
            "token_type": "Bearer",
            "scope": " ".join(sorted(scopes)),
        }

    def expire_tokens(self) -> None:
        """Let every token handed out so far be too old."""
        self._tokens = {token: (self.clock(), scopes) for token, (_, scopes) in self._tokens.items()}

    def scopes_of(self, authorization: str) -> frozenset[str]:
        """Scopes of a good token. Raises ``Denied``."""
        kind, _, token = authorization.partition(" ")
        ends, scopes = self._tokens.get(token, (None, frozenset()))
        if kind != "Bearer" or ends is None:
            raise _unauthorised("AuthenticationUnsuccessful", "invalid_token")
        if ends <= self.clock():
            raise _unauthorised(f"TokenExpired: token expired at {ends:%m/%d/%Y %H:%M:%S}", "invalid_token")
        return scopes

    def admit(self, resource: str, method: str, headers: Mapping[str, str]) -> None:
        """Check token, organisation and scope of a call. Raises ``Denied``."""
        scopes = self.scopes_of(headers.get("authorization", ""))
        if headers.get("xero-tenant-id") != self.tenant_id:
            raise Denied(403, _problem("Forbidden", 403, "AuthenticationUnsuccessful"))
        needed = set(_NEEDS[resource])
        if method == "GET":
            needed |= {f"{scope}.read" for scope in needed}
        if scopes.isdisjoint(needed):
            raise _unauthorised("AuthorizationUnsuccessful", "insufficient_scope")

    def count(self) -> dict[str, str]:
        """Count a call against the limits and return Xero's headers. Raises ``Denied`` with 429."""
        moment = self.clock()
        while self._recent and moment - self._recent[0] >= timedelta(minutes=1):
            self._recent.popleft()
        left = {
            "x-minlimit-remaining": self.limits.minute - len(self._recent),
            "x-daylimit-remaining": self.limits.day - self._today,
        }
        problem, wait = "", 0.0
        if left["x-daylimit-remaining"] <= 0:
            problem, wait = "day", 6 * 3600.0
        elif left["x-minlimit-remaining"] <= 0:
            problem, wait = "minute", 60 - (moment - self._recent[0]).total_seconds()
        if problem:
            shown = {name: "0" if value <= 0 else str(value) for name, value in left.items()}
            raise Denied(429, None, {**shown, "x-rate-limit-problem": problem, "retry-after": str(max(1, round(wait)))})
        self._recent.append(moment)
        self._today += 1
        return {name: str(value - 1) for name, value in left.items()} | {"x-appminlimit-remaining": "9999"}


def _basic(authorization: str) -> tuple[str, str] | None:
    kind, _, coded = authorization.partition(" ")
    try:
        name, _, secret = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (name, secret) if kind == "Basic" else None


def _problem(title: str, status: int, detail: str) -> dict[str, Any]:
    return {
        "Type": None,
        "Title": title,
        "Status": status,
        "Detail": detail,
        "Instance": str(uuid.uuid4()),
        "Extensions": {},
    }


def _unauthorised(detail: str, error: str) -> Denied:
    headers = {"www-authenticate": f'Bearer error="{error}"'}
    return Denied(401, _problem("Unauthorized", 401, detail), headers)
