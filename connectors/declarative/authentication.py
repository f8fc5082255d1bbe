"""How a system knows us, as a manifest says it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import Field, model_validator

from connectors.declarative.parts import Holes
from connectors.expressions import ExpressionError, Template
from connectors.words import Header, Part

SECRET = frozenset({"config"})
"""Variables of credentials: here, and only here, ``config`` holds secrets."""
SIGNING = SECRET | {"method", "path", "query", "body", "timestamp", "timestamp_ms", "nonce"}
"""Variables of a signature of ours."""


class OAuth(Part):
    """OAuth 2.0 (RFC 6749). With a refresh token, each new one that comes with an access token takes its place."""

    grant: Literal["client_credentials", "refresh_token"] = "client_credentials"
    token_url: str
    authorize_url: str | None = None
    """Where a person agrees, once (``ltc connectors login``); gives the first refresh token."""
    client_id: Holes
    client_secret: Holes
    refresh_token: Holes = None
    """The first one, if it is known."""
    scope: Holes = None
    credentials: Literal["basic", "body"] = "basic"
    """Whether client id and secret go into the header or into the form."""
    form: dict[str, Holes] = Field(default_factory=dict)
    """Further parameters of the token request, such as ``audience``."""

    @model_validator(mode="after")
    def _chain(self) -> OAuth:
        asks = self.refresh_token is not None or self.authorize_url is not None
        if self.grant == "refresh_token" and not asks:
            raise ValueError("a chain of refresh tokens needs the first (refresh_token), or authorize_url to get it")
        if self.grant != "refresh_token" and asks:
            raise ValueError("refresh_token and authorize_url go with `grant: refresh_token`")
        return self


class Basic(Part):
    """HTTP Basic."""

    user: Holes
    password: Holes = ""


class Signing(Part):
    """Each attempt at a request is signed in these headers, as in
    ``X-Signature: "{hmac('sha256', config.secret, join('', [timestamp, method, path, body]), 'hex')}"``."""

    headers: dict[Header, Holes]


class Auth(Part):
    """How the system knows us; of the first five at most one."""

    bearer: Holes = None
    headers: dict[Header, Holes] | None = None
    query: dict[str, Holes] | None = None
    basic: Basic | None = None
    oauth2: OAuth | None = None
    sign: Signing | None = None

    @model_validator(mode="after")
    def _one(self) -> Auth:
        if sum(item is not None for item in (self.bearer, self.headers, self.query, self.basic, self.oauth2)) > 1:
            raise ValueError("has more than one of bearer, headers, query, basic and oauth2")
        for value, allowed in self._templates():
            try:
                Template(value).check(allowed)
            except ExpressionError as error:
                raise ValueError(str(error)) from None
        return self

    @property
    def settings(self) -> frozenset[str]:
        """The settings that it needs."""
        return frozenset(name for value, _ in self._templates() for name in Template(value).settings)

    def _templates(self) -> Iterable[tuple[Any, frozenset[str]]]:
        yield [self.bearer, self.headers, self.query], SECRET
        if self.basic is not None:
            yield [self.basic.user, self.basic.password], SECRET
        if self.oauth2 is not None:
            oauth = self.oauth2
            yield [oauth.client_id, oauth.client_secret, oauth.refresh_token, oauth.scope, oauth.form], SECRET
        if self.sign is not None:
            yield self.sign.headers, SIGNING
