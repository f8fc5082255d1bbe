"""Pull one stream: its whole list once, then what events tell of.

The list is newest first and paged behind an id, so objects that are created meanwhile come before what was read already
and shift nothing. Where the events stand is noted before the first page; what is created or changed while we page has
an event after that, and is read by it.

Events are walked from the newest down to where the last pull stood, less an overlap, and their objects are read by id
as they are now. So it makes no difference in which order they are read, how many share a second, or whether a page of
them is read twice: after any page the walk goes on behind its last event. Those in the overlap that were seen before
are known by a digest.

No version is given (``RawRecord.version``). Stripe's objects have no time of change and no number of a version; the
time of an event is that of one change and not of the object as it is read, which may show a later one, so two readings
with one time could differ, and the later would not count. What was read last therefore counts. A reading that another
process overtook between its answer and its landing is put right by the next pull: the change that it lacks has an event
that is not known yet.

The cursor: ``since``, the newest event's second, and ``known`` digests of those up to the overlap before it; ``read``,
when events were last read (events are kept for 30 days); ``mark``, while it is noted where the events stand; ``list``,
while the list is read; ``walk``, while events are.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from connectors.contract import Cursor, Page, RawRecord, Window
from connectors.stripe.answers import Event, event, listing, no_way_on
from connectors.stripe.reading import PAGE, Place, Reader
from connectors.stripe.session import Missing, Session
from connectors.stripe.streams import Source

_DAY = 86_400
KEPT = 29 * _DAY
"""Seconds; Stripe lists events of 30 days, and ``read`` may be a day old."""
_MOST_KNOWN = 5_000
"""Digests in a cursor; what would be more is read again, which does no harm."""
_MOST_DONE = 10_000
"""Objects that one walk remembers to have read."""


class _Told(NamedTuple):
    """A page of events, and the server's time."""

    events: Sequence[Event]
    next: str | None
    at: int


