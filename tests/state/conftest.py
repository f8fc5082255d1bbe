"""A small stream of orders to land."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import text

from mappings.engine import StreamMapping, load
from state import landing, runs
from state.landing import Counts, Stream
from state.store import Store

MAPPING = """
version: 1
connector: shop
streams:
  order:
    entity: order
    skip: {path: kind, in: [internal]}
    fields:
      number: number
      currency: {path: currency, default: CNY}
      net_amount: net
      source_updated_at: updated
    status: {path: state, values: {open: confirmed, done: completed}}
    required: [number]
    lines: {path: lines, fields: {sku: sku, quantity: qty}}
"""


class Record(NamedTuple):
    source_id: str
    body: bytes
    version: int | None = None


def order(source_id: str = "1", version: int | None = None, **fields: Any) -> Record:
    """An order as the source sends it."""
    usual = {"number": f"SO-{source_id}", "state": "open", "net": "10.00", "lines": [{"sku": "A", "qty": 2}]}
    return Record(source_id, json.dumps({**usual, **fields}).encode(), version)


@pytest.fixture
def mapper(tmp_path: Path) -> StreamMapping:
    path = tmp_path / "shop.yaml"
    path.write_text(MAPPING)
    return load(path).stream("order")


class Orders:
    """The stream under test."""

    def __init__(self, store: Store, mapper: StreamMapping) -> None:
        self.store = store
        self.mapper = mapper
        with store.transaction() as connection:
            self.stream: Stream = landing.open_stream(connection, "shop", "order", "order")

    def land(self, *records: Record, **more: Any) -> Counts:
        with self.store.transaction() as connection:
            return landing.apply(connection, self.stream, self.mapper, records, run_id="r1", **more)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.store.reading() as connection:
            return [tuple(row) for row in connection.execute(text(sql))]


@pytest.fixture
def orders(store: Store, mapper: StreamMapping) -> Orders:
    return Orders(store, mapper)


@pytest.fixture
def change_mapping(tmp_path: Path) -> Callable[[str, str], StreamMapping]:
    """The mapping with some of its text replaced."""

    def change(old: str, new: str) -> StreamMapping:
        assert old in MAPPING
        path = tmp_path / "changed.yaml"
        path.write_text(MAPPING.replace(old, new))
        return load(path).stream("order")

    return change


def killed_run(store: Store, kind: str) -> str:
    """The id of a run whose process is no more: still ``running``, without its lease."""
    run = runs.Running(store, kind)
    with store.transaction() as connection:
        for held in run.leases:
            held.release(connection)
    return run.id
