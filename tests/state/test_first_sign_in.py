"""Two who become the same member at the same instant, on PostgreSQL, where both may write at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from time import monotonic
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.engine import Connection

from state import audit, members, provided
from state.members import Role
from state.provided import Arrival
from state.store import Store, open_store

ISSUER = "https://id.acme.example"
_PATIENCE_SECONDS = 60


@pytest.fixture
def shared(pg_server: Callable[[], str]) -> Iterator[Store]:
    with open_store(pg_server()) as opened:
        yield opened


def both(store: Store, first: Callable[[Connection], Any], second: Callable[[Connection], Any]) -> tuple[Any, Any]:
    """Do the first and, before it is committed, the second as far as it gets."""

    def alone() -> Any:
        with store.transaction() as connection:
            return second(connection)

    with ThreadPoolExecutor(max_workers=1) as pool:
        with store.transaction() as connection:
            done = first(connection)
            running = pool.submit(alone)
            _wait_until_it_waits(store, running)
        return done, running.result()


def _wait_until_it_waits(store: Store, running: Future[Any]) -> None:
    waits = text("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")
    until = monotonic() + _PATIENCE_SECONDS
    while not running.done() and monotonic() < until:
        with store.reading() as connection:
            if connection.execute(waits).first() is not None:
                return


def test_a_new_person_in_two_windows_becomes_one_member(shared: Store) -> None:
    def arrive(connection: Connection) -> Arrival:
        return provided.arrive(connection, ISSUER, "s-1", "anna", [Role.FINANCE])

    assert both(shared, arrive, arrive) == (Arrival("anna", ""), Arrival("anna", ""))
    with shared.reading() as connection:
        assert [item.name for item in members.listing(connection)] == ["anna"]
        assert [entry.action for entry in audit.entries(connection)] == ["member joined"]


def test_of_two_new_people_of_one_name_the_second_is_turned_away(shared: Store) -> None:
    def arrive(subject: str) -> Callable[[Connection], Arrival]:
        return lambda connection: provided.arrive(connection, ISSUER, subject, "anna", [Role.FINANCE])

    assert both(shared, arrive("s-1"), arrive("s-2")) == (Arrival("anna", ""), Arrival("anna", "taken"))


def test_a_person_invited_by_two_at_once_is_invited_twice(shared: Store) -> None:
    def invite(connection: Connection) -> str:
        return members.invite(connection, "li", [Role.VIEWER], "root")

    _, last = both(shared, invite, invite)
    with shared.reading() as connection:
        invited = members.invited(connection, last)
    assert invited is not None
    assert invited.name == "li"
