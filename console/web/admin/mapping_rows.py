"""Some records of a stream in one table: what the source says beside what each field becomes, mistakes marked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

SHOWN = 20
"""Records in one table."""
_AT_FIRST, _MOST = 4, 40
"""Fields that are shown unless somebody chooses, and that can be chosen."""


class Cell(NamedTuple):
    """One field of a record."""

    name: str
    raw: Any
    value: Any
    error: str
    """Why the field does not take it."""
    is_emptied: bool
    """Whether something was there and nothing has become of it."""

    @property
    def is_wrong(self) -> bool:
        """Whether somebody should look at it."""
        return bool(self.error) or self.is_emptied


@dataclass(frozen=True, slots=True)
class Row:
    """One record."""

    id: str
    refused: dict[str, str] | None
    """Field, value and reason, where it would go to quarantine."""
    is_skipped: bool
    cells: list[Cell]

    @property
    def is_wrong(self) -> bool:
        """Whether somebody should look at it."""
        return self.refused is not None or any(cell.is_wrong for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Rows:
    """The table: its rows, its columns, and which of these are open at first."""

    rows: list[Row]
    names: list[str]
    is_open: frozenset[str]

    @property
    def wrong(self) -> int:
        """How many records somebody should look at."""
        return sum(row.is_wrong for row in self.rows)


def rows_of(tested: Sequence[dict[str, Any]], chosen: Collection[str] = ()) -> Rows:
    """The table of records as they were tried, in the order of their fields.

    Open are the fields that are ``chosen`` (without any: the first few), and those with a mistake.
    """
    found = [
        Row(item["source_id"], item["refused"], item["skipped"], [_cell(one) for one in item["fields"] if _is_own(one)])
        for item in tested
    ]
    wrong = dict.fromkeys(cell.name for row in found for cell in row.cells if cell.is_wrong)
    known = dict.fromkeys(cell.name for row in found for cell in row.cells)
    first = [name for name in known if name in chosen] or list(known)[:_AT_FIRST]
    wanted = set(list(dict.fromkeys([*wrong, *first, *known]))[:_MOST])
    names = [name for name in known if name in wanted]
    return Rows([_only(row, names) for row in found], names, frozenset({*wrong, *first} & wanted))


def _is_own(field: dict[str, Any]) -> bool:
    """Lines are as many as a document has: they make no columns."""
    return not field["name"].startswith("lines.")


def _cell(field: dict[str, Any]) -> Cell:
    raw, value, error = field["raw"], field["value"], field["error"] or ""
    return Cell(field["name"], raw, value, error, not error and raw not in (None, "") and value in (None, ""))


def _only(row: Row, names: Iterable[str]) -> Row:
    """The row with a cell for each column; nothing where the record was refused before it came to that field."""
    by_name = {cell.name: cell for cell in row.cells}
    cells = [by_name.get(name) or Cell(name, None, None, "", False) for name in names]
    return Row(row.id, row.refused, row.is_skipped, cells)
