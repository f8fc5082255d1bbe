"""A toy system to pull from, in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel
from sqlalchemy import text

from connectors.contract import (
    CheckLine,
    Connector,
    Cursor,
    Deletes,
    Page,
    RawRecord,
    RejectedRecord,
    StreamSpec,
    Window,
)
from mappings.engine import Mapping, load
from state.store import Store
from sync.outcome import StreamOutcome
from sync.pull import pull_stream

MAPPING = """
version: 1
connector: toy
streams:
  order:
    entity: order
    fields: {number: number, currency: {const: CNY}, net_amount: net}
    status: {path: state, values: {open: confirmed, done: completed}}
    lines: {path: lines, fields: {sku: sku}}
"""
SPEC = StreamSpec("order", "order", deletes=Deletes.SWEEP)


def order(number: int, version: int | None = None, **fields: Any) -> RawRecord:
    """An order as the toy sends it."""
    usual = {"number": f"SO-{number}", "state": "open", "net": f"{number}.00", "lines": [{"sku": "A"}, {"sku": "B"}]}
    return RawRecord(str(number), json.dumps({**usual, **fields}).encode(), version)


class NoConfig(BaseModel):
    pass


Step = Page | Exception | type[BaseException]


class Toy(Connector[NoConfig]):
    """Yields the pages, or raises the errors, that a test puts into ``script``; keeps what it was asked."""

    name = "toy"
    Config: ClassVar[type[BaseModel]] = NoConfig

    def __init__(self, *script: Step) -> None:
        super().__init__(NoConfig())
        self.script: Iterable[Step] = script
        self.asked: list[tuple[Cursor | None, Window]] = []
        self.listing: Iterable[Sequence[str] | Exception] = ()

    def streams(self) -> list[StreamSpec]:
        return [SPEC]

    def check(self) -> list[CheckLine]:
        return []

    def pull(self, stream: str, cursor: Cursor | None, window: Window) -> Iterator[Page]:
        self.asked.append((cursor, window))
        for step in self.script:
            self.stats.calls += 1
            if not isinstance(step, Page):
                raise step
            yield step

    def ids(self, stream: str) -> Iterator[Sequence[str]]:
        for step in self.listing:
            if isinstance(step, Exception):
                raise step
            yield step


def page(*records: RawRecord, at: int = 1, complete: bool = True, **more: Any) -> Page:
    """A page whose cursor is ``at``."""
    return Page(records, {"at": at}, complete, **more)


class Shop:
    """The system under test, its store and its mapping."""

    def __init__(self, store: Store, mapping: Mapping) -> None:
        self.store = store
        self.mapping = mapping
        self.runs = 0

    def pull(self, toy: Toy, **options: Any) -> StreamOutcome:
        self.runs += 1
        return pull_stream(self.store, toy, self.mapping, "shop", SPEC, run_id=f"r{self.runs}", **options)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.store.reading() as connection:
            return [tuple(row) for row in connection.execute(text(sql))]

    @property
    def numbers(self) -> list[str]:
        """Numbers of the orders that are alive."""
        return [row[0] for row in self.rows("SELECT number FROM orders WHERE deleted = 0 ORDER BY record_id")]

    @property
    def cursor(self) -> tuple[Any, ...]:
        """Cursor, whether it is complete, and whether a window has been covered."""
        return self.rows("SELECT cursor, complete, covered_until IS NOT NULL FROM cursor")[0]


@pytest.fixture
def shop(store: Store, written_mapping: Callable[..., Mapping]) -> Shop:
    return Shop(store, written_mapping())


@pytest.fixture
def written_mapping(tmp_path: Path) -> Callable[..., Mapping]:
    """The toy's mapping, with some of its text replaced."""

    def write(old: str = "", new: str = "") -> Mapping:
        assert old in MAPPING
        path = tmp_path / "toy.yaml"
        path.write_text(MAPPING.replace(old, new) if old else MAPPING)
        return load(path)

    return write


__all__ = ["SPEC", "Page", "RawRecord", "RejectedRecord", "Shop", "Toy", "order", "page"]
