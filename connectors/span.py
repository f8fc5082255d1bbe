"""The stretch of time that one pull reads, for sources that are asked for what changed since then.

It begins a little before the last one ended, ends where the pull's window does, and is gone on with after a crash.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.contract import Cursor, Page, RawRecord, Window

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Span:
    """From ``since`` to ``until``, both microseconds since the epoch (UTC); ``page`` makes its pages."""

    since: int
    """0 on a first pull."""
    until: int
    place: Any
    """Where in the list to go on, as it was given to ``page`` last; ``None``: at its beginning."""
    known: int | None
    """Up to when everything had been read before."""
    leaps: bool
    """Whether something before ``since`` has not been read: then the span's end is not where the next one begins."""

    def page(self, records: Sequence[RawRecord], place: Any) -> Page:
        """A page, and where in the list the next one begins (JSON-able); ``None``: there is none."""
        held = {} if self.known is None else {"known": self.known}
        if place is not None:
            scan = {"since": self.since, "until": self.until, "place": place, "leaps": self.leaps}
            return Page(records, {**held, "scan": scan})
        return Page(records, held if self.leaps else {"known": self.until}, complete=True)


def span_of(cursor: Cursor | None, window: Window, overlap: timedelta) -> Span:
    """The span that a pull is to read.

    ``overlap`` is how long the source may take to show a commit. A span that was broken off is gone on with, in its own
    bounds; what came meanwhile is for the next one. ``window.since`` begins there and moves no cursor over what lies
    between it and what is known.
    """
    held = {} if cursor is None or window.full else cursor
    known: int | None = held.get("known")
    if window.since is None and "scan" in held:
        scan = held["scan"]
        return Span(scan["since"], scan["until"], scan["place"], known, scan["leaps"])
    until = _microseconds(window.until)
    if window.since is None:
        return Span(0 if known is None else max(0, known - overlap // _MICROSECOND), until, None, known, False)
    since = _microseconds(window.since)
    return Span(since, until, None, known, known is not None and since > known)


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND
