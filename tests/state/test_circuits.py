"""When a system rests: after how many runs, for how long, and what ends it."""

from __future__ import annotations

import pytest

from state import circuits, clock, runs
from state.circuits import FIRST_US, LONGEST_US
from state.store import Store

MINUTE = 60_000_000
START = 1_790_000_000_000_000


def ran(store: Store, at: int, *parts: tuple[str, str], kind: str = "unreachable", direction: str = "pull") -> None:
    """One run at an instant (microseconds), with streams of the CRM and how each ended."""
    with clock.simulated(lambda: at * 1000), store.transaction() as connection:
        run_id = runs.new_run_id()
        for stream, status in parts:
            runs.start_stream(connection, run_id, "crm", stream, direction)
            error = (kind, "Nobody answers.", "Wait.") if status == "failed" else None
            runs.finish_stream(connection, run_id, "crm", stream, direction, status=status, counts={}, error=error)


def state(store: Store, at: int) -> str:
    with store.reading() as connection:
        found = circuits.read(connection).get("crm")
    return "closed" if found is None else found.state(at)


def test_three_runs_in_a_row_that_failed_at_it_let_a_system_rest_for_five_minutes(store: Store) -> None:
    for number in range(2):
        ran(store, START + number * MINUTE, ("lead", "failed"), ("deal", "failed"))
    assert state(store, START + MINUTE) == "closed"
    last = START + 2 * MINUTE
    ran(store, last, ("lead", "failed"))
    assert state(store, last + FIRST_US - 1) == "open"
    assert state(store, last + FIRST_US) == "half_open"
    with store.reading() as connection:
        found = circuits.read(connection)["crm"]
    assert (found.runs, found.since, found.until) == (3, START, last + FIRST_US)
    assert (found.kind, found.message, found.remedy) == ("unreachable", "Nobody answers.", "Wait.")


def test_each_further_run_doubles_the_rest_up_to_an_hour(store: Store) -> None:
    rests = []
    for number in range(9):
        at = START + number * 120 * MINUTE
        ran(store, at, ("lead", "failed"))
        with store.reading() as connection:
            rests.append((circuits.read(connection)["crm"].until - at) // MINUTE)
    assert rests == [0, 0, 5, 10, 20, 40, 60, 60, 60]
    assert LONGEST_US == 60 * MINUTE


def test_one_stream_that_was_read_ends_the_rest(store: Store) -> None:
    for number in range(4):
        ran(store, START + number * MINUTE, ("lead", "failed"))
    ran(store, START + 5 * MINUTE, ("deal", "done"))
    assert state(store, START + 5 * MINUTE) == "closed"
    ran(store, START + 6 * MINUTE, ("lead", "failed"))
    assert state(store, START + 6 * MINUTE) == "closed"


def test_what_is_wrong_with_a_record_or_with_our_settings_lets_no_system_rest(store: Store) -> None:
    for number, kind in enumerate(("contract", "quota", "configuration", "resting", "store", "not_tried") * 2):
        ran(store, START + number * MINUTE, ("lead", "failed"), kind=kind)
    assert state(store, START + 20 * MINUTE) == "closed"


def test_what_does_not_ask_the_system_does_not_count(store: Store) -> None:
    for number in range(3):
        ran(store, START + number * MINUTE, ("lead", "failed"))
    ran(store, START + 3 * MINUTE, ("lead", "done"), direction="replay")
    assert state(store, START + 4 * MINUTE) == "open"


@pytest.mark.parametrize("direction", ["push", "create"])
@pytest.mark.parametrize("kind", ["auth", "transient", "unreachable"])
def test_writes_that_fail_let_writes_rest_and_never_reads(store: Store, direction: str, kind: str) -> None:
    for number in range(4):
        ran(store, START + number * MINUTE, ("deal", "failed"), kind=kind, direction=direction)
    with store.reading() as connection:
        assert circuits.read(connection) == {}
        assert circuits.read(connection, writing=True)["crm"].state(START + 4 * MINUTE) == "open"
    ran(store, START + 5 * MINUTE, ("deal", "done"))
    with store.reading() as connection:
        assert circuits.read(connection, writing=True) == {}


def test_reads_that_fail_let_writes_rest_too(store: Store) -> None:
    for number in range(3):
        ran(store, START + number * MINUTE, ("deal", "failed"))
    with store.reading() as connection:
        assert circuits.read(connection, writing=True)["crm"].state(START + 3 * MINUTE) == "open"
