"""Whatever happens, SQLite and PostgreSQL end in the same state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from mappings.engine import StreamMapping
from state.schema import metadata
from state.store import Store, open_store
from tests.state.conftest import Orders, Record, order

pytestmark = pytest.mark.slow

_CLOCKS = {"first_seen_at", "last_seen_at", "first_at", "last_at", "updated_at", "at"}

records = st.builds(
    order,
    source_id=st.sampled_from(["1", "2", "3", "订单", "o'brien\n\t\\N"]),
    version=st.one_of(st.none(), st.integers(0, 4)),
    state=st.sampled_from(["open", "done", "weird"]),
    net=st.sampled_from(["1.00", "-5", "0.001", "", None, 12]),
    number=st.sampled_from(["SO-1", "", "制表\t换行\n反斜杠\\.", "\\N", "''", "\x7f"]),
    lines=st.lists(st.builds(lambda sku, qty: {"sku": sku, "qty": qty}, st.sampled_from("AB"), st.integers(0, 3))),
    kind=st.sampled_from(["sale", "internal"]),
)
pages = st.lists(
    st.tuples(st.lists(records, max_size=5), st.lists(st.sampled_from(["1", "2", "nobody"]), max_size=2)), max_size=5
)


def everything(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables, but for the time of day."""
    found = {}
    with store.reading() as connection:
        for table in metadata.sorted_tables:
            names = [column.name for column in table.columns if column.name not in _CLOCKS]
            rows = connection.execute(text(f"SELECT {', '.join(names)} FROM {table.name}"))
            found[table.name] = sorted(
                (tuple(bytes(v) if isinstance(v, memoryview) else v for v in row) for row in rows), key=repr
            )
    return found


@pytest.fixture
def both(
    sqlite_template: Path, tmp_path: Path, pg_server: Callable[[], str]
) -> Iterator[Callable[[], tuple[Store, Store]]]:
    """Makes a fresh pair of stores; the server's database is emptied rather than made anew."""
    numbers = iter(range(10**6))
    server = open_store(pg_server())

    def pair() -> tuple[Store, Store]:
        path = tmp_path / f"{next(numbers)}.db"
        path.write_bytes(sqlite_template.read_bytes())
        with server.transaction() as connection:
            names = ", ".join(f'"{table.name}"' for table in metadata.sorted_tables)
            connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY"))
            connection.execute(text("ALTER SEQUENCE record_ids RESTART"))
        return open_store(f"sqlite:///{path}"), server

    yield pair
    server.close()


@given(pages=pages)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_same_pages_give_the_same_state(
    both: Callable[[], tuple[Store, Store]], mapper: StreamMapping, pages: list[tuple[list[Record], list[str]]]
) -> None:
    results = []
    stores = both()
    for store in stores:
        orders = Orders(store, mapper)
        counts = [orders.land(*page, deleted_ids=deleted) for page, deleted in pages]
        results.append((counts, everything(store)))
    stores[0].close()
    assert results[0] == results[1]


@given(page=st.lists(records, min_size=1, max_size=6))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_page_landed_twice_changes_nothing(sqlite_template: Path, mapper: StreamMapping, page: list[Record]) -> None:
    path = sqlite_template.with_name("twice.db")
    path.write_bytes(sqlite_template.read_bytes())
    with open_store(f"sqlite:///{path}") as store:
        orders = Orders(store, mapper)
        orders.land(*page)
        newest: dict[str, Record] = {}
        for record in page:
            held = newest.get(record.source_id)
            if held is None or record.version is None or held.version is None or record.version >= held.version:
                newest[record.source_id] = record
        before = everything(store)
        if all(record.version is not None for record in page):
            assert orders.land(*newest.values()).written == 0
            assert everything(store) == before
