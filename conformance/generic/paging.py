"""Cut a list into pages in the way that a manifest says."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.generic.documents import Impossible, document, merged
from conformance.generic.table import Row, Table
from connectors.declarative.rules import Paging
from connectors.declarative.times import TimeFormat
from connectors.expressions import Expression

CURSOR = "kit_cursor"
"""The parameter by which addresses of next pages go on."""
Found = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cut:
    """One page's rows, and where the next one begins; ``None`` after the last."""

    rows: list[tuple[str, Row]]
    next: str | None


class Pages:
    """The pages of one list."""

    def __init__(self, paging: Paging, table: Table) -> None:
        self._paging = paging
        self._table = table

    def cut(self, rows: Sequence[tuple[str, Row]], found: Found) -> Cut:
        """The page that was asked for by these variables. Raises ``ValueError`` for ones that mean nothing."""
        size = int(found.get("size") or self._paging.size)
        if self._table.page_cap is not None:
            size = min(size, self._table.page_cap)
        ordered = sorted(rows, key=lambda item: item[1].number)
        begin = 0
        match self._paging.by:
            case "none":
                return Cut(ordered, None)
            case "page":
                begin = (int(found["page"]) - self._paging.start) * size
            case "offset":
                begin = int(found["offset"])
            case "cursor" | "link":
                after = _opened(found.get("cursor"))
                ordered = [item for item in ordered if item[1].number > after]
            case "last_id":
                after = _number(found.get("last_id"))
                ordered = [item for item in ordered if item[1].number > after]
            case _:
                ordered = self._keyset(rows, found)
        shown = ordered[max(begin, 0) : begin + size]
        more = len(ordered) > begin + size
        return Cut(shown, _sealed(shown[-1][1].number) if more and shown else None)

    def _keyset(self, rows: Sequence[tuple[str, Row]], found: Found) -> list[tuple[str, Row]]:
        ordered = sorted(rows, key=lambda item: (item[1].stamp, item[1].number))
        if found.get("after_time") in (None, ""):
            return ordered
        time, number = self._comparable(found["after_time"]), _number(found.get("after_id"))
        return [item for item in ordered if (self._comparable(self._time(item[1])), item[1].number) > (time, number)]

    def _time(self, row: Row) -> Any:
        if self._paging.time is not None:
            return Expression(self._paging.time).of(self._table.shape(row))
        return self._table.written_version(row)

    def _comparable(self, written: Any) -> int:
        version = self._table.stream.version
        if version is None or version.format == "number":
            return int(written)
        return version.reading.parse(written)

    def document(self, records: str, items: list[Any], cut: Cut, address: str) -> Any:
        """The answer with these items at ``records``, and what it says of the next page."""
        parts = [document(records, items)]
        if self._paging.next is not None and not self._paging.next_header and cut.next is not None:
            parts.append(document(self._paging.next, address if self._paging.by == "link" else cut.next))
        if self._paging.more is not None:
            try:
                parts.append(document(self._paging.more, cut.next is not None))
            except Impossible:
                if cut.next is not None:
                    raise
        return merged(*parts)

    def headers(self, cut: Cut, address: str) -> dict[str, str]:
        """What the headers say of the next page."""
        if cut.next is None:
            return {}
        if self._paging.next_header:
            return {self._paging.next_header: address if self._paging.by == "link" else cut.next}
        if self._paging.by == "link" and self._paging.next is None:
            return {"link": f'<{address}>; rel="next"'}
        return {}


def in_window(table: Table, times: TimeFormat | None, boundary: str, found: Found) -> list[tuple[str, Row]]:
    """The rows that changed within the bounds that were asked for; bounds that cannot be read are none."""
    rows = list(table.listed())
    if times is None:
        return rows
    since, until = _bound(times, found.get("since")), _bound(times, found.get("until"))
    unit = times.unit_us
    if since is not None:
        low = since
        rows = [item for item in rows if item[1].stamp // unit * unit > low - (1 if boundary == ">=" else 0)]
    if until is not None:
        high = until
        rows = [item for item in rows if item[1].stamp // unit * unit <= high]
    return rows


def _bound(times: TimeFormat, written: Any) -> int | None:
    if written in (None, ""):
        return None
    try:
        return times.parse(written)
    except ValueError:
        return None


def _number(source_id: Any) -> int:
    """The row's number, which is the first part of its key."""
    return int(str(source_id or 0).partition(":")[0])


def _sealed(number: int) -> str:
    return base64.urlsafe_b64encode(f"after {number}".encode()).decode()


def _opened(cursor: Any) -> int:
    if cursor in (None, ""):
        return 0
    return int(base64.urlsafe_b64decode(str(cursor)).decode().removeprefix("after "))
