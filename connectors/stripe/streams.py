"""The lists that we read from Stripe: where each is, what is shown with it, and which events tell of its changes.

Stripe's objects carry no time of change: ``created`` never moves, so a filter by it does not see updates. Events do
(``/v1/events``), for 30 days; an event carries the object as an older API version wrote it, so only its id is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connectors.contract import Deletes, StreamSpec


@dataclass(frozen=True, slots=True)
class Source:
    """Where a stream comes from."""

    path: str
    object: str
    """Stripe's name of its objects."""
    events: dict[str, Any]
    """The filter of ``/v1/events``; ``type`` takes ``*``, ``types`` up to 20 exact names."""
    expand: tuple[str, ...] = ()
    """What is shown whole instead of as an id; part of a record wherever it is read."""
    permission: str = ""
    """Of a restricted key, without ``rak_`` and ``_read``."""
    by_charge: bool = False
    """Whether an event about a charge tells of the objects that belong to it."""


SOURCES: dict[str, Source] = {
    "customer": Source(
        "/v1/customers",
        "customer",
        {"types[]": ["customer.created", "customer.updated", "customer.deleted"]},
        permission="customer",
    ),
    "invoice": Source("/v1/invoices", "invoice", {"type": "invoice.*"}, permission="invoice"),
    "credit_note": Source("/v1/credit_notes", "credit_note", {"type": "credit_note.*"}, permission="credit_note"),
    # Refunds and disputes change the charge that they are of.
    "payment": Source("/v1/charges", "charge", {"type": "charge.*"}, ("balance_transaction",), "charge"),
    # `charge.refunded` shows the charge; accounts of before October 2024 may get no `refund.*`.
    "refund": Source(
        "/v1/refunds",
        "refund",
        {
            "types[]": [
                "refund.created",
                "refund.updated",
                "refund.failed",
                "charge.refunded",
                "charge.refund.updated",
            ]
        },
        ("balance_transaction", "charge"),
        "charge",
        by_charge=True,
    ),
    "dispute": Source("/v1/disputes", "dispute", {"type": "charge.dispute.*"}, ("charge",), "dispute"),
    "payout": Source("/v1/payouts", "payout", {"type": "payout.*"}, permission="payout"),
}

WRITABLE = ("customer", "invoice", "payment", "refund", "dispute", "payout")
"""Streams whose objects take metadata from us."""

_DEPENDS: dict[str, tuple[str, ...]] = {
    "invoice": ("customer",),
    "credit_note": ("customer", "invoice"),
    "payment": ("customer", "invoice"),
    "refund": ("payment",),
    "dispute": ("payment",),
}
_ENTITIES = {"customer": "party", "credit_note": "invoice", "refund": "payment", "dispute": "payment"}
_DELETABLE = ("customer", "invoice")
"""Customers, and invoices while they are drafts; money is never deleted."""


def specs(metadata: list[str]) -> tuple[StreamSpec, ...]:
    """All streams; ``metadata`` are the keys that may be written."""
    fields = tuple(f"metadata.{key}" for key in metadata)
    return tuple(
        StreamSpec(
            name,
            _ENTITIES.get(name, name),
            "events",
            Deletes.TOMBSTONES if name in _DELETABLE else Deletes.NONE,
            fields if name in WRITABLE else (),
            _DEPENDS.get(name, ()),
        )
        for name in SOURCES
    )
