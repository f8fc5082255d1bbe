"""Fixtures every test may use."""

from __future__ import annotations

import os
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from connectors.services import in_process
from sandbox.postgres import Postgres
from state.store import Store, open_store


def pytest_configure() -> None:
    """A shell lets what it starts in the background ignore Ctrl-C; tests of what Ctrl-C does need it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_itemcollected(item: pytest.Item) -> None:
    """The operation is part of the id of a test by schemathesis; pytest 9.2 leaves it out of what 4.32 hands it."""
    operation = getattr(item, "operation_label", None)
    if operation is not None and item.id.params is None:
        item._id = item.id.with_params(operation)  # nothing public sets it once the item is made


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of one id are one for xdist, which keeps the others from running and tells nobody."""
    many = [name for name, count in Counter(item.nodeid for item in items).items() if count > 1]
    if many:
        raise pytest.UsageError(f"several tests have the same id, of which only one would run: {', '.join(many)}")


@pytest.fixture(autouse=True)
def own_services() -> None:
    """Connectors that are opened without a store share tokens and budgets in one test, and none with another test."""
    in_process.cache_clear()


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder of published API documents and data beside the checkout; skips where it is absent."""
    path = Path(os.environ.get("LTC_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    if not (path / "openapi").is_dir():
        pytest.skip("the published API documents are not beside this checkout (set LTC_SHARED to their folder)")
    return path


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """One embedded PostgreSQL for the whole test run."""
    with Postgres.start(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(scope="session")
def pg_server(postgres: Postgres) -> Callable[[], str]:
    """Makes a fresh, empty database at the newest schema and returns its URL."""
    postgres.create("ltc_template")
    open_store(postgres.url("ltc_template")).close()
    numbers = count(1)

    def fresh() -> str:
        name = f"ltc_{next(numbers)}"
        postgres.create(name, "ltc_template")
        return postgres.url(name)

    return fresh


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database at the newest schema, to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    open_store(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a fresh SQLite database at the newest schema."""
    path = tmp_path / "ltc.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def sqlite_store(sqlite_url: str) -> Iterator[Store]:
    """A fresh store on SQLite."""
    with open_store(sqlite_url) as opened:
        yield opened


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """A fresh store, once on each database."""
    if request.param == "sqlite":
        url = request.getfixturevalue("sqlite_url")
    else:
        url = request.getfixturevalue("pg_server")()
    with open_store(url) as opened:
        yield opened


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: some tests wait, for processes they start and for timeouts."""
    return (os.cpu_count() or 1) + 1
