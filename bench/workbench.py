"""The workbench under load: how long pages take for people who work at the same time, beside a pull or alone.

    python -m bench.workbench [--chains 125000] [--users 20] [--seconds 60] [--databases sqlite,postgresql]

A store is filled with chains of eight documents (``bench.reconcile``), three of eight chains broken, and reconciled:
125,000 chains are 1,000,000 documents and about 50,000 findings. Then ``users`` people, each with a session of its own,
ask for one page after the other, with half a second to one and a half between them: a while with nobody else at work,
then while a full pull goes on from a source that never lets it wait, then while one goes on at the pace that a vendor
allows (``PACE``), then while all is reconciled again, and so on in turns (``TURNS``), ``seconds`` of each in all but
the full pull and the reconciliation, which take as long as they take. All three were timed alone before. Server,
users, pull, source and reconciliation are processes of their own, on the same processors. Latencies are what the users
see, from sending to the last byte.
"""

from __future__ import annotations

import argparse
import json
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from bench.contestant import peak_kib
from bench.measure import Sample, python
from bench.pull import serving
from bench.reconcile import generate, settings
from bench.run import RESULTS, commit, machine
from sandbox.postgres import Postgres
from state.store import Store, open_store

GAPS = 8
"""Three of so many chains are broken."""
TURNS = 3
"""How often people are alone and beside each pull, in turns, so that a machine that changes its speed changes all."""
KINDS = ("overview", "findings", "filtered", "number", "amount", "words", "finding", "trace", "cash", "systems")
AIMS = {"overview": 300.0, **dict.fromkeys(("findings", "filtered", "number", "amount", "words", "trace"), 150.0)}
"""Page → milliseconds that 95 of 100 are to be below."""
PACE = 1.0
"""Seconds for a page of 1000 records, as Xero's limit of 60 calls a minute has it."""
BESIDE = {
    "beside_a_pull": "full pull",
    "beside_a_paced_pull": "vendor's pace",
    "beside_a_reconciliation": "reconciling",
}
"""What goes on beside the people → what to call it in a table."""
Taken = dict[str, list[float]]
"""Page → milliseconds of each request."""
_SLOWER = 1.2
"""What work beside it may cost."""


