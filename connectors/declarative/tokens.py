"""Access tokens of OAuth 2.0: fetched once for all threads, renewed when they end or are refused."""

from __future__ import annotations

import base64
import threading
import time
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import httpx
import msgspec

from connectors.contract import CallStats
from connectors.declarative.credentials import Credentials
from connectors.declarative.expressions import UNSET, Template
from connectors.declarative.manifest import OAuth
from connectors.declarative.settings import DeclaredConfig
from connectors.errors import AuthError, ConnectorError
from connectors.http import HttpSession
from connectors.network import AddressRefused
from connectors.rawjson import parse

_EARLY = 60.0
"""Seconds before its end at which a token counts as ended: an answer may take that long."""
_USUAL = 300.0
"""Seconds that a token is used whose end is not told."""


class _Granted(msgspec.Struct):
    access_token: str
    expires_in: float | str | None = None
    """Seconds."""
    refresh_token: str | None = None


_granted = msgspec.json.Decoder(_Granted)


class Tokens:
    """The tokens of one system."""

    def __init__(
        self, name: str, oauth: OAuth, credentials: Credentials, config: DeclaredConfig, stats: CallStats
    ) -> None:
        self._name = name
        self._oauth = oauth
        self._credentials = credentials
        address = urljoin(config.base_url.rstrip("/") + "/", oauth.token_url)
        parts, base = urlsplit(address), urlsplit(config.base_url)
        if parts.netloc != base.netloc and (parts.hostname or "") not in config.hosts:
            raise AddressRefused(
                f"The manifest asks for tokens at {parts.hostname}, which is not the system's host.",
                remedy=f"If that is right, name it in ltc.yaml: config: {{hosts: [{parts.hostname}]}}.",
            )
        self._path = parts.path
        self._session = HttpSession(
            f"{parts.scheme}://{parts.netloc}",
            stats=stats,
            classify=self._failure,
            timeout=config.timeout_seconds,
            network=config.network,
        )
        self._lock = threading.Lock()
        self._token: tuple[str, float] | None = None
        self._refresh: str | None = None

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def current(self) -> str:
        """A token that is good for a minute at least. Raises ``AuthError``, ``TransientError``."""
        with self._lock:
            if self._token is None or time.monotonic() >= self._token[1]:
                self._fetch()
            assert self._token is not None  # noqa: S101 - _fetch raises otherwise
            return self._token[0]

    def renew(self) -> bool:
        """Take the current token for refused; true if there is another one to try."""
        with self._lock:
            self._token = None
        return True

    def _fetch(self) -> None:
        answer = self._session.request("POST", self._path, content=self._form(), headers=self._headers(), safe=True)
        granted = parse(answer.content, _granted)
        try:
            seconds = float(granted.expires_in) if granted.expires_in is not None else _USUAL
        except ValueError:
            seconds = _USUAL
        self._token = (granted.access_token, time.monotonic() + max(seconds - _EARLY, seconds / 2))
        self._refresh = granted.refresh_token or self._refresh

    def _form(self) -> bytes:
        oauth, text = self._oauth, self._credentials.text
        form: dict[str, Any] = {"grant_type": oauth.grant}
        if oauth.grant == "refresh_token":
            form["refresh_token"] = self._refresh or text(oauth.refresh_token)
        if oauth.scope is not None:
            form["scope"] = text(oauth.scope)
        if oauth.credentials == "body":
            form |= {"client_id": text(oauth.client_id), "client_secret": text(oauth.client_secret)}
        further = Template(oauth.form).fill({"config": {}})
        form |= {} if further is UNSET else further
        return urlencode(form).encode()

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if self._oauth.credentials == "basic":
            pair = (
                f"{self._credentials.text(self._oauth.client_id)}:{self._credentials.text(self._oauth.client_secret)}"
            )
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return headers

    def _failure(self, response: httpx.Response) -> ConnectorError | None:
        if response.status_code in (400, 401, 403):
            return AuthError(
                f"{self._name} gave us no token (HTTP {response.status_code}).",
                remedy="Check client id, secret and refresh token in ltc.yaml.",
            )
        return None
