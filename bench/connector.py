"""The bench's own connector: what a connector to a plain REST system costs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
from pydantic import BaseModel

from connectors.contract import CheckLine, Connector, Cursor, Page, RawRecord, StreamSpec, Window
from connectors.http import HttpSession

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Order(msgspec.Struct):
    id: str
    updated_at: str


class _Invoice(msgspec.Struct):
    InvoiceID: str
    UpdatedDateUTC: str


class _Answer(msgspec.Struct):
    data: list[msgspec.Raw]
    next: str | None


class BenchConfig(BaseModel):
    """Where the source listens."""

    url: str


class Bench(Connector[BenchConfig]):
    """Pages of 1000 by cursor, changed-since inclusive."""

    name = "bench"
    Config = BenchConfig
    settle_seconds = 0.0

    def __init__(self, config: BenchConfig) -> None:
        super().__init__(config)
        self._http = HttpSession(config.url, stats=self.stats, classify=lambda _: None)

    def close(self) -> None:
        self._http.close()

    def streams(self) -> list[StreamSpec]:
        return [StreamSpec("orders", "order"), StreamSpec("invoices", "invoice")]

    def check(self) -> Iterable[CheckLine]:
        return []

    def pull(self, stream: str, cursor: Cursor | None, window: Window) -> Iterator[Page]:
        since = "" if cursor is None or window.full else str(cursor["since"])
        latest, following = since, ""
        answers = msgspec.json.Decoder(_Answer)
        read = _order_reader() if stream == "orders" else _invoice_reader()
        while True:
            params = {"cursor": following} if following else {"updated_since": since} if since else {}
            answer = answers.decode(self._http.request("GET", "/records", params=params).content)
            records = [read(bytes(item)) for item in answer.data]
            if records:
                latest = max(latest, _written(max(record.version for record in records)))
            following = answer.next or ""
            yield Page(records, {"since": since if following else latest}, complete=not following)
            if not following:
                return


def _order_reader() -> Any:
    decode = msgspec.json.Decoder(_Order).decode

    def read(body: bytes) -> RawRecord:
        head = decode(body)
        changed = datetime.fromisoformat(head.updated_at) - _EPOCH
        return RawRecord(head.id, body, (changed.days * 86400 + changed.seconds) * 1_000_000)

    return read


def _invoice_reader() -> Any:
    decode = msgspec.json.Decoder(_Invoice).decode

    def read(body: bytes) -> RawRecord:
        head = decode(body)
        return RawRecord(head.InvoiceID, body, int(head.UpdatedDateUTC[6:19]) * 1000)

    return read


def _written(version: int) -> str:
    """An instant as ``updated_since`` takes it."""
    return datetime.fromtimestamp(version / 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
