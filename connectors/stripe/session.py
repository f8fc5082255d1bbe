"""Stripe's API over HTTP: one account, its version and key, within the limits; its errors as ours.

A POST goes with an idempotency key: Stripe keeps the first answer, a 500 included, and repeats it
(docs.stripe.com/api/idempotent_requests), so a request without an answer is sent again as it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import urlencode

import httpx
import msgspec

from connectors import retry
from connectors.budget import Allowance, Priority, account
from connectors.contract import CallStats
from connectors.errors import AuthError, ConnectorError, ContractError, RecordError, Throttled, TransientError
from connectors.http import HttpSession, retry_after
from connectors.redact import masked
from connectors.services import Services
from connectors.stripe.config import StripeConfig

PATIENCE = retry.RetryPolicy(attempts=6, total_seconds=120.0)
_RIGHTS = re.compile(r"\brak_[a-z0-9_]{1,60}\b")

Params = Mapping[str, str | Sequence[str]]


class Answer(NamedTuple):
    """A successful answer: its JSON without white space between, and the time that the server gave it."""

    body: bytes
    at: datetime | None
    replayed: bool = False
    """It is the stored answer to an earlier request with the same idempotency key."""


class Refused(RecordError):
    """Stripe refuses the request as it is; ``said`` is its sentence, which may name people."""

    def __init__(self, said: str, *, param: str = "", code: str = "") -> None:
        super().__init__(f"Stripe refused it: {masked(said) or 'no reason given.'}")
        self.said = said
        self.param = param
        self.code = code


class Missing(Refused):
    """Stripe shows no such object; ``param`` says where it was named, if not in the address."""


class KeyReused(Refused):
    """The idempotency key was used for another content within the last day."""


class PermissionMissing(AuthError):
    """The key is good but does not cover this call; ``rights`` are the permissions that Stripe names."""

    def __init__(self, rights: Sequence[str]) -> None:
        named = ", ".join(rights)
        super().__init__(
            f"The key lacks a permission for this call: {named}."
            if named
            else "The key lacks a permission for this call.",
            remedy="Give it to the restricted key in Stripe (Developers, API keys, Edit key).",
        )
        self.rights = tuple(rights)


class NotAgain(ConnectorError):
    """Stripe failed, and repeating the request would only repeat the answer."""


class Session:
    """One account's API; raises ``connectors.errors``."""

    def __init__(self, config: StripeConfig, stats: CallStats, services: Callable[[], Services]) -> None:
        key = config.api_key.get_secret_value()
        self._headers = {"Authorization": f"Bearer {key}", "Stripe-Version": config.stripe_version}
        if config.account:
            self._headers["Stripe-Account"] = config.account
        # The two limits are of the account, whatever its keys; without its name it is known by the key.
        secret = None if config.account else key
        whose = (config.base_url, config.account or "")
        reads, writes = (account("stripe", *whose, what, secret=secret) for what in ("reads", "writes"))
        self.reads = Allowance(reads, config.reads, about="reads", name="Stripe")
        self.writes = Allowance(writes, config.writes, about="writes", name="Stripe")
        self._http = HttpSession(
            config.base_url,
            stats=stats,
            classify=_failure,
            budget=lambda: services().budget,
            policy=PATIENCE,
            authenticate=lambda: self._headers,
            timeout=config.timeout_seconds,
            network=config.network,
        )

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def get(self, path: str, params: Params | None = None, priority: Priority = Priority.READ) -> Answer:
        """Read. Raises ``Missing`` for what is not there."""
        try:
            return _answer(self._http.request("GET", path, params=params, allowances=[self.reads], priority=priority))
        except NotAgain as error:
            raise TransientError(error.message, remedy="It is tried again on the next run.") from error

    def post(self, path: str, form: Sequence[tuple[str, str]], key: str) -> Answer:
        """Write under an idempotency key. Raises ``NotAgain`` if the answer that Stripe keeps for it is a failure."""
        headers = {"Idempotency-Key": key, "Content-Type": "application/x-www-form-urlencoded"}
        content = urlencode(form).encode()
        sent = self._http.request(
            "POST", path, content=content, headers=headers, allowances=[self.writes], priority=Priority.WRITE
        )
        return _answer(sent)


def _answer(response: httpx.Response) -> Answer:
    try:
        # Stripe indents its answers, a list's objects further than a single one: without white space they are the same.
        body = msgspec.json.format(response.content, indent=-1)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ContractError(
            "The answer is not valid JSON.", remedy="Check the base URL; a proxy or login page may have answered."
        ) from error
    return Answer(body, _date(response), _is_replayed(response))


def _date(response: httpx.Response) -> datetime | None:
    try:
        found = parsedate_to_datetime(response.headers.get("date", ""))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _is_replayed(response: httpx.Response) -> bool:
    return bool(response.headers.get("idempotent-replayed", "") == "true")


class _Said(msgspec.Struct):
    type: str | None = None
    code: str | None = None
    message: str | None = None
    param: str | None = None


class _Envelope(msgspec.Struct):
    error: _Said


_errors = msgspec.json.Decoder(_Envelope)


def _said(body: bytes) -> _Said | None:
    """``None`` if it is no error as Stripe writes them."""
    try:
        return _errors.decode(body).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _failure(response: httpx.Response) -> ConnectorError | None:
    status = response.status_code
    if status < 400:
        return None
    said = _said(response.content)
    again = response.headers.get("stripe-should-retry", "")
    if status == 429 or (status == 400 and said is not None and said.code == "rate_limit"):
        return _busy(said, response)
    if status >= 500 or status == 409 or again == "true":
        return _failed(status, again, response)
    if said is None:
        return None
    return _refusal(status, said)


def _busy(said: _Said | None, response: httpx.Response) -> TransientError:
    wait = retry_after(response)
    if said is not None and said.code == "lock_timeout":
        return TransientError(
            "Somebody else holds the object in Stripe.", remedy="It is tried again.", retry_after=wait, sent=False
        )
    return Throttled("Stripe asks for fewer calls.", remedy="It is tried again.", retry_after=wait)


def _failed(status: int, again: str, response: httpx.Response) -> ConnectorError:
    message = f"Stripe answered HTTP {status}."
    if again == "false" or (status >= 500 and _is_replayed(response)):
        return NotAgain(message)
    return TransientError(
        message, remedy="It is tried again on the next run.", retry_after=retry_after(response), sent=True
    )


def _refusal(status: int, said: _Said) -> ConnectorError | None:
    text, param, code = said.message or "", said.param or "", said.code or ""
    if status == 401:
        return AuthError(
            "Stripe does not accept the API key.",
            remedy="Copy it again from Stripe (Developers, API keys); it may have expired or been rolled.",
        )
    if status == 403:
        if code == "account_invalid":
            return AuthError("The key may not use this account.", remedy="Check `account`.")
        return PermissionMissing(list(dict.fromkeys(_RIGHTS.findall(text))))
    if said.type == "idempotency_error":
        return KeyReused(text)
    if status == 404 or code == "resource_missing":
        return Missing(text, param=param, code=code)
    return Refused(text, param=param, code=code)
