"""Keeps what a connector delivers as the store keeps it: the newest version of each record, deletions, the cursor."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from connectors.contract import Connector, Cursor, Page, RawRecord, Window

Between = Callable[[int, Page], None]
"""Told after each page that was taken in: its number from 1, and the page."""


class Unsound(Exception):
    """The connector broke the contract in a way that needs no comparison with the source."""


@dataclass(slots=True)
class Reader:
    """One stream's state between pulls."""

    stream: str
    cursor: Cursor | None = None
    held: dict[str, RawRecord] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    rejected: set[str] = field(default_factory=set)
    new: int = 0
    """Records of the last pull that were not known byte for byte."""
    pages: int = 0
    """Of the last pull."""
    _seen: set[bytes] = field(default_factory=set)

    def pull(
        self, connector: Connector[Any], window: Window, *, pages: int | None = None, between: Between | None = None
    ) -> Reader:
        """Pull; or stop after so many pages, as a process does that is killed."""
        self.new = self.pages = 0
        last: Page | None = None
        for page in connector.pull(self.stream, self.cursor, window):
            if last is not None and last.complete:
                raise Unsound("Pages came after the one that was called the last.")
            self._take(page)
            last = page
            if between is not None:
                between(self.pages, page)
            if self.pages == pages:
                return self
        if pages is None and (last is None or not last.complete):
            raise Unsound("The pull ended without a page that says it is complete.")
        return self

    @property
    def ids(self) -> set[str]:
        """Ids of what is there, as far as the pulls tell."""
        return set(self.held) - self.deleted

    def _take(self, page: Page) -> None:
        self.pages += 1
        for record in page.records:
            mark = hashlib.blake2b(record.source_id.encode() + b"\0" + record.body, digest_size=16).digest()
            self.new += mark not in self._seen
            self._seen.add(mark)
            self._keep(record)
        for source_id in page.deleted_ids:
            self.deleted.add(source_id)
        self.rejected.update(item.source_id for item in page.rejected)
        self.cursor = _kept(page.cursor)

    def _keep(self, record: RawRecord) -> None:
        before = self.held.get(record.source_id)
        stale = (
            before is not None
            and None not in (before.version, record.version)
            and ((record.version or 0) < (before.version or 0))
        )
        if not stale:
            self.held[record.source_id] = record
            self.deleted.discard(record.source_id)


def _kept(cursor: Cursor) -> Cursor:
    """The cursor as the database gives it back."""
    try:
        found: Cursor = json.loads(json.dumps(cursor, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise Unsound(f"The cursor cannot be written as JSON ({type(error).__name__}).") from None
    if found != cursor:
        raise Unsound("The cursor is another one after it was written as JSON and read back.")
    return found
