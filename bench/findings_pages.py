"""The findings pages alone: what it costs to write what findings are found by, and how long each way to look takes.

    python -m bench.findings_pages [--findings 50000] [--databases sqlite,postgresql]

A store gets findings about an order and an invoice each, of 2,000 customers with Latin and Chinese names, as a
reconciliation writes them. Then pages of fifty, groups and neighbours are asked for, each five times by one reader; the
figures are the middle ones, in milliseconds. SQLite works in this process, so that its CPU time is what a machine that
does nothing else would take; PostgreSQL is judged by the clock.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.postgres import Postgres
from state import bulk, finding_pages, finding_terms, findings, schema
from state.finding_pages import Ages, Day, Wanted
from state.findings import Changes
from state.store import Store, open_store

AIM_MS = 100.0
_ROUNDS = 5
_CUSTOMERS = 2_000
_PLACES = ("深圳", "东莞", "苏州", "天津", "Larkfield", "Northgate", "Rossi", "Weber")
_TRADES = ("精密机械股份有限公司", "自动化设备有限公司", "Motors K.K.", "Instruments GmbH", "食品机械有限公司")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--findings", type=int, default=50_000)
    parser.add_argument("--databases", default="sqlite,postgresql")
    chosen = parser.parse_args()
    missed = False
    for database in chosen.databases.split(","):
        with tempfile.TemporaryDirectory() as folder, _store(database, Path(folder)) as store:
            whole, found_by = _fill(store, chosen.findings)
            for name, (clock, cpu) in (("findings written", whole), ("what they are found by", found_by)):
                sys.stdout.write(f"{database}: {name}, {chosen.findings:,}: {clock:.1f} s, {cpu:.1f} s of this CPU\n")
            for name, look in _looks(store, chosen.findings).items():
                clock, cpu, count = _timed(look)
                took = cpu if database == "sqlite" else clock
                missed |= took > AIM_MS
                verdict = "" if took <= AIM_MS else "  missed"
                sys.stdout.write(f"{name:32} {count:7,} {clock:8.1f} ms {cpu:8.1f} ms of this CPU{verdict}\n")
    return int(missed)


@contextmanager
def _store(database: str, folder: Path) -> Iterator[Store]:
    if database == "sqlite":
        with open_store(f"sqlite:///{folder / 'findings.db'}") as store:
            yield store
        return
    with Postgres.start(folder / "postgres") as postgres:
        postgres.replace("findings", "template0")
        with open_store(postgres.url("findings")) as store:
            yield store


def _fill(store: Store, count: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """Seconds (of the clock, of this CPU) to write the findings, and to write what they are found by alone."""
    orders = [(2 * n, "erp", f"{n}", f"SO-{n:07d}", "CNY", 100_000 + n, 113_000 + n) for n in range(count)]
    bills = [
        (2 * n + 1, "books", f"uuid-{n:08x}", f"INV-{n:07d}", "CNY", 100_500 + n, 113_500 + n) for n in range(count)
    ]
    names = ("record_id", "system", "source_id", "number", "currency", "net_amount", "gross_amount")
    changes = Changes()
    for n in range(count):
        id, severity = f"{n * 7919 % 10**12:020x}", ("error", "warning", "info")[n % 3]
        params = {
            "order": f"SO-{n:07d}",
            "company": _customer(n),
            "ordered_money": 100_000 + n,
            "billed_money": 100_500,
        }
        stage, department = ("billing", "finance") if n % 2 else ("order", "sales_operations")
        text, since = json.dumps(params, ensure_ascii=False), f"2026-{1 + n % 10:02d}-{1 + n % 28:02d}"
        changes.opened.append(
            (id, f"check_{n % 30}", stage, department, severity, 500 + n, "CNY", 500 + n, text, since)
        )
        changes.records.append((id, 1, 2 * n, "erp", "order", f"{n}", f"SO-{n:07d}", None))
        changes.records.append((id, 2, 2 * n + 1, "books", "invoice", f"uuid-{n:08x}", f"INV-{n:07d}", None))
    customers = {row[0]: _customer(n) for n, row in enumerate(changes.opened)}
    shown = [(row[0], *row[5:9]) for row in changes.opened]
    with store.transaction() as connection:
        bulk.insert(connection, schema.canonical["order"], names, orders)
        bulk.insert(connection, schema.canonical["invoice"], names, bills)
        started = time.perf_counter(), time.process_time()
        findings.apply(connection, changes, "r1", 1, 1)
        whole = _since(started)
        bulk.update(connection, schema.finding, ("id", "customer"), list(customers.items()), ("id",))
        for table in (schema.finding_term, schema.finding_amount):
            bulk.delete(connection, table, "finding_id", list(customers))
    with store.transaction() as connection:
        started = time.perf_counter(), time.process_time()
        finding_terms.write(connection, (), finding_terms.known(connection, shown, changes.records, customers))
        again = _since(started)
        connection.exec_driver_sql("ANALYZE")
    return whole, again


def _since(started: tuple[float, float]) -> tuple[float, float]:
    """Seconds of the clock, and of this process's CPU."""
    return time.perf_counter() - started[0], time.process_time() - started[1]


