"""Writing to Odoo: buttons instead of states, conflicts, lost answers, and records that are made once."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from connectors.contract import Change, Connector, NewRecord, Outcome, PushResult, RawRecord
from sandbox.odoo import OdooServer
from tests.connectors.odoo.conftest import Company, Connect

KEY = "ltc-0123456789abcdef01234567"


def read(connector: Connector[Any], stream: str, key: int) -> RawRecord:
    (batch,) = connector.fetch(stream, [str(key)])
    return batch[0]


def push(connector: Connector[Any], stream: str, key: int, old: Any, **values: Any) -> PushResult:
    """Change one field of a record that was read just now."""
    known = read(connector, stream, key)
    (name,) = values
    change = Change(str(key), values, {name: old}, "change-1", known.version, known.body)
    (result,) = connector.push(stream, [change])
    return result


def sent(odoo: OdooServer) -> list[str]:
    """The methods that change something, as they were called."""
    called = [request.path.rpartition("/")[2] for request in odoo.requests()]
    return [name for name in called if name != "web_search_read"]


@pytest.mark.parametrize(
    ("before", "after", "button"),
    [
        ("draft", "sale", "action_confirm"),
        ("sent", "sale", "action_confirm"),
        ("sale", "cancel", "action_cancel"),
        ("draft", "sent", "action_quotation_sent"),
        ("cancel", "draft", "action_draft"),
    ],
)
def test_a_state_is_reached_by_its_button(
    odoo: OdooServer, company: Company, connect: Connect, before: str, after: str, button: str
) -> None:
    key = company.order(state=before)

    result = push(connect(), "order", key, before, state=after)

    assert result.outcome is Outcome.APPLIED
    assert company.database.tables["sale.order"][key]["state"] == after
    assert sent(odoo) == [button]
    assert result.record is not None
    assert result.record.body == read(connect(), "order", key).body


def test_a_button_that_the_rules_forbid_is_rejected_with_odoo_s_reason(company: Company, connect: Connect) -> None:
    key = company.order(state="cancel")

    result = push(connect(), "order", key, "cancel", state="sale")

    assert result.outcome is Outcome.REJECTED
    assert "state requiring confirmation" in result.message


def test_a_locked_order_is_not_cancelled(company: Company, connect: Connect) -> None:
    key = company.order(state="sale", locked=True)

    result = push(connect(), "order", key, "sale", state="cancel")

    assert (result.outcome, company.database.tables["sale.order"][key]["state"]) == (Outcome.REJECTED, "sale")


def test_an_order_that_somebody_else_moved_is_a_conflict(odoo: OdooServer, company: Company, connect: Connect) -> None:
    key = company.order(state="cancel")

    result = push(connect(), "order", key, "draft", state="sale")

    assert (result.outcome, sent(odoo)) == (Outcome.CONFLICT, [])


def test_what_odoo_shows_already_is_not_pressed_again(odoo: OdooServer, company: Company, connect: Connect) -> None:
    key = company.order(state="sale")

    result = push(connect(), "order", key, "draft", state="sale")

    assert (result.outcome, sent(odoo)) == (Outcome.UNCHANGED, [])


def test_a_button_whose_answer_is_lost_is_looked_for_and_not_pressed_again(
    odoo: OdooServer, company: Company, connect: Connect
) -> None:
    key = company.order()
    odoo.faults.cut("action_confirm", act=True)

    result = push(connect(), "order", key, "draft", state="sale")

    assert result.outcome is Outcome.APPLIED
    assert sent(odoo) == ["action_confirm"]


def test_a_locked_row_is_tried_again_later(odoo: OdooServer, company: Company, connect: Connect) -> None:
    key = company.order()
    locked = {"name": "odoo.exceptions.LockError", "message": "Could not lock the record."}
    odoo.faults.answer("action_confirm", 409, locked, times=100)

    result = push(connect(), "order", key, "draft", state="sale")

    assert result.outcome is Outcome.RETRY


def test_a_lead_is_lost_by_its_button_and_comes_back_by_a_write(
    odoo: OdooServer, company: Company, connect: Connect
) -> None:
    key = company.lead()

    assert push(connect(), "lead", key, True, active=False).outcome is Outcome.APPLIED
    row = company.database.tables["crm.lead"][key]
    assert (row["active"], row["probability"]) == (False, 0.0)
    assert push(connect(), "lead", key, False, active=True).outcome is Outcome.APPLIED
    assert sent(odoo) == ["action_set_lost", "write"]


def new_order(company: Company) -> NewRecord:
    line = {"product_id": str(company.product), "product_uom_qty": Decimal(3), "price_unit": Decimal("19.90")}
    values = {"partner_id": str(company.customer), "origin": "Q-7", "client_order_ref": KEY, "order_line": [line]}
    return NewRecord(KEY, values, "create-1")


def test_a_draft_is_made_with_its_lines_and_found_by_its_key(company: Company, connect: Connect) -> None:
    connector = connect()

    (made,) = connector.create("order", [new_order(company)])
    (again,) = connector.create("order", [new_order(company)])

    assert (made.outcome, again.outcome) == (Outcome.APPLIED, Outcome.UNCHANGED)
    assert made.source_id == again.source_id
    assert made.record is not None
    order = msgspec.json.decode(made.record.body)
    assert (order["state"], order["origin"], order["amount_untaxed"]) == ("draft", "Q-7", 59.7)
    assert list(connector.find("order", [KEY, "ltc-other"])) == [KEY]


@pytest.mark.parametrize("act", [True, False])
def test_a_draft_is_made_once_though_the_answer_is_lost(
    odoo: OdooServer, company: Company, connect: Connect, act: bool
) -> None:
    connector = connect()
    odoo.faults.cut("sale.order/create", act=act)

    (first,) = connector.create("order", [new_order(company)])
    (second,) = connector.create("order", [new_order(company)])

    assert first.outcome is (Outcome.APPLIED if act else Outcome.UNKNOWN)
    assert second.outcome is (Outcome.UNCHANGED if act else Outcome.APPLIED)
    assert len(company.database.tables["sale.order"]) == 1


def test_a_draft_for_a_customer_who_is_gone_is_rejected(company: Company, connect: Connect) -> None:
    record = new_order(company)
    record.values["partner_id"] = "4711"

    (result,) = connect().create("order", [record])

    assert result.outcome is Outcome.REJECTED
    assert not company.database.tables["sale.order"]


def test_a_lead_is_made_once(company: Company, connect: Connect) -> None:
    values = {"name": "Möller GmbH", "type": "lead", "email_from": "wang@moeller.example", "referred": KEY}

    outcomes = [connect().create("lead", [NewRecord(KEY, values, "create-1")]) for _ in range(2)]

    assert [result.outcome for (result,) in outcomes] == [Outcome.APPLIED, Outcome.UNCHANGED]
    assert len(company.database.tables["crm.lead"]) == 1
