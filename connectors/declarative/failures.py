"""The answers of a system as our errors: by the manifest's rules first, then by the HTTP status."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx
import msgspec

from connectors.declarative.rules import ErrorRule
from connectors.errors import (
    AuthError,
    ConnectorError,
    ContractError,
    QuotaError,
    RecordError,
    TransientError,
)
from connectors.expressions import Expression, ExpressionError
from connectors.http import retry_after
from connectors.rawjson import shape
from connectors.redact import masked

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Missing(RecordError):
    """The record does not exist any more, or never did."""


class Gone(Missing):
    """HTTP 410: a record that was deleted, or a cursor that is too old."""


class Expired(ContractError):
    """The source does not go back as far as the cursor any more; everything must be read anew."""


class Conflict(RecordError):
    """The system itself refused a write because the record has changed since."""


class Classifier:
    """Judges every answer of one system."""

    def __init__(self, name: str, rules: Sequence[ErrorRule]) -> None:
        self._name = name
        self._rules = [_Rule(rule) for rule in rules]

    def __call__(self, response: httpx.Response) -> ConnectorError | None:
        """The error that the answer means; ``None`` for a success, and where the status says it all."""
        status = response.status_code
        document: Any = _NOT_READ
        for rule in self._rules:
            if not rule.may_fit(status, response.content):
                continue
            if rule.needs_document and document is _NOT_READ:
                document = _document(response.content)
            if rule.fits(document):
                return rule.error(self._name, response, document)
        return self._by_status(response)

    def _by_status(self, response: httpx.Response) -> ConnectorError | None:
        status = response.status_code
        if status in (404, 410):
            return (Gone if status == 410 else Missing)(f"{self._name} does not know it (HTTP {status}).")
        if status in (409, 412):
            return Conflict(f"{self._name} refused it: it was changed meanwhile (HTTP {status}).")
        if status in (400, 422):
            return RecordError(f"{self._name} refused it (HTTP {status}).")
        return None


class _Rule:
    """One rule of the manifest, ready to use."""

    def __init__(self, rule: ErrorRule) -> None:
        self._rule = rule
        self._when = Expression(rule.when) if rule.when is not None else None
        self._message = Expression(rule.message) if rule.message is not None else None
        self._retry_after = Expression(rule.retry_after) if rule.retry_after is not None else None
        self._marks = [f'"{name}"'.encode() for name in self._when.names] if self._when is not None else []

    @property
    def needs_document(self) -> bool:
        """Whether the answer must be read for it."""
        return bool(self._when or self._message or self._retry_after)

    def may_fit(self, status: int, content: bytes) -> bool:
        """Whether status and text allow it; a page of records is not parsed for an error that it does not mention."""
        if self._rule.statuses and status not in self._rule.statuses:
            return False
        return not self._marks or any(mark in content for mark in self._marks)

    def fits(self, document: Any) -> bool:
        """Whether the condition holds."""
        return self._when is None or bool(_value(self._when, document))

    def error(self, name: str, response: httpx.Response, document: Any) -> ConnectorError:
        """The error it stands for."""
        status, rule = response.status_code, self._rule
        said = _value(self._message, document) if self._message is not None else None
        sentence = f": {masked(said)}" if isinstance(said, str) and masked(said) else "."
        wait = _seconds(_value(self._retry_after, document)) if self._retry_after else None
        wait = wait if wait is not None else retry_after(response)
        if rule.kind == "transient":
            done = rule.done if rule.done is not None else status >= 500
            return TransientError(
                f"{name} cannot answer now (HTTP {status}){sentence}",
                remedy=rule.remedy or "It is tried again on the next run.",
                retry_after=wait,
                sent=done,
            )
        if rule.kind == "auth":
            remedy = rule.remedy or "Check the credentials and their permissions."
            return AuthError(f"{name} refused our credentials (HTTP {status}){sentence}", remedy=remedy)
        if rule.kind == "quota":
            remedy = rule.remedy or "It goes on when the allowance is back."
            return QuotaError(f"{name} allows no more (HTTP {status}){sentence}", remedy=remedy, reset_after=wait)
        if rule.kind in ("contract", "expired"):
            return (Expired if rule.kind == "expired" else ContractError)(
                f"{name} answered HTTP {status}{sentence}",
                remedy=rule.remedy or "Report it with the sample.",
                sample=shape(response.content),
            )
        kind = {"missing": Missing, "conflict": Conflict, "record": RecordError}[rule.kind]
        return kind(f"{name} refused it (HTTP {status}){sentence}", remedy=rule.remedy)


class _NotRead:
    """No answer has been read so far."""


_NOT_READ = _NotRead()


def _document(content: bytes) -> Any:
    try:
        return msgspec.json.decode(content)
    except _UNREADABLE:
        return None


def _value(expression: Expression, document: Any) -> Any:
    try:
        return expression.of(document)
    except ExpressionError:
        return None


def _seconds(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except ValueError:
        return None
    return found if 0 <= found < 10**7 else None