def _customer(n: int) -> str:
    who = n % _CUSTOMERS
    return f"{_PLACES[who % len(_PLACES)]}{who} {_TRADES[who % len(_TRADES)]}"


def _looks(store: Store, count: int) -> dict[str, Callable[[], int]]:
    def asked(wanted: Wanted, first: int = 0) -> Callable[[], int]:
        def look() -> int:
            with store.reading() as connection:
                return finding_pages.page(connection, wanted, first, 50).count

        return look

    def grouped(by: str) -> Callable[[], int]:
        def look() -> int:
            with store.reading() as connection:
                return len(
                    finding_pages.groups(
                        connection,
                        Wanted(),
                        by,
                        {"new": Ages(Day("2026-06-01", 1)), "old": Ages(None, Day("2026-06-01", 1))},
                    )
                )

        return look

    def beside() -> int:
        with store.reading() as connection:
            one = finding_pages.ids(connection, Wanted(), 200)[-1]
            return sum(id is not None for id in finding_pages.beside(connection, Wanted(), one))

    n = count // 2
    numbers = (f"SO-{n:07d}", "so-00012", str(n), f"INV-{n:07d}", "1,234.56")
    texts = (*numbers, "Larkfield", "larkfield4 motors", "精密机械", "so-", "有", "nothing like it")
    found = {f"text {text}": asked(Wanted(text=text)) for text in texts}
    found |= {f"first page {order}": asked(Wanted(order=order)) for order in finding_pages.ORDERS}
    found |= {"page 500": asked(Wanted(), 25_000), "severity": asked(Wanted(severity="error", order="amount"))}
    found |= {
        "system": asked(Wanted(system="erp")),
        "kind": asked(Wanted(kind="invoice")),
        "waiver": asked(Wanted(waiver=True)),
    }
    found |= {
        "customer": asked(Wanted(customer=_customer(7))),
        "amounts": asked(Wanted(least=1_000_000, most=2_000_000)),
    }
    found |= {f"group {by}": grouped(by) for by in finding_pages.GROUPS}
    return {**found, "before and after": beside}


def _timed(look: Callable[[], int]) -> tuple[float, float, int]:
    """The middle of a few rounds: milliseconds of the clock, of this process's CPU; and how many were found."""
    times = []
    count = look()
    for _ in range(_ROUNDS):
        started = time.perf_counter(), time.process_time()
        look()
        times.append(_since(started))
    middle = _ROUNDS // 2
    return 1000 * sorted(one[0] for one in times)[middle], 1000 * sorted(one[1] for one in times)[middle], count


if __name__ == "__main__":
    sys.exit(main())
