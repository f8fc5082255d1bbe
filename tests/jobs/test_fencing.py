"""A worker that hangs, is taken over and wakes up commits nothing more."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from sqlalchemy import text

from connectors import retry
from settings.load import load
from state import cursors, outbox, runs
from state.runs import LeaseHeld
from state.store import Store, open_store
from sync.job import run_pull, run_sync
from tests.jobs import company
from tests.jobs.toy import ToySystem


class Sleeper:
    """A sync of the CRM in another process, which is put to sleep when the CRM has seen so many events.

    It works on one system only, so that it sleeps while it waits for an answer and not within a transaction.
    """

    def __init__(self, config: Path, system: ToySystem, events: int) -> None:
        command = [sys.executable, "-m", "tests.jobs.nursery"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._left, self._pid = events, 0
        self._asleep = threading.Event()
        self._store: str = yaml.safe_load(config.read_text())["store"]
        system.watch = self._saw
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"crm {config}\n")
        self._process.stdin.flush()
        self._pid = int(self._process.stdout.readline())

    def _saw(self) -> None:
        """Put it to sleep before it gets its answer, at a moment when none of its threads is about to commit."""
        self._left -= 1
        if self._left != 0:
            return
        os.kill(self._pid, signal.SIGSTOP)
        self._wait_until_stopped()
        while self._holds_the_database():
            os.kill(self._pid, signal.SIGCONT)
            os.sched_yield()
            os.kill(self._pid, signal.SIGSTOP)
            self._wait_until_stopped()
        self._asleep.set()

    def _wait_until_stopped(self) -> None:
        deadline = time.monotonic() + 60
        while Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
            assert time.monotonic() < deadline, "it ended before it could be put to sleep"
            os.sched_yield()

    def _holds_the_database(self) -> bool:
        """Whether it was stopped inside a transaction, which would hold up everybody else."""
        if not self._store.startswith("sqlite:///"):
            with psycopg.connect(self._store.replace("+psycopg", ""), autocommit=True) as other:
                query = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state LIKE %s"
                return other.execute(query, ("idle in transaction%",)).fetchone() is not None
        with closing(sqlite3.connect(self._store.removeprefix("sqlite:///"), timeout=0)) as other:
            try:
                other.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return True
            other.rollback()
            return False

    def wait_until_asleep(self) -> None:
        """Wait until it has been stopped."""
        assert self._asleep.wait(60)

    def wake(self) -> int:
        """Let it go on; returns its exit status."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        os.kill(self._pid, signal.SIGCONT)
        status = int(self._process.stdout.readline())
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        return status


@pytest.fixture(params=["sqlite", "postgresql"])
def config(
    request: pytest.FixtureRequest, toys: None, crm: ToySystem, erp: ToySystem, tmp_path: Path
) -> Iterator[Path]:
    """The toy company, on each database."""
    made = company.settings_for(tmp_path, {"crm": crm.url, "erp": erp.url}, erp="off").path
    url = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "pg_server")
    url = url() if callable(url) else url
    made.write_text(yaml.safe_dump({**yaml.safe_load(made.read_text()), "store": url}))
    with retry.no_waiting():
        yield made
    crm.watch = erp.watch = None


def let_leases_run_out(store: Store) -> None:
    """As if the time of every lease were up."""
    with store.transaction() as connection:
        connection.execute(text("UPDATE lease SET expires_at = 0"))


def committed(store: Store) -> list[object]:
    """Everything that a page or an outcome would change."""
    queries = (
        "SELECT record_id, seq, run_id FROM landing ORDER BY 1, 2",
        'SELECT stream_id, "cursor", run_id FROM "cursor" ORDER BY 1',
        "SELECT id, status, attempts, message, done_at FROM outbox ORDER BY 1",
    )
    with store.reading() as connection:
        return [[tuple(row) for row in connection.execute(text(query))] for query in queries]


