"""Query answers in batches, and the locators behind ``nextRecordsUrl``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sandbox.salesforce import ids
from sandbox.salesforce.evaluate import Result
from sandbox.salesforce.failures import ApiError
from sandbox.salesforce.org import Org

_BATCH = re.compile(r"batchSize\s*=\s*(\d+)", re.IGNORECASE)
_LOCATOR = re.compile(r"(?P<id>01g\w{15})-(?P<start>\d+)")


@dataclass(slots=True)
class _Open:
    result: Result
    batch: int
    used: datetime


class Locators:
    """The org's open query results; one that is not used for ``lifetime`` expires."""

    def __init__(self, org: Org, *, lifetime: timedelta = timedelta(days=2), child_batch: int = 2000) -> None:
        self._org = org
        self._open: dict[str, _Open] = {}
        self._made = 0
        self.lifetime = lifetime
        self.child_batch = child_batch
        """The most children a parent shows before it needs a ``nextRecordsUrl`` of its own."""

    def expire(self) -> None:
        """Forget every open result."""
        self._open.clear()

    def first(self, result: Result, options: str, base: str) -> dict[str, Any]:
        """The first batch; ``options`` is the ``Sforce-Query-Options`` header."""
        if result.count:
            return {"totalSize": len(result.records), "done": True, "records": []}
        found = _BATCH.search(options)
        batch = min(2000, max(200, int(found[1]))) if found else 2000
        return self._batch(result, 0, batch, base, None)

    def more(self, locator: str, base: str) -> dict[str, Any]:
        """The batch a locator names; raises ``ApiError`` (INVALID_QUERY_LOCATOR)."""
        found = _LOCATOR.fullmatch(locator)
        held = self._open.get(found["id"]) if found else None
        if found is None or held is None or held.used + self.lifetime < self._org.clock.now():
            raise ApiError("INVALID_QUERY_LOCATOR", "invalid query locator")
        held.used = self._org.clock.now()
        return self._batch(held.result, int(found["start"]), held.batch, base, found["id"])

    def _batch(self, result: Result, start: int, batch: int, base: str, locator: str | None) -> dict[str, Any]:
        end = start + batch
        done = end >= len(result.records)
        answer: dict[str, Any] = {"totalSize": len(result.records), "done": done}
        if not done:
            if locator is None:
                self._made += 1
                locator = ids.to_18(f"01g5e{self._made:010d}")
                self._open[locator] = _Open(result, batch, self._org.clock.now())
            answer["nextRecordsUrl"] = f"{base}/query/{locator}-{end}"
        answer["records"] = [self._shown(result, record, base) for record in result.records[start:end]]
        return answer

    def _shown(self, result: Result, record: dict[str, Any], base: str) -> dict[str, Any]:
        made = result.show(record, base)
        for name, value in made.items():
            if isinstance(value, Result):
                made[name] = self._batch(value, 0, self.child_batch, base, None)
        return made
