"""Receipts that nobody has applied, reconciled, and an ltc.yaml that names their systems; nothing is reached."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reconciliation.engine import reconcile
from settings import load
from state.store import open_store
from tests.reconciliation.books import Books


def fill(path: Path) -> None:
    """Four receipts: one matched, one too much, one with two ways to settle it, one of a stranger."""
    settings = load(path)
    with open_store(settings.store) as store:
        books = Books(store)
        for system in ("erp", "books"):
            books.add("party", "1", system=system, number="C-1", name="Acme", tax_id="913100000000000001")
        for number, amount in (("INV-20260001", 1000), ("INV-20260002", 500), ("INV-20260003", 500)):
            owed: dict[str, Any] = {"kind": "invoice", "status": "issued", "party_ref": "id:1"}
            owed |= {"net_amount": amount, "gross_amount": amount, "issue_date": "2026-09-01"}
            books.add("invoice", number, number=number, **owed)
        for key, paid, text, party in (
            ("P1", "1100", "INV-20260001", "id:1"),
            ("P2", "123.45", "", None),
            ("P3", "500", "INV-2026009", "id:1"),
        ):
            money: dict[str, Any] = {"kind": "payment", "direction": "in", "status": "received"}
            money |= {"amount": paid, "unapplied_amount": paid, "received_on": "2026-10-05"}
            books.add("payment", key, number=key, reference_text=text, party_ref=party, **money)
        books.save()
        reconcile(store, settings, "run-1")