def main() -> int:
    """Measure, print, keep the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--chains", type=int, default=125_000)
    parser.add_argument("--users", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--pulled", type=int, default=200_000, help="records of the pulls beside, together")
    parser.add_argument("--databases", default="sqlite,postgresql")
    chosen = parser.parse_args()
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for database in chosen.databases.split(","):
            with _database(database, Path(folder)) as url:
                found[database] = _measured(url, chosen)
            sys.stdout.write(_told(database, found[database]))
    now = datetime.now(UTC)
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"workbench-{now:%Y%m%dT%H%M%SZ}.json"
    kept = {"at": now.isoformat(), "commit": commit(), "machine": machine(), "given": vars(chosen), "results": found}
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return 0


@contextmanager
def _database(name: str, folder: Path) -> Iterator[str]:
    if name == "sqlite":
        yield f"sqlite:///{folder / 'workbench.db'}"
        return
    with Postgres.start(folder / "postgres") as postgres:
        postgres.replace("workbench", "template0")
        yield postgres.url("workbench")


def _measured(url: str, given: argparse.Namespace) -> dict[str, Any]:
    from reconciliation.engine import reconcile

    chains, seconds = given.chains, given.seconds
    alone = {}
    started = time.perf_counter()
    with open_store(url) as store:
        generate(store, chains, GAPS)
        _count_on(store)
    filled = time.perf_counter()
    for name in BESIDE:
        if name != "beside_a_reconciliation":
            with _work(name, "alone", url, given) as work:
                alone[name] = work().wall
    pulled_at = time.perf_counter()
    with open_store(url) as store:  # what was pulled is reconciled, as after every sync
        result = reconcile(store, settings(), "r1")
        _analyse(store)
        reconciled = time.perf_counter()
        tokens = _sessions(store, given.users)
        ids = _findings(store)
    with _work("beside_a_reconciliation", "alone", url, given) as work:
        alone["beside_a_reconciliation"] = work().wall
    head = {
        "documents": 8 * chains,
        "findings": result.opened,
        "seconds_to_fill": round(filled - started, 1),
        "seconds_to_reconcile": round(reconciled - pulled_at, 1),
    }
    with _workbench(url) as address:
        found: dict[str, Any] = {"first_load": _first_load(address, tokens[0])}
        spans: dict[str, list[Taken]] = {name: [] for name in ("alone", *BESIDE)}
        walls: dict[str, list[float]] = {name: [] for name in BESIDE}
        for turn in range(TURNS):
            spans["alone"].append(_span(address, tokens, ids, chains, seconds / TURNS))
            for name in BESIDE:
                with _work(name, str(turn), url, given) as work, ThreadPoolExecutor(1) as pool:
                    going = pool.submit(work)
                    spans[name].append(_span(address, tokens, ids, chains, 10 * seconds, going.done))
                walls[name].append(going.result().wall)
    found |= {name: _summed(taken) for name, taken in spans.items()}
    for name, wall in walls.items():
        found[f"{name}_seconds"] = {"alone": round(alone[name], 2), "beside_users": round(sum(wall) / TURNS, 2)}
    return {**head, **found}


@contextmanager
def _work(name: str, turn: str, url: str, given: argparse.Namespace) -> Iterator[Callable[[], Sample]]:
    """What runs one of ``BESIDE`` from start to end, in a process of its own; its source is up before."""
    if name == "beside_a_reconciliation":
        yield lambda: python("bench.workbench", "reconcile", url, f"{name}_{turn}")
        return
    full = name == "beside_a_pull"
    count = given.pulled // TURNS if full else 1000 * int(given.seconds / TURNS / PACE)
    with serving("orders", count, 0.0 if full else PACE) as source:
        yield lambda: python("bench.contestant", "ours", url, source, "orders", "--system", f"{name}_{turn}")


def _reconcile(url: str, run: str) -> None:
    """All reconciled again, as the command does it; ends with the line that ``measure.python`` reads."""
    from sync import process

    process.starting()
    process.yielding()
    from reconciliation.engine import reconcile

    with open_store(url) as store:
        process.started()
        result = reconcile(store, settings(), run)
    sys.stdout.write(json.dumps({"counts": {"opened": result.opened}, "peak_kib": peak_kib()}) + "\n")


def _count_on(store: Store) -> None:
    """Let PostgreSQL number what comes after the rows that were given with their numbers."""
    if store.engine.dialect.name == "postgresql":
        with store.transaction() as connection:
            for sequence, table in (("'record_ids'", "record"), ("pg_get_serial_sequence('stream', 'id')", "stream")):
                connection.exec_driver_sql(f"SELECT setval({sequence}, (SELECT max(id) FROM {table}))")


def _analyse(store: Store) -> None:
    """Let PostgreSQL know what its tables hold, as its autovacuum does where it is not switched off."""
    if store.engine.dialect.name == "postgresql":
        with store.transaction() as connection:
            connection.exec_driver_sql("ANALYZE")


def _sessions(store: Store, users: int) -> list[str]:
    from state import members
    from state.members import Role

    tokens = []
    with store.transaction() as connection:
        for number in range(users):
            name = f"user{number}"
            members.invite(connection, name, [Role.FINANCE], "bench")
            tokens.append(members.sign_in(connection, name))
    return tokens


def _findings(store: Store) -> list[str]:
    from state.finding_pages import Wanted, page

    with store.reading() as connection:
        return [item.id for item in page(connection, Wanted(), 0, 2000).findings]


@contextmanager
def _workbench(url: str) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "bench.workbench", "serve", url, str(port)])
    address = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                httpx.get(f"{address}/healthz")
                break
            except httpx.TransportError:
                if server.poll() is not None:
                    raise SystemExit("The workbench did not start.") from None
                time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        server.wait()


def _serve(url: str, port: int) -> None:
    import uvicorn

    from console.web import turns
    from console.web.app import workbench
    from console.web.warming import warm_up
    from sync import process

    process.starting()  # as the command does
    turns.shorten()
    with open_store(url) as store:
        app = workbench(store, settings())
        warm_up(app)
        uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False, lifespan="off")


def _first_load(address: str, token: str) -> dict[str, Any]:
    """The first overview of a server that has just begun, with all that it loads: seconds, and bytes as sent."""
    import re

    sent = 0
    started = time.perf_counter()
    with httpx.Client(base_url=address, cookies={"ltc": token}, headers={"accept-encoding": "gzip"}) as client:
        page = client.get("/", timeout=600)
        page.raise_for_status()
        seconds = time.perf_counter() - started
        answers = [page, *(client.get(found) for found in re.findall(r'(?:href|src)="(/assets/[^"]+)"', page.text))]
        sent = sum(answer.num_bytes_downloaded for answer in answers)
    return {"seconds": round(seconds, 2), "kilobytes": round(sent / 1000, 1)}


def _span(
    address: str,
    tokens: Sequence[str],
    ids: Sequence[str],
    chains: int,
    seconds: float,
    ended: Callable[[], bool] = lambda: False,
) -> Taken:
    """All users at work for so long, or until ``ended``; milliseconds by page."""
    taken: Taken = {kind: [] for kind in KINDS}
    until = time.monotonic() + seconds

    def work(number: int) -> None:
        chance = random.Random(number)
        with httpx.Client(base_url=address, cookies={"ltc": tokens[number]}, timeout=60) as client:
            time.sleep(chance.random())
            while time.monotonic() < until and not ended():
                kind = chance.choice(KINDS)
                page = _page(kind, chance, ids, chains)
                started = time.perf_counter()
                answer = client.get(page)
                taken[kind].append(1000 * (time.perf_counter() - started))
                if answer.status_code != 200:
                    raise SystemExit(f"{page} was answered with {answer.status_code}.")
                time.sleep(0.5 + chance.random())

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(tokens))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken


def _page(kind: str, chance: random.Random, ids: Sequence[str], chains: int) -> str:
    n = chance.randrange(chains)
    amount = (100_000 + n % 900_000) / 100
    by_kind: dict[str, Callable[[], str]] = {
        "overview": lambda: "/",
        "findings": lambda: f"/findings?page={chance.randrange(1, 200)}",
        "filtered": lambda: f"/findings?severity={chance.choice(('error', 'warning'))}&order=amount",
        "number": lambda: f"/findings?text=SO-{n:07d}",
        "amount": lambda: f"/findings?text={amount:.2f}",
        "words": lambda: f"/findings?text=Deal {n}",
        "finding": lambda: f"/findings/{chance.choice(ids)}",
        "trace": lambda: f"/trace?text=SO-{n - n % GAPS + 3:07d}",
        "cash": lambda: "/cash",
        "systems": lambda: "/systems",
    }
    return by_kind[kind]()


def _summed(spans: Sequence[Taken]) -> dict[str, dict[str, float]]:
    """Shares of each page and, as ``all``, of every request, over the spans."""
    times = {kind: [each for span in spans for each in span[kind]] for kind in KINDS}
    times["all"] = [each for kind in KINDS for each in times[kind]]
    return {kind: _shares(found) for kind, found in times.items() if found}


def _shares(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)

    def below(share: float) -> float:
        return round(ordered[min(int(share * len(ordered)), len(ordered) - 1)], 1)

    mean = round(sum(ordered) / len(ordered), 1)
    return {"requests": len(ordered), "mean": mean, "p50": below(0.5), "p95": below(0.95), "max": round(ordered[-1], 1)}


def _told(database: str, found: dict[str, Any]) -> str:
    head = f"\n{database}: {found['documents']:,} documents, {found['findings']:,} findings, {found['first_load']}\n"
    columns = "".join(f" {what:>15}" for what in BESIDE.values())
    lines = [f"{'page':10} {'requests':>9} {'p50 ms':>8} {'p95 ms':>8}{columns}  (p95 beside)  aim"]
    for kind, row in found["alone"].items():
        aim = AIMS.get(kind)
        verdict = "" if aim is None else f"< {aim:.0f}: {'met' if row['p95'] < aim else 'missed'}"
        beside = "".join(f" {found[name].get(kind, {}).get('p95', float('nan')):15.1f}" for name in BESIDE)
        lines.append(f"{kind:10} {row['requests']:9,} {row['p50']:8.1f} {row['p95']:8.1f}{beside}  {verdict}")
    for name in BESIDE:
        work = found[f"{name}_seconds"]
        ratio = work["beside_users"] / work["alone"]
        told = f"{name}: {work['alone']} s alone, {work['beside_users']} s beside users, {ratio:.2f}× (≤ {_SLOWER})"
        lines.append(told)
    for name in ("alone", *BESIDE):
        every = found[name]["all"]
        lines.append(f"{name}: every request: mean {every['mean']}, p50 {every['p50']}, p95 {every['p95']} ms")
    return head + "\n".join(lines) + "\n"


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        _serve(sys.argv[2], int(sys.argv[3]))
    elif sys.argv[1:2] == ["reconcile"]:
        _reconcile(*sys.argv[2:4])
    else:
        sys.exit(main())
