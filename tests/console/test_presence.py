"""What a server says in the store while it serves."""

from __future__ import annotations

from console import presence
from state import schema
from state.store import Store


def leases(store: Store) -> list[str]:
    with store.reading() as connection:
        return [row.name.rpartition(" ")[0] for row in connection.execute(schema.lease.select())]


def test_it_is_known_while_it_serves_also_beside_another_and_not_afterwards(sqlite_store: Store) -> None:
    with presence.serving(sqlite_store, "the workbench"):
        with presence.serving(sqlite_store, "the workbench"):
            assert leases(sqlite_store) == ["the workbench", "the workbench"]
        assert leases(sqlite_store) == ["the workbench"]
    assert leases(sqlite_store) == []


def test_a_lease_that_was_lost_is_taken_anew(sqlite_store: Store) -> None:
    with presence.serving(sqlite_store, "the workbench", renew_seconds=0.01):
        with sqlite_store.transaction() as connection:
            connection.execute(schema.lease.delete())
        for _ in range(100_000):
            if leases(sqlite_store):
                break
        assert leases(sqlite_store) == ["the workbench"]
