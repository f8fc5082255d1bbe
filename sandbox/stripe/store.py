"""The account's objects by kind, its events, and its clock."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sandbox.stripe.errors import missing

Json = dict[str, Any]

PREFIXES = {
    "customer": "cus",
    "charge": "ch",
    "refund": "re",
    "dispute": "dp",
    "payout": "po",
    "balance_transaction": "txn",
    "invoice": "in",
    "line_item": "il",
    "credit_note": "cn",
    "event": "evt",
}
EVENT_DAYS = 30


def real_time() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


class Store:
    """Objects as the API shows them, what they refer to by id. Keys that begin with ``_`` are not shown."""

    def __init__(self, clock: Callable[[], datetime] = real_time) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.endpoints = 0
        """How many webhook endpoints wait for each event."""
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        with self.lock:
            self._objects: dict[str, dict[str, Json]] = {kind: {} for kind in PREFIXES}
            self._last = 0

    @property
    def now(self) -> int:
        """Seconds since the epoch."""
        return int(self.clock().timestamp())

    def add(self, kind: str, **fields: Any) -> Json:
        """A new object with the next id of its kind, created now unless ``fields`` say otherwise."""
        with self.lock:
            self._last += 1
            key = f"{PREFIXES[kind]}_1Ltc{self._last:010d}"
            made = {"id": key, "object": kind, "created": self.now, "livemode": False, "_order": self._last, **fields}
            self._objects[kind][made["id"]] = made
            return made

    def get(self, kind: str, key: str, param: str = "id", status: int = 404) -> Json:
        """Raises ``StripeError`` for one that is not there; a deleted customer still is."""
        with self.lock:
            found = self._objects[kind].get(key)
        if found is None or (kind == "event" and self._is_forgotten(found)):
            raise missing(kind, key, param, status)
        return found

    def snapshot(self) -> Json:
        """Everything, for a file."""
        with self.lock:
            return copy.deepcopy({"last": self._last, "objects": self._objects})

    def restore(self, kept: Json) -> None:
        """Replace everything by what ``snapshot`` gave."""
        with self.lock:
            self._last, self._objects = kept["last"], kept["objects"]

    def remove(self, kind: str, key: str) -> None:
        """As if it had never been."""
        with self.lock:
            del self._objects[kind][key]

    def all(self, kind: str) -> list[Json]:
        """Those that a list shows, newest first; of one second, the last that was made."""
        with self.lock:
            shown = [item for item in self._objects[kind].values() if not item.get("deleted")]
            if kind == "event":
                shown = [item for item in shown if not self._is_forgotten(item)]
            return sorted(shown, key=lambda item: (item["created"], item["_order"]), reverse=True)

    def _is_forgotten(self, event: Json) -> bool:
        return bool(event["created"] < self.now - EVENT_DAYS * 86_400)

    def tell(self, type_: str, about: Json, **fields: Any) -> Json:
        """An event that shows the object as it is now."""
        shown = copy.deepcopy(visible(about))
        return self.add(
            "event",
            api_version="2020-08-27",  # the account's own, whatever version a client asks for
            data={"object": shown},
            pending_webhooks=self.endpoints,
            request={"id": None, "idempotency_key": None},
            type=type_,
            **fields,
        )


def visible(item: Json) -> Json:
    """The object without what is not shown."""
    return {name: value for name, value in item.items() if not name.startswith("_")}
