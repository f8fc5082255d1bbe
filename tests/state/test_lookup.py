"""Finding records by what people call them, and the lists of quarantine and audit, on both databases."""

from __future__ import annotations

import json

from connectors.contract import RawRecord
from mappings import engine
from state import audit, landing, lookup, quarantine
from state.store import Store


def _land(store: Store, *numbers: str, status: str = "AUTHORISED") -> None:
    mapper = engine.load("xero").stream("invoice")
    made = []
    for number in numbers:
        fields = {"InvoiceNumber": number, "Status": status, "CurrencyCode": "EUR", "Total": 1, "Type": "ACCREC"}
        made.append(RawRecord(f"id:{number}", json.dumps(fields).encode()))
    with store.transaction() as connection:
        stream = landing.open_stream(connection, "books", "invoice", mapper.entity)
        landing.apply(connection, stream, mapper, made, run_id="r1")


def test_a_record_is_found_by_address_by_system_and_number_and_by_number(store: Store) -> None:
    _land(store, "INV-1", "INV-2")
    with store.reading() as connection:
        for name in ("books:invoice:id:INV-1", "books:INV-1", "INV-1", " inv-1 ", "id:INV-1"):
            [found] = lookup.named(connection, name)
            assert (found.system, found.stream, found.source_id) == ("books", "invoice", "id:INV-1"), name
            assert lookup.numbers(connection, [found]) == {found.record_id: "INV-1"}
        assert lookup.named(connection, "erp:INV-1") == []
        assert lookup.named(connection, "books:INV-3") == []
        assert lookup.named(connection, "") == []


def test_the_newest_raw_records_come_first_and_deleted_ones_not_at_all(store: Store) -> None:
    _land(store, "INV-1", "INV-2", "INV-3")
    with store.transaction() as connection:
        stream = landing.open_stream(connection, "books", "invoice", "invoice")
        landing.delete(connection, stream, ["id:INV-3"], run_id="r2")
    with store.reading() as connection:
        found = lookup.newest(connection, "books", "invoice", 5)
        assert [item.source_id for item in found] == ["id:INV-2", "id:INV-1"]
        assert json.loads(found[0].body)["InvoiceNumber"] == "INV-2"
        assert [item.source_id for item in lookup.newest(connection, "books", "invoice", 5, "id:INV-1")] == ["id:INV-1"]
        assert lookup.newest(connection, "crm", "invoice", 5) == []


def test_quarantine_is_listed_by_system_and_stream(store: Store) -> None:
    _land(store, "INV-1", "INV-2", status="PARKED")
    with store.reading() as connection:
        assert quarantine.count(connection) == 2
        [first] = quarantine.listing(connection, system="books", stream="invoice", limit=1)
        assert (first.field, first.value, first.attempts) == ("status", '"PARKED"', 1)
        assert quarantine.listing(connection, stream="payment") == []


def test_the_audit_is_listed_from_the_newest_by_actor(store: Store) -> None:
    with store.transaction() as connection:
        for actor in ("li.na", "wang.min", "li.na"):
            audit.append(connection, actor, "link cut", {"reason": "x"})
    with store.reading() as connection:
        assert [item.id for item in audit.entries(connection, limit=2)] == [3, 2]
        [only] = audit.entries(connection, actor="wang.min")
        assert (only.action, only.detail) == ("link cut", {"reason": "x"})
