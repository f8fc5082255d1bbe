"""Pull one stream: everything changed since a fixed instant, page by page, resumable after any of them.

The cursor of a stream:

    since   microseconds: what changed before has been delivered; missing where everything is read each time
    scan    {start, until, at, mark}: a pull under way, and the position it goes on from (``paging.Position``)
    deleted {since, scan}: the same for the source's list of deleted ids, which is read after the records

Nothing is lost at the edge: ``start`` lies ``overlap`` seconds before ``since``, and one unit of the source's clock
more where the source compares with ``>``; ``until`` is fixed before the first page and lies before now, by the source's
own clock: how far that is from ours its answers tell. A record that changes while we page has a later time, so the next
pull finds it. ``mark`` stands for the request and the size of its pages: a position means nothing to another one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from itertools import chain
from typing import Any

import httpx
import msgspec

from connectors.budget import Priority
from connectors.contract import Cursor, Page, Window
from connectors.declarative.client import Client
from connectors.declarative.details import Details
from connectors.declarative.failures import Expired, Gone
from connectors.declarative.manifest import Manifest, Stream
from connectors.declarative.paging import Answer, Position, Walk
from connectors.declarative.pushing import Singles
from connectors.declarative.records import Found, Reader, Selection, keys_of
from connectors.declarative.requests import Request
from connectors.declarative.rules import Deletes
from connectors.declarative.times import TimeFormat, now_us, to_us
from connectors.errors import ContractError, RecordError
from connectors.expressions import Expression

_SECOND = 1_000_000
_AT_ONCE = 4
"""So many records are read at once where a list shows parts of them only."""
_NOTICED = 3 * _SECOND
"""A difference between two clocks that is less may come from the way of the answer."""
_WHERE = "Check base_url and the path in the manifest: together they are the address that was asked."
_MOST_OFF = 366 * 86_400 * _SECOND

Pages = Iterator[tuple[Answer, Position | None]]


class Lister:
    """The requests that list one stream's records."""

    def __init__(self, manifest: Manifest, name: str, client: Client, page_size: int | None) -> None:
        self.stream = manifest.streams[name]
        self._client = client
        self._paging = manifest.paging_of(self.stream)
        self._size = page_size or self._paging.size
        self._reader = Reader(self.stream, self._paging.time)
        parent = self.stream.parent
        self._above = Lister(manifest, parent.stream, client, None) if parent else None
        self._added = {field: Expression(place) for field, place in parent.add.items()} if parent else {}
        dated = self._above.stream if self._above else self.stream
        self.incremental = dated.incremental
        """The rule for what changed; of a child, that of its parents."""
        self.times = _times(dated, manifest)

    @property
    def mark(self) -> str:
        """Changes whenever a position in the list would mean something else."""
        above = self._above.mark if self._above else ""
        said = (self._paging.by, self._size, self.stream.list.model_dump(mode="json"), above)
        return hashlib.blake2b(msgspec.json.encode(said), digest_size=8).hexdigest()

    def walk(self, window: Mapping[str, Any], position: Position | None = None) -> Pages:
        """Every page with the position after it, ``None`` after the last. Raises any ``ConnectorError``."""
        if self._above is not None:
            return self._children(self._above, window, position)
        pages = self._walked(window, {}).pages(position)
        newest_first = self.incremental is not None and self.incremental.newest_first
        return self._down_to(window["since"], pages) if newest_first and "since" in window else pages

    def first(self) -> Answer:
        """The first page with one record, to see whether it can be read; of a child, that of its parents."""
        if self._above is not None:
            return self._above.first()
        walk = Walk(self._paging, 1, lambda more, address: self._page({}, {}, more, address))
        return next(walk.pages())[0]

    def _walked(self, variables: Mapping[str, Any], extra: Mapping[str, Any]) -> Walk:
        return Walk(self._paging, self._size, lambda more, address: self._page(variables, extra, more, address))

    def _page(
        self, variables: Mapping[str, Any], extra: Mapping[str, Any], more: Mapping[str, Any], address: str | None
    ) -> Answer:
        response = listed(self._client, self.stream.list, {**variables, **more}, address)
        return answered(response, self._reader.read(response.content, extra))

    def _children(self, above: Lister, window: Mapping[str, Any], position: Position | None) -> Pages:
        """The records of each parent, one page of parents after the other; only between these it can be resumed."""
        here = position
        for answer, after in above.walk(window, here):
            for record in answer.found.records:
                parent = msgspec.json.decode(record.body)
                extra = {field: place.of(parent) for field, place in self._added.items()}
                for part, _ in self._walked({"parent": parent}, extra).pages():
                    yield part, here if here is not None else above.start()
            yield replace(answer, found=Found([], [], [], []), body=b"null"), after
            here = after

    def _down_to(self, since: Any, pages: Pages) -> Pages:
        """The pages of a list that begins with the newest, until one ends before ``since``."""
        oldest = self.times.parse(since)
        for answer, after in pages:
            if after is not None and self._ends_before(oldest, answer.found):
                yield answer, None
                return
            yield answer, after

    def _ends_before(self, oldest: int, found: Found) -> bool:
        if not found.order or self.stream.version is None:
            return False
        try:
            return self.stream.version.reading.parse(found.order[-1][0]) < oldest
        except ValueError:
            return False

    def start(self) -> Position:
        """The position before everything."""
        return self._walked({}, {}).start()


