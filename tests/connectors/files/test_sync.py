"""A folder of CSV orders as a system of ltc.yaml: pulled into a store, killed in between, changed, swept."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import text

from console import ran
from console.i18n import texts
from settings.load import load
from settings.model import Settings
from state import queries
from state.store import Store, open_store
from sync.job import run_pull, run_sweep, run_sync
from tests.connectors.files.conftest import OLD

FILES, ROWS, KILLS = 3, 1200, 3
MAPPING = """
version: 1
connector: files
streams:
  order:
    entity: order
    fields:
      number: 订单号
      currency: {const: CNY}
      net_amount: {path: 金额}
      order_date: {path: 日期}
    status: {path: 状态, values: {已确认: confirmed, 已完成: completed}}
    required: [number, net_amount]
"""


class Firm:
    """ltc.yaml with one folder of exports, its mapping, and the store."""

    def __init__(self, folder: Path, store: str, **stream: Any) -> None:
        self.folder = folder / "exports"
        self.folder.mkdir()
        self.rows = {n: [f"SO-{n}", f"{n}.10", "2026-01-05", "已确认"] for n in range(FILES * ROWS)}
        (folder / "orders.yaml").write_text(MAPPING)
        config = {
            "folder": str(self.folder),
            "streams": {"order": {"pattern": "orders-*.csv", "entity": "order", "key": ["订单号"], **stream}},
        }
        system = {"connector": "files", "roles": ["erp"], "mapping": "orders.yaml", "config": config}
        self.path = folder / "ltc.yaml"
        self.path.write_text(yaml.safe_dump({"version": 1, "store": store, "systems": {"shop": system}}))

    @property
    def settings(self) -> Settings:
        return load(self.path)

    def save(self, file: int, rows: list[int], *, at: float = 0.0) -> None:
        """Write one of the files, in GB18030 as the ERP system does."""
        lines = ["订单号;金额;日期;状态", *(";".join(self.rows[n]) for n in rows), ""]
        path = self.folder / f"orders-{file}.csv"
        path.write_bytes("\r\n".join(lines).encode("gb18030"))
        os.utime(path, (OLD + file + at, OLD + file + at))

    def save_all(self) -> None:
        for file in range(FILES):
            self.save(file, list(range(file * ROWS, (file + 1) * ROWS)))

    def held(self, store: Store) -> dict[str, tuple[str, int, int]]:
        """Number → status, amount and count of versions of every order that we hold."""
        query = text(
            "SELECT o.number, o.status, o.net_amount, count(l.seq) FROM orders o JOIN landing l USING (record_id) "
            "WHERE o.deleted = 0 GROUP BY o.number, o.status, o.net_amount"
        )
        with store.reading() as connection:
            return {row[0]: (row[1], row[2], row[3]) for row in connection.execute(query)}

    def true(self, edited: tuple[int, ...] = ()) -> dict[str, tuple[str, int, int]]:
        words = {"已确认": "confirmed", "已完成": "completed"}
        return {
            number: (words[state], int(net.replace(".", "")), 1 + (n in edited))
            for n, (number, net, _, state) in self.rows.items()
        }


@pytest.fixture
def firm(tmp_path: Path, sqlite_url: str) -> Firm:
    return Firm(tmp_path, sqlite_url)


def killed_pull(firm: Firm, after: int | None, delay: float) -> int:
    """Pull in a process of its own that is killed ``delay`` seconds after so many pages; its exit status."""
    command = [sys.executable, "-m", "tests.connectors.files.victim", str(firm.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for number, _ in enumerate(process.stdout, 1):
            if number == after:
                deadline = time.monotonic() + delay
                while time.monotonic() < deadline:
                    pass
                process.send_signal(signal.SIGKILL)
    return process.returncode


def test_a_pull_that_is_killed_again_and_again_loses_nothing_and_doubles_nothing(firm: Firm) -> None:
    firm.save_all()
    dice = random.Random(20261128)
    killed = [killed_pull(firm, 1, dice.uniform(0, 0.02)) for _ in range(KILLS)]
    assert killed.count(-signal.SIGKILL) >= 2
    assert killed_pull(firm, None, 0) == 0
    with open_store(firm.settings.store) as store:
        assert firm.held(store) == firm.true()


def test_of_a_changed_file_only_changed_rows_are_new_versions(firm: Firm, sqlite_store: Store) -> None:
    firm.save_all()
    assert run_sync(sqlite_store, firm.settings).status == "done"
    firm.rows[1300][3] = "已完成"
    firm.save(1, list(range(ROWS, 2 * ROWS)), at=60)
    [again] = run_pull(sqlite_store, firm.settings).outcomes
    assert (again.counts["pulled"], again.counts["changed"], again.counts["unchanged"]) == (ROWS, 1, ROWS - 1)
    assert firm.held(sqlite_store) == firm.true(edited=(1300,))
    [idle] = run_pull(sqlite_store, firm.settings).outcomes
    assert idle.counts["pulled"] == 0


def test_rows_of_a_refused_file_come_once_it_is_mended_and_quarantine_is_empty_then(
    firm: Firm, sqlite_store: Store
) -> None:
    firm.rows = {n: firm.rows[n] for n in range(3)}
    firm.save(0, [0, 1, 2])
    path = firm.folder / "orders-0.csv"
    path.write_bytes(path.read_bytes().replace(b"1.10", b"1.10;oops") + b"\xff\xff")
    os.utime(path, (OLD, OLD))
    [first] = run_pull(sqlite_store, firm.settings).outcomes
    assert first.counts["rejected"] == 1
    firm.save(0, [0, 1, 2], at=30)
    run_pull(sqlite_store, firm.settings)
    assert firm.held(sqlite_store) == firm.true()
    with sqlite_store.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM quarantine")).scalar_one() == 0


def test_a_run_says_that_a_file_is_gone_whose_records_stay(firm: Firm, sqlite_store: Store) -> None:
    firm.save_all()
    run_pull(sqlite_store, firm.settings)
    held = firm.held(sqlite_store)
    (firm.folder / "orders-0.csv").unlink()
    [outcome] = run_pull(sqlite_store, firm.settings).outcomes
    assert outcome.counts["files_gone"] == 1
    assert firm.held(sqlite_store) == held
    with sqlite_store.reading() as connection:
        [part] = queries.run_parts(connection, queries.recent_runs(connection, 1)[0].id)
    assert "files no longer in the folder (their records stay) 1" in ran.part(part, texts("en"))[-1]


def test_what_the_newest_complete_list_lacks_is_swept(tmp_path: Path, sqlite_store: Store, sqlite_url: str) -> None:
    firm = Firm(tmp_path, sqlite_url, deletes="sweep")
    firm.rows = {n: firm.rows[n] for n in range(5)}
    firm.save(0, [0, 1, 2, 3, 4])
    run_pull(sqlite_store, firm.settings)
    del firm.rows[2]
    firm.save(1, [0, 1, 3, 4])
    run_pull(sqlite_store, firm.settings)
    assert run_sweep(sqlite_store, firm.settings).status == "done"
    assert firm.held(sqlite_store) == firm.true()
