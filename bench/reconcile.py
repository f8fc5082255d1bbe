"""Reconciliation of generated chains, against DuckDB doing the same join on the same store.

A chain is a form lead, a CRM lead, an opportunity, a quote, an order, a delivery, an invoice and a payment with their
lines; a few of them are broken. ``python -m bench.run --only reconcile``.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.contestant import peak_kib
from bench.measure import Measurement, Options, Sample, measurement, python
from mappings.model import ENTITIES, LINES, columns
from state import bulk, cursors, schema
from state.store import Store, open_store

_CHUNK = 20_000
_DAY = 1_761_868_800_000_000  # 31 October 2025, microseconds
_PARTIES = 2_000
_SKUS = 200
_SYSTEMS = {"forms": "marketing", "crm": "crm", "erp": "erp", "books": "accounting"}
_STREAMS = (
    ("forms", "lead"),
    ("crm", "party"),
    ("crm", "lead"),
    ("crm", "opportunity"),
    ("crm", "quote"),
    ("erp", "party"),
    ("erp", "product"),
    ("erp", "order"),
    ("erp", "delivery"),
    ("books", "party"),
    ("books", "invoice"),
    ("books", "payment"),
)


def settings() -> Any:
    """The settings of the generated company."""
    from settings.model import Settings

    return Settings.model_validate(
        {
            "version": 1,
            "timezone": "Asia/Shanghai",
            "as_of": "2026-10-31T10:00:00Z",
            "systems": {name: {"connector": "none", "roles": [role]} for name, role in _SYSTEMS.items()},
            "reconciliation": {"tolerance": {"absolute": {"CNY": "0.05"}}},
        }
    )


def generate(store: Store, chains: int, gaps: int = 0) -> None:
    """Fill an empty store with ``chains`` chains, straight into its tables.

    With ``gaps``, of as many chains one has no CRM lead, one ends before its order, and one before its invoice.
    """
    writer = _Writer(store)
    for number in range(_PARTIES):
        for system in ("crm", "erp", "books"):
            writer.add(
                system,
                "party",
                f"P{number}",
                number=f"C{number}",
                name=f"公司{number}",
                tax_id=f"91310000{number:010d}",
            )
    for number in range(_SKUS):
        writer.add("erp", "product", f"S{number}", sku=f"S-{number}", name=f"Product {number}", kind="goods")
    for number in range(chains):
        _chain(writer, number, number % gaps if gaps else -1)
        if number % _CHUNK == _CHUNK - 1:
            writer.flush()
    writer.flush()


def generate_receipts(store: Store, receipts: int) -> None:
    """Fill an empty store with invoices, and as many receipts of which only the amount says which one each is for."""
    writer = _Writer(store)
    writer.add("books", "party", "P0", number="C0", name="公司0", tax_id="913100000000000000")
    for number in range(receipts):
        amount = 100_000 + 1_013 * number
        bill: dict[str, Any] = {
            "number": f"INV-{number:07d}",
            "kind": "invoice",
            "status": "issued",
            "party_ref": "id:P0",
        }
        bill |= {"currency": "CNY", "net_amount": amount, "gross_amount": amount, "open_amount": amount}
        writer.add("books", "invoice", f"I{number}", issue_date="2026-09-01", due_date="2026-10-01", **bill)
        receipt: dict[str, Any] = {"status": "received", "kind": "payment", "direction": "in", "currency": "CNY"}
        receipt |= {"amount": amount, "unapplied_amount": amount, "received_on": "2026-10-02"}
        writer.add("books", "payment", f"M{number}", number=f"M{number}", **receipt)
    writer.flush()


def _chain(writer: _Writer, n: int, gap: int) -> None:
    party, net, gross = f"id:P{n % _PARTIES}", 100_000 + n % 900_000, (100_000 + n % 900_000) * 113 // 100
    day = f"2026-{1 + n % 9:02d}-{1 + n % 28:02d}"
    money: dict[str, Any] = {"currency": "CNY", "party_ref": party}
    amounts = {**money, "net_amount": net, "gross_amount": gross}
    person: dict[str, Any] = {
        "company_name": f"公司{n}",
        "email": f"p{n}@c{n % 5000}.example",
        "phone": f"+86138{n:08d}",
    }
    lines: list[dict[str, Any]] = [
        {
            "sku": f"S-{(n + k) % _SKUS}",
            "quantity": str(1 + n % 9),
            "unit_price": "10",
            "net_amount": net // 2 + k * (net % 2),
        }
        for k in range(2)
    ]
    shown: dict[str, Any] = {"order_number": f"SO-{n:07d}", "delivery_state": "delivered", "payment_state": "paid"}
    note: dict[str, Any] = {"conversion_note": f"已转化 → 商机 Deal {n}"}
    writer.add(
        "forms", "lead", f"F{n}", number=f"L-{n:07d}", status="converted", received_at=_DAY + n, **person, **note
    )
    if n % 1000 and gap != 0:
        lead: dict[str, Any] = {"lead_ref": f"no:L-{n:07d}", "opportunity_ref": f"id:O{n}"}
        writer.add("crm", "lead", f"L{n}", status="converted", **lead, **person)
    deal: dict[str, Any] = {"status": "won", "expected_amount": net, "expected_close_date": day, "name": f"Deal {n}"}
    deal |= {"source_created_at": _DAY + n}
    writer.add("crm", "opportunity", f"O{n}", billing_state="invoiced", **deal, **money, **shown)
    quote: dict[str, Any] = {"number": f"Q-{n:07d}", "status": "accepted", "opportunity_ref": f"id:O{n}"}
    writer.add("crm", "quote", f"Q{n}", lines=lines, issue_date=day, **quote, **amounts, **shown)
    if gap == 1:
        return
    order: dict[str, Any] = {"number": f"SO-{n:07d}", "status": "completed", "quote_ref": f"no:Q-{n:07d}"}
    order |= {"order_date": day, "promised_delivery_date": day, "payment_state": "paid"}
    writer.add("erp", "order", f"{n}", lines=lines, **order, **amounts)
    delivery: dict[str, Any] = {"number": f"{n}", "status": "delivered", "order_refs": f"no:SO-{n:07d}"}
    writer.add("erp", "delivery", f"{n}", lines=lines, kind="outbound", party_ref=party, delivered_on=day, **delivery)
    if n % 997 == 0 or gap == 2:
        return
    paid = n % 101 != 0
    bill: dict[str, Any] = {"number": f"INV-{n:07d}", "kind": "invoice", "status": "paid" if paid else "issued"}
    bill |= {"order_refs": f"no:so {n}" if n % 50 == 0 else f"no:SO-{n:07d}", "issue_date": day, "due_date": day}
    bill |= {"open_amount": 0 if paid else gross, "delivery_numbers": f"{n}"}
    writer.add("books", "invoice", f"I{n}", **bill, **amounts)
    if paid:
        receipt: dict[str, Any] = {"status": "received", "kind": "payment", "direction": "in", "received_on": day}
        settled = [{"invoice_ref": f"id:I{n}", "amount": gross}]
        receipt |= {"unapplied_amount": 0, "invoice_ref": f"id:I{n}", "amount": gross}
        writer.add("books", "payment", f"M{n}", lines=settled, **receipt, **money)


class _Writer:
    """Collects rows and inserts them in bulk."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._next = 0
        self._streams = {key: number for number, key in enumerate(_STREAMS, 1)}
        self._rows: dict[Any, list[tuple[Any, ...]]] = {}
        self._names = {entity: [column.name for column in columns(model)] for entity, model in ENTITIES.items()}
        self._line_names = {entity: [column.name for column in columns(line.model)] for entity, line in LINES.items()}
        with store.transaction() as connection:
            rows = [(number, system, entity, entity) for (system, entity), number in self._streams.items()]
            bulk.insert(connection, schema.stream, ("id", "system", "name", "entity"), rows)
            for number in self._streams.values():
                cursors.write(connection, number, {}, complete=True, covered_until=_DAY, run_id="r0", fence=0)

    def add(
        self, system: str, entity: str, source_id: str, lines: list[dict[str, Any]] | None = None, **fields: Any
    ) -> None:
        self._next += 1
        fields |= {"system": system, "source_id": source_id}
        head = (self._next, self._streams[system, entity], source_id, b"", None, 1, 0)
        self._rows.setdefault(schema.record, []).append(head)
        row = (self._next, *(fields.get(name) for name in self._names[entity]), 0)
        self._rows.setdefault(schema.canonical[entity], []).append(row)
        for number, line in enumerate(lines or (), 1):
            given = {"line_no": number, **line}
            cells = (self._next, *(given.get(name) for name in self._line_names[entity]))
            self._rows.setdefault(schema.lines[entity], []).append(cells)

    def flush(self) -> None:
        with self._store.transaction() as connection:
            for table, rows in self._rows.items():
                bulk.insert(connection, table, tuple(column.name for column in table.columns), rows)
        self._rows.clear()


