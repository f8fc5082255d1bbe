"""Planning of new records: which of many form leads, opportunities and deliveries have nothing downstream yet.

The generated company of ``bench.reconcile``, reconciled, in which one lead, one order and one invoice in ten are
missing; against the bare anti-join in SQL that names the missing ones. ``python -m bench.run --only creation``.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from sqlalchemy import text, update

from bench.contestant import peak_kib
from bench.measure import Measurement, Options, Sample, measurement, python
from bench.reconcile import generate, settings
from settings.model import Settings
from state import schema
from state.changes import OutboxStatus
from state.store import Store, open_store

_MAPPINGS = {
    "forms": "lead: {entity: lead, fields: {email: email}, status: {const: new}}",
    "crm": """
  opportunity: {entity: opportunity, fields: {name: name, currency: {const: CNY}}, status: {const: won}}
  lead:
    entity: lead
    fields: {email: email}
    status: {const: new}
    create:
      key: key
      fields: {name: {first: [contact_name, company_name]}, mail: email, phone: phone}""",
    "erp": """
  delivery: {entity: delivery, fields: {number: number}, status: {const: delivered}}
  order:
    entity: order
    fields: {number: number, currency: {const: CNY}}
    status: {const: draft}
    create:
      key: key
      fields: {party: {party: customer}, quote: quote_ref, day: order_date, net: net_amount}
      lines: {into: lines, fields: {sku: sku, qty: quantity, price: unit_price}}""",
    "books": """
  invoice:
    entity: invoice
    fields: {number: number, kind: {const: invoice}, currency: {const: CNY}}
    status: {const: draft}
    create:
      key: key
      fields: {party: {party: customer}, order: order_refs, delivery: delivery_numbers, day: issue_date}
      lines: {into: lines, fields: {sku: sku, qty: quantity, price: unit_price, net: net_amount}}""",
}
_RULES = (
    ("lead", "forms.lead", "crm.lead"),
    ("order", "crm.opportunity", "erp.order"),
    ("invoice", "erp.delivery", "books.invoice"),
)
PARTS = {
    "bare": "SQL's own anti-join",
    "first": "new records planned, none known before",
    "again": "planned again, nothing changed",
    "idle": "planned, every one made",
}


def company(folder: Path) -> Settings:
    """The generated company with its rules; mappings are written to ``folder``."""
    made = settings().model_dump(mode="json", exclude_unset=True)
    for name, streams in _MAPPINGS.items():
        path = folder / f"{name}.yaml"
        path.write_text(f"version: 1\nconnector: none\nstreams:\n  {streams.strip()}\n")
        made["systems"][name]["mapping"] = str(path)
    made["creation"] = [
        {"rule": rule, "from": origin, "to": target, "since": "2025-01-01", "limit": 0}
        for rule, origin, target in _RULES
    ]
    return Settings.model_validate(made)


def bare(store: Store) -> int:
    """Name the same records by the least that SQL must do: an anti-join for each rule."""
    leads = """
        SELECT count(*) FROM leads WHERE system = 'forms' AND number NOT IN (
            SELECT substr(lead_ref, 4) FROM leads WHERE system = 'crm' AND lead_ref IS NOT NULL)"""
    orders = """
        SELECT count(*) FROM quotes q JOIN opportunities o ON o.source_id = substr(q.opportunity_ref, 4)
        WHERE q.status = 'accepted' AND o.status = 'won' AND q.number NOT IN (
            SELECT substr(quote_ref, 4) FROM orders WHERE quote_ref IS NOT NULL)"""
    invoices = """
        SELECT count(*) FROM deliveries WHERE status = 'delivered' AND number NOT IN (
            SELECT delivery_numbers FROM invoices WHERE delivery_numbers IS NOT NULL)"""
    with store.reading() as connection:
        return sum(int(connection.execute(text(sql)).scalar_one()) for sql in (leads, orders, invoices))


def measure(options: Options) -> list[Measurement]:
    """Time each part in a process of its own, so that CPU and peak memory are its own."""
    samples: dict[str, list[Sample]] = {name: [] for name in PARTS}
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as name:
            python("bench.creation", "prepare", name, str(options.records))
            for part in PARTS:
                samples[part].append(python("bench.creation", part, name, str(options.records)))
    limit = samples["bare"]
    return [
        measurement(what, "sqlite", options.records, samples[part], limit if part != "bare" else [])
        for part, what in PARTS.items()
    ]


def _part(part: str, folder: Path, chains: int) -> dict[str, int]:
    """One part on the store in a folder; counts what it found."""
    from sync.create import plan_creations

    with open_store(f"sqlite:///{folder / 'bench.db'}") as store:
        if part == "prepare":
            from reconciliation.engine import reconcile

            generate(store, chains, gaps=10)
            reconcile(store, settings(), "prepare")
            return {}
        if part == "bare":
            return {"missing": bare(store)}
        if part == "idle":
            with store.transaction() as connection:
                connection.execute(update(schema.creation).values(status=OutboxStatus.APPLIED.value))
        plans = plan_creations(store, company(folder), part, ("crm", "erp", "books"))
    return {plan.system: len(plan.items) for plan in plans}


if __name__ == "__main__":
    done = _part(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
    sys.stdout.write(json.dumps({"counts": done, "peak_kib": peak_kib()}) + "\n")
