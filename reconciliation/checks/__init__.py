"""The catalogue of checks; ``docs/checks.md`` specifies each."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from reconciliation.checks.registry import Check, check, registered

# In this order they run: a companion rule looks at what the checks before it found.
_FILES = (
    "sync",
    "master_data",
    "party",
    "product",
    "lead",
    "lead_follow_up",
    "status",
    "status_delivery",
    "opportunity",
    "opportunity_pipeline",
    "quote",
    "quote_validity",
    "quote_authority",
    "order_entry",
    "order",
    "order_customer",
    "order_lines",
    "delivery",
    "delivery_goods",
    "billing",
    "billing_leakage",
    "billing_period",
    "billing_documents",
    "billing_lines",
    "billing_credits",
    "service",
    "collection",
    "collection_exceptions",
    "bank",
    "payout",
)


def catalogue() -> list[Check]:
    """All checks in the order in which they run."""
    _import()
    return list(registered().values())


@cache
def _import() -> None:
    """Once, because pages of findings ask for check after check."""
    for name in _FILES:
        import_module(f"reconciliation.checks.{name}")


def get(check_id: str) -> Check | None:
    """The check of that id; ``None`` for one that no longer exists."""
    _import()
    return registered().get(check_id)


__all__ = ["Check", "catalogue", "check", "get"]
