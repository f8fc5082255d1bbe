"""What becomes of changes to invoices."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from connectors.contract import Change, Outcome
from connectors.errors import ContractError, QuotaError
from connectors.xero.reference import MARK, read_numbers, write_numbers
from sandbox.xero import XeroServer
from tests.connectors.published import Clock
from tests.connectors.xero.conftest import Connect, add_invoice, add_many, pull, push_one

NUMBERS = {"DeliveryNumbers": "14, 15"}


def test_delivery_numbers_are_written_behind_what_the_clerk_typed(xero: XeroServer, connect: Connect) -> None:
    invoice = add_invoice(xero, reference="SO-00001 / Frau Wang")

    result = push_one(connect(xero), invoice, NUMBERS, {"DeliveryNumbers": None})

    assert result.outcome is Outcome.APPLIED
    assert invoice.reference == "SO-00001 / Frau Wang | DN 14, 15"


def test_new_delivery_numbers_replace_the_old_ones(xero: XeroServer, connect: Connect) -> None:
    invoice = add_invoice(xero, reference="SO-00001 | DN 14")

    push_one(connect(xero), invoice, NUMBERS, {"DeliveryNumbers": "14"})

    assert invoice.reference == "SO-00001 | DN 14, 15"


def test_the_record_of_a_write_is_what_the_next_pull_delivers(xero: XeroServer, connect: Connect, clock: Clock) -> None:
    invoice = add_invoice(xero)
    connector = connect(xero)
    _, cursor = pull(connector, xero)
    clock.pass_(minutes=10)

    result = push_one(connector, invoice, NUMBERS, {"DeliveryNumbers": None})

    clock.pass_(minutes=10)
    (pulled,), _ = pull(connector, xero, cursor)
    assert result.record == pulled


def test_an_invoice_that_the_crm_mailed_is_marked_as_sent(xero: XeroServer, connect: Connect) -> None:
    invoice = add_invoice(xero)

    result = push_one(connect(xero), invoice, {"SentToContact": 1}, {"SentToContact": False})

    assert (result.outcome, invoice.sent) == (Outcome.APPLIED, True)


def test_a_sent_invoice_is_never_marked_as_not_sent(xero: XeroServer, connect: Connect) -> None:
    invoice = add_invoice(xero, sent=True)

    result = push_one(connect(xero), invoice, {"SentToContact": False}, {"SentToContact": True})

    assert (result.outcome, invoice.sent) == (Outcome.REJECTED, True)


def test_only_the_changed_fields_are_sent(xero: XeroServer, connect: Connect) -> None:
    invoice = add_invoice(xero)

    push_one(connect(xero), invoice, NUMBERS, {})

    (write,) = xero.requests("^POST .*/Invoices")
    assert write.json() == {"Invoices": [{"InvoiceID": invoice.id, "Reference": "SO-00001 | DN 14, 15"}]}
    assert write.headers["idempotency-key"] == "ltc-inv-00001"


def test_what_is_shown_already_is_not_sent(xero: XeroServer, connect: Connect) -> None:
    invoice = add_invoice(xero, reference="SO-00001 | DN 14, 15")

    result = push_one(connect(xero), invoice, NUMBERS, {"DeliveryNumbers": None})

    assert result.outcome is Outcome.UNCHANGED
    assert xero.requests("^POST .*/Invoices") == []


def test_a_value_changed_meanwhile_is_a_conflict_and_stays(xero: XeroServer, connect: Connect) -> None:
    invoice = add_invoice(xero, reference="SO-00001 | DN 77")

    result = push_one(connect(xero), invoice, NUMBERS, {"DeliveryNumbers": "14"})

    assert result.outcome is Outcome.CONFLICT
    assert invoice.reference == "SO-00001 | DN 77"
    assert result.record is not None
    assert xero.requests("^POST .*/Invoices") == []


def test_a_payment_that_arrived_meanwhile_is_no_conflict(xero: XeroServer, connect: Connect) -> None:
    invoice = add_invoice(xero)
    xero.books.pay(invoice.id, Decimal(50))

    result = push_one(connect(xero), invoice, {"SentToContact": True}, {"SentToContact": False})

    assert result.outcome is Outcome.APPLIED


def test_what_xero_refuses_is_rejected_with_its_reason(xero: XeroServer, connect: Connect) -> None:
    invoice = add_invoice(xero)
    xero.books.pay(invoice.id, Decimal(50))

    result = push_one(connect(xero), invoice, NUMBERS, {})

    assert result.outcome is Outcome.REJECTED
    assert "has a payment or credit note allocated" in result.message


@pytest.mark.parametrize("status", ["VOIDED", "PAID"])
def test_a_closed_invoice_refuses_every_change(xero: XeroServer, connect: Connect, status: str) -> None:
    invoice = add_invoice(xero)
    if status == "PAID":
        xero.books.pay(invoice.id, Decimal(113))
    else:
        xero.books.void(invoice.id)
    assert invoice.status == status

    result = push_one(connect(xero), invoice, {"SentToContact": True}, {})

    assert result.outcome is Outcome.REJECTED
    assert "Invoice not of valid status for modification" in result.message


def test_one_refused_invoice_does_not_hold_up_the_others(xero: XeroServer, connect: Connect) -> None:
    invoices = [add_invoice(xero, f"INV-0000{number}") for number in range(3)]
    xero.books.pay(invoices[1].id, Decimal(50))
    changes = [Change(invoice.id, NUMBERS, {}, invoice.number) for invoice in invoices]

    results = list(connect(xero).push("invoice", changes))

    assert [result.outcome for result in results] == [Outcome.APPLIED, Outcome.REJECTED, Outcome.APPLIED]
    assert [result.source_id for result in results] == [invoice.id for invoice in invoices]
    assert len(xero.requests("^POST .*/Invoices")) == 1


def test_a_batch_that_xero_refuses_as_a_whole_is_sent_one_by_one(xero: XeroServer, connect: Connect) -> None:
    invoices = [add_invoice(xero, f"INV-0000{number}") for number in range(2)]
    body = {"ErrorNumber": 14, "Type": "PostDataInvalidException", "Message": "JSON for post data was invalid"}
    xero.faults.answer("^POST .*/Invoices", 400, body)

    results = list(connect(xero).push("invoice", [Change(i.id, NUMBERS, {}, i.number) for i in invoices]))

    assert [result.outcome for result in results] == [Outcome.APPLIED, Outcome.APPLIED]


def test_a_hundred_changes_cost_nine_calls(bulk: XeroServer, connect: Connect) -> None:
    made = add_many(bulk, 100, lambda _: bulk.books.clock())
    changes = [Change(invoice.id, NUMBERS, {"DeliveryNumbers": None}, invoice.number) for invoice in made]

    results = list(connect(bulk).push("invoice", changes))

    assert {result.outcome for result in results} == {Outcome.APPLIED}
    assert all(result.record is not None for result in results)
    assert len(bulk.requests("/api.xro/")) == 9


def test_a_write_whose_answer_was_lost_is_sent_again_under_its_key_and_done_once(
    xero: XeroServer, connect: Connect, clock: Clock
) -> None:
    invoice = add_invoice(xero)
    xero.faults.cut("^POST .*/Invoices", act=True)
    before = clock.pass_(minutes=1)

    result = push_one(connect(xero), invoice, NUMBERS, {"DeliveryNumbers": None})

    writes = xero.requests("^POST .*/Invoices")
    assert result.outcome is Outcome.APPLIED
    assert [write.headers["idempotency-key"] for write in writes] == ["ltc-inv-00001"] * 2
    assert writes[0].body == writes[1].body
    assert (invoice.reference, invoice.updated) == ("SO-00001 | DN 14, 15", before)


def test_a_write_that_never_gets_an_answer_is_unknown_and_found_done_later(xero: XeroServer, connect: Connect) -> None:
    invoice = add_invoice(xero)
    xero.faults.cut("^POST .*/Invoices", act=True, times=99)
    connector = connect(xero)

    first = push_one(connector, invoice, NUMBERS, {"DeliveryNumbers": None})
    xero.faults.clear()
    second = push_one(connector, invoice, NUMBERS, {"DeliveryNumbers": None})

    assert (first.outcome, second.outcome) == (Outcome.UNKNOWN, Outcome.UNCHANGED)


def test_a_write_that_was_throttled_to_the_end_is_to_be_tried_again(xero: XeroServer, connect: Connect) -> None:
    invoice = add_invoice(xero)
    limit = {"X-Rate-Limit-Problem": "minute", "Retry-After": "60"}
    xero.faults.answer("^POST .*/Invoices", 429, headers=limit, times=99)

    result = push_one(connect(xero), invoice, NUMBERS, {})

    assert (result.outcome, invoice.reference) == (Outcome.RETRY, "SO-00001")


def test_invoices_that_cannot_be_read_first_are_to_be_tried_again(xero: XeroServer, connect: Connect) -> None:
    invoice = add_invoice(xero)
    xero.faults.answer("^GET .*/Invoices", 503, times=99)

    result = push_one(connect(xero), invoice, NUMBERS, {})

    assert result.outcome is Outcome.RETRY
    assert xero.requests("^POST .*/Invoices") == []


def test_a_key_that_was_just_used_for_something_else_is_to_be_tried_later(xero: XeroServer, connect: Connect) -> None:
    invoice = add_invoice(xero)
    connector = connect(xero)
    push_one(connector, invoice, {"SentToContact": True}, {})

    result = push_one(connector, invoice, NUMBERS, {})

    assert result.outcome is Outcome.RETRY
    assert "used with a different request" in result.message


def test_an_applied_write_stays_applied_when_it_cannot_be_read_back(xero: XeroServer, connect: Connect) -> None:
    invoice = add_invoice(xero)
    xero.faults.answer("^GET .*/Invoices", 503, times=99, skip=1)

    result = push_one(connect(xero), invoice, NUMBERS, {})

    assert (result.outcome, result.record) == (Outcome.APPLIED, None)


def test_an_answer_without_the_invoices_is_a_contract_error(xero: XeroServer, connect: Connect) -> None:
    invoice = add_invoice(xero)
    xero.faults.answer("^POST .*/Invoices", 200, {"Status": "OK"})

    with pytest.raises(ContractError):
        push_one(connect(xero), invoice, NUMBERS, {})


def test_the_day_limit_stops_a_push_before_anything_is_sent(xero: XeroServer, connect: Connect) -> None:
    invoice = add_invoice(xero)
    xero.access.limits.day = 0

    with pytest.raises(QuotaError):
        push_one(connect(xero), invoice, NUMBERS, {})

    assert invoice.reference == "SO-00001"


def test_an_invoice_that_xero_does_not_show_is_rejected(xero: XeroServer, connect: Connect) -> None:
    gone = Change("99999999-9999-4999-8999-999999999999", NUMBERS, {}, "key")

    (result,) = connect(xero).push("invoice", [gone])

    assert result.outcome is Outcome.REJECTED


def test_a_reference_that_would_be_too_long_is_rejected_before_it_is_sent(xero: XeroServer, connect: Connect) -> None:
    invoice = add_invoice(xero, reference="x" * 250)

    result = push_one(connect(xero), invoice, NUMBERS, {})

    assert result.outcome is Outcome.REJECTED
    assert "255" in result.message
    assert xero.requests("^POST .*/Invoices") == []


def test_a_field_that_is_not_ours_to_write_is_rejected(xero: XeroServer, connect: Connect) -> None:
    result = push_one(connect(xero), add_invoice(xero), {"Total": Decimal(1)}, {})

    assert result.outcome is Outcome.REJECTED


def test_other_streams_take_no_changes(xero: XeroServer, connect: Connect) -> None:
    with pytest.raises(NotImplementedError):
        list(connect(xero).push("payment", []))


@pytest.mark.parametrize("typed", ["", "SO-00001", "SO-00001, SO-00002 Müller"])
@pytest.mark.parametrize("numbers", ["14", "14, 15"])
def test_delivery_numbers_can_be_put_into_a_reference_read_and_taken_out(typed: str, numbers: str) -> None:
    written = write_numbers(typed, numbers)

    assert written == f"{typed}{MARK}{numbers}"
    assert read_numbers(written) == numbers
    assert write_numbers(written, None) == typed
    assert read_numbers(typed) is None


def test_the_written_request_is_one_that_xeros_document_allows(xero: XeroServer, connect: Connect) -> None:
    invoice = add_invoice(xero)

    push_one(connect(xero), invoice, {**NUMBERS, "SentToContact": True}, {})

    (write,) = xero.requests("^POST .*/Invoices")
    assert json.loads(write.body)["Invoices"][0]["SentToContact"] is True