@pytest.mark.parametrize("where", ["between two pages", "while a write is under way"])
def test_a_worker_that_wakes_after_it_was_taken_over_commits_nothing(config: Path, crm: ToySystem, where: str) -> None:
    with open_store(load(config).store) as store:
        assert run_pull(store, load(config), systems=["erp"]).status == "done"
    events = 4 if where == "between two pages" else 10  # asks for the pages: 6 events; then a read and a write each
    sleeper = Sleeper(config, crm, events)
    sleeper.wait_until_asleep()
    with open_store(load(config).store) as store:
        let_leases_run_out(store)
        result = run_sync(store, load(config))
        before = committed(store)
        assert sleeper.wake() != 0
        assert committed(store) == before
    assert result.status == "done"
    assert set(crm.values("deal", "delivery").values()) == {"delivered"}
    assert Counter(write[1] for write in crm.writes) == dict.fromkeys(crm.streams["deal"], 1)


def test_tokens_grow_with_every_lease_of_a_store(store: Store) -> None:
    tokens = []
    for name in ("stream crm.deal", "push to crm", "stream crm.deal"):
        with runs.lease(store, name) as lease:
            tokens.append(lease.token)
    assert tokens == sorted(set(tokens))


def test_the_database_refuses_a_page_under_an_older_token(store: Store) -> None:
    known: Any = {"complete": True, "covered_until": None, "run_id": "r"}
    with store.transaction() as connection:
        cursors.write(connection, 1, {"since": 5}, fence=7, **known)
    with pytest.raises(LeaseHeld, match="took over"), store.transaction() as connection:
        cursors.write(connection, 1, {"since": 4}, fence=6, **known)
    with store.reading() as connection:
        stored = cursors.read(connection, 1)
    assert stored is not None
    assert stored.cursor == {"since": 5}


def test_the_database_refuses_an_outcome_under_an_older_token(config: Path, crm: ToySystem) -> None:
    with open_store(load(config).store) as store:
        plan = run_sync(store, load(config), push="plan").plans[0]
        item = plan.items[0]
        with store.transaction() as connection:
            assert outbox.sending(connection, [item], 1_000) == {item.id}
            assert outbox.sending(connection, [item], 1_001) == {item.id}  # taken over
            assert outbox.sending(connection, [item], 1_000) == set()
        with pytest.raises(LeaseHeld), store.transaction() as connection:
            outbox.outcome(connection, item.id, outbox.OutboxStatus.APPLIED, fence=1_000)
        with store.reading() as connection:
            assert outbox.load(connection, plan.id).items[0].status is outbox.OutboxStatus.SENDING


def test_a_change_that_was_withdrawn_meanwhile_is_not_sent(config: Path) -> None:
    with open_store(load(config).store) as opened:
        item = run_sync(opened, load(config), push="plan").plans[0].items[0]
        with opened.transaction() as connection:
            outbox.outcome(connection, item.id, outbox.OutboxStatus.SUPERSEDED)
            assert outbox.sending(connection, [item], 1_000) == set()


def test_a_change_withdrawn_while_it_was_tried_is_not_tried_again_and_its_plan_stays_closed(config: Path) -> None:
    status = outbox.OutboxStatus
    with open_store(load(config).store) as opened:
        plan = run_sync(opened, load(config), push="plan").plans[0]
        answered, unanswered = plan.items[:2]
        with opened.transaction() as connection:
            outbox.sending(connection, plan.items[:2], 1_000)
            assert outbox.save_plan(connection, plan.system, [], "another") is None
            outbox.outcome(connection, answered.id, status.PLANNED, "busy", fence=1_000)
            outbox.unsent(connection, unanswered, status.PLANNED, "refused")
            outbox.end(connection, plan.id)
        with opened.reading() as connection:
            assert [item.status for item in outbox.load(connection, plan.id).items[:2]] == [status.SUPERSEDED] * 2
            assert outbox.open_plans(connection) == []


def test_a_reconciliation_that_was_taken_over_writes_nothing(store: Store) -> None:
    with runs.lease(store, "the reconciliation", owner="hung") as lease:
        fenced = store.fenced(lease)
        with fenced.transaction() as connection:
            connection.execute(text("INSERT INTO counter VALUES ('before', 1)"))
        let_leases_run_out(store)
        another = runs.lease(store, "the reconciliation", owner="next")
        with another, pytest.raises(LeaseHeld), fenced.transaction() as connection:
            connection.execute(text("INSERT INTO counter VALUES ('after', 1)"))
    with store.reading() as connection:
        names = connection.execute(text("SELECT name FROM counter WHERE name <> 'lease'")).scalars().all()
    assert names == ["before"]
