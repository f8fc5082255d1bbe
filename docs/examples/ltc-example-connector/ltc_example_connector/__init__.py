"""Acme's order desk: orders are read by their time of change, and two of their fields are written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import httpx
import msgspec
from pydantic import Field, SecretStr

from connectors.contract import Change, Cursor, Page, PushResult, RawRecord, StreamSpec, Window
from connectors.errors import AuthError, ConnectorError, RecordError
from connectors.onebyone import Stale, one_by_one
from connectors.overhttp import HttpConfig, HttpConnector
from connectors.rawjson import decode, parse
from connectors.span import span_of


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


class AcmeConfig(HttpConfig):
    """What ltc.yaml says under ``config``."""

    token: SecretStr = Field(description="Acme › Settings › API")
    page_size: int = Field(50, gt=0)


class AcmeDesk(HttpConnector[AcmeConfig]):
    """Acme's order desk, by its API."""

    name = "acme-desk"
    Config = AcmeConfig

    def headers(self) -> Mapping[str, str]:
        """The token has a header of Acme's own."""
        return {"X-Acme-Token": self.config.token.get_secret_value()}

    def failure(self, response: httpx.Response) -> ConnectorError | None:
        """Acme tells its errors inside a 200."""
        told = decode(response.content) if response.is_success else None
        error = told.get("error") if isinstance(told, dict) else None
        if not isinstance(error, dict):
            return None
        code = error.get("code")
        if code == "BAD_TOKEN":
            return AuthError("Acme does not know the token.", remedy="Make a new one in Acme › Settings › API.")
        return (Stale if code == "STALE" else RecordError)(f"Acme refuses: {code}.")

    def streams(self) -> Sequence[StreamSpec]:
        """Orders alone."""
        return [StreamSpec("order", "order", cursor_field="modified_ms", writable=("pay_state", "remark"))]

    def pull(self, stream: str, cursor: Cursor | None, window: Window) -> Iterator[Page]:
        """Sheet by sheet. The list has no end in time, so an order never leaves it: what is changed meanwhile stays."""
        span = span_of(cursor, window, overlap=timedelta(minutes=2))
        sheet, left = span.place or 0, 1
        while left:
            asked = {"modified_from": span.since // 1000, "sheet": sheet, "rows": self.config.page_size}
            answer = parse(self._call("GET", "/orders", params=asked), _sheet)
            sheet, left = sheet + 1, answer.sheets_left
            yield span.page([_record(bytes(row)) for row in answer.orders], sheet if left else None)

    def fetch(self, stream: str, ids: Sequence[str]) -> Iterator[Sequence[RawRecord]]:
        """One call for each order."""
        for source_id in ids:
            try:
                yield [self._one(source_id)]
            except RecordError:
                continue

    def push(self, stream: str, changes: Sequence[Change]) -> Iterator[PushResult]:
        """Acme refuses a write to an order that was changed after we looked: it names the revision it is made to."""
        return one_by_one(changes, self.streams()[0].writable, self._one, self._write)

    def _one(self, source_id: str) -> RawRecord:
        return _record(self._call("GET", f"/orders/{source_id}"))

    def _write(self, change: Change, order: RawRecord) -> RawRecord:
        told = {"rev": decode(order.body)["rev"], "set": change.values}
        return _record(self._call("POST", f"/orders/{change.source_id}", json=told, safe=False))

    def _call(self, method: str, path: str, **more: Any) -> bytes:
        return bytes(parse(self.http.request(method, path, **more).content, _answer).result)


def _record(body: bytes) -> RawRecord:
    head = parse(body, _order)
    return RawRecord(str(head.order_id), body, head.modified_ms * 1000)