class Puller:
    """Pulls of one stream."""

    def __init__(self, manifest: Manifest, name: str, client: Client, page_size: int | None) -> None:
        self._client = client
        self._lister = Lister(manifest, name, client, page_size)
        stream = self._lister.stream
        workers = min(manifest.limits.concurrent or _AT_ONCE, _AT_ONCE)
        self._details = Details(Singles(stream, stream.one, client), workers) if stream.details and stream.one else None

    def pull(self, cursor: Cursor | None, window: Window) -> Iterator[Page]:
        """See ``Connector.pull``. Raises any ``ConnectorError``."""
        placed = bool(cursor) and not window.full
        try:
            for page in self._pull(cursor, window):
                placed = True
                yield page
        except Expired:
            if not placed:
                raise
            yield from self._pull(None, window)

    def _pull(self, cursor: Cursor | None, window: Window) -> Iterator[Page]:
        deletes = self._lister.stream.deletes
        request = deletes.list if isinstance(deletes, Deletes) else None
        state: Cursor = {} if window.full else dict(cursor or {})
        of_deleted: Cursor = state.pop("deleted", {})
        if not of_deleted.get("scan"):
            for page in self._through(state, window, self._records, self._lister.mark):
                joined = {**page.cursor, "deleted": of_deleted} if request is not None else page.cursor
                yield Page(page.records, joined, page.complete and request is None, page.deleted_ids, page.rejected)
                if page.complete:
                    state = dict(page.cursor)
        if isinstance(deletes, Deletes) and request is not None:
            for page in self._through(of_deleted, window, self._deleted(deletes, request), request.method):
                yield Page([], {**state, "deleted": page.cursor}, page.complete, page.deleted_ids)

    def _through(
        self,
        state: Cursor,
        window: Window,
        walk: Callable[[Mapping[str, Any], Position | None], Pages],
        mark: str,
    ) -> Iterator[Page]:
        """A list from its start, or from where ``state`` left it, to its end; only the last page is complete.

        What was left is read to the end of its own window first, and then what changed since.
        """
        held, scan = state.get("since"), state.get("scan")
        resumed = scan is not None and scan["mark"] == mark and window.since is None
        if scan is None or not resumed:
            start = self._start(held, window.since)
            scan = {"start": start, "until": self._cut(to_us(window.until)), "at": None, "mark": mark}
        pages = walk(self._window(scan["start"], scan["until"]), scan["at"])
        if scan["at"] is None and self._lister.incremental is not None:
            first = next(pages)
            pages = chain((first,), pages)
            if ahead := _ahead(first[0]):
                scan = {**scan, "until": self._cut(to_us(window.until) + ahead)}
                pages = walk(self._window(scan["start"], scan["until"]), None)
        kept = {"since": held} if held is not None else {}
        news = scan["at"] is not None
        for answer, after in pages:
            news = news or bool(answer.found.order)
            found = answer.found
            if after is not None:
                scan = {**scan, "at": after}
                yield Page(found.records, {**kept, "scan": scan}, False, found.deleted, found.rejected)
                continue
            if self._lister.incremental is not None and _advances(held, news, window.since):
                kept = {"since": scan["until"]}
            now = self._cut(to_us(window.until) + _ahead(answer))
            done = not (resumed and self._lister.incremental and scan["until"] < now)
            yield Page(found.records, kept, done, found.deleted, found.rejected)
            if not done:
                yield from self._through(kept, window, walk, mark)

    def first_deleted(self) -> None:
        """Read the beginning of the list of deleted ids, if there is one, to see whether that can be read."""
        deletes = self._lister.stream.deletes
        if isinstance(deletes, Deletes) and deletes.list is not None:
            next(self._deleted(deletes, deletes.list)({}, None))

    def _records(self, window: Mapping[str, Any], position: Position | None) -> Pages:
        """The stream's pages, with whole records."""
        for answer, after in self._lister.walk(window, position):
            yield (replace(answer, found=self._details.of(answer.found)) if self._details else answer), after

    def _deleted(self, deletes: Deletes, request: Request) -> Callable[[Mapping[str, Any], Position | None], Pages]:
        rows = Selection(deletes.records)

        def walk(window: Mapping[str, Any], position: Position | None) -> Pages:
            def page(more: Mapping[str, Any], address: str | None) -> Answer:
                response = listed(self._client, request, {**window, **more}, address)
                keys = keys_of(rows.slices(response.content), deletes.key)
                return answered(response, Found([], [], keys, [(None, key) for key in keys]))

            return Walk(deletes.paging, deletes.paging.size, page).pages(position)

        return walk

    def _start(self, held: int | None, since: datetime | None) -> int | None:
        rule = self._lister.incremental
        if rule is None:
            return None
        if since is not None:
            return to_us(since)
        if held is None:
            return None
        unit = self._lister.times.unit_us if rule.boundary == ">" else 0
        return held - int(rule.overlap * _SECOND) - unit

    def _window(self, start: int | None, until: int) -> dict[str, Any]:
        """The variables of the window; without a start everything is asked for."""
        if self._lister.incremental is None:
            return {}
        times = self._lister.times
        window: dict[str, Any] = {"until": times.write(until)}
        return window if start is None else {**window, "since": times.write(max(start, 0), until)}

    def _cut(self, until: int) -> int:
        """Cut to the unit that the source compares by."""
        unit = self._lister.times.unit_us
        return until // unit * unit


