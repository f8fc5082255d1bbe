"""Pulling from ERPNext: documents with their lines, local times, tombstones."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from connectors.errors import AuthError, ContractError
from sandbox.erpnext import ErpnextServer, start
from tests.connectors.erpnext.conftest import Connect, Held, Time, order


def test_a_document_comes_with_its_lines_and_its_time_in_utc(
    erpnext: ErpnextServer, connect: Connect, clock: Time
) -> None:
    name = order(erpnext)
    clock.pass_(minutes=1)

    record = Held(connect()).pull(clock.window()).records[name]

    document = msgspec.json.decode(record.body)
    assert document["items"][0]["item_code"] == "PT-100"
    assert document["modified"] == "2026-10-01 13:30:00.250000"
    assert document["modified_utc"] == "2026-10-01T08:00:00.250000Z"
    assert record.version == 1_790_841_600_250_000


def test_five_thousand_records_of_one_instant_are_all_read(
    erpnext: ErpnextServer, connect: Connect, clock: Time
) -> None:
    names = {erpnext.site.add("Lead", lead_name=f"Lead {number}") for number in range(5000)}
    clock.pass_(minutes=1)

    held = Held(connect(), "lead").pull(clock.window())

    assert set(held.records) == names
    assert len(erpnext.requests("Lead")) == 5000 / 500 + 1


def test_documents_saved_and_deleted_while_they_are_read_take_no_others_with_them(
    erpnext: ErpnextServer, connect: Connect, clock: Time
) -> None:
    names = [order(erpnext) for _ in range(40)]
    clock.pass_(minutes=10)

    def meanwhile(number: int) -> None:
        clock.pass_(seconds=30)
        if number <= 4:
            erpnext.site.save("Sales Order", names[number], {"po_no": f"PO-{number}"})
        if number == 2:
            erpnext.site.remove("Sales Order", names[15])

    erpnext.before_page = meanwhile
    held = Held(connect(page_size=10)).pull(clock.window())
    erpnext.before_page = lambda _number: None
    clock.pass_(minutes=1)
    held.pull(clock.window())

    assert set(held.records) | held.deleted == set(names)
    assert held.deleted == {names[15]}
    assert msgspec.json.decode(held.records[names[3]].body)["po_no"] == "PO-3"


@pytest.mark.parametrize("pages", [1, 2, 3, 4])
def test_a_pull_that_is_killed_after_any_page_goes_on_without_a_gap(
    erpnext: ErpnextServer, connect: Connect, clock: Time, pages: int
) -> None:
    names = {order(erpnext) for _ in range(35)}
    clock.pass_(minutes=1)
    held = Held(connect(page_size=10)).pull(clock.window(), pages=pages)
    assert len(held.records) == min(10 * pages, 35)
    names.add(order(erpnext))
    clock.pass_(minutes=1)

    assert set(held.pull(clock.window()).records) == names


def test_a_transaction_that_commits_late_with_an_old_time_is_read(
    erpnext: ErpnextServer, connect: Connect, clock: Time
) -> None:
    order(erpnext)
    with erpnext.site.late(clock.now) as commit:
        late = order(erpnext)
    clock.pass_(seconds=60)
    held = Held(connect()).pull(clock.window())
    assert late not in held.records

    commit()
    order(erpnext)
    clock.pass_(seconds=120)

    assert late in held.pull(clock.window()).records


def test_with_nothing_new_the_cursor_stays_and_no_document_is_read(
    erpnext: ErpnextServer, connect: Connect, clock: Time
) -> None:
    order(erpnext)
    clock.pass_(minutes=1)
    held = Held(connect()).pull(clock.window())
    for _ in range(2):
        clock.pass_(hours=1)
        erpnext.forget()
        before = held.cursor
        held.pull(clock.window())

    # One for the documents, one for the deleted ones.
    assert [request.path for request in erpnext.requests()] == [
        "/api/resource/Sales Order",
        "/api/resource/Deleted Document",
    ]
    assert held.cursor == before


def test_an_hour_that_the_clock_shows_twice_loses_nothing() -> None:
    clock = Time()
    clock.now = datetime(2026, 10, 24, 23, 0, tzinfo=UTC)  # one o'clock at night in Berlin, summer time
    with start(zone="Europe/Berlin") as server:
        server.site.clock = clock
        from connectors import registry

        kind = registry.load("erpnext")
        with kind(kind.Config.model_validate(server.config)) as connector:
            held, names = Held(connector, "lead"), set()
            for _ in range(40):
                clock.pass_(minutes=6)
                names.add(server.site.add("Lead", lead_name="Wang"))
                clock.pass_(minutes=1)
                held.pull(clock.window())
            clock.pass_(minutes=1)
            held.pull(clock.window())

    assert set(held.records) == names


def test_a_document_deleted_and_restored_is_no_tombstone(erpnext: ErpnextServer, connect: Connect, clock: Time) -> None:
    kept, gone = order(erpnext), order(erpnext)
    clock.pass_(minutes=1)
    held = Held(connect()).pull(clock.window())
    erpnext.site.remove("Sales Order", gone)
    erpnext.site.remove("Sales Order", kept)
    (erased,) = [doc["name"] for doc in erpnext.site.listed("Deleted Document") if doc["deleted_name"] == kept]
    erpnext.site.derive("Deleted Document", erased, restored=1)
    erpnext.site.add("Sales Order", name=kept, customer="Möller GmbH", items=[{"item_code": "PT-100"}])
    clock.pass_(minutes=1)

    held.pull(clock.window())

    assert held.deleted == {gone}


def test_a_renamed_customer_is_found_by_the_sweep_that_reads_names(erpnext: ErpnextServer, connect: Connect) -> None:
    erpnext.site.rename("Customer", "Möller GmbH", "Möller AG")

    assert [name for batch in connect().ids("party") for name in batch] == ["Möller AG"]


def test_a_key_without_the_right_to_see_deletions_is_told_by_the_check(
    erpnext: ErpnextServer, connect: Connect, clock: Time
) -> None:
    erpnext.forbidden.add("Deleted Document")

    lines = {line.stream: line for line in connect().check()}

    assert (lines["party"].ok, lines["order"].ok) == (True, False)
    assert "Deleted Document" in lines["order"].remedy
    with pytest.raises(ContractError, match="right to read"):
        Held(connect()).pull(clock.window())


def test_a_wrong_key_stops_the_system(connect: Connect, clock: Time) -> None:
    with pytest.raises(AuthError):
        Held(connect(api_secret="wrong"), "party").pull(clock.window())


def test_too_many_requests_are_tried_again_when_the_site_says(
    erpnext: ErpnextServer, connect: Connect, clock: Time
) -> None:
    erpnext.faults.answer("Customer", 429, {"exc_type": "RateLimitExceededError"}, headers={"Retry-After": "1"})

    assert set(Held(connect(), "party").pull(clock.window()).records) == set()
    assert len(erpnext.requests("Customer")) == 2
