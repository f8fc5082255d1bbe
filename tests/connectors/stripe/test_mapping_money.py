"""What payments, refunds, disputes and payouts mean in the canonical model."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from mappings.engine import MappingError
from mappings.errors import Unusable
from mappings.transforms import TRANSFORMS
from sandbox.stripe import StripeServer
from tests.connectors.stripe.conftest import (
    Connect,
)
from tests.connectors.stripe.rows import mapped, shown


def test_a_payment_of_an_invoice_with_its_fee(stripe: StripeServer, connect: Connect) -> None:
    customer = stripe.account.customer("Wang", "wang@example.com")
    invoice = stripe.account.invoice(customer["id"], [("Gauge", 123_450, 1)])
    charge = stripe.account.pay(invoice["id"], description="SO-00001 SO-00002")

    (row,) = mapped(stripe, connect(stripe), "payment")

    expected = {
        "source_id": charge["id"],
        "kind": "payment",
        "direction": "in",
        "method": "card",
        "status": "received",
        "source_status": "succeeded",
        "currency": "USD",
        "amount": 123_450,
        "fee_amount": 3_610,
        "party_ref": f"id:{customer['id']}",
        "invoice_ref": f"id:{invoice['id']}",
        "unapplied_amount": 0,
        "order_refs": "no:SO-00001\nno:SO-00002",
        "received_on": "2026-10-31",
    }
    assert shown(row, expected) == expected


@pytest.mark.parametrize(
    ("currency", "sent", "minor", "fee", "fee_minor"),
    [
        ("usd", 1_099, 1_099, 62, 62),
        ("jpy", 5_000, 5_000, 180, 180),
        ("kwd", 12_340, 12_340, 250, 250),
        ("isk", 50_000, 500, 1_500, 15),
        ("ugx", 50_000, 500, 1_500, 15),
        ("mga", 5_000, 500_000, 100, 10_000),
        ("huf", 123_456, 123_456, 3_581, 3_581),
        ("twd", 80_045, 80_045, 2_000, 2_000),
    ],
)
def test_amounts_in_every_kind_of_currency(
    stripe: StripeServer, connect: Connect, currency: str, sent: int, minor: int, fee: int, fee_minor: int
) -> None:
    """10.99 dollars, 5000 yen, 12.340 dinars, and the currencies that Stripe counts in units of its own."""
    stripe.account.charge(sent, currency, fee=fee)
    connector = connect(stripe)
    stripe.account.pay_out(currency)

    (row,) = mapped(stripe, connector, "payment")
    (payout,) = mapped(stripe, connector, "payout")

    assert (row["currency"], row["amount"], row["fee_amount"]) == (currency.upper(), minor, fee_minor)
    assert (payout["gross_amount"], payout["fee_amount"]) == (minor, fee_minor)
    assert payout["amount"] == minor - fee_minor


def test_a_fraction_of_a_currency_without_any_is_refused(stripe: StripeServer, connect: Connect) -> None:
    stripe.account.charge(50_050, "isk", fee=0)

    with pytest.raises(MappingError) as caught:
        mapped(stripe, connect(stripe), "payment")

    assert caught.value.field == "amount"


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("usd 1234", Decimal("12.34")),
        ("usd -1234", Decimal("-12.34")),
        ("jpy 1234", Decimal(1234)),
        ("kwd 1230", Decimal("1.230")),
        ("usd 0 500", Decimal("5.00")),
        ("usd 0", Decimal(0)),
        ("usd usd 59", Decimal("0.59")),
        ("usd eur 59", None),
        ("usd 1234.5", Decimal("12.345")),
        ("1234", None),
    ],
)
def test_the_transform_of_amounts(text: str, amount: Decimal | None) -> None:
    assert TRANSFORMS["stripe_amount"](text) == amount


def test_the_transform_refuses_what_is_no_amount() -> None:
    with pytest.raises(Unusable):
        TRANSFORMS["stripe_amount"]("usd 1,234")


def test_a_payment_of_no_invoice_may_be_for_anything(stripe: StripeServer, connect: Connect) -> None:
    stripe.account.charge(1_000)

    (row,) = mapped(stripe, connect(stripe), "payment")

    assert (row["invoice_ref"], row["unapplied_amount"], row["order_refs"]) == (None, None, None)


def test_a_fee_in_another_currency_than_the_payment_is_left_out(stripe: StripeServer, connect: Connect) -> None:
    stripe.account.charge(1_000, "eur", settled_in="jpy", rate=2, fee=40)

    (row,) = mapped(stripe, connect(stripe), "payment")

    assert (row["currency"], row["amount"], row["fee_amount"]) == ("EUR", 1_000, None)


@pytest.mark.parametrize(
    ("fields", "status", "amount"),
    [
        ({}, "received", 1_000),
        ({"status": "pending"}, "pending", 1_000),
        ({"status": "failed"}, "failed", 1_000),
        ({"capture": False}, "authorised", 1_000),
    ],
)
def test_a_payments_status(
    stripe: StripeServer, connect: Connect, fields: dict[str, Any], status: str, amount: int
) -> None:
    stripe.account.charge(1_000, **fields)

    (row,) = mapped(stripe, connect(stripe), "payment")

    assert (row["status"], row["amount"]) == (status, amount)


def test_of_a_payment_captured_in_part_that_part_counts(stripe: StripeServer, connect: Connect) -> None:
    charge = stripe.account.charge(1_000, capture=False)
    stripe.account.capture(charge["id"], 600)

    (row,) = mapped(stripe, connect(stripe), "payment")

    assert (row["status"], row["amount"]) == ("received", 600)


def test_a_reservation_that_was_let_go_is_cancelled(stripe: StripeServer, connect: Connect) -> None:
    charge = stripe.account.charge(1_000, capture=False)
    charge |= {"refunded": True, "amount_refunded": 1_000}

    assert mapped(stripe, connect(stripe), "payment")[0]["status"] == "cancelled"


@pytest.mark.parametrize(
    ("type_", "method"),
    [("card", "card"), ("sepa_debit", "bank_transfer"), ("wechat_pay", "wallet"), ("barter", "other")],
)
def test_how_it_was_paid(stripe: StripeServer, connect: Connect, type_: str, method: str) -> None:
    stripe.account.charge(1_000, payment_method_details={"type": type_})

    assert mapped(stripe, connect(stripe), "payment")[0]["method"] == method


def test_a_refund_names_customer_and_invoice_of_its_payment(stripe: StripeServer, connect: Connect) -> None:
    customer = stripe.account.customer("Wang")
    invoice = stripe.account.invoice(customer["id"])
    charge = stripe.account.pay(invoice["id"], metadata={"order_number": "SO-00003"})
    stripe.account.refund(charge["id"], 2_500, reason="requested_by_customer")

    (row,) = mapped(stripe, connect(stripe), "refund")

    expected = {
        "kind": "refund",
        "direction": "out",
        "status": "received",
        "amount": 2_500,
        "fee_amount": 0,
        "party_ref": f"id:{customer['id']}",
        "invoice_ref": f"id:{invoice['id']}",
        "order_refs": "no:SO-00003",
        "reference_text": "requested_by_customer",
    }
    assert shown(row, expected) == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("pending", "pending"),
        ("requires_action", "pending"),
        ("succeeded", "received"),
        ("failed", "failed"),
        ("canceled", "cancelled"),
    ],
)
def test_a_refunds_status(stripe: StripeServer, connect: Connect, status: str, expected: str) -> None:
    stripe.account.refund(stripe.account.charge(1_000)["id"], status=status)

    assert mapped(stripe, connect(stripe), "refund")[0]["status"] == expected


def test_a_dispute_is_a_chargeback_once_it_is_lost(stripe: StripeServer, connect: Connect) -> None:
    customer = stripe.account.customer("Wang")
    charge = stripe.account.charge(9_000, customer=customer["id"])
    dispute = stripe.account.dispute(charge["id"])
    connector = connect(stripe)
    (open_,) = mapped(stripe, connector, "dispute")
    stripe.account.close_dispute(dispute["id"], won=False)

    (lost,) = mapped(stripe, connector, "dispute")

    assert (open_["status"], lost["status"]) == ("pending", "received")
    expected = {
        "kind": "chargeback",
        "direction": "out",
        "amount": 9_000,
        "fee_amount": 1_500,
        "reference_text": "fraudulent",
        "party_ref": f"id:{customer['id']}",
    }
    assert shown(lost, expected) == expected


@pytest.mark.parametrize(
    "status",
    [
        *("warning_needs_response", "warning_under_review", "warning_closed", "needs_response", "under_review"),
        *("appeal_needs_response", "appeal_under_review", "won", "lost", "prevented"),
    ],
)
def test_every_status_of_a_dispute_that_stripe_documents_is_known(
    bulk: StripeServer, connect: Connect, status: str
) -> None:
    dispute = bulk.account.dispute(bulk.account.charge(1_000)["id"])
    dispute["status"] = status

    assert mapped(bulk, connect(bulk), "dispute")[0]["source_status"] == status


def test_a_payout_with_what_it_is_made_of(stripe: StripeServer, connect: Connect) -> None:
    account = stripe.account
    charges = [account.charge(10_000, fee=320) for _ in range(3)]
    account.refund(charges[0]["id"], 4_000)
    account.dispute(charges[1]["id"])
    payout = account.pay_out()

    (row,) = mapped(stripe, connect(stripe), "payout")

    expected = {
        "status": "pending",
        "currency": "USD",
        "amount": 30_000 - 3 * 320 - 4_000 - 10_000 - 1_500,
        "gross_amount": 30_000,
        "fee_amount": 3 * 320 + 1_500,
        "arrival_date": "2026-11-02",
        "number": payout["id"],
    }
    assert shown(row, expected) == expected


def test_every_movement_of_a_payout_is_a_line_with_the_payment_that_it_is_about(
    stripe: StripeServer, connect: Connect
) -> None:
    account = stripe.account
    charge = account.charge(10_000, fee=320)
    refund = account.refund(charge["id"], 4_000)
    dispute = account.dispute(account.charge(7_000, fee=230)["id"])
    account.close_dispute(dispute["id"], won=True)
    with account.lock:
        account._move(-200, 0, "usd", "stripe_fee", "fee", "fee_1")
        account._move(150, 0, "usd", "stripe_fee", "fee", "fee_1")
        account._move(-300, 0, "usd", "transfer", "transfer", "tr_1")
        account._move(25, 0, "usd", "adjustment", "other_adjustment", "x_1")
    account.pay_out()

    (row,) = mapped(stripe, connect(stripe), "payout")

    names = ("kind", "payment_ref", "amount", "fee_amount", "net_amount")
    lines = {tuple(line[name] for name in names) for line in row["lines"]}
    assert {line for line in lines if line[0] != "charge"} == {
        ("refund", f"id:{refund['id']}", -4_000, 0, -4_000),
        ("dispute", f"id:{dispute['id']}", -7_000, 1_500, -8_500),
        ("dispute_reversal", f"id:{dispute['id']}", 7_000, 0, 7_000),
        ("fee", None, -200, 0, -200),
        ("fee", None, 150, 0, 150),
        ("transfer", None, -300, 0, -300),
        ("adjustment", None, 25, 0, 25),
    }
    assert ("charge", f"id:{charge['id']}", 10_000, 320, 9_680) in lines
    assert sum(line["net_amount"] for line in row["lines"]) == row["amount"]
    assert (row["bank_reference"], row["descriptor"]) == (None, "STRIPE")


def test_a_payout_by_hand_has_an_amount_and_nothing_else(stripe: StripeServer, connect: Connect) -> None:
    stripe.account.pay_out_by_hand(5_000)

    (row,) = mapped(stripe, connect(stripe), "payout")

    assert (row["amount"], row["gross_amount"], row["fee_amount"]) == (5_000, None, None)


@pytest.mark.parametrize(
    ("moves", "expected"),
    [
        ([], "pending"),
        (["in_transit"], "in_transit"),
        (["paid"], "paid"),
        (["paid", "failed"], "failed"),
        (["canceled"], "cancelled"),
    ],
)
def test_a_payouts_status(stripe: StripeServer, connect: Connect, moves: list[str], expected: str) -> None:
    payout = stripe.account.pay_out_by_hand(5_000)
    for status in moves:
        stripe.account.move_payout(payout["id"], status)

    assert mapped(stripe, connect(stripe), "payout")[0]["status"] == expected
