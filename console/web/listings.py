"""The order of findings in the lists that people look through, kept until a finding changes.

To sort tens of thousands of findings takes longer than anything else of a page, and people look at one list again and
again: its pages, and the findings before and after one.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING

from state import finding_pages, findings, news
from state.finding_pages import Page, Wanted

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

_LISTS = 6
"""Lists that are kept; one of 50,000 takes about 6 MB. What somebody searches for is looked for once, and is not."""
_LONGEST = 200_000
"""A longer list is sorted for each page."""


class Listings:
    """The lists of one workbench."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._version: int | None = None
        self._lists: OrderedDict[Wanted, list[str]] = OrderedDict()
        self._checks: list[str] | None = None

    def page(self, connection: Connection, wanted: Wanted, first: int, size: int) -> Page:
        """``size`` findings from the one at place ``first`` (0 is the first), and how many there are."""
        ids = self._ids(connection, wanted)
        if len(ids) > _LONGEST:
            return finding_pages.page(connection, wanted, first, size)
        return Page(tuple(findings.of_ids(connection, ids[first : first + size])), len(ids))

    def beside(self, connection: Connection, wanted: Wanted, id: str) -> tuple[str | None, str | None]:
        """The findings before and after one, as ``finding_pages.beside`` finds them."""
        ids = self._ids(connection, wanted)
        if len(ids) > _LONGEST or id not in ids:
            return finding_pages.beside(connection, wanted, id)
        place = ids.index(id)
        return ids[place - 1] if place else None, ids[place + 1] if place + 1 < len(ids) else None

    def checks(self, connection: Connection) -> list[str]:
        """The checks that outstanding findings are of."""
        version = self._begin(connection)
        found = self._checks
        if found is None:
            found = finding_pages.checks(connection)
            with self._lock:
                self._checks = found if version == self._version else None
        return found

    def _ids(self, connection: Connection, wanted: Wanted) -> list[str]:
        version = self._begin(connection)
        with self._lock:
            found = self._lists.get(wanted)
            if found is not None:
                self._lists.move_to_end(wanted)
                return found
        found = finding_pages.ids(connection, wanted, _LONGEST + 1)
        with self._lock:
            if version == self._version and not wanted.text:
                self._lists[wanted] = found
                while len(self._lists) > _LISTS:
                    self._lists.popitem(last=False)
        return found

    def _begin(self, connection: Connection) -> int:
        """Forget what was before the last change; the version of what ``connection`` sees."""
        version = news.findings_version(connection)
        with self._lock:
            if version != self._version:
                self._version, self._checks = version, None
                self._lists.clear()
        return version