def _ahead(answer: Answer) -> int:
    """How far the source's clock is ahead of ours, in microseconds; negative if it is behind."""
    dated = answer.headers.get("date")
    try:
        ahead = to_us(parsedate_to_datetime(dated)) - answer.received_us if dated else 0
    except (ValueError, TypeError):
        return 0
    # The header knows whole seconds only, and the answer was some time on its way. What is years off is no clock.
    return ahead if _NOTICED <= abs(ahead) <= _MOST_OFF else 0


def listed(
    client: Client,
    request: Request,
    variables: Mapping[str, Any],
    address: str | None,
    priority: Priority = Priority.READ,
) -> httpx.Response:
    """One page of a list, or the one at an address. Raises any ``ConnectorError`` but ``RecordError``."""
    try:
        return client.follow(address) if address is not None else client.send(request, variables, priority=priority)
    except Gone as error:
        raise Expired(error.message) from error
    except RecordError as error:
        # In a list there is no record that a refusal could be about.
        raise ContractError(error.message, remedy=error.remedy or _WHERE) from error


def answered(response: httpx.Response, found: Found) -> Answer:
    """A page as it was answered."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(found, response.content, headers, response.links.get("next", {}).get("url"), now_us())


def _advances(held: int | None, news: bool, since: datetime | None) -> bool:
    """Whether the cursor moves: with nothing new it stays, so that nothing at all is written.

    A person who asks for changes since a later time than the cursor's does not move it over what lies between.
    """
    leaps = held is not None and since is not None and to_us(since) > held
    return held is None or (news and not leaps)


def _times(stream: Stream, manifest: Manifest) -> TimeFormat:
    if stream.incremental is not None and stream.incremental.times is not None:
        return stream.incremental.times.reading
    if stream.version is not None and stream.version.format != "number":
        return stream.version.reading
    return manifest.times.reading