def bare(store: Store) -> None:
    """The least a columnar engine must do: load keys and amounts, join the chain, sum it per order and class it."""
    import duckdb

    from state import frames

    connection = duckdb.connect(":memory:", config={"threads": 2})
    queries = {
        "quotes": "SELECT source_id, number, net_amount FROM quotes",
        "orders": "SELECT source_id, number, quote_ref, net_amount FROM orders",
        "deliveries": "SELECT source_id, order_refs, status FROM deliveries",
        "invoices": "SELECT source_id, number, order_refs, net_amount, gross_amount FROM invoices",
        "payments": "SELECT source_id, invoice_ref, amount FROM payments",
    }
    with store.reading() as reading:
        for name, sql in queries.items():
            connection.register("incoming", frames.reader(reading, sql))
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM incoming")
    connection.execute(
        """
        CREATE TABLE result AS
        SELECT o.source_id, q.net_amount AS quoted, sum(i.net_amount) AS billed, sum(p.amount) AS paid,
            CASE WHEN sum(i.net_amount) IS NULL THEN 'not_invoiced' WHEN sum(p.amount) IS NULL THEN 'unpaid'
                 WHEN sum(p.amount) = sum(i.gross_amount) THEN 'paid' ELSE 'partly_paid' END AS class
        FROM orders o LEFT JOIN quotes q ON o.quote_ref = 'no:' || q.number
        LEFT JOIN deliveries d ON d.order_refs = 'no:' || o.number
        LEFT JOIN invoices i ON i.order_refs = 'no:' || o.number
        LEFT JOIN payments p ON p.invoice_ref = 'id:' || i.source_id
        GROUP BY ALL
        """.replace("GROUP BY ALL", "GROUP BY o.source_id, q.net_amount")
    )


