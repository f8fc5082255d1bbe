"""Lists as Stripe pages and filters them: newest first, behind or before an object, at most a hundred."""

from __future__ import annotations

import operator
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.forms import integer, texts
from sandbox.stripe.store import Json, Store

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
_PAGING = ("limit", "starting_after", "ending_before", "expand")
_EQUAL: dict[str, tuple[str, ...]] = {
    "customer": ("email",),
    "charge": ("customer", "payment_intent"),
    "invoice": ("customer", "status"),
    "refund": ("charge", "payment_intent"),
    "dispute": ("charge", "payment_intent"),
    "payout": ("status",),
    "balance_transaction": ("source", "type", "currency"),
    "credit_note": ("customer", "invoice"),
}
_SPECIAL = {"balance_transaction": ("payout",), "event": ("type", "types", "delivery_success")}


def page_of(store: Store, kind: str, asked: dict[str, Any]) -> tuple[list[Json], bool]:
    """The objects of one page, and whether more follow. Raises ``StripeError``."""
    # The document of 2023 has no filter by time for credit notes.
    timed = () if kind == "credit_note" else ("created",)
    known = (*_PAGING, *timed, *_EQUAL.get(kind, ()), *_SPECIAL.get(kind, ()))
    unknown = [name for name in asked if name not in known]
    if unknown:
        raise invalid(f"Received unknown parameter: {unknown[0]}", unknown[0], "parameter_unknown")
    limit = integer(asked.get("limit", "10"), "limit")
    if not 1 <= limit <= 100:
        raise invalid("Limit must be between 1 and 100", "limit")
    rows = [item for item in store.all(kind) if _fits(store, kind, item, asked)]
    if "ending_before" in asked:
        place = _place(rows, kind, asked["ending_before"], "ending_before")
        return rows[max(0, place - limit) : place], place > limit
    start = _place(rows, kind, asked["starting_after"], "starting_after") + 1 if "starting_after" in asked else 0
    return rows[start : start + limit], start + limit < len(rows)


def _place(rows: list[Json], kind: str, key: str, param: str) -> int:
    for place, item in enumerate(rows):
        if item["id"] == key:
            return place
    raise missing(kind, key, param, 400)


def _fits(store: Store, kind: str, item: Json, asked: dict[str, Any]) -> bool:
    if "created" in asked and not _in_time(item["created"], asked["created"]):
        return False
    if any(name in asked and item[name] != asked[name] for name in _EQUAL.get(kind, ())):
        return False
    if kind == "event":
        if "type" in asked and not fnmatchcase(item["type"], asked["type"]):
            return False
        if "types" in asked and item["type"] not in texts(asked["types"], "types"):
            return False
        if "delivery_success" in asked:
            return (item["pending_webhooks"] == 0) is (asked["delivery_success"] == "true")
    if "payout" in asked:
        if not store.get("payout", asked["payout"], "payout", 400)["automatic"]:
            raise invalid(
                "Balance transaction history can only be filtered on automatic transfers, not manual.", "payout"
            )
        return bool(item.get("_payout") == asked["payout"])
    return True


def _in_time(created: int, asked: Any) -> bool:
    if not isinstance(asked, dict):
        return created == integer(asked, "created")
    unknown = [name for name in asked if name not in _COMPARE]
    if unknown:
        raise invalid(f"Received unknown parameter: created[{unknown[0]}]", "created", "parameter_unknown")
    return all(_COMPARE[name](created, integer(value, f"created[{name}]")) for name, value in asked.items())
