"""Writing to ERPNext: under the `modified` that was read, with reasons by name, and records that are made once."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from connectors.contract import Change, Connector, Inbound, NewRecord, Notice, Outcome, PushResult, RawRecord
from connectors.errors import ContractError, WebhookRefused
from sandbox.erpnext import ErpnextServer
from sandbox.erpnext.server import WEBHOOK_SECRET, signed
from tests.connectors.erpnext.conftest import Connect, Held, Time, order

KEY = "ltc-0123456789abcdef01234567"


def read(connector: Connector[Any], stream: str, name: str) -> RawRecord:
    (batch,) = connector.fetch(stream, [name])
    return batch[0]


def push(connector: Connector[Any], stream: str, name: str, old: Any, **values: Any) -> PushResult:
    """Change one field of a record that was read just now."""
    known = read(connector, stream, name)
    (field,) = values
    change = Change(name, values, {field: old}, "change-1", known.version, known.body)
    (result,) = connector.push(stream, [change])
    return result


def puts(erpnext: ErpnextServer) -> int:
    return len(erpnext.requests("^PUT"))


def test_an_order_is_submitted_and_then_cancelled(erpnext: ErpnextServer, connect: Connect, clock: Time) -> None:
    name = order(erpnext)
    connector = connect()
    clock.pass_(seconds=10)

    submitted = push(connector, "order", name, 0, docstatus=1)
    clock.pass_(seconds=10)
    cancelled = push(connector, "order", name, 1, docstatus=2)

    assert (submitted.outcome, cancelled.outcome) == (Outcome.APPLIED, Outcome.APPLIED)
    assert erpnext.site.get("Sales Order", name)["status"] == "Cancelled"
    assert submitted.record is not None
    assert msgspec.json.decode(submitted.record.body)["status"] == "To Deliver and Bill"
    clock.pass_(minutes=1)
    assert Held(connector).pull(clock.window()).records[name] == cancelled.record


def test_a_save_between_our_reading_and_our_writing_is_a_conflict(
    erpnext: ErpnextServer, connect: Connect, clock: Time
) -> None:
    name = erpnext.site.add("Lead", lead_name="Wang Fang")
    connector = connect()
    known = read(connector, "lead", name)

    def meanwhile() -> None:
        clock.pass_(seconds=1)
        erpnext.site.save("Lead", name, {"company_name": "Möller AG"})

    erpnext.after_read = meanwhile
    change = Change(name, {"status": "Open"}, {"status": "Lead"}, "change-1", known.version, known.body)
    (result,) = connector.push("lead", [change])

    assert result.outcome is Outcome.CONFLICT
    assert erpnext.site.get("Lead", name)["status"] == "Lead"


def test_a_field_that_somebody_else_changed_is_a_conflict(erpnext: ErpnextServer, connect: Connect) -> None:
    name = erpnext.site.add("Lead", lead_name="Wang Fang", status="Converted")

    result = push(connect(), "lead", name, "Lead", status="Open")

    assert (result.outcome, puts(erpnext)) == (Outcome.CONFLICT, 0)


def test_what_erpnext_shows_already_is_not_written(erpnext: ErpnextServer, connect: Connect) -> None:
    name = erpnext.site.add("Lead", lead_name="Wang Fang", status="Open")

    result = push(connect(), "lead", name, "Lead", status="Open")

    assert (result.outcome, puts(erpnext)) == (Outcome.UNCHANGED, 0)


@pytest.mark.parametrize(
    ("doctype", "stream", "old", "values", "reason"),
    [
        ("Lead", "lead", "Lead", {"status": "Sold"}, "Status cannot be"),
        ("Sales Order", "order", 0, {"docstatus": 2}, "Cannot change docstatus"),
    ],
)
def test_what_the_rules_forbid_is_rejected_with_erpnext_s_reason(
    erpnext: ErpnextServer,
    connect: Connect,
    doctype: str,
    stream: str,
    old: Any,
    values: dict[str, Any],
    reason: str,
) -> None:
    name = erpnext.site.add("Lead", lead_name="Wang") if doctype == "Lead" else order(erpnext)

    result = push(connect(), stream, name, old, **values)

    assert result.outcome is Outcome.REJECTED
    assert reason in result.message


def test_a_write_whose_answer_is_lost_is_found_and_not_sent_again(
    erpnext: ErpnextServer, connect: Connect, clock: Time
) -> None:
    name = erpnext.site.add("Lead", lead_name="Wang Fang")
    clock.pass_(seconds=10)
    erpnext.faults.cut("^PUT", act=True)

    result = push(connect(), "lead", name, "Lead", status="Open")

    assert (result.outcome, puts(erpnext)) == (Outcome.APPLIED, 1)


def test_a_deadlock_is_tried_again_later(erpnext: ErpnextServer, connect: Connect) -> None:
    name = erpnext.site.add("Lead", lead_name="Wang Fang")
    erpnext.faults.answer("^PUT", 500, {"exc_type": "QueryDeadlockError"}, times=100)

    assert push(connect(), "lead", name, "Lead", status="Open").outcome is Outcome.RETRY


def new_order() -> NewRecord:
    line = {"item_code": "PT-100", "qty": Decimal(3), "price_list_rate": Decimal("20.00")}
    line["discount_percentage"] = Decimal(10)
    values = {"customer": "Möller GmbH", "transaction_date": "2026-10-02", "custom_ltc_key": KEY, "items": [line]}
    return NewRecord(KEY, values, "create-1")


@pytest.mark.parametrize("lost", [None, True, False])
def test_a_draft_is_made_once_whatever_becomes_of_the_answer(
    erpnext: ErpnextServer, connect: Connect, clock: Time, lost: bool | None
) -> None:
    connector = connect()
    if lost is not None:
        erpnext.faults.cut("^POST", act=lost)

    (first,) = connector.create("order", [new_order()])
    (second,) = connector.create("order", [new_order()])

    assert first.outcome is (Outcome.UNKNOWN if lost is False else Outcome.APPLIED)
    assert second.outcome is (Outcome.APPLIED if lost is False else Outcome.UNCHANGED)
    assert len(erpnext.site.docs["Sales Order"]) == 1
    assert second.record is not None
    assert msgspec.json.decode(second.record.body)["items"][0]["amount"] == 54.0
    clock.pass_(minutes=1)
    assert Held(connector).pull(clock.window()).records[second.source_id] == second.record


def test_without_the_field_for_the_key_nothing_is_made(erpnext: ErpnextServer, connect: Connect) -> None:
    erpnext.site.columns.clear()

    with pytest.raises(ContractError, match="column"):
        list(connect().create("order", [new_order()]))
    assert not erpnext.site.docs["Sales Order"]


def test_an_order_for_a_customer_who_is_gone_is_rejected(erpnext: ErpnextServer, connect: Connect) -> None:
    record = new_order()
    record.values["customer"] = "Nobody"

    (result,) = connect().create("order", [record])

    assert result.outcome is Outcome.REJECTED
    assert not erpnext.site.docs["Sales Order"]


VECTOR = (
    b'{"doctype": "Sales Order", "name": "SAL-ORD-2026-00001", "status": "To Deliver and Bill", '
    b'"grand_total": 1234.5, "customer_name": "M\\u00fcller"}'
)


def test_a_webhook_that_frappe_signed_says_which_document_is_worth_a_look(
    erpnext: ErpnextServer, connect: Connect
) -> None:
    signature = "xQN+uk16eEtAE5sanLyrlJVdUnc16mvgCiFBsLHG1tA="

    delivery = connect().receive(Inbound({"x-frappe-webhook-signature": signature}, {}, VECTOR))

    assert delivery.notices == [Notice("order", "SAL-ORD-2026-00001")]
    with pytest.raises(WebhookRefused):
        connect().receive(Inbound({"x-frappe-webhook-signature": signature}, {}, VECTOR + b" "))


def test_a_webhook_tells_of_a_deletion_and_the_same_request_has_the_same_id(
    erpnext: ErpnextServer, connect: Connect, clock: Time
) -> None:
    headers, body = erpnext.webhook("Sales Invoice", "ACC-SINV-2026-00001", "on_trash")
    connector = connect()

    delivery = connector.receive(Inbound(headers, {}, body))

    assert delivery.notices == [Notice("invoice", "ACC-SINV-2026-00001", deleted=True)]
    assert connector.receive(Inbound(headers, {}, body)).id == delivery.id
    clock.pass_(seconds=1)
    later, other = erpnext.webhook("Sales Invoice", "ACC-SINV-2026-00001")
    assert connector.receive(Inbound(later, {}, other)).id != delivery.id
    unknown = b'{"doctype": "Purchase Order", "name": "1"}'
    told = connector.receive(Inbound({"x-frappe-webhook-signature": signed(WEBHOOK_SECRET, unknown)}, {}, unknown))
    assert not told.notices
