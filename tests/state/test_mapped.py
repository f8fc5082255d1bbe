"""Records beside what was stored of them, on both databases: all of them, or some that are spread over all."""

from __future__ import annotations

import json

from connectors.contract import RawRecord
from console.trying import digest
from mappings.engine import load
from state import landing, mapped
from state.store import Store

LEAD = {
    "Name": "Maria Rossi",
    "Company": "ACME",
    "Status": "Open - Not Contacted",
    "CreatedDate": "2026-09-01T08:00:00Z",
}


def test_what_is_stored_of_a_record_is_what_its_mapping_makes_of_it(store: Store) -> None:
    mapper = load("salesforce").stream("lead")
    raw = [RawRecord(f"00Q{n}", json.dumps({**LEAD, "Id": f"00Q{n}"}).encode()) for n in range(10)]
    refused = RawRecord("00Qx", json.dumps({**LEAD, "Status": "?"}).encode())
    with store.transaction() as connection:
        stream = landing.open_stream(connection, "crm", "lead", "lead")
        landing.apply(connection, stream, mapper, [*raw, refused], run_id="r1")
        landing.delete(connection, stream, ["00Q9"], run_id="r2")
    with store.reading() as connection:
        found, count = mapped.spread(connection, "crm", "lead", 100)
        assert (len(found), count) == (9, 9)
        for item in found:
            assert digest(item.row, item.lines) == digest(*mapper.map("crm", item.source_id, item.body))
        some, count = mapped.spread(connection, "crm", "lead", 4)
        assert (2 <= len(some) <= 4, count) == (True, 9)
        assert len({int(item.source_id[3:]) // 5 for item in some}) == 2
        assert mapped.spread(connection, "crm", "none", 4) == ([], 0)
        assert mapped.streams(connection, "crm") == ["lead"]
