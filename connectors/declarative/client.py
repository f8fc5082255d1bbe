"""Send the requests of a manifest: filled in, within its limits, under its credentials, to its host alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import msgspec

from connectors import retry
from connectors.budget import Allowance, Priority, Quota, account
from connectors.contract import CallStats
from connectors.declarative.credentials import Credentials
from connectors.declarative.failures import Classifier
from connectors.declarative.manifest import Manifest
from connectors.declarative.requests import Request
from connectors.declarative.rules import Limits
from connectors.declarative.settings import DeclaredConfig
from connectors.declarative.tokens import Tokens
from connectors.errors import ContractError
from connectors.expressions import UNSET, ExpressionError, Template
from connectors.http import HttpSession
from connectors.services import Services

PATIENCE = retry.RetryPolicy(attempts=6, total_seconds=120.0)
_json = msgspec.json.Encoder(decimal_format="number")


class Client:
    """One system's API."""

    def __init__(
        self, manifest: Manifest, config: DeclaredConfig, stats: CallStats, services: Callable[[], Services]
    ) -> None:
        self.config = config.plain()
        """What requests may show of the settings."""
        self._base = config.base_url.rstrip("/")
        self._credentials = Credentials(manifest.auth, config)
        oauth = manifest.auth.oauth2 if manifest.auth else None
        self.tokens = (
            Tokens(manifest.name, oauth, self._credentials, config, stats, lambda: services().tokens) if oauth else None
        )
        """``None`` where no tokens are needed."""
        self._headers = Template(manifest.headers)
        self.allowances = _allowances(manifest.name, self._base, manifest.limits, config)
        self._session = HttpSession(
            self._base,
            stats=stats,
            classify=Classifier(manifest.name, manifest.errors),
            budget=lambda: services().budget,
            allowances=self.allowances,
            policy=PATIENCE,
            authenticate=self._authenticate,
            reauthenticate=self._reauthenticate,
            sign=self._credentials.signature if manifest.auth and manifest.auth.sign else None,
            timeout=config.timeout_seconds,
            network=config.network,
        )

    def close(self) -> None:
        """Close the connections."""
        self._session.close()
        if self.tokens is not None:
            self.tokens.close()

    def send(
        self,
        request: Request,
        variables: Mapping[str, Any],
        *,
        safe: bool = True,
        priority: Priority = Priority.READ,
    ) -> httpx.Response:
        """Send one request and return the successful answer; ``safe``: as in ``HttpSession.request``.

        Raises any ``ConnectorError``; ``ContractError`` also if the request cannot be filled in.
        """
        known = {"config": self.config, **variables}
        try:
            path = request.path.path(known)
            rest = request.rest.fill(known)
            headers = self._fixed()
        except ExpressionError as error:
            raise ContractError(f"A request of the manifest cannot be filled in: {error}.") from None
        headers |= {name: str(value) for name, value in rest.get("headers", {}).items()}
        content, kind = _content(rest.get("body", UNSET), rest.get("form"), request)
        if kind:
            headers.setdefault("Content-Type", kind)
        query = _parameters(rest.get("query", {}))
        return self._request(request.method, path, query, content, headers, safe=safe, priority=priority)

    def follow(self, address: str) -> httpx.Response:
        """Read the next page at an address that the system gave. Raises ``ContractError`` if it is on another host."""
        try:
            parts, base = urlsplit(address), urlsplit(self._base)
        except ValueError:
            raise ContractError("The address of the next page cannot be read.") from None
        if parts.netloc and (parts.scheme, parts.netloc) != (base.scheme, base.netloc):
            raise ContractError(
                f"The address of the next page is on another host than {base.netloc}; nothing was sent there.",
                remedy="Correct base_url, or ask the system's owner.",
            )
        own = f"{base.scheme}://{base.netloc}{parts.path}" + (f"?{parts.query}" if parts.query else "")
        return self._request("GET", own, {}, None, dict(self._fixed()))

    def _fixed(self) -> dict[str, str]:
        """The headers that go with every request."""
        return {name: str(value) for name, value in self._headers.fill({"config": self.config}).items()}

    def _request(
        self,
        method: str,
        path: str,
        query: dict[str, Any],
        content: bytes | None,
        headers: dict[str, str],
        *,
        safe: bool = True,
        priority: Priority = Priority.READ,
    ) -> httpx.Response:
        parameters = {**query, **self._credentials.query()} or None
        return self._session.request(
            method, path, content=content, params=parameters, headers=headers, safe=safe, priority=priority
        )

    def _authenticate(self) -> Mapping[str, str]:
        return self._credentials.headers(self.tokens.current() if self.tokens else None)

    def _reauthenticate(self) -> bool:
        return self.tokens is not None and self.tokens.renew()


def _allowances(name: str, base: str, limits: Limits, config: DeclaredConfig) -> list[Allowance]:
    """What the system allows, shared by everyone who calls it with the same settings, whatever their secrets."""
    key = account(name, base, sorted(config.plain().items()))
    per_second = config.calls_per_second or limits.per_second
    rates = [(per_second, 1.0), (limits.per_minute, 60.0)]
    found = [
        Allowance(f"{key}:{seconds:g}", calls, seconds, name=name) for calls, seconds in rates if calls is not None
    ]
    if limits.per_day is not None or limits.concurrent is not None:
        quota = Quota(limits.per_day, limits.day_zone) if limits.per_day is not None else None
        found.append(Allowance(f"{key}:day", concurrent=limits.concurrent, quota=quota, name=name))
    return found


def _content(body: Any, form: Any, request: Request) -> tuple[bytes | None, str]:
    if form is not None and form is not UNSET:
        return urlencode({key: _plain(value) for key, value in form.items()}).encode(), (
            "application/x-www-form-urlencoded"
        )
    if request.body is None or body is UNSET or body is None:
        return None, ""
    return _json.encode(body), "application/json"


def _parameters(query: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: [_plain(item) for item in value] if isinstance(value, list) else _plain(value)
        for name, value in query.items()
    }


def _plain(value: Any) -> str:
    """A value as a parameter holds it; ``{json: …}`` as JSON text."""
    if isinstance(value, dict):
        inner = value["json"] if set(value) == {"json"} else value
        return _json.encode(inner).decode()
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
