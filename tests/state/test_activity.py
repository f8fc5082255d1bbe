"""What monitoring reads of runs and of what waits: the same on SQLite and PostgreSQL, each run counted once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from state import activity, clock, measures, queries, readiness, runs, schema
from state.activity import Totals
from state.store import Store

MONDAY = datetime(2026, 10, 5, tzinfo=UTC)
SINCE = clock.to_us(MONDAY)


@contextmanager
def at(hours: float) -> Iterator[None]:
    """So many hours after Monday, 00:00 UTC."""
    with clock.simulated(lambda: 1000 * clock.to_us(MONDAY + timedelta(hours=hours))):
        yield


@pytest.fixture(autouse=True)
def _stream(store: Store) -> None:
    with store.transaction() as connection:
        connection.execute(schema.stream.insert().values(id=1, system="crm", name="deal", entity="opportunity"))


def pull(store: Store, hours: float, status: str = "done", stream: str = "deal", **counts: int) -> None:
    """A run that pulls one stream and takes a minute."""
    with at(hours):
        run = runs.Running(store, "pull")
        part(store, run.id, status, stream, counts)
    with at(hours + 1 / 60):
        run.finish(status)


def part(store: Store, run_id: str, status: str, stream: str, counts: dict[str, int]) -> None:
    with store.transaction() as connection:
        runs.start_stream(connection, run_id, "crm", stream, "pull")
        runs.finish_stream(connection, run_id, "crm", stream, "pull", status=status, counts=counts)


def read(store: Store, totals: Totals, hours: float) -> dict[str, int]:
    with at(hours), store.reading() as connection:
        totals.refresh(connection)
    sums: dict[str, int] = {}
    for key, number in totals.records.items():
        sums[key[3]] = sums.get(key[3], 0) + number
    return sums


def test_runs_of_this_week_are_summed_and_each_is_counted_once(store: Store) -> None:
    totals = Totals.empty(SINCE)
    pull(store, -30, new=1000)
    pull(store, 1, new=5, calls=2)
    assert read(store, totals, 2) == {"new": 5, "calls": 2}
    assert read(store, totals, 2) == {"new": 5, "calls": 2}
    pull(store, 3, "failed", new=1)
    assert read(store, totals, 3.1) == {"new": 6, "calls": 2}
    assert read(store, totals, 9) == {"new": 6, "calls": 2}
    assert totals.runs == {("pull", "done"): 1, ("pull", "failed"): 1}
    assert totals.parts == {("crm", "deal", "pull", "done"): 1, ("crm", "deal", "pull", "failed"): 1}


def test_a_run_that_goes_on_for_hours_is_counted_when_it_ends(store: Store) -> None:
    totals = Totals.empty(SINCE)
    with at(-0.5):
        run = runs.Running(store, "pull", seconds=36_000)
    pull(store, 1, new=5)
    assert read(store, totals, 2) == {"new": 5}
    assert [(item.kind, item.status) for item in totals.going_on] == [("pull", "running")]
    with at(5):
        part(store, run.id, "done", "lead", {"new": 100})
        run.finish("done")
    assert read(store, totals, 6) == {"new": 105}
    assert totals.going_on == []


def test_what_a_prune_removes_stays_in_the_sums(store: Store) -> None:
    totals = Totals.empty(SINCE)
    pull(store, 1, new=5)
    assert read(store, totals, 2) == {"new": 5}
    with store.transaction() as connection:
        connection.execute(schema.stream_run.delete())
        connection.execute(schema.run.delete())
    assert read(store, totals, 3) == {"new": 5}


def test_the_last_run_of_a_kind_is_known_from_before_and_follows_what_ends(store: Store) -> None:
    totals = Totals.empty(SINCE)
    pull(store, -400, "failed")
    read(store, totals, 1)
    assert totals.last["pull"].status == "failed"
    pull(store, 2)
    read(store, totals, 3)
    assert (totals.last["pull"].status, totals.last["pull"].ended_at) == (
        "done",
        SINCE + 2 * 3_600_000_000 + 60_000_000,
    )


def test_a_stream_shows_its_last_pull_and_the_last_good_one(store: Store) -> None:
    pull(store, 1)
    pull(store, 2, "failed")
    with store.reading() as connection:
        (found,) = activity.pulls(connection)
    assert (found.system, found.stream, found.status) == ("crm", "deal", "failed")
    assert found.started_at == SINCE + 2 * 3_600_000_000
    assert found.good_started_at == SINCE + 3_600_000_000


def test_a_stream_that_was_never_pulled_is_there_without_instants(store: Store) -> None:
    with store.reading() as connection:
        assert activity.pulls(connection) == [activity.Pulls("crm", "deal", *[None] * 6)]
        assert activity.last_runs(connection) == []
        assert activity.last_reconciliation(connection) is None


def test_a_close_counts_as_a_reconciliation_but_not_one_that_was_refused(store: Store) -> None:
    def close(hours: float, status: str, summary: dict[str, object]) -> int:
        with at(hours):
            runs.Running(store, "close").finish(status, {"period": "2026-09", **summary})
        with store.reading() as connection:
            found = activity.last_reconciliation(connection)
            assert queries.last_reconciliation(connection) == found
        return -1 if found is None else (found - SINCE) // 3_600_000_000

    assert close(1, "done", {}) == -1
    assert close(2, "done", {"revision": 1}) == 2
    assert close(3, "failed", {}) == 2


def test_a_system_that_could_not_be_opened_is_known(store: Store) -> None:
    pull(store, 1, "failed", stream="*")
    with store.reading() as connection:
        assert activity.unopened(connection, ["crm", "erp"]) == {"crm": SINCE + 3_600_000_000}


def test_findings_are_summed_without_those_that_are_resolved(store: Store) -> None:
    usual: dict[str, str | int] = {
        "check_id": "c",
        "stage": "billing",
        "department": "finance",
        "severity": "error",
        "params": "{}",
    }
    usual |= {"first_seen_at": 1, "last_seen_at": 1, "run_id": "r"}
    rows = [("open", 100, "CNY"), ("waived", 20, "CNY"), ("assigned", 5, "EUR"), ("open", None, None)]
    with store.transaction() as connection:
        for n, (status, amount, currency) in enumerate([*rows, ("resolved", 9000, "CNY")]):
            row = {"id": str(n), "status": status, "amount": amount, "currency": currency}
            connection.execute(schema.finding.insert().values({**usual, **row}))
        found = [item[3:] for item in measures.findings(connection)]
    assert found == [("", 1, 0), ("CNY", 2, 120), ("EUR", 1, 5)]


def test_records_are_counted_by_what_is_held_of_them(store: Store) -> None:
    with store.transaction() as connection:
        for n, state in enumerate((0, 0, 0, 1, 2)):
            row = {"id": n, "stream_id": 1, "source_id": str(n), "hash": b"x", "seq": 1, "state": state}
            connection.execute(schema.record.insert().values(row))
        found = measures.records(connection)
    assert found == {("crm", "deal", "held"): 3, ("crm", "deal", "quarantined"): 1, ("crm", "deal", "deleted"): 1}


def test_a_store_at_its_schema_is_ready_and_takes_room(store: Store) -> None:
    assert readiness.problems(store) == []
    room = readiness.room(store)
    assert room.size > 0
    assert (room.free is None) is (store.dialect == "postgresql")
