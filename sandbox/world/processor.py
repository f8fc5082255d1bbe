"""What the card processor holds of the demo company, before it takes Stripe's shape.

Ids are those of the processor. Amounts are ``Decimal`` major units, instants aware UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal


@dataclass(slots=True)
class Charge:
    """A card payment, or the attempt at one."""

    id: str
    contact_key: str  # "" = nobody the company knows
    made_at: datetime
    amount: Decimal
    currency: str
    fee: Decimal
    text: str
    invoice_number: str = ""
    order_number: str = ""
    payment_key: str = ""  # BookPayment; "" = accounting does not know it
    is_declined: bool = False


@dataclass(slots=True)
class CardRefund:
    """Money given back for a charge."""

    id: str
    charge_id: str
    made_at: datetime
    amount: Decimal
    payment_key: str = ""  # BookPayment; "" = accounting does not know it


@dataclass(slots=True)
class Dispute:
    """A customer's bank takes a charge back."""

    id: str
    charge_id: str
    made_at: datetime
    amount: Decimal
    status: str  # Stripe's words: needs_response, won, lost


@dataclass(slots=True)
class Movement:
    """What changed the balance at the processor; ``amount`` is signed, and ``fee`` is taken off it."""

    id: str
    category: str  # charge, refund, dispute, dispute_reversal
    source_id: str
    made_at: datetime
    amount: Decimal
    fee: Decimal
    currency: str
    is_held: bool = False  # kept back by the processor
    payout_id: str = ""  # "" = in none (yet)

    @property
    def net(self) -> Decimal:
        """What it adds to a payout."""
        return self.amount - self.fee


@dataclass(slots=True)
class Payout:
    """What the processor sends to the bank; below zero it takes money from there."""

    id: str
    made_on: date
    arrives_on: date
    amount: Decimal
    currency: str
    trace: str  # the bank's reference; "" = none is told


@dataclass(slots=True)
class Processor:
    """The company's account at the card processor."""

    charges: list[Charge] = field(default_factory=list)
    refunds: list[CardRefund] = field(default_factory=list)
    disputes: list[Dispute] = field(default_factory=list)
    movements: list[Movement] = field(default_factory=list)
    payouts: list[Payout] = field(default_factory=list)

    @property
    def shown(self) -> set[str]:
        """Texts and ids that only the processor shows."""
        return {charge.text for charge in self.charges} | {
            item.id for items in (self.charges, self.refunds, self.disputes, self.payouts) for item in items
        }
