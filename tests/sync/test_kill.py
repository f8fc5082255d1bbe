"""A pull that is killed at any instant and run again ends in the state of one that was not."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from state.store import Store, open_store
from tests.sync.conftest import MAPPING
from tests.sync.victim import pull_once

pytestmark = pytest.mark.slow

PAGES, PER_PAGE, KILLS = 12, 25, 20

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    ["pytest", "sqlalchemy.dialects.sqlite", "sqlalchemy.dialects.postgresql.psycopg", "psycopg", "tests.sync.victim"]
)


def _page(number: int) -> bytes:
    """Every page has news of its own, changes of the page before, a deletion, and something for quarantine."""
    if number >= PAGES:
        return b'{"data": [], "deleted": [], "last": true}'
    orders = [(number * PER_PAGE + place, 1, "open") for place in range(PER_PAGE)]
    if number:
        orders += [((number - 1) * PER_PAGE + place, 2, "done" if place else "weird") for place in range(6)]
    data = [
        {
            "id": str(order),
            "version": version,
            "number": f"SO-{order}",
            "state": state,
            "net": f"{order}.10",
            "lines": [{"sku": "A"}, {"sku": f"B{version}"}],
        }
        for order, version, state in orders
    ]
    deleted = [str((number - 1) * PER_PAGE + 9)] if number else []
    return json.dumps({"data": data, "deleted": deleted, "last": number == PAGES - 1}).encode()


class Shop:
    """Serves the pages over HTTP and kills its client when a test says so."""

    def __init__(self) -> None:
        self.requests = 0
        self.kill_at: int | None = None
        self.kill: Callable[[int], None] = lambda _: None
        shop = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 1 << 16  # head and body in one packet

            def do_GET(self) -> None:
                shop.requests += 1
                body = _page(int(self.path.strip("/")))
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if shop.requests == shop.kill_at:
                    shop.kill(0)
                try:
                    self.wfile.write(body)
                except OSError:
                    self.close_connection = True

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    made = Shop()
    yield made
    made.close()


@pytest.fixture(scope="module")
def mapping(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("kill") / "toy.yaml"
    path.write_text(MAPPING)
    return str(path)


QUERIES = (
    "SELECT source_id, hash, version, seq, state FROM record ORDER BY source_id",
    "SELECT r.source_id, l.seq, l.hash, l.version, l.origin, l.last_seen_at IS NULL FROM landing l "
    "JOIN record r ON r.id = l.record_id ORDER BY 1, 2",
    "SELECT source_id, number, status, net_amount, deleted FROM orders ORDER BY source_id",
    "SELECT r.source_id, n.line_no, n.sku FROM order_lines n JOIN record r ON r.id = n.record_id ORDER BY 1, 2",
    "SELECT source_id, field, value, reason, attempts FROM quarantine ORDER BY source_id",
    "SELECT cursor, complete FROM cursor",
    "SELECT status FROM stream_run",
    "SELECT count(*) FROM lease",
)


def state(store: Store) -> list[list[tuple[Any, ...]]]:
    """Everything but record ids and times of day."""
    with store.reading() as connection:
        return [
            [tuple(bytes(v) if isinstance(v, memoryview) else v for v in row) for row in connection.execute(text(sql))]
            for sql in QUERIES
        ]


def run(url: str, shop: Shop, mapping: str, kill_at: int | None, delay: float) -> int | None:
    """Pull in a process of its own that is killed ``delay`` seconds after it asked for a page; its exit code."""
    shop.requests, shop.kill_at = 0, kill_at
    victim = _context.Process(target=pull_once, args=(url, shop.url, mapping))
    timers: list[threading.Timer] = []

    def kill(_: int) -> None:
        timers.append(threading.Timer(delay, lambda: os.kill(victim.pid or 0, signal.SIGKILL)))
        timers[0].start()

    shop.kill = kill
    victim.start()
    victim.join()
    for timer in timers:
        timer.join()
    exit_code = victim.exitcode
    victim.close()
    return exit_code


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_a_pull_killed_at_random_points_ends_in_the_same_state(
    dialect: str, shop: Shop, mapping: str, sqlite_template: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    def fresh(number: int) -> str:
        if dialect == "postgresql":
            made: str = request.getfixturevalue("pg_server")()
            return made
        path = tmp_path / f"{number}.db"
        path.write_bytes(sqlite_template.read_bytes())
        return f"sqlite:///{path}"

    undisturbed = fresh(0)
    assert run(undisturbed, shop, mapping, None, 0) == 0
    with open_store(undisturbed) as store:
        expected = state(store)
    assert len(expected[0]) == PAGES * PER_PAGE
    chance = random.Random(20260207)
    killed = 0
    for number in range(1, 3 * KILLS):
        url = fresh(number)
        first = run(url, shop, mapping, chance.randrange(1, PAGES), chance.uniform(0, 0.006))
        killed += first == -signal.SIGKILL
        if chance.random() < 0.2:
            killed += run(url, shop, mapping, chance.randrange(1, 4), chance.uniform(0, 0.006)) == -signal.SIGKILL
        assert run(url, shop, mapping, None, 0) == 0
        with open_store(url) as store:
            assert state(store) == expected
        if killed >= KILLS:
            return
    pytest.fail(f"only {killed} of the runs were killed in time")
