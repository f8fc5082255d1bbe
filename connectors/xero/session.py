"""Talk to Xero: token, organisation, limits, and Xero's failures as our errors."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import msgspec

from connectors import retry
from connectors.budget import Allowance, Priority, Quota, Told, account
from connectors.contract import CallStats
from connectors.errors import AuthError, ConnectorError, QuotaError, RecordError, Throttled
from connectors.http import HttpSession, retry_after
from connectors.rawjson import parse
from connectors.redact import masked
from connectors.services import Services, in_process
from connectors.tokens import Grant, SharedToken, TokenKey, TokenRefused, renewed_with, token_key
from connectors.xero.answers import error_messages, sentence
from connectors.xero.config import XeroConfig

PATIENCE = retry.RetryPolicy(attempts=5, total_seconds=150.0)
"""Xero's minute limit asks for waits of up to a minute."""


class _Token(msgspec.Struct):
    access_token: str
    expires_in: float
    """Seconds."""
    refresh_token: str | None = None
    scope: str | None = None


class _Tenant(msgspec.Struct):
    tenantId: str
    tenantName: str | None = None


_tokens = msgspec.json.Decoder(_Token)
_connections = msgspec.json.Decoder(list[_Tenant])


class Refused(RecordError):
    """Xero refused the request's content (HTTP 400); ``messages`` are its reasons, which may name people."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__(f"Xero refused it: {masked(sentence(messages)) or 'no reason given.'}")
        self.messages = messages


class ScopeMissing(AuthError):
    """The token is good but does not cover this call."""


class Session:
    """One organisation's API: ``get`` and ``post`` return the successful answer or raise ``connectors.errors``."""

    def __init__(self, config: XeroConfig, stats: CallStats, services: Callable[[], Services] = in_process) -> None:
        self._config = config
        self._stats = stats
        self._services = services
        self._tenant = config.tenant_id
        self._lock = threading.RLock()
        self._token_at_fault = False
        self._token = SharedToken(lambda: services().tokens, self._key, self._renewed)
        self.allowance = _allowance(config)
        self._identity = self._connection(_origin(config.token_url), classify=_token_failure)
        self._api = self._connection(
            config.base_url,
            classify=self._failure,
            budget=lambda: services().budget,
            allowances=[self.allowance],
            authenticate=self._headers,
            reauthenticate=self._renew,
        )

    @property
    def granted(self) -> frozenset[str]:
        """Scopes of the current token, as Xero confirmed them."""
        return frozenset((self._token.fresh().scope or "").split())

    def _connection(self, url: str, **options: Any) -> HttpSession:
        options |= {"timeout": self._config.timeout_seconds, "network": self._config.network}
        return HttpSession(url, stats=self._stats, policy=PATIENCE, **options)

    def close(self) -> None:
        """Close all connections."""
        self._identity.close()
        self._api.close()

    def get(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        priority: Priority = Priority.READ,
    ) -> bytes | None:
        """The answer's body; ``None`` where Xero says that nothing was modified."""
        try:
            return self._api.request("GET", path, params=params, headers=headers, priority=priority).content
        except _NotModified:
            return None

    def post(self, path: str, body: Any, key: str, params: Mapping[str, Any] | None = None) -> bytes:
        """Send a write under an idempotency key, which makes sending it again harmless."""
        return self._write("POST", path, body, key, params)

    def put(self, path: str, body: Any, key: str, params: Mapping[str, Any] | None = None) -> bytes:
        """As ``post``, for what is to be made and never changed."""
        return self._write("PUT", path, body, key, params)

    def _write(self, method: str, path: str, body: Any, key: str, params: Mapping[str, Any] | None) -> bytes:
        headers = {"Idempotency-Key": key}
        return self._api.request(
            method, path, json=body, params=params, headers=headers, priority=Priority.WRITE
        ).content

    def _organisations(self) -> dict[str, str]:
        """Organisations the connection may use: id → name."""
        directory = self._connection(
            _origin(self._config.base_url),
            classify=self._failure,
            authenticate=self._bearer,
            reauthenticate=self._renew,
        )
        try:
            found = parse(directory.request("GET", "/connections").content, _connections)
        finally:
            directory.close()
        return {row.tenantId: row.tenantName or "" for row in found}

    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token.fresh().access_token}", "Accept": "application/json"}

    def _headers(self) -> dict[str, str]:
        with self._lock:
            if self._tenant is None:
                self._tenant = self._only_organisation()
        return {**self._bearer(), "xero-tenant-id": self._tenant}

    def _renew(self) -> bool:
        with self._lock:
            at_fault, self._token_at_fault = self._token_at_fault, False
        if at_fault:
            self._token.refused()
        return at_fault

    def _key(self) -> TokenKey:
        config = self._config
        if config.refresh_token is not None:
            return token_key("xero", config.token_url, config.client_id, secret=config.refresh_token.get_secret_value())
        scopes = tuple(sorted(config.scopes))
        return token_key("xero", config.token_url, config.client_id, scopes, secret=_secret(config))

    def _renewed(self, last: Grant | None) -> Grant:
        first = self._config.refresh_token
        if first is None:
            return self._granted({"grant_type": "client_credentials", "scope": " ".join(self._config.scopes)})
        return renewed_with(
            last,
            first.get_secret_value(),
            lambda used: self._granted({"grant_type": "refresh_token", "refresh_token": used}),
        )

    def _granted(self, form: Mapping[str, str]) -> Grant:
        """Ask for a token. Each refresh token makes way for the next; a lost answer's one is taken for 30 minutes more
        (a Xero employee, community.xero.com/developer/discussion/105714701).
        """
        pair = f"{self._config.client_id}:{_secret(self._config)}"
        answer = parse(
            self._identity.request(
                "POST",
                urlsplit(self._config.token_url).path,
                content=urlencode(form).encode(),
                headers={
                    "Authorization": "Basic " + base64.b64encode(pair.encode()).decode(),
                    "Content-Type": "application/x-www-form-urlencoded",
                    "Accept": "application/json",
                },
            ).content,
            _tokens,
        )
        scope = " ".join(self._config.scopes) if answer.scope is None else answer.scope
        return Grant.made(answer.access_token, answer.expires_in, refresh_token=answer.refresh_token, scope=scope)

    def _only_organisation(self) -> str:
        found = self._organisations()
        if len(found) == 1:
            return next(iter(found))
        if not found:
            raise AuthError(
                "The Xero connection is not connected to an organisation.",
                remedy="Connect the custom connection to the organisation in Xero, under My Apps.",
            )
        raise AuthError(
            f"The Xero connection covers {len(found)} organisations.",
            remedy="Set tenant_id to one of: " + ", ".join(f"{key} ({found[key]})" for key in sorted(found)) + ".",
        )

    def _failure(self, response: httpx.Response) -> ConnectorError | None:
        self._note_limits(response.headers)
        status = response.status_code
        if status == 304:
            return _NotModified("not modified")
        if status == 400:
            return Refused(error_messages(response.content))
        if status == 401:
            refusal = _unauthorised(response)
            self._token_at_fault = not isinstance(refusal, ScopeMissing)
            return refusal
        if status == 403:
            return AuthError(
                "Xero refuses access to this organisation.",
                remedy="Check tenant_id, and that the connection is still connected to the organisation in Xero.",
            )
        if status == 429:
            return _throttled(response)
        return None

    def _note_limits(self, headers: httpx.Headers) -> None:
        for name, header in (
            ("calls_left_today", "x-daylimit-remaining"),
            ("calls_left_minute", "x-minlimit-remaining"),
        ):
            value = headers.get(header, "")
            if value.isdecimal() and len(value) < 10:
                self._stats.quota_used[name] = value
                if name == "calls_left_today":
                    self._services().budget.told(self.allowance, Told(remaining=int(value)))


