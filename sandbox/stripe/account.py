"""What happens in the account: people pay, get money back, dispute; Stripe pays out. Every change is told by events."""

from __future__ import annotations

from typing import Any

from sandbox.stripe import objects
from sandbox.stripe.billing import Billing
from sandbox.stripe.errors import StripeError, invalid
from sandbox.stripe.store import Json

DECLINED = "pm_card_chargeDeclined"
WHOLE = frozenset(
    ("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf")
)
"""Currencies whose amounts have no decimals here."""
_DAY = 86_400


def usual_fee(amount: int, currency: str) -> int:
    """2.9 % and 30 of the smallest unit, as cards in the United States cost."""
    return (amount * 29 + 500) // 1000 + (0 if currency in WHOLE else 30)


class Account(Billing):
    """One account. Amounts are in the currency's smallest unit, as Stripe counts them."""

    def charge(
        self,
        amount: int,
        currency: str = "usd",
        *,
        fee: int | None = None,
        capture: bool = True,
        settle: bool = True,
        settled_in: str | None = None,
        rate: int = 1,
        status: str = "succeeded",
        **fields: Any,
    ) -> Json:
        """A payment; without ``settle`` its fee is known later, with ``settled_in`` it is in another currency."""
        if amount <= 0:
            raise invalid("Invalid positive integer", "amount", "parameter_invalid_integer")
        with self.lock:
            declined = fields.pop("source", None) == DECLINED
            made = self.add("charge", **objects.charge(amount, currency, status=status, **fields))
            made["_settlement"] = (usual_fee(amount, currency) if fee is None else fee, settled_in or currency, rate)
            if declined or status == "failed":
                made |= {
                    "status": "failed",
                    "failure_code": "card_declined",
                    "failure_message": "Your card was declined.",
                }
                self.tell("charge.failed", made)
                if declined:
                    raise StripeError(
                        402, "Your card was declined.", code="card_declined", type_="card_error", kept=True
                    )
                return made
            made["paid"] = status == "succeeded"
            if capture and status == "succeeded":
                self._take(made, amount, settle=settle)
            self.tell("charge.pending" if status == "pending" else "charge.succeeded", made)
            return made

    def _take(self, charge: Json, amount: int, *, settle: bool) -> None:
        charge |= {"captured": True, "amount_captured": amount}
        if settle:
            self._settle(charge)

    def _settle(self, charge: Json) -> None:
        fee, currency, rate = charge["_settlement"]
        moved = self._move(charge["amount_captured"] * rate, fee, currency, "charge", "charge", charge["id"])
        if currency != charge["currency"]:
            moved["exchange_rate"] = rate
        charge["balance_transaction"] = moved["id"]

    def settle(self, charge_id: str) -> Json:
        """Stripe knows the fee now."""
        with self.lock:
            charge = self.get("charge", charge_id)
            self._settle(charge)
            self.tell("charge.updated", charge)
            return charge

    def capture(self, charge_id: str, amount: int | None = None) -> Json:
        """Take the money that was only reserved, or a part of it."""
        with self.lock:
            charge = self.get("charge", charge_id)
            self._take(charge, charge["amount"] if amount is None else amount, settle=True)
            self.tell("charge.captured", charge)
            return charge

    def refund(self, charge_id: str, amount: int | None = None, status: str = "succeeded", **fields: Any) -> Json:
        """Give money back."""
        with self.lock:
            charge = self.get("charge", charge_id, "charge", 404)
            left = charge["amount_captured"] - charge["amount_refunded"]
            amount = left if amount is None else amount
            if not left:
                raise invalid(f"Charge {charge_id} has already been refunded.", code="charge_already_refunded")
            if not 0 < amount <= left:
                raise invalid(
                    f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})", "amount"
                )
            made = self.add("refund", **objects.refund(charge, amount, status=status, **fields))
            charge["amount_refunded"] += amount
            charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
            if status == "succeeded":
                currency, rate = charge["_settlement"][1:]
                moved = self._move(-amount * rate, 0, currency, "refund", "refund", made["id"])
                made["balance_transaction"] = moved["id"]
            self.tell("charge.refunded", charge)
            if self.tells_of_refunds:
                self.tell("refund.created", made)
            return made

    def dispute(self, charge_id: str, amount: int | None = None, *, fee: int = 1500, inquiry: bool = False) -> Json:
        """The customer's bank takes the money back, and Stripe a fee; an inquiry takes nothing yet."""
        with self.lock:
            charge = self.get("charge", charge_id)
            amount = charge["amount"] if amount is None else amount
            status = "warning_needs_response" if inquiry else "needs_response"
            made = self.add("dispute", **objects.dispute(charge, amount, status=status))
            charge["disputed"] = True
            self.tell("charge.dispute.created", made)
            if not inquiry:
                moved = self._move(-amount, fee, charge["currency"], "adjustment", "dispute", made["id"])
                made["balance_transactions"].append(moved["id"])
                self.tell("charge.dispute.funds_withdrawn", made)
            return made

    def close_dispute(self, dispute_id: str, *, won: bool) -> Json:
        """The bank has decided. What is won comes back, without the fee."""
        with self.lock:
            dispute = self.get("dispute", dispute_id)
            asked = dispute["status"].startswith("warning")
            dispute["status"] = "warning_closed" if asked else "won" if won else "lost"
            if won and not asked:
                moved = self._move(
                    dispute["amount"], 0, dispute["currency"], "adjustment", "dispute_reversal", dispute_id
                )
                dispute["balance_transactions"].append(moved["id"])
                self.tell("charge.dispute.funds_reinstated", dispute)
            self.tell("charge.dispute.closed", dispute)
            return dispute

    def pay_out(self, currency: str = "usd", *, complete: bool = True) -> Json:
        """Stripe sends all that is available to the bank, and knows what is in it (``complete``), or will later."""
        with self.lock:
            open_ = [item for item in self.all("balance_transaction") if self._is_open(item, currency)]
            amount = sum(item["net"] for item in open_)
            made = self.add("payout", **objects.payout(amount, currency, self.now + 2 * _DAY, automatic=True))
            for item in open_:
                item |= {"_payout": made["id"], "status": "available"}
            moved = self._move(-amount, 0, currency, "payout", "payout", made["id"])
            moved["_payout"] = made["id"]
            made["balance_transaction"] = moved["id"]
            self.tell("payout.created", made)
            return self.reconcile(made["id"]) if complete else made

    def _is_open(self, movement: Json, currency: str) -> bool:
        return movement["currency"] == currency and "_payout" not in movement and movement["type"] != "payout"

    def reconcile(self, payout_id: str) -> Json:
        """Stripe knows now what is in it."""
        with self.lock:
            payout = self.get("payout", payout_id)
            payout["reconciliation_status"] = "completed"
            self.tell("payout.reconciliation_completed", payout)
            return payout

    def pay_out_by_hand(self, amount: int, currency: str = "usd", **fields: Any) -> Json:
        """Somebody sends an amount to the bank; what is in it nobody knows."""
        with self.lock:
            made = self.add("payout", **objects.payout(amount, currency, self.now + _DAY, automatic=False, **fields))
            made["balance_transaction"] = self._move(-amount, 0, currency, "payout", "payout", made["id"])["id"]
            self.tell("payout.created", made)
            return made

    def move_payout(self, payout_id: str, status: str) -> Json:
        """The bank's side: ``in_transit``, ``paid``, ``canceled``, and ``failed``, which may follow ``paid``."""
        with self.lock:
            payout = self.get("payout", payout_id)
            payout["status"] = status
            if status == "failed":
                moved = self._move(
                    payout["amount"], 0, payout["currency"], "payout_failure", "payout_reversal", payout_id
                )
                payout |= {"failure_code": "account_closed", "failure_balance_transaction": moved["id"]}
            self.tell("payout.updated" if status == "in_transit" else f"payout.{status}", payout)
            return payout

    def _move(self, amount: int, fee: int, currency: str, type_: str, category: str, source: str) -> Json:
        fields = objects.movement(
            amount, fee, currency, type_, category, source=source, available_on=self.now + 2 * _DAY
        )
        return self.add("balance_transaction", **fields)
