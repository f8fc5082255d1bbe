"""Reading a form that keeps no list of changes: a probe that tells whether anything changed, then a scan by data id.

The cursor of a stream holds, beside the form's address:

    scanned     the probe (``dataModifyTime``) that the last complete scan covers; missing: scan again
    scanned_at  when that scan began, seconds since the epoch
    fresh       {probe, since}: a probe too young to be trusted after that scan, and when we first met it
    tail        the probe that the last reading of the tail covers
    near_end    a data id about a page before the last row: reading from there finds every new row
    scan        {probe, began, after}: a scan under way, to be taken up after that data id

The probe is always read before the scan starts, so a change made while we scan shows as a new probe next time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.contract import Cursor, Page, RawRecord, RejectedRecord, Window
from connectors.errors import ContractError
from connectors.jiandaoyun.api import Api, FormId, Head, head
from connectors.rawjson import shape

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
TRUST_SECONDS = 5.0
"""A probe met for the first time less than this before a scan may hide a second change at the same instant."""


class Scanner:
    """Pulls one form within one window."""

    def __init__(self, api: Api, form: FormId, window: Window, *, page_size: int, full_scan_seconds: float) -> None:
        self._api = api
        self._form = form
        self._window = window
        self._page_size = page_size
        self._full_scan_seconds = full_scan_seconds
        self._now = (window.until - _EPOCH).total_seconds()

    def pages(self, cursor: Cursor | None) -> Iterator[Page]:
        """Everything that changed since ``cursor``, ending with a complete page."""
        address = f"{self._form.app_id}/{self._form.entry_id}"
        known: Cursor = dict(cursor) if cursor and cursor.get("form") == address else {"form": address}
        if self._window.since is not None:
            yield from self._since(known, self._window.since)
            return
        if self._window.full:
            known = {"form": address}
        elif "scan" in known:
            known = yield from self._scan(known, finish=False)
        probe = self._api.widgets(self._form).dataModifyTime
        if probe is not None and probe == known.get("scanned"):
            yield Page([], known, complete=True)
        elif self._scan_is_due(known):
            yield from self._scan({**known, "scan": {"probe": probe, "began": self._now, "after": None}}, finish=True)
        elif probe is not None and probe == known.get("tail"):
            yield Page([], known, complete=True)
        else:
            yield from self._tail(known, probe)

    def _scan_is_due(self, known: Cursor) -> bool:
        scanned_at = known.get("scanned_at")
        return scanned_at is None or not 0 <= self._now - scanned_at < self._full_scan_seconds

    def _scan(self, known: Cursor, *, finish: bool) -> Generator[Page, None, Cursor]:
        """Every row after ``known["scan"]["after"]``; returns its last cursor. ``finish``: the pull ends with it."""
        scan = known["scan"]
        end = self._scanned(known, scan)
        for records, rejected, last, near_end in self._rows(scan["after"]):
            if last is not None:
                yield Page(records, {**known, "scan": {**scan, "after": last}}, rejected=rejected)
            else:
                end = {**end, "near_end": near_end or scan["after"]}
                yield Page(records, end, complete=finish, rejected=rejected)
        return end

    def _scanned(self, known: Cursor, scan: dict[str, Any]) -> Cursor:
        """The cursor after a complete scan; the probe it started from is trusted once it is old enough."""
        probe, began = scan["probe"], scan["began"]
        end: Cursor = {"form": known["form"], "scanned_at": began, "tail": probe}
        fresh = known.get("fresh")
        first_met = fresh["since"] if fresh and fresh["probe"] == probe else began
        if probe is not None and (_is_before(probe, began) or began - first_met >= TRUST_SECONDS):
            end["scanned"] = probe
        elif probe is not None:
            end["fresh"] = {"probe": probe, "since": first_met}
        return end

    def _tail(self, known: Cursor, probe: Any) -> Iterator[Page]:
        """Rows near the end and after it; what changed further up waits for the next complete scan."""
        for records, rejected, last, near_end in self._rows(known.get("near_end")):
            if last is not None:
                yield Page(records, known, rejected=rejected)
            else:
                end = {**known, "tail": probe, "near_end": near_end or known.get("near_end")}
                yield Page(records, end, complete=True, rejected=rejected)

    def _since(self, known: Cursor, since: datetime) -> Iterator[Page]:
        """Rows changed at or after ``since``; the cursor stays as it was, because older changes are left out."""
        earliest = (since - _EPOCH) // _MICROSECOND
        for records, rejected, last, _ in self._rows(None):
            wanted = [record for record in records if record.version is None or record.version >= earliest]
            yield Page(wanted, known, complete=last is None, rejected=rejected)

    def _rows(
        self, after: str | None
    ) -> Iterator[tuple[list[RawRecord], list[RejectedRecord], str | None, str | None]]:
        """Batches of rows with the id to go on from (``None`` on the last) and the id a page before their end."""
        seen: deque[str] = deque(maxlen=self._page_size + 1)
        while True:
            rows = self._api.rows(self._form, after, self._page_size)
            records: list[RawRecord] = []
            rejected: list[RejectedRecord] = []
            for row in rows:
                found = head(row)
                _check_order(after, found.id, row)
                after = found.id
                seen.append(after)
                try:
                    records.append(RawRecord(found.id, row, change_time(found)))
                except ValueError:
                    rejected.append(RejectedRecord(found.id, row, "updateTime", "is not an instant in ISO 8601"))
            full = len(rows) >= self._page_size
            near_end = seen[0] if len(seen) > self._page_size else None
            yield records, rejected, after if full else None, near_end
            if not full:
                return


def change_time(found: Head) -> int | None:
    """A row's change time in microseconds since the epoch; raises ``ValueError`` if it is no instant."""
    if found.updated is None:
        return None
    if not isinstance(found.updated, str):
        raise ValueError("not text")
    moment = datetime.fromisoformat(found.updated)
    if moment.tzinfo is None:
        raise ValueError("no time zone")
    return (moment - _EPOCH) // _MICROSECOND


def _check_order(before: str | None, data_id: str, row: bytes) -> None:
    """Rows always ascend by id; without that, paging would lose rows or never end."""
    if before is not None and data_id <= before:
        raise ContractError(
            "Rows did not come in ascending order of data id, so the form cannot be paged safely.",
            remedy="Run it again; report it if it happens twice.",
            sample=shape(row),
        )


def _is_before(probe: Any, seconds: float) -> bool:
    """Whether the probe is an instant before ``seconds`` since the epoch."""
    try:
        moment = datetime.fromisoformat(str(probe))
    except ValueError:
        return False
    return moment.tzinfo is not None and moment.timestamp() < seconds
