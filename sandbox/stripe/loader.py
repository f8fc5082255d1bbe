"""Fill the account with the demo company's card payments, as they stand on its last day; no events tell of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal

from sandbox.stripe import objects
from sandbox.stripe.account import WHOLE, Account
from sandbox.world.processor import CardRefund, Charge, Dispute, Movement, Payout
from sandbox.world.records import ErpParty, World, native_id


def fill(account: Account, world: World) -> None:
    """Put customers, charges, refunds, disputes, balance transactions and payouts into an empty account."""
    shop = world.processor
    contacts = {contact.key: contact for contact in world.book_contacts}
    first: dict[str, datetime] = {}
    for charge in shop.charges:
        first[charge.contact_key] = min(first.get(charge.contact_key, charge.made_at), charge.made_at)
    parties = {party.key: party for party in world.erp_parties}
    for key in sorted(first.keys() - {""}):
        _customer(account, parties[key], contacts[key].email, first[key])
    by_source: dict[str, list[Movement]] = {}
    for movement in shop.movements:
        by_source.setdefault(movement.source_id, []).append(movement)
        _move(account, movement)
    for charge in shop.charges:
        _charge(account, charge, by_source.get(charge.id, []))
    for refund in shop.refunds:
        _refund(account, refund, by_source[refund.id])
    for dispute in shop.disputes:
        _dispute(account, dispute, by_source[dispute.id])
    for payout in shop.payouts:
        _pay_out(account, payout, world.as_of.date())


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _noon(day: date) -> int:
    return _seconds(datetime.combine(day, time(12), UTC))


def _units(amount: Decimal, currency: str) -> int:
    return int(amount if currency.lower() in WHOLE else amount * 100)


def _customer(account: Account, party: ErpParty, email: str, made_at: datetime) -> None:
    address = {
        "city": party.city,
        "country": party.country,
        "line1": party.street,
        "line2": None,
        "postal_code": party.postal_code,
        "state": None,
    }
    account.add(
        "customer",
        **objects.customer(party.name, email, address=address, metadata={"customer_number": party.key}),
        id=_customer_id(party.key),
        created=_seconds(made_at) - 60,
    )


def _customer_id(key: str) -> str:
    return f"cus_{native_id('stripe customer', key, 14)}"


def _charge(account: Account, charge: Charge, moved: list[Movement]) -> None:
    amount = _units(charge.amount, charge.currency)
    named = {"invoice_number": charge.invoice_number, "order_number": charge.order_number}
    fields = {
        "id": charge.id,
        "created": _seconds(charge.made_at),
        "customer": _customer_id(charge.contact_key) if charge.contact_key else None,
        "description": charge.text,
        "metadata": {name: value for name, value in named.items() if value},
    }
    if charge.is_declined:
        fields |= {
            "status": "failed",
            "failure_code": "card_declined",
            "failure_message": "Your card was declined.",
        }
    else:
        fields |= {"paid": True, "captured": True, "amount_captured": amount, "balance_transaction": moved[0].id}
    fields["_settlement"] = (_units(charge.fee, charge.currency), charge.currency.lower(), 1)
    account.add("charge", **objects.charge(amount, charge.currency.lower(), **fields))


def _refund(account: Account, refund: CardRefund, moved: list[Movement]) -> None:
    charge = account.get("charge", refund.charge_id)
    amount = _units(refund.amount, charge["currency"])
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    account.add(
        "refund",
        **objects.refund(
            charge,
            amount,
            id=refund.id,
            created=_seconds(refund.made_at),
            reason="requested_by_customer",
            balance_transaction=moved[0].id,
        ),
    )


def _dispute(account: Account, dispute: Dispute, moved: list[Movement]) -> None:
    charge = account.get("charge", dispute.charge_id)
    charge["disputed"] = True
    account.add(
        "dispute",
        **objects.dispute(
            charge,
            _units(dispute.amount, charge["currency"]),
            id=dispute.id,
            created=_seconds(dispute.made_at),
            status=dispute.status,
            balance_transactions=[item.id for item in sorted(moved, key=lambda item: item.made_at)],
        ),
    )


def _move(account: Account, movement: Movement) -> None:
    made, currency = _seconds(movement.made_at), movement.currency
    kind = movement.category if movement.category in ("charge", "refund") else "adjustment"
    fields = objects.movement(
        _units(movement.amount, currency),
        _units(movement.fee, currency),
        currency.lower(),
        kind,
        movement.category,
        id=movement.id,
        created=made,
        source=movement.source_id,
        available_on=made + 2 * 86_400,
    )
    if movement.payout_id:
        fields |= {"_payout": movement.payout_id, "status": "available"}
    account.add("balance_transaction", **fields)


def _pay_out(account: Account, payout: Payout, today: date) -> None:
    amount, currency, made = _units(payout.amount, payout.currency), payout.currency.lower(), _noon(payout.made_on)
    moved = account.add(
        "balance_transaction",
        **objects.movement(
            -amount,
            0,
            currency,
            "payout",
            "payout",
            id=f"txn_{native_id('payout', payout.id, 24)}",
            created=made,
            source=payout.id,
            available_on=made,
            status="available",
            _payout=payout.id,
        ),
    )
    trace = {"status": "supported" if payout.trace else "unsupported", "value": payout.trace or None}
    account.add(
        "payout",
        **objects.payout(
            amount,
            currency,
            _noon(payout.arrives_on),
            automatic=True,
            id=payout.id,
            created=made,
            status="paid" if payout.arrives_on <= today else "in_transit",
            reconciliation_status="completed",
            balance_transaction=moved["id"],
            trace_id=trace,
        ),
    )
