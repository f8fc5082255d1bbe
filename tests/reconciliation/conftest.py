"""Fixtures for reconciliation: a company's year, reconciled once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciliation.engine import ReconcileResult, reconcile
from sandbox.world.build import build_world
from sandbox.world.records import World
from state.store import Store, open_store
from tests.reconciliation.books import Books, settings
from tests.reconciliation.company import fill


@dataclass(frozen=True)
class Company:
    """The demo company in a store, reconciled."""

    store: Store
    books: Books
    world: World
    result: ReconcileResult


@pytest.fixture(scope="session")
def company(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    path = tmp_path_factory.mktemp("company") / "ltc.db"
    shutil.copy(sqlite_template, path)
    with open_store(f"sqlite:///{path}") as store:
        books, world = Books(store), build_world()
        fill(books, world)
        yield Company(store, books, world, reconcile(store, settings(), "run-1"))


@pytest.fixture
def books(sqlite_store: Store) -> Books:
    return Books(sqlite_store)
