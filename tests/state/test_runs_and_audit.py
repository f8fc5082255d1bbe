"""Runs, leases, cursors and the audit chain."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from state import audit, cursors, runs
from state.store import Store, open_store


def test_a_run_and_its_streams_are_noted(store: Store) -> None:
    with runs.running(store, "pull") as run:
        with store.transaction() as connection:
            runs.start_stream(connection, run.id, "crm", "lead", "pull")
            error = ("auth", "refused", "check the password")
            runs.finish_stream(
                connection, run.id, "crm", "lead", "pull", status="failed", counts={"pulled": 3}, error=error
            )
        run.finish("partial", {"pulled": 3})
    with store.reading() as connection:
        stream = connection.execute(text("SELECT status, counts, error_kind, remedy FROM stream_run")).one()
        noted = connection.execute(text("SELECT kind, status, summary FROM run")).one()
    assert tuple(stream) == ("failed", '{"pulled": 3}', "auth", "check the password")
    assert tuple(noted) == ("pull", "partial", '{"pulled": 3}')


def test_a_run_that_breaks_off_has_failed_and_holds_nothing_back(store: Store) -> None:
    with pytest.raises(RuntimeError), runs.running(store, "sync", also=["the sync"]):
        raise RuntimeError
    with store.reading() as connection:
        assert connection.execute(text("SELECT status FROM run")).scalars().all() == ["failed"]
        assert connection.execute(text("SELECT count(*) FROM lease")).scalar() == 0


def test_a_run_that_cannot_have_its_leases_leaves_no_trace(store: Store) -> None:
    with runs.lease(store, "the sync"), pytest.raises(runs.LeaseHeld), runs.running(store, "sync", also=["the sync"]):
        pass
    with store.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM run")).scalar() == 0


def test_a_cursor_is_read_as_it_was_written(store: Store) -> None:
    with store.transaction() as connection:
        assert cursors.read(connection, 7) is None
        cursors.write(connection, 7, {"after": "订"}, complete=False, covered_until=None, run_id="r", fence=0)
        cursors.write(connection, 7, {"after": "x"}, complete=True, covered_until=5, run_id="r", fence=0)
        found = cursors.read(connection, 7)
    assert found is not None
    assert (found.cursor, found.complete, found.covered_until) == ({"after": "x"}, True, 5)


def test_a_lease_keeps_others_out_until_it_is_given_back(store: Store) -> None:
    with runs.lease(store, "system crm"):
        with pytest.raises(runs.LeaseHeld, match="another process"), runs.lease(store, "system crm"):
            pass
        with runs.lease(store, "system erp"):
            pass
    with runs.lease(store, "system crm"):
        pass


def test_the_lease_of_a_process_that_died_is_taken_over_at_once(store: Store) -> None:
    code = "from state.runs import this_process; print(this_process())"
    dead = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    with store.transaction() as connection:
        runs.acquire(connection, "system crm", owner=f"{dead}/1", seconds=3600)
    with runs.lease(store, "system crm"):
        pass


def test_a_lease_of_another_machine_is_taken_over_when_its_time_is_up(store: Store) -> None:
    with store.transaction() as connection:
        runs.acquire(connection, "system crm", owner="elsewhere:1:2/3", seconds=3600)
    with pytest.raises(runs.LeaseHeld, match="elsewhere"), runs.lease(store, "system crm"):
        pass
    with store.transaction() as connection:
        runs.acquire(connection, "system erp", owner="elsewhere:1:2/3", seconds=-1)
    with runs.lease(store, "system erp"):
        pass


def test_who_lost_a_lease_notices_before_committing(store: Store) -> None:
    with store.transaction() as connection:
        mine = runs.acquire(connection, "system crm", seconds=-1)
    with store.transaction() as connection:
        runs.acquire(connection, "system crm", owner="elsewhere:1:2/3")
    with pytest.raises(runs.LeaseHeld, match="took over"), store.transaction() as connection:
        mine.renew(connection)


def test_an_untouched_audit_chain_holds(store: Store) -> None:
    with store.transaction() as connection:
        assert audit.verify(connection).intact
        for number in range(3):
            audit.append(connection, "王芳", "waive", {"finding": number})
    with store.reading() as connection:
        assert audit.verify(connection) == audit.Verdict(3)


@pytest.mark.parametrize(
    ("edit", "broken_at"),
    [
        ("UPDATE audit SET detail = '{}' WHERE id = 2", 2),
        ("UPDATE audit SET actor = 'eve' WHERE id = 1", 1),
        ("UPDATE audit SET at = at + 1 WHERE id = 3", 3),
        ("DELETE FROM audit WHERE id = 2", 2),
        ("UPDATE audit SET id = 9 WHERE id = 3", 3),
    ],
)
def test_any_edit_of_the_audit_is_found(store: Store, edit: str, broken_at: int) -> None:
    with store.transaction() as connection:
        for number in range(3):
            audit.append(connection, "王芳", "waive", {"finding": number})
    with store.transaction() as connection:
        connection.execute(text(edit))
        verdict = audit.verify(connection)
    assert (verdict.intact, verdict.broken_at) == (False, broken_at)


def _append_many(url: str) -> None:
    with open_store(url) as own:
        for number in range(20):
            with own.transaction() as connection:
                audit.append(connection, "worker", "did", {"n": number})


def test_two_processes_cannot_fork_the_audit_chain(store: Store) -> None:
    url = store.engine.url.render_as_string(hide_password=False)
    workers = [multiprocessing.get_context("spawn").Process(target=_append_many, args=(url,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    with store.reading() as connection:
        assert audit.verify(connection) == audit.Verdict(60)


def test_threads_take_turns_to_write(store: Store) -> None:
    def append(number: int) -> None:
        with store.transaction() as connection:
            audit.append(connection, "thread", "did", {"n": number})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(append, range(40)))
    with store.reading() as connection:
        assert audit.verify(connection) == audit.Verdict(40)
