"""Pulling from Odoo: nothing is lost between pages, seconds and transactions."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from connectors.errors import AuthError, ContractError
from sandbox.odoo import OdooServer
from tests.connectors.odoo.conftest import Company, Connect, Held, Time

pytestmark = pytest.mark.usefixtures("company")


def test_a_document_comes_with_its_lines_in_one_call(
    odoo: OdooServer, company: Company, connect: Connect, clock: Time
) -> None:
    key = company.order()
    clock.pass_(minutes=1)

    held = Held(connect(), "quote").pull(clock.window())

    order = msgspec.json.decode(held.records[str(key)].body)
    assert order["order_line"][0]["product_id"] == {"id": company.product, "default_code": "PT-100"}
    assert [line["display_type"] for line in order["order_line"]] == [False, "line_note"]
    # One page and the empty one after it; partners and products need no call of their own.
    assert len(odoo.requests("sale.order")) == 2


def test_five_thousand_records_of_one_second_are_all_read(
    odoo: OdooServer, company: Company, connect: Connect, clock: Time
) -> None:
    keys = {company.order() for _ in range(5000)}
    clock.pass_(minutes=1)

    held = Held(connect(), "quote").pull(clock.window())

    assert held.ids == keys
    assert len(odoo.requests("sale.order")) == 5000 / 200 + 1


def test_orders_written_and_deleted_while_their_list_is_read_take_no_others_with_them(
    odoo: OdooServer, company: Company, connect: Connect, clock: Time
) -> None:
    keys = [company.order() for _ in range(60)]
    clock.pass_(minutes=10)

    def meanwhile(number: int) -> None:
        clock.pass_(seconds=30)
        company.database.set("sale.order", keys[number], {"origin": f"edit {number}"})
        if number == 2:
            company.database.remove("sale.order", keys[15])

    odoo.before_page = meanwhile
    held = Held(connect(page_size=10), "quote").pull(clock.window())
    odoo.before_page = lambda _number: None
    clock.pass_(minutes=1)
    held.pull(clock.window())

    assert held.ids | {keys[15]} == set(keys)
    assert msgspec.json.decode(held.records[str(keys[3])].body)["origin"] == "edit 3"


@pytest.mark.parametrize("pages", [1, 2, 3, 4])
def test_a_pull_that_is_killed_after_any_page_goes_on_without_a_gap(
    company: Company, connect: Connect, clock: Time, pages: int
) -> None:
    keys = {company.order() for _ in range(35)}
    clock.pass_(minutes=1)
    held = Held(connect(page_size=10), "quote").pull(clock.window(), pages=pages)
    assert len(held.ids) == min(10 * pages, 35)
    keys.add(company.order())
    clock.pass_(minutes=1)

    assert held.pull(clock.window()).ids == keys


def test_a_transaction_that_commits_late_with_an_old_time_is_read(
    company: Company, connect: Connect, clock: Time
) -> None:
    company.order()
    with company.database.late(clock.now) as commit:
        late = company.order()
    clock.pass_(seconds=60)
    held = Held(connect(), "quote").pull(clock.window())
    assert late not in held.ids

    commit()
    company.order()
    clock.pass_(seconds=120)

    assert late in held.pull(clock.window()).ids


def test_with_nothing_new_one_call_is_made_and_the_cursor_stays(
    odoo: OdooServer, company: Company, connect: Connect, clock: Time
) -> None:
    company.order()
    clock.pass_(minutes=1)
    held = Held(connect(), "quote").pull(clock.window())
    clock.pass_(hours=1)
    held.pull(clock.window())  # reads the overlap once more
    odoo.forget()
    before = held.cursor
    clock.pass_(hours=1)

    held.pull(clock.window())

    assert len(odoo.requests("sale.order")) == 1
    assert held.cursor == before


def test_archived_records_are_read_and_shown_as_such(company: Company, connect: Connect, clock: Time) -> None:
    key = company.lead(active=False)
    clock.pass_(minutes=1)

    held = Held(connect(), "lead").pull(clock.window())

    assert msgspec.json.decode(held.records[str(key)].body)["active"] is False


def test_a_converted_lead_is_a_lead_and_an_opportunity(company: Company, connect: Connect, clock: Time) -> None:
    lead = company.lead()
    converted = company.lead(type="opportunity", date_conversion="2026-10-01 09:00:00")
    direct = company.lead(type="opportunity")
    clock.pass_(minutes=1)
    connector = connect()

    assert Held(connector, "lead").pull(clock.window()).ids == {lead, converted}
    assert Held(connector, "opportunity").pull(clock.window()).ids == {converted, direct}


def test_an_order_is_what_was_confirmed_and_a_draft_that_we_made(
    company: Company, connect: Connect, clock: Time
) -> None:
    company.order()
    confirmed = company.order(state="sale")
    cancelled = company.order(state="cancel")
    ours = company.order(client_order_ref="ltc-0123456789abcdef01234567")
    clock.pass_(minutes=1)

    assert Held(connect(), "order").pull(clock.window()).ids == {confirmed, cancelled, ours}


def test_the_sweep_lists_every_id_and_no_deleted_one(company: Company, connect: Connect, clock: Time) -> None:
    keys = [company.order() for _ in range(30)]
    company.database.remove("sale.order", keys[4])
    clock.pass_(days=40)

    listed = [key for batch in connect(page_size=10).ids("quote") for key in batch]

    assert listed == [str(key) for key in keys if key != keys[4]]


def test_a_wrong_or_expired_key_stops_the_system(odoo: OdooServer, connect: Connect, clock: Time) -> None:
    with pytest.raises(AuthError, match="three months"):
        Held(connect(api_key="wrong"), "quote").pull(clock.window())

    odoo.keys["odoo-demo-key-00000000000000000000"] = clock.now + timedelta(days=90)
    connector = connect()
    Held(connector, "quote").pull(clock.window())
    clock.pass_(days=91)
    with pytest.raises(AuthError):
        Held(connector, "quote").pull(clock.window())


def test_a_stream_that_the_user_may_not_read_stops_alone(odoo: OdooServer, connect: Connect, clock: Time) -> None:
    refused = {"name": "odoo.exceptions.AccessError", "message": "You are not allowed to access 'Payments' records."}
    odoo.faults.answer("account.payment", 403, refused, times=100)

    with pytest.raises(ContractError, match="not allowed"):
        Held(connect(), "payment").pull(clock.window())
    lines = {line.stream: line.ok for line in connect().check()}
    assert lines["payment"] is False
    assert lines["order"] is True


def test_a_field_that_this_odoo_does_not_have_is_named(odoo: OdooServer, connect: Connect, clock: Time) -> None:
    missing = {"name": "builtins.ValueError", "message": "Invalid field 'opportunity_id' on model 'sale.order'"}
    odoo.faults.answer("sale.order", 500, missing)

    with pytest.raises(ContractError, match="Invalid field"):
        Held(connect(), "order").pull(clock.window())
    assert len(odoo.requests("sale.order")) == 1


def test_one_host_with_several_databases_is_told_which(odoo: OdooServer, connect: Connect, clock: Time) -> None:
    Held(connect(database="acme"), "quote").pull(clock.window())
    Held(connect(), "quote").pull(clock.window())

    assert [request.headers.get("x-odoo-database") for request in odoo.requests()] == ["acme", None]