PARTS = {
    "bare": "DuckDB's own join",
    "first": "first reconciliation, every link written",
    "again": "reconciliation, nothing changed",
    "plan": "write-backs planned, nearly all up to date",
}


def measure(options: Options) -> list[Measurement]:
    """Time each part in a process of its own, so that CPU and peak memory are its own."""
    found = _measured(options.records, options.rounds)
    return found + (_measured(10 * options.records, 1) if options.large else [])


def _measured(chains: int, rounds: int) -> list[Measurement]:
    samples: dict[str, list[Sample]] = {name: [] for name in PARTS}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:///{Path(folder) / 'bench.db'}"
            with open_store(url) as store:
                generate(store, chains)
            for name in PARTS:
                samples[name].append(python("bench.reconcile", name, url))
    limit = samples["bare"]
    return [
        measurement(what, "sqlite", chains, samples[name], limit if name != "bare" else [])
        for name, what in PARTS.items()
    ]


def _part(name: str, url: str) -> dict[str, int]:
    """One part on a store; counts what it found."""
    from reconciliation.engine import reconcile
    from reconciliation.writebacks import wanted

    with open_store(url) as store:
        if name == "bare":
            bare(store)
            return {}
        if name == "plan":
            return {"wanted": len(wanted(store, settings()))}
        result = reconcile(store, settings(), name)
        return {"links": sum(result.links.values()), "opened": result.opened, "changed_links": result.changed_links}


if __name__ == "__main__":
    done = _part(*sys.argv[1:3])
    sys.stdout.write(json.dumps({"counts": done, "peak_kib": peak_kib()}) + "\n")
