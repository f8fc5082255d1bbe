"""A tap as a system of ltc.yaml: pulled into a store through a mapping of its own, killed in between, swept."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import text

from connectors.singer.private import PrivateFolder
from mappings.errors import MappingFileError
from settings.load import load
from settings.model import Settings
from state.store import Store, open_store
from sync.job import run_pull, run_sweep
from sync.systems import mapping_for
from tests.connectors.singer.conftest import SECRET, is_running

ROWS, SAME_INSTANT, KILLS = 3300, 60, 5
MAPPING = """
version: 1
connector: singer
streams:
  order:
    entity: order
    fields: {number: number, currency: {const: CNY}, net_amount: net}
    status: {path: state, values: {open: confirmed, done: completed}}
"""


def orders() -> list[dict[str, Any]]:
    """Orders of which very many share an instant."""
    return [
        {"id": n, "number": f"SO-{n}", "state": "open", "net": f"{n}.10", "changed": _at(n // SAME_INSTANT)}
        for n in range(ROWS)
    ]


def _at(minute: int) -> str:
    return f"2026-01-01T{minute // 60:02}:{minute % 60:02}:00Z"


class Firm:
    """ltc.yaml with one tap, its mapping, its source, and the store."""

    def __init__(self, folder: Path, store: str) -> None:
        self.source = folder / "orders.json"
        self.rows = orders()
        self.save()
        (folder / "orders.yaml").write_text(MAPPING)
        system = {
            "connector": "singer",
            "roles": ["erp"],
            "mapping": "orders.yaml",
            "config": {
                "executable": sys.executable,
                "arguments": ["-S", str(Path(__file__).with_name("shop.py"))],
                "config": {"path": str(self.source), "token": SECRET},
                "streams": {"order": {"stream": "orders", "entity": "order", "deletes": "sweep"}},
            },
        }
        self.path = folder / "ltc.yaml"
        self.path.write_text(yaml.safe_dump({"version": 1, "store": store, "systems": {"shop": system}}))

    @property
    def settings(self) -> Settings:
        return load(self.path)

    def save(self) -> None:
        self.source.write_text(json.dumps(self.rows))

    def held(self, store: Store) -> list[tuple[Any, ...]]:
        """Id, status and amount of every order that we hold, and how many versions of it."""
        query = text(
            "SELECT o.source_id, o.status, o.net_amount, count(l.seq) FROM orders o "
            "JOIN landing l ON l.record_id = o.record_id WHERE o.deleted = 0 "
            "GROUP BY o.source_id, o.status, o.net_amount ORDER BY CAST(o.source_id AS INTEGER)"
        )
        with store.reading() as connection:
            return [tuple(row) for row in connection.execute(query)]

    def true(self, edited: set[int]) -> list[tuple[Any, ...]]:
        """The same, as the source has it."""
        words = {"open": "confirmed", "done": "completed"}
        return [
            (str(r["id"]), words[r["state"]], int(Decimal(r["net"]) * 100), 1 + (r["id"] in edited)) for r in self.rows
        ]


@pytest.fixture
def firm(tmp_path: Path, sqlite_url: str) -> Firm:
    return Firm(tmp_path, sqlite_url)


@pytest.fixture
def victims(tmp_path: Path) -> Iterator[list[int]]:
    """Process ids of what was started; none of them outlives the test."""
    started: list[int] = []
    yield started
    assert [pid for pid in started if is_running(pid)] == []


def run(firm: Firm, temporary: Path, victims: list[int], kill_after: int | None, delay: float) -> int:
    """Pull in a process of its own that is killed ``delay`` seconds after so many pages; its exit status."""
    command = [sys.executable, "-m", "tests.connectors.singer.victim", str(firm.path)]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        victims.append(process.pid)
        assert process.stdout is not None
        for number, _ in enumerate(process.stdout, 1):
            if number == kill_after:
                deadline = time.monotonic() + delay
                while time.monotonic() < deadline:
                    pass
                process.send_signal(signal.SIGKILL)
    return process.returncode


def test_a_pull_that_is_killed_again_and_again_loses_nothing_and_doubles_nothing(
    firm: Firm, temporary_files: Path, victims: list[int]
) -> None:
    dice = random.Random(20260402)
    edited: set[int] = set()
    killed = 0
    for attempt in range(3 * KILLS):
        status = run(firm, temporary_files, victims, 1, dice.uniform(0, 0.01))
        assert status in (0, -signal.SIGKILL)
        killed += status != 0
        if attempt % 2:
            row = firm.rows[dice.randrange(200)]  # read for sure by the first of the runs
            if row["id"] not in edited:
                edited.add(row["id"])
                row.update(state="done", changed=_at(ROWS // SAME_INSTANT + attempt))
                firm.save()
        if killed >= KILLS:
            break
    assert killed >= KILLS
    assert run(firm, temporary_files, victims, None, 0) == 0
    with open_store(firm.settings.store) as store:
        assert firm.held(store) == firm.true(edited)


def test_a_pull_without_news_changes_nothing_and_a_sweep_finds_what_is_gone(firm: Firm, sqlite_store: Store) -> None:
    first = run_pull(sqlite_store, firm.settings)
    assert first.status == "done"
    before = firm.held(sqlite_store)
    assert before == firm.true(set())
    [again] = run_pull(sqlite_store, firm.settings).outcomes
    assert (again.counts["new"], again.counts["changed"]) == (0, 0)
    assert again.counts["unchanged"] == SAME_INSTANT  # those of the last instant are sent again
    del firm.rows[17]
    firm.save()
    assert run_sweep(sqlite_store, firm.settings).status == "done"
    assert firm.held(sqlite_store) == firm.true(set())


def test_what_a_killed_run_leaves_on_disk_is_closed_to_others_and_removed_later(
    firm: Firm, temporary_files: Path, victims: list[int]
) -> None:
    assert run(firm, temporary_files, victims, 1, 0) == -signal.SIGKILL
    left = [path for path in temporary_files.rglob("*") if path.is_file()]
    assert [oct(path.stat().st_mode & 0o777) for path in left] == ["0o600"] * len(left)
    [folder] = temporary_files.iterdir()
    os.utime(folder, (0, 0))
    PrivateFolder().close()
    assert list(temporary_files.iterdir()) == []


def test_a_tap_without_a_mapping_of_its_own_is_told_to_name_one(firm: Firm) -> None:
    settings = firm.settings
    settings.systems["shop"].mapping = None
    with pytest.raises(MappingFileError) as caught:
        mapping_for(settings, "shop")
    assert caught.value.where.startswith("ltc.yaml:")
    assert "no mapping is shipped" in caught.value.message
    assert "mapping: " in caught.value.remedy
