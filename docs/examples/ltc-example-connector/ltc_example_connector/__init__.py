"""Acme's order desk: orders are read by their time of change, and two of their fields are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, ClassVar

import httpx
import msgspec
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from connectors.contract import (
    OVERTAKEN,
    Change,
    CheckLine,
    Connector,
    Cursor,
    Outcome,
    Page,
    PushResult,
    RawRecord,
    StreamSpec,
    Window,
)
from connectors.errors import AuthError, ConnectorError, RecordError, TransientError
from connectors.http import HttpSession, by_status
from connectors.network import Network
from connectors.rawjson import decode, parse, readable

_OVERLAP_MS = 120_000
_MOST_FAILURES = 2
_WRITABLE = ("pay_state", "remark")


class _Order(msgspec.Struct):
    order_id: int
    modified_ms: int


class _Sheet(msgspec.Struct):
    orders: list[msgspec.Raw]
    sheets_left: int


class _Answer(msgspec.Struct):
    result: msgspec.Raw


_order, _sheet = msgspec.json.Decoder(_Order), msgspec.json.Decoder(_Sheet)
_answer = msgspec.json.Decoder(_Answer)


class AcmeConfig(BaseModel):
    """What ltc.yaml says under ``config``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field(description="Where Acme's API is, such as https://acme.example/api")
    token: SecretStr = Field(description="Acme › Settings › API")
    page_size: int = Field(50, gt=0)
    timeout_seconds: float = Field(30, gt=0)
    network: Network = Field(Network(), description="Addresses that are not public ones over TLS")


class AcmeDesk(Connector[AcmeConfig]):
    """Acme's order desk, by its API."""

    name: ClassVar[str] = "acme-desk"
    Config: ClassVar[type[BaseModel]] = AcmeConfig

    def __init__(self, config: AcmeConfig) -> None:
        super().__init__(config)
        self._session = HttpSession(
            config.base_url,
            stats=self.stats,
            classify=_failure,
            authenticate=lambda: {"X-Acme-Token": config.token.get_secret_value()},
            timeout=config.timeout_seconds,
            network=config.network,
        )

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def streams(self) -> Sequence[StreamSpec]:
        """Orders alone."""
        return [StreamSpec("order", "order", cursor_field="modified_ms", writable=_WRITABLE)]

    def check(self) -> Iterable[CheckLine]:
        """Reads one order."""
        try:
            self._get("/orders", {"sheet": 0, "rows": 1})
        except ConnectorError as error:
            return [CheckLine("order", False, error.message, error.remedy, can_read=False)]
        return [CheckLine("order", True, "readable", can_read=True)]

    def pull(self, stream: str, cursor: Cursor | None, window: Window) -> Iterator[Page]:
        """Sheet by sheet. The list has no end in time, so an order never leaves it: what is changed meanwhile stays."""
        known = {} if window.full else {name: value for name, value in (cursor or {}).items() if name == "known"}
        scan = None if window.full or window.since else (cursor or {}).get("scan")
        if scan is None:
            begin = _ms(window.since) if window.since else known.get("known", 0) - _OVERLAP_MS
            scan = {"begin": max(0, begin), "until": _ms(window.until), "sheet": 0}
        # What a person asks for by --since does not move the cursor over what was not read.
        leaps = window.since is not None and _ms(window.since) > known.get("known", _ms(window.since))
        left = 1
        while left:
            asked = {"modified_from": scan["begin"], "sheet": scan["sheet"], "rows": self.config.page_size}
            answer = parse(self._get("/orders", asked), _sheet)
            left, scan = answer.sheets_left, {**scan, "sheet": scan["sheet"] + 1}
            end = known if leaps else {"known": scan["until"]}
            here = {**known, "scan": scan} if left else end
            yield Page([_record(bytes(row)) for row in answer.orders], here, complete=not left)

    def fetch(self, stream: str, ids: Sequence[str]) -> Iterator[Sequence[RawRecord]]:
        """One call for each order."""
        for source_id in ids:
            try:
                yield [_record(self._get(f"/orders/{source_id}"))]
            except RecordError:
                continue

    def push(self, stream: str, changes: Sequence[Change]) -> Iterator[PushResult]:
        """One by one; Acme refuses a write to an order that was changed after we looked."""
        failures = 0
        for change in changes:
            if failures == _MOST_FAILURES:
                yield PushResult(change.source_id, Outcome.RETRY, "Acme did not answer the changes before.")
                continue
            try:
                yield self._change(change)
                failures = 0
            except RecordError as error:
                yield PushResult(change.source_id, Outcome.REJECTED, error.message)
            except TransientError as error:
                failures += 1
                outcome = Outcome.UNKNOWN if error.sent else Outcome.RETRY
                yield PushResult(change.source_id, outcome, error.message)

    def _change(self, change: Change) -> PushResult:
        if set(change.values) - set(_WRITABLE):
            return PushResult(change.source_id, Outcome.REJECTED, "This field is not written.")
        record, shown = self._shown(change.source_id)
        if all(shown[name] == value for name, value in change.values.items()):
            return PushResult(change.source_id, Outcome.UNCHANGED, record=record)
        if change.is_overtaken(record):
            return PushResult(change.source_id, Outcome.CONFLICT, OVERTAKEN, record)
        if any(shown[name] != value for name, value in change.expected.items()):
            return PushResult(change.source_id, Outcome.CONFLICT, "It was changed since.", record)
        told = {"rev": shown["rev"], "set": change.values}
        try:
            answer = self._session.request("POST", f"/orders/{change.source_id}", json=told, safe=False)
        except _Stale as error:
            return PushResult(change.source_id, Outcome.CONFLICT, error.message)
        return PushResult(change.source_id, Outcome.APPLIED, record=_made(answer.content))

    def _shown(self, source_id: str) -> tuple[RawRecord, dict[str, Any]]:
        try:
            record = _record(self._get(f"/orders/{source_id}"))
        except TransientError as error:  # nothing was written so far
            raise TransientError(error.message, sent=False, retry_after=error.retry_after) from error
        return record, decode(record.body)

    def _get(self, path: str, asked: dict[str, Any] | None = None) -> bytes:
        content = readable(self._session.request("GET", path, params=asked).content)
        return bytes(parse(content, _answer).result)


class _Stale(RecordError):
    """Somebody was faster."""


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _made(content: bytes) -> RawRecord:
    return _record(bytes(parse(readable(content), _answer).result))


def _record(body: bytes) -> RawRecord:
    head = parse(body, _order)
    return RawRecord(str(head.order_id), body, head.modified_ms * 1000)


def _failure(response: httpx.Response) -> ConnectorError | None:
    """Acme tells its errors inside a 200."""
    if response.status_code != httpx.codes.OK:
        return by_status(response)
    told = decode(readable(response.content))
    error = told.get("error") if isinstance(told, dict) else None
    if not isinstance(error, dict):
        return None
    code = error.get("code")
    if code == "BAD_TOKEN":
        return AuthError("Acme does not know the token.", remedy="Make a new one in Acme › Settings › API.")
    kind = _Stale if code == "STALE" else RecordError
    return kind(f"Acme refuses: {code}.")
