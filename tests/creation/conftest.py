"""The toy company from form to invoice, running, with the real reconciliation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from connectors import registry, retry
from settings.model import Settings
from state import clock
from state.store import Store
from sync import job
from sync.result import SyncResult
from tests.creation import company
from tests.jobs.toy import ToySystem


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(registry, "_BUILT_IN", {**registry._BUILT_IN, "toy": "tests.jobs.toy:Toy"})
    with retry.no_waiting():
        yield


@pytest.fixture(scope="session")
def servers() -> Iterator[dict[str, ToySystem]]:
    """The servers, for the whole test run."""
    made = {name: ToySystem({}) for name in company.ENTITIES}
    yield made
    for server in made.values():
        server.close()


@dataclass
class Company:
    """Its systems and its store; ``later`` lets time pass."""

    store: Store
    systems: dict[str, ToySystem]
    folder: Path
    settings: Settings
    passed: list[int]

    def rules(self, *rules: dict[str, Any], **more: Any) -> None:
        """Write ltc.yaml anew with these rules."""
        urls = {name: system.url for name, system in self.systems.items()}
        self.settings = company.settings_for(self.folder, urls, *rules, **more)

    def sync(self, **options: Any) -> SyncResult:
        return job.run_sync(self.store, self.settings, **options)

    def push(self, **options: Any) -> SyncResult:
        return job.run_push(self.store, self.settings, **options)

    def made(self, system: str) -> list[dict[str, Any]]:
        """What was created in a system, in order."""
        return [values for _, values, _ in self.systems[system].created]

    def rows(self, sql: str = "SELECT origin_source_id, status FROM creation ORDER BY id") -> list[tuple[Any, ...]]:
        with self.store.reading() as connection:
            return [tuple(row) for row in connection.execute(text(sql))]

    def statuses(self) -> dict[str, str]:
        """Origin → where its new record stands."""
        return dict(self.rows())

    def later(self, minutes: int) -> None:
        self.passed[0] += minutes * 60 * 1_000_000_000

    def __getattr__(self, name: str) -> ToySystem:
        return self.systems[name]


@pytest.fixture
def make_company(servers: dict[str, ToySystem], tmp_path: Path) -> Iterator[Callable[[Store], Company]]:
    """Makes the company on a store."""
    import time

    passed = [0]

    def make(store: Store) -> Company:
        for name, system in servers.items():
            system.fill({stream: [] for stream in company.ENTITIES[name]})
            system.server.faults.clear()
            system.server.forget()
        for record in company.forms():
            servers["forms"].edit("form", record["id"], record)
        urls = {name: system.url for name, system in servers.items()}
        settings = company.settings_for(tmp_path, urls, company.LEAD)
        return Company(store, servers, tmp_path, settings, passed)

    with clock.simulated(lambda: time.time_ns() + passed[0]):
        yield make
    for system in servers.values():
        system.watch = None


@pytest.fixture
def firm(make_company: Callable[[Store], Company], sqlite_store: Store) -> Company:
    """The company on SQLite, with the rule for leads."""
    return make_company(sqlite_store)


@pytest.fixture
def both(make_company: Callable[[Store], Company], store: Store) -> Company:
    """The company on each database."""
    return make_company(store)
