"""Customers, their invoices and credit notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.stripe import documents, objects
from sandbox.stripe.errors import invalid
from sandbox.stripe.store import Json, Store

_UPDATED = {"dispute": "charge.dispute.updated"}
_MOST_KEYS = 50


class Billing(Store):
    """The part of the account that bills."""

    tells_of_refunds = True
    """Whether there are ``refund.*`` events; older accounts only see ``charge.refunded``."""

    def customer(self, name: str | None = None, email: str | None = None, **fields: Any) -> Json:
        """A new customer."""
        with self.lock:
            made = self.add("customer", **objects.customer(name, email, **fields))
            self.tell("customer.created", made)
            return made

    def delete_customer(self, key: str) -> Json:
        """For good; whoever asks for it is shown that it was deleted."""
        with self.lock:
            gone = self.get("customer", key)
            self.tell("customer.deleted", gone)
            gone["deleted"] = True
            return {"id": key, "object": "customer", "deleted": True}

    def update(self, kind: str, key: str, changes: Mapping[str, Any]) -> Json:
        """Set fields; of ``metadata`` the keys that are named, where an empty value takes a key away."""
        with self.lock:
            found = self.get(kind, key)
            for name, value in changes.items():
                found[name] = self._metadata(found["metadata"], value) if name == "metadata" else value
            self.tell(_UPDATED.get(kind, f"{kind}.updated"), found)
            return found

    def _metadata(self, held: dict[str, str], given: Any) -> dict[str, str]:
        if given in ("", {}):
            return {}
        merged = {**held, **given}
        kept = {name: value for name, value in merged.items() if value != ""}
        for name, value in kept.items():
            if len(name) > 40 or not isinstance(value, str) or len(value) > 500:
                raise invalid("Metadata keys have up to 40 and values up to 500 characters", f"metadata[{name}]")
        if len(kept) > _MOST_KEYS:
            raise invalid("Metadata has up to 50 keys", "metadata")
        return kept

    def invoice(
        self,
        customer_id: str,
        lines: Sequence[tuple[str, int, int]] = (("Gauge", 10_000, 1),),
        currency: str = "usd",
        *,
        tax: int = 0,
        draft: bool = False,
        **fields: Any,
    ) -> Json:
        """An invoice over lines of description, net amount and quantity; sent out unless it is a draft."""
        with self.lock:
            customer = self.get("customer", customer_id, "customer", 400)
            made_lines = [
                self.add("line_item", **objects.line(text, amount, currency, quantity, self.now))
                for text, amount, quantity in lines
            ]
            made = self.add("invoice", **documents.invoice(customer, currency, made_lines, tax, self.now, **fields))
            self.tell("invoice.created", made)
            return made if draft else self.finalize(made["id"])

    def finalize(self, invoice_id: str) -> Json:
        """It gets its number and can be paid."""
        with self.lock:
            found = self._in(invoice_id, "draft")
            numbered = sum(item["number"] is not None for item in self.all("invoice"))
            found |= {"status": "open", "number": f"LTC-{numbered + 1:04d}", "effective_at": self.now}
            self._passed(found, "finalized_at")
            found["hosted_invoice_url"] = found["invoice_pdf"] = "https://invoice.stripe.com/i/ltc"
            self.tell("invoice.finalized", found)
            return found

    def pay(self, invoice_id: str, amount: int | None = None, **fields: Any) -> Json:
        """The customer pays by card, the whole or a part; returns the charge."""
        with self.lock:
            found = self._in(invoice_id, "open")
            amount = found["amount_remaining"] if amount is None else amount
            made = self.charge(amount, found["currency"], customer=found["customer"], invoice=invoice_id, **fields)
            found["amount_paid"] += amount
            found["amount_remaining"] -= amount
            found["charge"] = made["id"]
            if not found["amount_remaining"]:
                found |= {"status": "paid", "paid": True}
                self._passed(found, "paid_at")
            self.tell("invoice.paid" if found["paid"] else "invoice.updated", found)
            return made

    def charge(self, amount: int, currency: str = "usd", **fields: Any) -> Json:
        """A payment; ``sandbox.stripe.account``."""
        raise NotImplementedError

    def end_invoice(self, invoice_id: str, status: str) -> Json:
        """``void`` or ``uncollectible``."""
        with self.lock:
            found = self._in(invoice_id, "open", "uncollectible")
            found["status"] = status
            self._passed(found, "voided_at" if status == "void" else "marked_uncollectible_at")
            self.tell("invoice.voided" if status == "void" else "invoice.marked_uncollectible", found)
            return found

    def delete_invoice(self, invoice_id: str) -> Json:
        """A draft only; nothing is left of it."""
        with self.lock:
            self.tell("invoice.deleted", self._in(invoice_id, "draft"))
            self.remove("invoice", invoice_id)
            return {"id": invoice_id, "object": "invoice", "deleted": True}

    def credit(self, invoice_id: str, amount: int) -> Json:
        """A credit note: it lowers what is left to pay, or follows a payment."""
        with self.lock:
            found = self._in(invoice_id, "open", "paid")
            before = found["status"] == "open"
            number = f"{found['number']}-CN-{len(self.all('credit_note')) + 1:02d}"
            made = self.add("credit_note", **documents.credit_note(found, number, amount, before_payment=before))
            if before:
                found["amount_due"] -= amount
                found["amount_remaining"] -= amount
                found["pre_payment_credit_notes_amount"] += amount
            else:
                found["post_payment_credit_notes_amount"] += amount
            self.tell("credit_note.created", made)
            self.tell("invoice.updated", found)
            return made

    def _in(self, invoice_id: str, *statuses: str) -> Json:
        found = self.get("invoice", invoice_id)
        if found["status"] not in statuses:
            raise invalid(
                f"This invoice is {found['status']}: it cannot be changed so.", "invoice", "invoice_not_editable"
            )
        return found

    def _passed(self, invoice: Json, name: str) -> None:
        invoice["status_transitions"] = {**invoice["status_transitions"], name: self.now}