class Puller:
    """Pulls of one stream over one session; ``overlap`` in seconds."""

    def __init__(self, session: Session, source: Source, reader: Reader, overlap: int) -> None:
        self._session = session
        self._source = source
        self._reader = reader
        self._overlap = overlap

    def pull(self, cursor: Cursor | None, window: Window) -> Iterator[Page]:
        """Pages of everything that changed since ``cursor``; see ``Connector.pull``."""
        state: Cursor = {} if window.full else dict(cursor or {})
        if window.since is not None and _seconds(window.until) - _seconds(window.since) < KEPT:
            yield from self._asked(state, window, _seconds(window.since))
            return
        if "since" not in state or window.since is not None or _is_old(state, _seconds(window.until)):
            state = {"mark": {}}
        if "mark" in state:
            yield from self._mark(state, window)
        if "list" in state:
            yield from self._list(state)
        if "walk" in state:
            yield from self._walk(state, window, last=False)
        yield from self._walk(state, window, last=True)

    def _asked(self, state: Cursor, window: Window, since: int) -> Iterator[Page]:
        """Events since a time that a person gave. The cursor is not moved over what lies before it."""
        state.pop("walk", None)
        held = state.get("since")
        keep = dict(state)
        work: Cursor = {"since": since + self._overlap, "known": [], "read": _seconds(window.until)}
        for page in self._walk(work, window, last=True):
            moves = page.complete and (held is None or since <= held) and not {"mark", "list"} & keep.keys()
            yield Page(page.records, page.cursor if moves else keep, page.complete, page.deleted_ids, page.rejected)

    def _mark(self, state: Cursor, window: Window) -> Iterator[Page]:
        """Note where the events stand before the list is read: the newest, and those of the overlap before it."""
        after = state["mark"].get("after")
        while True:
            told = self._events(after, None, window)
            if after is None:
                newest = told.events[0].created if told.events else told.at
                state |= {"since": newest, "known": [], "read": told.at}
            found = [_digest(item.id) for item in told.events if item.created >= state["since"] - self._overlap]
            state["known"] = (state["known"] + found)[:_MOST_KNOWN]
            after = told.next
            if after is None or len(found) < len(told.events) or len(state["known"]) == _MOST_KNOWN:
                break
            state["mark"] = {"after": after}
            yield Page([], dict(state))
        del state["mark"]
        state["list"] = {}

    def _list(self, state: Cursor) -> Iterator[Page]:
        progress = state["list"]
        place = Place(progress["after"], progress["created"]) if progress else None
        while True:
            found = self._reader.page(place)
            place = found.next
            if place is None:
                del state["list"]
                yield Page(found.records, dict(state), False, found.deleted, found.rejected)
                return
            progress = {"after": place.after, "created": place.created}
            yield Page(found.records, {**state, "list": progress}, False, found.deleted, found.rejected)

    def _walk(self, state: Cursor, window: Window, *, last: bool) -> Iterator[Page]:
        """Events from the newest (or where an interrupted walk stood) down to ``since``, less the overlap."""
        walk: dict[str, Any] = dict(state.get("walk") or {})
        lower, known = state["since"] - self._overlap, set(state["known"])
        seen: list[str] = list(walk.get("known", []))
        top: int | None = walk.get("since")
        done: dict[str, None] = {}
        news, after = bool(walk), walk.get("after")
        while True:
            told = self._events(after, lower, window)
            if top is None:
                top = max([state["since"], *(item.created for item in told.events)])
            seen += [_digest(item.id) for item in told.events if item.created >= top - self._overlap]
            fresh = [item for item in told.events if _digest(item.id) not in known]
            records, deleted = self._read(fresh, done)
            news, after = news or bool(fresh), told.next
            if after is None:
                break
            walk = {"after": after, "since": top, "known": seen[:_MOST_KNOWN]}
            yield Page(records, {**state, "walk": dict(walk)}, deleted_ids=deleted)
        state.pop("walk", None)
        if news:
            state |= {"since": top, "known": seen[:_MOST_KNOWN]}
        if news or told.at - state["read"] >= _DAY:
            state["read"] = told.at
        yield Page(records, dict(state), complete=last, deleted_ids=deleted)

    def _events(self, after: str | None, lower: int | None, window: Window) -> _Told:
        asked: dict[str, Any] = {**self._source.events, "limit": str(PAGE)}
        if lower is not None:
            asked["created[gte]"] = str(lower)
        if after is not None:
            asked["starting_after"] = after
        try:
            body, at, _ = self._session.get("/v1/events", asked)
        except Missing as error:
            if after is None or error.param != "starting_after":
                raise
            # The event that we stood at is 30 days old by now, and so is everything behind it.
            return _Told([], None, _seconds(window.until))
        rows, more = listing(body)
        found = [event(row) for row in rows]
        follows = found[-1].id if more and found else None
        if more and follows in (None, after):
            raise no_way_on(body)
        return _Told(found, follows, _seconds(at or window.until))

    def _read(self, events: Sequence[Event], done: dict[str, None]) -> tuple[list[RawRecord], list[str]]:
        """The objects of these events as they are now, and the ids of those that are gone."""
        ids, charges, gone = self._affected(events)
        ids = [source_id for source_id in ids if source_id not in done]
        shown = self._reader.many(ids)
        records = [record for record in shown.values() if record is not None]
        deleted = [name for name in ids if shown.get(name) is None and (name in shown or name in gone)]
        for charge_id in charges:
            if charge_id not in done:
                records += [item for item in self._reader.of_charge(charge_id) if item.source_id not in shown]
        for name in (*ids, *charges):
            done[name] = None
        for name in list(done)[: max(0, len(done) - _MOST_DONE)]:
            del done[name]
        return records, deleted

    def _affected(self, events: Sequence[Event]) -> tuple[list[str], list[str], set[str]]:
        """Ids of the stream's objects, charges whose objects they are, and what an event says is deleted."""
        ids: dict[str, None] = {}
        charges: dict[str, None] = {}
        gone: set[str] = set()
        for item in events:
            about = item.about
            if about.object == self._source.object and about.id:
                ids[about.id] = None
                if item.deletion:
                    gone.add(about.id)
            elif self._source.by_charge and about.object == "charge" and about.id:
                charges[about.id] = None
            elif self._source.object == "charge" and about.charge_id:
                ids[about.charge_id] = None
        return list(ids), list(charges), gone


def _seconds(moment: datetime) -> int:
    return (moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)


def _is_old(state: Cursor, now: int) -> bool:
    """Whether events may be gone that were not read yet."""
    return bool(now - state["read"] >= KEPT)


def _digest(event_id: str) -> str:
    return base64.b64encode(hashlib.blake2b(event_id.encode(), digest_size=6).digest()).decode()
