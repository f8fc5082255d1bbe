"""A company's identity provider on loopback: as OpenID Connect Core 1.0 wants it, until a test has it misbehave."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.http import Server

CLIENT = "ltc"
SECRET = "canary/secret+of=the client"
"""With signs that a form encodes."""

Claims = dict[str, Any]


@cache
def key(number: int) -> RSAKey:
    """A signing key; the same for a number, because making one takes time."""
    return RSAKey.generate_key(2048, {"kid": f"key-{number}", "use": "sig", "alg": "RS256"}, private=True)


@dataclass
class Code:
    """What a code stands for."""

    redirect_uri: str
    challenge: str
    nonce: str
    person: Claims


@dataclass
class IdentityProvider:
    """The provider. ``person`` is who sits before the browser; the rest is how it behaves."""

    issuer: str = ""
    redirect_uri: str = ""
    """What is registered for the client."""
    person: Claims = field(default_factory=dict)
    keys: list[RSAKey] = field(default_factory=lambda: [key(1)])
    document: Claims = field(default_factory=dict)
    """Entries that the discovery document has instead of the right ones."""
    tamper: Callable[[Claims], Claims] = dict
    """What becomes of the claims of an ID token before it is signed."""
    sign: Callable[[IdentityProvider, Claims], str] | None = None
    token_answer: Response | None = None
    userinfo: Claims | None = None
    published: Callable[[IdentityProvider], Any] | None = None
    down: bool = False
    calls: list[str] = field(default_factory=list)
    _codes: dict[str, Code] = field(default_factory=dict)

    def signed(self, claims: Claims) -> str:
        """An ID token with the newest key."""
        newest = self.keys[-1]
        return jwt.encode({"alg": "RS256", "kid": newest.kid}, claims, newest)

    def arrive(self, **claims: Any) -> None:
        """Let somebody else sit before the browser."""
        self.person = {"groups": [], **claims}

    @property
    def app(self) -> Starlette:
        """The provider's pages."""
        routes = [
            Route("/.well-known/openid-configuration", self._document),
            Route("/authorize", self._authorize),
            Route("/token", self._token, methods=["POST"]),
            Route("/jwks", self._jwks),
            Route("/userinfo", self._userinfo),
        ]
        return Starlette(routes=routes)

    def _document(self, _request: Request) -> Response:
        self.calls.append("document")
        if self.down:
            return PlainTextResponse("down", 503)
        return JSONResponse(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
                "end_session_endpoint": f"{self.issuer}/logout",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
                **({"userinfo_endpoint": f"{self.issuer}/userinfo"} if self.userinfo is not None else {}),
                **self.document,
            }
        )

    def _authorize(self, request: Request) -> Response:
        """The person has signed in already; RFC 6749, 4.1.1, Core 3.1.2.1, RFC 7636, 4.3."""
        asked = request.query_params
        wanted = {"client_id": CLIENT, "redirect_uri": self.redirect_uri, "response_type": "code"}
        right = all(asked.get(name) == value for name, value in wanted.items())
        right = right and "openid" in asked["scope"].split() and asked["code_challenge_method"] == "S256"
        if not right or len(asked["code_challenge"]) != 43 or len(asked["state"]) < 32 or len(asked["nonce"]) < 32:
            return PlainTextResponse("refused", 400)
        code = secrets.token_urlsafe(16)
        self._codes[code] = Code(asked["redirect_uri"], asked["code_challenge"], asked["nonce"], self.person)
        return RedirectResponse(f"{self.redirect_uri}?{urlencode({'code': code, 'state': asked['state']})}", 303)

    async def _token(self, request: Request) -> Response:
        """RFC 6749, 4.1.3, with the client's secret in the header as 2.3.1 has it, and RFC 7636, 4.6."""
        self.calls.append("token")
        if self.token_answer is not None:
            return self.token_answer
        sent = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        pair = f"{quote(CLIENT, safe='')}:{quote(SECRET, safe='').replace('%20', '+')}"
        if request.headers.get("authorization") != f"Basic {base64.b64encode(pair.encode()).decode()}":
            return JSONResponse({"error": "invalid_client"}, 401)
        found = self._codes.pop(sent["code"], None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(sent["code_verifier"].encode()).digest()).decode()
        if (
            found is None
            or sent["grant_type"] != "authorization_code"
            or found.redirect_uri != sent["redirect_uri"]
            or found.challenge != challenge.rstrip("=")
        ):
            return JSONResponse({"error": "invalid_grant", "error_description": "a <b>secret</b>"}, 400)
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "exp": now + 300, "iat": now, "nonce": found.nonce}
        claims = self.tamper({**claims, **found.person})
        token = self.sign(self, claims) if self.sign else self.signed(claims)
        return JSONResponse({"access_token": "canary-access", "token_type": "Bearer", "id_token": token})

    def _jwks(self, _request: Request) -> Response:
        self.calls.append("jwks")
        if self.published is not None:
            return JSONResponse(self.published(self))
        return JSONResponse(KeySet(list(self.keys)).as_dict(private=False))

    def _userinfo(self, request: Request) -> Response:
        self.calls.append("userinfo")
        if request.headers.get("authorization") != "Bearer canary-access":
            return Response(status_code=401)
        return JSONResponse(self.userinfo)


@contextmanager
def running() -> Iterator[IdentityProvider]:
    """A provider that answers at its ``issuer``."""
    made = IdentityProvider()
    with Server(made.app) as server:
        made.issuer = server.base_url
        yield made
