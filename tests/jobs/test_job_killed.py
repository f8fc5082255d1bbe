"""The process may be killed at any instant: running the job again gives the same end, and no write twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import text

from settings.load import load
from state import outbox
from state.store import open_store
from sync.job import run_sync
from tests.jobs import company
from tests.jobs.toy import ToySystem

pytestmark = pytest.mark.slow

KILLS = {"sqlite": 24, "postgresql": 8}
DEALS = 25


class Nursery:
    """Starts the job again and again, and kills it when the systems have seen so many events."""

    def __init__(self, config: Path, systems: list[ToySystem]) -> None:
        self.config = config
        command = [sys.executable, "-m", "tests.jobs.nursery"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._lock = threading.Lock()
        self._left = 0
        self._delay = 0.0
        self._pid = 0
        for system in systems:
            system.watch = self._saw

    def run(self, job: str, events: int = 0, delay: float = 0.0) -> int:
        """One run, killed ``delay`` seconds after so many events (0: never); returns its exit status."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._left, self._delay = events, delay
            self._process.stdin.write(f"{job} {self.config}\n")
            self._process.stdin.flush()
            self._pid = int(self._process.stdout.readline())
        status = int(self._process.stdout.readline())
        with self._lock:
            self._left = 0
        return status

    def _saw(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left == 0 and self._delay:
                threading.Timer(self._delay, self._kill, (self._pid,)).start()
            elif self._left == 0:
                self._kill(self._pid)

    def _kill(self, pid: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_killed_at_random_instants_the_job_ends_the_same_and_writes_nothing_twice(
    database: str,
    toys: None,
    crm: ToySystem,
    erp: ToySystem,
    tmp_path: Path,
    pg_server: Callable[[], str],
    sqlite_url: str,
) -> None:
    crm.fill(company.deals(DEALS))
    erp.fill(company.orders(DEALS))
    urls = {"crm": crm.url, "erp": erp.url}
    config = company.settings_for(tmp_path, urls, erp="off").path
    _put(config, pg_server() if database == "postgresql" else sqlite_url)
    dice = random.Random(20261031)
    nursery = Nursery(config, [crm, erp])
    kills = rounds = 0
    while kills < KILLS[database]:
        rounds += 1
        state = ("delivered", "partly_delivered")[rounds % 2]
        for order in erp.streams["order"]:
            erp.edit("order", order, {"delivery": state})
        crm.writes.clear()
        while set(crm.values("deal", "delivery").values()) != {state}:
            job = dice.choice(
                ("sync", "sync", "push")
            )  # a push alone settles what is in doubt without a pull before it
            status = nursery.run(job, dice.randint(1, 25), dice.choice((0.0, 0.0, dice.random() / 50)))
            assert status in (0, -signal.SIGKILL)
            kills += status != 0
        assert nursery.run("sync") == 0
        assert set(crm.values("deal", "delivery").values()) == {state}
        assert Counter(write[1] for write in crm.writes) == dict.fromkeys(crm.streams["deal"], 1)
    nursery.close()

    with open_store(load(config).store) as store:
        with store.reading() as connection:
            assert outbox.open_plans(connection) == []
            assert set(outbox.counts(connection)) <= {"applied", "unchanged", "superseded"}
        killed = _holdings(store)
    calm = company.settings_for(tmp_path, urls, erp="off")
    with open_store(f"sqlite:///{tmp_path / 'calm.db'}") as store:
        assert run_sync(store, calm).status == "done"
        assert _holdings(store) == killed


def _put(config: Path, url: str) -> None:
    config.write_text(yaml.safe_dump({**yaml.safe_load(config.read_text()), "store": url}))


def _holdings(store: Any) -> list[Any]:
    """What we hold, without the numbers we gave it ourselves."""
    heads = text(
        "SELECT s.system, s.name, r.source_id, r.hash, r.version, r.state FROM record r "
        "JOIN stream s ON s.id = r.stream_id ORDER BY s.system, s.name, r.source_id"
    )
    deals = text("SELECT source_id, name, status, order_number, delivery_state FROM opportunities ORDER BY source_id")
    orders = text("SELECT source_id, number, status, delivery_state FROM orders ORDER BY source_id")
    with store.reading() as connection:
        found = [connection.execute(query).all() for query in (heads, deals, orders)]
    return [[tuple(bytes(v) if isinstance(v, memoryview) else v for v in row) for row in rows] for rows in found]
