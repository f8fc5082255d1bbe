"""How far an order is, in the words that its customer and we are shown: those of the shared page and of the trace."""

from __future__ import annotations

from collections.abc import Mapping

from reconciliation import words

_DONE = {"delivery_state": "delivered", "billing_state": "invoiced", "payment_state": "paid"}
_ENDED = ("cancelled", "rejected")
_ARRIVED = ("partly_delivered", "delivered", "returned")


def how_far(status: str | None, states: Mapping[str, str], lang: str) -> str | None:
    """How far an order is, for its customer: complete once it is delivered, invoiced and paid, whoever keeps it; else
    what is delivered of it, and before that its status."""
    shown = dict(told(states))
    if status in _ENDED:
        return words.status("order", status, lang)
    if all(shown.get(name) == value for name, value in _DONE.items()):
        return words.status("order", "completed", lang)
    delivery = shown.get("delivery_state")
    return words.state(delivery, lang) if delivery in _ARRIVED else words.status("order", status, lang)


def told(states: Mapping[str, str]) -> list[tuple[str, str]]:
    """What a customer is told: that nothing is paid says nothing while there is no invoice, and what was paid beyond
    it is for us to sort out."""
    unbilled = states.get("billing_state") == "not_invoiced"
    said = {**states, "payment_state": "paid"} if states.get("payment_state") == "overpaid" else states
    return [(name, value) for name, value in said.items() if not (unbilled and name == "payment_state")]
