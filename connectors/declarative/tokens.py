"""Access tokens of OAuth 2.0 (RFC 6749): granted once for all threads, processes and workers, and renewed likewise."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import httpx
import msgspec

from connectors.contract import CallStats
from connectors.declarative.authentication import OAuth
from connectors.declarative.credentials import Credentials
from connectors.declarative.settings import DeclaredConfig
from connectors.errors import AuthError, ConnectorError, ContractError
from connectors.http import HttpSession
from connectors.network import AddressRefused
from connectors.rawjson import parse
from connectors.tokens import Grant, SharedToken, TokenKey, TokenRefused, TokenVault, renewed_with, token_key

_REMEDY = "Check client id, secret and refresh token."


class _Granted(msgspec.Struct):
    access_token: str
    expires_in: float | str | None = None
    """Seconds; some systems write them as text."""
    refresh_token: str | None = None


class _Refusal(msgspec.Struct):
    error: str = ""


_granted = msgspec.json.Decoder(_Granted)
_refusal = msgspec.json.Decoder(_Refusal)


class Tokens:
    """The tokens of one system."""

    def __init__(
        self,
        name: str,
        oauth: OAuth,
        credentials: Credentials,
        config: DeclaredConfig,
        stats: CallStats,
        vault: Callable[[], TokenVault],
    ) -> None:
        self._name = name
        self._oauth = oauth
        self._text = credentials.text
        self._address = urljoin(config.base_url.rstrip("/") + "/", oauth.token_url)
        parts = urlsplit(self._address)
        if parts.netloc != urlsplit(config.base_url).netloc and (parts.hostname or "") not in config.hosts:
            raise AddressRefused(
                f"The manifest asks for tokens at {parts.hostname}, which is not the system's host.",
                remedy=f"If that is right, name it in the settings: config: {{hosts: [{parts.hostname}]}}.",
            )
        if oauth.authorize_url is not None:
            # Only a person's browser goes there.
            self._consent = urljoin(config.base_url.rstrip("/") + "/", oauth.authorize_url)
        self._session = HttpSession(
            f"{parts.scheme}://{parts.netloc}",
            stats=stats,
            classify=self._failure,
            timeout=config.timeout_seconds,
            network=config.network,
        )
        self._vault = vault
        self._shared = SharedToken(vault, self._key, self._renew)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def current(self) -> str:
        """A token that has not ended. Raises ``AuthError``, ``TransientError``."""
        return self._shared.fresh().access_token

    def renew(self) -> bool:
        """The current token was refused: there is another one now. Raises as ``current``."""
        self._shared.refused()
        return True

    def consent(self, redirect: str, state: str, challenge: str) -> str:
        """Where a person agrees that we may act for them (RFC 6749, 4.1.1, with the challenge of RFC 7636).

        Raises ``ContractError`` if the manifest names no such place.
        """
        if self._oauth.authorize_url is None:
            raise ContractError(f"Nobody logs in to {self._name}: its manifest has no authorize_url.")
        asked = {
            "response_type": "code",
            "client_id": self._text(self._oauth.client_id),
            "redirect_uri": redirect,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        if self._oauth.scope is not None:
            asked["scope"] = self._text(self._oauth.scope)
        return f"{self._consent}{'&' if '?' in self._consent else '?'}{urlencode(asked)}"

    def exchange(self, code: str, redirect: str, verifier: str) -> None:
        """Keep what a person's consent grants. Raises ``AuthError`` if it comes without a refresh token."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect,
            "code_verifier": verifier,
        }

        def granted(_: Grant | None) -> Grant:
            found = self._granted(form)
            if found.refresh_token is None:
                raise AuthError(
                    f"{self._name} gave us no refresh token, so the consent would end with the first token.",
                    remedy="Ask for offline access in the manifest's scope; its name differs between systems.",
                )
            return found

        vault, key = self._vault(), self._key()
        vault.refresh(key, vault.current(key), granted)

    def _key(self) -> TokenKey:
        oauth, text = self._oauth, self._text
        scope = text(oauth.scope) if oauth.scope is not None else ""
        first = oauth.refresh_token if oauth.grant == "refresh_token" else None
        secret = first if first is not None else oauth.client_secret
        return token_key(self._name, self._address, text(oauth.client_id), scope, secret=text(secret))

    def _renew(self, last: Grant | None) -> Grant:
        if self._oauth.grant == "client_credentials":
            return self._granted({"grant_type": "client_credentials"})
        if self._oauth.refresh_token is not None:
            first = self._text(self._oauth.refresh_token)
        elif last is not None and last.refresh_token is not None:
            first = last.refresh_token
        else:
            raise AuthError(
                f"Nobody has agreed yet that we may act for them in {self._name}.",
                remedy="Run `ltc connectors login` with the system's name, once.",
            )
        return renewed_with(
            last, first, lambda used: self._granted({"grant_type": "refresh_token", "refresh_token": used})
        )

    def _granted(self, form: dict[str, Any]) -> Grant:
        answer = self._session.request(
            "POST", urlsplit(self._address).path, content=self._form(form), headers=self._headers()
        )
        granted = parse(answer.content, _granted)
        try:
            seconds = float(granted.expires_in) if granted.expires_in is not None else None
        except ValueError:
            seconds = None
        return Grant.made(granted.access_token, seconds, refresh_token=granted.refresh_token)

    def _form(self, form: dict[str, Any]) -> bytes:
        oauth, text = self._oauth, self._text
        form = dict(form)
        if oauth.scope is not None:
            form["scope"] = text(oauth.scope)
        if oauth.credentials == "body":
            form |= {"client_id": text(oauth.client_id), "client_secret": text(oauth.client_secret)}
        for name, template in oauth.form.items():
            form[name] = text(template)
        return urlencode(form).encode()

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if self._oauth.credentials == "basic":
            pair = f"{self._text(self._oauth.client_id)}:{self._text(self._oauth.client_secret)}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return headers

    def _failure(self, response: httpx.Response) -> ConnectorError | None:
        if response.status_code not in (400, 401, 403):
            return None
        try:
            reason = _refusal.decode(response.content).error
        except (msgspec.DecodeError, UnicodeDecodeError):
            reason = ""
        said = f"{self._name} gave us no token (HTTP {response.status_code})."
        # RFC 6749, 5.2: the refresh token is invalid, expired, revoked, or was used before.
        return (TokenRefused if reason == "invalid_grant" else AuthError)(said, remedy=_REMEDY)
