"""Pull one stream: pages in the order of the immutable id, over everything changed since one fixed instant.

A changed record moves to the end of an order by change time, and pulls the rows behind it over a page boundary that was
already read. An id does not change: while we page, rows can only join the set ``changed since``, which pushes others to
later pages (read twice, dropped by their hash) and never to earlier ones. So nothing is lost, whatever is edited
meanwhile and however many records carry one timestamp, and a page number is a safe place to resume.

The cursor: ``since``, before which everything has been delivered; ``scan`` (``start``, ``until``, ``page``, ``size``)
while a pull is under way; ``rechecked``, when all open documents were last read, and ``open`` while that is under way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.contract import Cursor, Page, Window
from connectors.xero.answers import Listing, listing
from connectors.xero.session import Session
from connectors.xero.streams import Source


@dataclass(frozen=True, slots=True)
class Pace:
    """How a pull is cut: rows a page; seconds of overlap and of distance from now; hours between rechecks (0: none)."""

    page_size: int
    overlap: float
    settle: float
    recheck_hours: float = 0.0


class Puller:
    """Pulls of one stream over one session."""

    def __init__(self, session: Session, source: Source, pace: Pace) -> None:
        self._session = session
        self._source = source
        self._pace = pace

    def pull(self, cursor: Cursor | None, window: Window) -> Iterator[Page]:
        """Pages of everything that changed since ``cursor``; see ``Connector.pull``."""
        state: Cursor = {} if window.full else dict(cursor or {})
        recheck = self._recheck_is_due(state, window)
        yield from self._changed(state, window, last=not recheck)
        if recheck:
            yield from self._open(state, window)

    def _changed(self, state: Cursor, window: Window, *, last: bool) -> Iterator[Page]:
        held, scan = _parse(state.get("since")), state.pop("scan", None)
        resumed = scan is not None and not window.since and scan["size"] == self._pace.page_size
        if scan is None or not resumed:
            scan = {"start": _write(window.since or self._reach_back(held)), "page": 1, "size": self._pace.page_size}
        start, news = _parse(scan["start"]), scan["page"] > 1
        while True:
            found = self._fetch(scan["page"], changed_since=start)
            scan.setdefault("until", _write(self._end(window, found)))
            news = news or found.count > 0
            if _is_last(found):
                break
            scan["page"] += 1
            yield Page(found.records, {**state, "scan": dict(scan)}, rejected=found.rejected)
        # With nothing new the cursor stays where it is, so that nothing at all is written. A person who asks for
        # changes since a later time than the cursor's does not move the cursor over what lies between.
        leaps = held is not None and window.since is not None and window.since > held
        if held is None or (news and not leaps):
            state["since"] = scan["until"]
        if start is None and self._pace.recheck_hours:
            state["rechecked"] = scan["until"]
        yield Page(found.records, dict(state), complete=last and not resumed, rejected=found.rejected)
        if resumed:  # it covers what had changed when it began; now what changed since
            yield from self._changed(state, window, last=last)

    def _open(self, state: Cursor, window: Window) -> Iterator[Page]:
        """All open documents, for the changes that leave Xero's change time as it is."""
        progress = state.pop("open", None)
        page = progress["page"] if progress and progress["size"] == self._pace.page_size else 1
        while True:
            found = self._fetch(page, Statuses="AUTHORISED")
            if _is_last(found):
                break
            page += 1
            resume = {**state, "open": {"page": page, "size": self._pace.page_size}}
            yield Page(found.records, resume, rejected=found.rejected)
        yield Page(found.records, {**state, "rechecked": _write(window.until)}, complete=True, rejected=found.rejected)

    def _recheck_is_due(self, state: Cursor, window: Window) -> bool:
        if not self._pace.recheck_hours or "since" not in state:
            return False
        rechecked = _parse(state.get("rechecked"))
        return rechecked is None or window.until - rechecked >= timedelta(hours=self._pace.recheck_hours)

    def _fetch(self, page: int, changed_since: datetime | None = None, **params: str) -> Listing:
        source = self._source
        asked = {
            **source.params,
            **params,
            "order": f"{source.id_field} ASC",
            "page": str(page),
            "pageSize": str(self._pace.page_size),
        }
        headers = {} if changed_since is None else {"If-Modified-Since": _write(changed_since) or ""}
        body = self._session.get(source.path, asked, headers)
        if body is None:
            return Listing([], [], True, None)
        return listing(body, source.element, source.id_field)

    def _reach_back(self, held: datetime | None) -> datetime | None:
        return None if held is None else held - timedelta(seconds=self._pace.overlap)

    def _end(self, window: Window, found: Listing) -> datetime:
        """Where the cursor will stand: no later than the server's own clock allows, should ours be ahead."""
        if found.server_time is None:
            return window.until
        return min(window.until, found.server_time - timedelta(seconds=self._pace.settle))


def _is_last(found: Listing) -> bool:
    """Without Xero's own word only an empty page is surely the last: it may have cut our page size down."""
    return found.count == 0 if found.last is None else found.last


def _parse(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _write(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC, to the second before: Xero compares no finer."""
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
