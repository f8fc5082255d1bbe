"""The order of findings in the long lists that people look through, kept until a finding changes.

To sort tens of thousands of findings takes longer than anything else of a page, and people look at one list again and
again: its pages, and the findings before and after one. Nobody waits for that: until a list is there, the database is
asked for the page alone.
"""

from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING

from state import finding_pages, findings, news
from state.finding_pages import Page, Wanted

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from state.finding_pages import Money
    from state.store import Store

_LISTS = 100
_IDS = 300_000
"""Lists that are kept, and findings in all of them together; 50,000 take about 6 MB. What somebody searches for is
looked for once, and is not."""
_SUMS = 200
"""Sums that are kept."""
_FEW = 2_000
"""So many are read at once: to find the first of them takes as long."""
_LONGEST = 200_000
"""A longer list is not kept."""


class Listings:
    """The lists of one workbench."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._version: int | None = None
        self._lists: OrderedDict[Wanted, list[str]] = OrderedDict()
        self._being_made: dict[Wanted, Future[None]] = {}
        self._passed_over: set[Wanted] = set()
        """Lists that are too long to be kept."""
        self._sums: OrderedDict[Wanted, list[Money]] = OrderedDict()
        self._by_check: dict[str, int] | None = None
        self._maker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="listings")

    def warm_up(self) -> None:
        """Make the list that everybody begins with, so that nobody sorts it first. Raises ``StoreError``."""
        with self._store.reading() as connection:
            wanted = Wanted()
            self.page(connection, wanted, 0, 1)
            self.money(connection, wanted)
            self.by_check(connection)

    def page(self, connection: Connection, wanted: Wanted, first: int, size: int) -> Page:
        """``size`` findings from the one at place ``first`` (0 is the first), and how many there are."""
        version = self._begin(connection)
        ids = self._kept(wanted)
        if ids is not None:
            return Page(tuple(findings.of_ids(connection, ids[first : first + size])), len(ids))
        count = finding_pages.number(connection, wanted)
        if wanted.text or count > _FEW:
            if not wanted.text and count <= _LONGEST:
                self._make(wanted, version)
            ids = finding_pages.ids(connection, wanted, size, first)
            return Page(tuple(findings.of_ids(connection, ids)), count)
        ids = finding_pages.ids(connection, wanted, _FEW)
        with self._lock:
            if version == self._version:
                self._keep(wanted, ids)
        return Page(tuple(findings.of_ids(connection, ids[first : first + size])), count)

    def beside(self, connection: Connection, wanted: Wanted, id: str) -> tuple[str | None, str | None]:
        """The findings before and after one, as ``finding_pages.beside`` finds them."""
        version = self._begin(connection)
        ids = self._kept(wanted)
        if ids is None and not wanted.text:
            self._make(wanted, version)
        if ids is None or id not in ids:
            return finding_pages.beside(connection, wanted, id)
        place = ids.index(id)
        return ids[place - 1] if place else None, ids[place + 1] if place + 1 < len(ids) else None

    def money(self, connection: Connection, wanted: Wanted) -> list[Money]:
        """The amounts of all of them, by currency."""
        version = self._begin(connection)
        with self._lock:
            found = self._sums.get(wanted)
        if found is None:
            found = finding_pages.money(connection, wanted)
            with self._lock:
                if version == self._version:
                    self._sums[wanted] = found
                    while len(self._sums) > _SUMS:
                        self._sums.popitem(last=False)
        return found

    def by_check(self, connection: Connection) -> dict[str, int]:
        """How many outstanding findings there are of each check that has some."""
        version = self._begin(connection)
        found = self._by_check
        if found is None:
            found = finding_pages.by_check(connection)
            with self._lock:
                self._by_check = found if version == self._version else None
        return found

    def standing(self, connection: Connection) -> int:
        """How many findings are outstanding."""
        return sum(self.by_check(connection).values())

    def _kept(self, wanted: Wanted) -> list[str] | None:
        with self._lock:
            found = self._lists.get(wanted)
            if found is not None:
                self._lists.move_to_end(wanted)
            return found

    def _make(self, wanted: Wanted, version: int) -> None:
        with self._lock:
            making = self._being_made.get(wanted)
            if wanted not in self._passed_over and (making is None or making.done()):
                self._being_made[wanted] = self._maker.submit(self._list, wanted, version)

    def _list(self, wanted: Wanted, version: int) -> None:
        with self._store.reading() as connection:
            found = finding_pages.ids(connection, wanted, _LONGEST + 1)
            seen = news.findings_version(connection)
        with self._lock:
            del self._being_made[wanted]
            if not seen == version == self._version:
                return
            if len(found) > _LONGEST:
                self._passed_over.add(wanted)
            else:
                self._keep(wanted, found)

    def _keep(self, wanted: Wanted, ids: list[str]) -> None:
        self._lists[wanted] = ids
        while len(self._lists) > _LISTS or sum(map(len, self._lists.values())) > _IDS:
            self._lists.popitem(last=False)

    def _begin(self, connection: Connection) -> int:
        """Forget what was before the last change; the version of what ``connection`` sees."""
        version = news.findings_version(connection)
        with self._lock:
            if version != self._version:
                self._version, self._by_check = version, None
                self._lists.clear()
                self._sums.clear()
                self._passed_over.clear()
        return version
