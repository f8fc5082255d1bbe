"""One deal in four systems with two faults, reconciled, and an ltc.yaml that names them; nothing is reached."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from connectors.contract import RawRecord
from mappings import engine
from reconciliation.engine import reconcile
from settings import load
from state import landing
from state.store import open_store
from tests.console.company import write
from tests.reconciliation.books import AS_OF, SYSTEMS, Books, line

CONNECTORS = {"forms": "jiandaoyun", "crm": "salesforce", "erp": "tryton", "books": "xero"}
EMAIL = "maria.rossi@acme.example"
PHONE = "+390612345678"


def config(folder: Path, store_url: str, **top: Any) -> Path:
    """An ltc.yaml; its secrets are nowhere to be found."""
    systems = {
        name: {"connector": connector, "roles": [SYSTEMS[name]], "config": {"client_secret": "${env:NOWHERE}"}}
        for name, connector in CONNECTORS.items()
    }
    return write(folder, systems, store=store_url, as_of=AS_OF.isoformat(), **top)


def fill(path: Path) -> None:
    """Lead to payment; the quote was accepted without approval. Beside it an invoice that is overdue."""
    settings = load(path)
    goods = [line("PUMP", 10, 100)]
    with open_store(settings.store) as store:
        books = Books(store)
        for system, source_id in (("crm", "A1"), ("erp", "117")):
            books.add("party", source_id, system=system, name="ACME S.r.l.", tax_id="IT01234567890", status="active")
        person: dict[str, Any] = {
            "contact_name": "Maria Rossi",
            "email": EMAIL,
            "phone": PHONE,
            "company_name": "ACME S.r.l.",
        }
        books.add(
            "lead",
            "f1",
            system="forms",
            number="L-1",
            status="converted",
            received_at=AS_OF - timedelta(days=90),
            **person,
        )
        books.add("lead", "l1", status="converted", opportunity_ref="id:o1", received_at=AS_OF, **person)
        books.add("opportunity", "o1", name="Pumps", status="won", expected_amount=1000, party_ref="id:A1")
        quote: dict[str, Any] = {"number": "Q-1", "status": "accepted", "approval_state": "pending", "net_amount": 1000}
        books.add("quote", "q1", opportunity_ref="id:o1", issue_date=date(2026, 9, 1), lines=goods, **quote)
        order: dict[str, Any] = {"number": "SO-1", "status": "in_progress", "net_amount": 1000, "gross_amount": 1000}
        books.add(
            "order",
            "9",
            quote_ref="no:Q-1",
            order_date=date(2026, 9, 2),
            promised_delivery_date=date(2026, 12, 1),
            party_ref="id:117",
            lines=goods,
            **order,
        )
        invoice: dict[str, Any] = {
            "number": "INV-1",
            "kind": "invoice",
            "status": "paid",
            "net_amount": 1200,
            "gross_amount": 1200,
        }
        books.add("invoice", "i1", order_refs=["no:SO-1"], issue_date=date(2026, 9, 3), open_amount=0, **invoice)
        money: dict[str, Any] = {
            "kind": "payment",
            "direction": "in",
            "status": "received",
            "amount": 1200,
            "unapplied_amount": 0,
        }
        lines = [{"invoice_ref": "id:i1", "amount": 1200}]
        books.add("payment", "p1", invoice_ref="id:i1", received_on=date(2026, 9, 20), lines=lines, **money)
        late: dict[str, Any] = {
            "number": "INV-2",
            "kind": "invoice",
            "status": "issued",
            "net_amount": 50,
            "gross_amount": 50,
        }
        books.add("invoice", "i2", issue_date=date(2026, 8, 1), due_date=date(2026, 9, 1), open_amount=50, **late)
        books.save()
        reconcile(store, settings, "run-1")


def land(path: Path, system: str, stream: str, records: dict[str, bytes]) -> None:
    """Put raw records into the store as a pull does."""
    with open_store(load(path).store) as store, store.transaction() as connection:
        mapper = engine.load(CONNECTORS[system]).stream(stream)
        opened = landing.open_stream(connection, system, stream, mapper.entity)
        raw = [RawRecord(source_id, body) for source_id, body in records.items()]
        landing.apply(connection, opened, mapper, raw, run_id="r1")


def filled(template: Path, folder: Path, fill_it: Callable[[Path], None] = fill) -> Path:
    """A store in the folder, made of an empty one and filled; to be copied by whoever changes it."""
    shutil.copy(template, folder / "ltc.db")
    fill_it(config(folder, "sqlite:///ltc.db"))
    return folder / "ltc.db"
