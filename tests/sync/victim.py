"""The process that is killed: it pulls the toy shop over HTTP, once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
from pydantic import BaseModel

from connectors.contract import CheckLine, Connector, Cursor, Page, RawRecord, StreamSpec, Window
from connectors.http import HttpSession
from mappings.engine import load
from state.store import open_store
from sync.pull import pull_stream

SPEC = StreamSpec("order", "order")


class _Head(msgspec.Struct):
    id: str
    version: int


class _Answer(msgspec.Struct):
    data: list[msgspec.Raw]
    deleted: list[str]
    last: bool


class ShopConfig(BaseModel):
    url: str


class HttpShop(Connector[ShopConfig]):
    """Pages by number; the cursor is the next one."""

    name = "http-shop"
    Config = ShopConfig

    def __init__(self, config: ShopConfig) -> None:
        super().__init__(config)
        self._http = HttpSession(config.url, stats=self.stats, classify=lambda _: None)

    def close(self) -> None:
        self._http.close()

    def streams(self) -> list[StreamSpec]:
        return [SPEC]

    def check(self) -> list[CheckLine]:
        return []

    def pull(self, stream: str, cursor: Cursor | None, window: Window) -> Iterator[Page]:
        number = int(cursor["page"]) if cursor else 0
        while True:
            answer = msgspec.json.decode(self._http.request("GET", f"/{number}").content, type=_Answer)
            records = []
            for item in answer.data:
                head = msgspec.json.decode(item, type=_Head)
                records.append(RawRecord(head.id, bytes(item), head.version))
            number += bool(records)
            yield Page(records, {"page": number}, answer.last, deleted_ids=answer.deleted)
            if answer.last:
                return


def pull_once(database: str, source: str, mapping: str) -> None:
    """One run from start to end; leaves an error if it is not done."""
    with open_store(database) as store, HttpShop(ShopConfig(url=source)) as connector:
        outcome = pull_stream(store, connector, load(Path(mapping)), "shop", SPEC, run_id="r")
    assert outcome.ok, outcome.error
