"""Walk through a list, page by page, so that no row slips through between two pages.

A place in a list that a number names (page, offset) moves when rows before it leave. So unless the manifest says that
rows never do, each page is joined to the one before: by offset it begins a few rows early and must show one of them, by
page number the page before is read once more and must still end as it did. Where they do not join, the walk goes back.
What is read twice costs nothing later: it is recognised by its hash.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from connectors.declarative.records import Found, Selection
from connectors.declarative.rules import Paging
from connectors.errors import ContractError, TransientError

Position = dict[str, Any]
"""Where the next page begins; JSON-able."""

_OVERLAP = 5
"""Rows by which pages are joined."""
_MOST_RETURNS = 10
"""So often a walk goes back before it gives up for this time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One page as it was answered."""

    found: Found
    body: bytes
    headers: Mapping[str, str]
    """Names in lower case."""
    next_link: str | None = None
    """The address in the Link header with ``rel=next``."""
    received_us: int = 0
    """When it came, by our clock."""

    @property
    def ids(self) -> list[str]:
        """Ids of all its rows, in their order."""
        return [key for _, key in self.found.order]


Fetch = Callable[[Mapping[str, Any], str | None], Answer]
"""Gets a page by the variables of its request, or by its address."""


class Walk:
    """Walks of one list. ``size``: rows per page asked for."""

    def __init__(self, paging: Paging, size: int, fetch: Fetch) -> None:
        self._paging = paging
        self._size = size
        self._fetch = fetch
        self._next = Selection(paging.next) if paging.next else None
        self._more = Selection(paging.more) if paging.more else None
        self._returns = 0

    def pages(self, position: Position | None = None) -> Iterator[tuple[Answer, Position | None]]:
        """Each page with the position after it, ``None`` after the last; from ``position`` if one is given.

        Raises any ``ConnectorError``.
        """
        here: Position | None = position if position is not None else self.start()
        before: list[str] | None = None
        while here is not None:
            answer = self._get(here)
            if before and answer.ids == before:
                raise ContractError(
                    "The system answers with the same page again and again.",
                    remedy=f"Check that the request's place for paging by {self._paging.by} is the one it knows.",
                )
            before = None if here.get("tail") else answer.ids
            moved = yield from self._joined(here, answer)
            here = moved if moved is not None else self._after(here, answer)
            yield answer, here

    def start(self) -> Position:
        """The position before the first page."""
        by = self._paging.by
        return {"page": self._paging.start} if by == "page" else {"offset": 0} if by == "offset" else {}

    def _get(self, here: Position) -> Answer:
        variables = {name: value for name, value in here.items() if name not in ("tail", "address")}
        return self._fetch({"size": self._size, **variables}, here.get("address"))

    def _joined(
        self, here: Position, answer: Answer
    ) -> Generator[tuple[Answer, Position | None], None, Position | None]:
        """Where to go on instead, if the page does not join the one before; what is read to find out is passed on."""
        tail = here.get("tail")
        if not tail:
            return None
        if self._paging.by == "offset":
            if set(tail) & set(answer.ids):
                return None
            return self._back({"offset": max(0, here["offset"] - self._size)})
        before = self._get({"page": here["page"] - 1})
        yield before, here
        if set(tail) & {*before.ids, *answer.ids}:
            return None
        return self._back({"page": self._paging.start})

    def _back(self, to: Position) -> Position:
        self._returns += 1
        if self._returns > _MOST_RETURNS:
            raise TransientError(
                "Rows keep moving in the list while it is read.", remedy="It is read again on the next run.", sent=False
            )
        return to

    def _after(self, here: Position, answer: Answer) -> Position | None:
        ids = answer.ids
        if self._more is not None and not _truth(self._more.slice(answer.body)):
            return None
        match self._paging.by:
            case "none":
                return None
            case "page":
                return self._next_page(here, ids)
            case "offset":
                return self._next_offset(here, ids)
            case "cursor":
                return self._next_cursor(here, answer)
            case "link":
                address = self._value(answer) if self._next or self._paging.next_header else answer.next_link
                return {"address": address} if address else None
            case "last_id":
                return {"last_id": ids[-1]} if ids and ids[-1] != here.get("last_id") else None
            case _:
                return self._next_keyset(here, answer.found.order)

    def _next_page(self, here: Position, ids: Sequence[str]) -> Position | None:
        if not ids:
            return None
        position = {"page": here["page"] + 1}
        return position if self._paging.stable else {**position, "tail": list(ids[-_OVERLAP:])}

    def _next_offset(self, here: Position, ids: Sequence[str]) -> Position | None:
        tail = set(here.get("tail", ()))
        joined = max((number for number, key in enumerate(ids) if key in tail), default=-1)
        if not ids[joined + 1 :]:
            return None
        if self._paging.stable or len(ids) == 1:
            return {"offset": here["offset"] + len(ids)}
        # Less than half a page, however small the system cuts its pages, or the walk would not get ahead.
        overlap = min(_OVERLAP, len(ids) // 2)
        return {"offset": here["offset"] + len(ids) - overlap, "tail": list(ids[-overlap:])}

    def _next_cursor(self, here: Position, answer: Answer) -> Position | None:
        cursor = self._value(answer)
        if cursor in (None, "", False):
            return None
        if cursor == here.get("cursor"):
            if answer.ids:
                raise ContractError("The cursor of the next page is that of this page.", remedy="Check `next`.")
            return None
        return {"cursor": cursor}

    def _next_keyset(self, here: Position, order: Sequence[tuple[Any, str]]) -> Position | None:
        if not order:
            return None
        time, key = order[-1]
        if (time, key) != (here.get("after_time"), here.get("after_id")):
            return {"after_time": time, "after_id": key}
        if len(order) >= self._size and order[0][0] == time:
            raise ContractError(
                "More records share one time than fit on a page, and the system gives the same ones again.",
                remedy="Let the request say {after_id} too, or raise `size`, or page in another way.",
            )
        return None

    def _value(self, answer: Answer) -> Any:
        if self._paging.next_header:
            return answer.headers.get(self._paging.next_header.lower())
        found = self._next.slice(answer.body) if self._next else None
        return None if found is None else msgspec.json.decode(found)


def _truth(found: bytes | None) -> bool:
    return found is not None and bool(msgspec.json.decode(found))