def _allowance(config: XeroConfig) -> Allowance:
    """Xero's limits for one organisation and app: a minute, 24 hours, calls at once (developer.xero.com/faq/limits).

    A minute and a day are rolling (github.com/XeroAPI/xero-node/issues/262 quotes Xero's page of 2019).
    """
    return Allowance(
        account("xero", config.base_url, config.client_id, config.tenant_id),
        config.calls_per_minute,
        60.0,
        burst=max(1, config.calls_per_minute // 6),
        concurrent=config.concurrency,
        quota=Quota(config.calls_per_day, reserve=config.daily_reserve),
        name="Xero",
    )


def _secret(config: XeroConfig) -> str:
    return config.client_secret.get_secret_value()


class _NotModified(ConnectorError):
    """HTTP 304: nothing newer than If-Modified-Since."""


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _unauthorised(response: httpx.Response) -> AuthError:
    told = response.headers.get("www-authenticate", "") + response.text[:500]
    if "insufficient_scope" in told or "insufficent_scope" in told:
        return ScopeMissing(
            "The Xero connection lacks a scope for this call.",
            remedy="Add the scope to the custom connection in Xero (My Apps) and to `scopes`.",
        )
    return AuthError(
        "Xero does not accept the access token.",
        remedy="Check client_id, client_secret and scopes, and that the connection was not revoked in Xero.",
    )


def _throttled(response: httpx.Response) -> ConnectorError:
    wait = retry_after(response)
    if response.headers.get("x-rate-limit-problem", "").lower() == "day":
        return QuotaError(
            "Xero's daily allowance of calls is used up.",
            remedy="The pull goes on where it stopped when the allowance is back.",
            reset_after=wait,
        )
    return Throttled("Xero asks for fewer calls.", remedy="It is tried again.", retry_after=wait)


def _token_failure(response: httpx.Response) -> ConnectorError | None:
    if response.status_code not in (400, 401):
        return None
    problem = response.text[:500]
    if "invalid_scope" in problem or "unauthorized_client" in problem:
        return AuthError(
            "Xero refuses the scopes asked for.",
            remedy="Compare `scopes` with those of the custom connection in Xero (My Apps, Configuration).",
        )
    if "invalid_grant" in problem:
        return TokenRefused(
            "Xero does not take the refresh token any more: it was revoked, or not used for too long.",
            remedy="Authorise the app anew and set `refresh_token` to the new refresh token.",
        )
    return AuthError(
        "Xero does not accept the client id and secret.",
        remedy="Copy them again from the custom connection in Xero (My Apps, Configuration).",
    )
