"""Objects as Stripe's published document of API version 2023-08-16 describes them, with every field it requires."""

from __future__ import annotations

from typing import Any

from sandbox.stripe.store import Json

_NOTHING_SENT = (
    *("access_activity_log", "billing_address", "cancellation_policy", "customer_communication"),
    *("customer_email_address", "customer_name", "receipt", "refund_policy", "service_date", "uncategorized_text"),
)


def customer(name: str | None, email: str | None, **fields: Any) -> Json:
    """Somebody who pays."""
    return {
        "address": None,
        "balance": 0,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": email,
        "invoice_prefix": "LTC",
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "metadata": {},
        "name": name,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
        **fields,
    }


def charge(amount: int, currency: str, **fields: Any) -> Json:
    """Money taken from a card."""
    return {
        "amount": amount,
        "amount_captured": 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": {"address": None, "email": None, "name": None, "phone": None},
        "calculated_statement_descriptor": "LTC DEMO",
        "captured": False,
        "currency": currency,
        "customer": None,
        "description": None,
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "invoice": None,
        "metadata": {},
        "on_behalf_of": None,
        "outcome": None,
        "paid": False,
        "payment_intent": None,
        "payment_method": "pm_card_visa",
        "payment_method_details": {"type": "card"},
        "receipt_email": None,
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "succeeded",
        "transfer_data": None,
        "transfer_group": None,
        **fields,
    }


def refund(charge_: Json, amount: int, **fields: Any) -> Json:
    """Money given back."""
    return {
        "amount": amount,
        "balance_transaction": None,
        "charge": charge_["id"],
        "currency": charge_["currency"],
        "metadata": {},
        "payment_intent": charge_["payment_intent"],
        "reason": None,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
        **fields,
    }


def dispute(charge_: Json, amount: int, **fields: Any) -> Json:
    """A chargeback, or the inquiry before one."""
    return {
        "amount": amount,
        "balance_transactions": [],
        "charge": charge_["id"],
        "currency": charge_["currency"],
        "evidence": dict.fromkeys(_NOTHING_SENT),
        "evidence_details": {"due_by": None, "has_evidence": False, "past_due": False, "submission_count": 0},
        "is_charge_refundable": False,
        "metadata": {},
        "payment_intent": charge_["payment_intent"],
        "reason": "fraudulent",
        "status": "needs_response",
        **fields,
    }


def payout(amount: int, currency: str, arrival: int, *, automatic: bool, **fields: Any) -> Json:
    """Money on its way to the bank."""
    return {
        "amount": amount,
        "arrival_date": arrival,
        "automatic": automatic,
        "balance_transaction": None,
        "currency": currency,
        "description": "STRIPE PAYOUT",
        "destination": "ba_1Ltc0000000001",
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "metadata": {},
        "method": "standard",
        "original_payout": None,
        "reconciliation_status": "in_progress" if automatic else "not_applicable",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": "pending",
        "type": "bank_account",
        **fields,
    }


def movement(amount: int, fee: int, currency: str, type_: str, category: str, **fields: Any) -> Json:
    """A balance transaction."""
    details = {
        "amount": fee,
        "application": None,
        "currency": currency,
        "description": "Stripe processing fees",
        "type": "stripe_fee",
    }
    return {
        "amount": amount,
        "currency": currency,
        "description": None,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [details] if fee else [],
        "net": amount - fee,
        "reporting_category": category,
        "source": None,
        "status": "pending",
        "type": type_,
        **fields,
    }


def line(description: str, amount: int, currency: str, quantity: int, period: int, **fields: Any) -> Json:
    """A line of an invoice, net of tax."""
    return {
        "amount": amount,
        "amount_excluding_tax": amount,
        "currency": currency,
        "description": description,
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "metadata": {},
        "period": {"end": period, "start": period},
        "price": None,
        "proration": False,
        "proration_details": {"credited_items": None},
        "quantity": quantity,
        "subscription": None,
        "tax_amounts": [],
        "tax_rates": [],
        "type": "invoiceitem",
        **fields,
    }
