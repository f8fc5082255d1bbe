"""Some records of a stream in one table: what the source says beside what each field becomes, mistakes marked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from mappings.model import ENTITIES, columns

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

SHOWN = 20
"""Records in one table."""
_AT_FIRST = 6
"""Fields that are shown unless somebody chooses, and more where more are wrong or were changed."""


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
    def closed(self) -> int:
        """How many columns are not open."""
        return len(self.names) - len(self.is_open)

    @property
    def wrong(self) -> int:
        """How many records somebody should look at."""
        return sum(row.is_wrong for row in self.rows)


def rows_of(tested: Sequence[dict[str, Any]], chosen: Collection[str] = ()) -> Rows:
    """The table of records as they were tried, its fields in this order: with a mistake, ``chosen``, others as in the
    model.

    Open are the former two, and as many of the others as there is room for.
    """
    found = [
        Row(item["source_id"], item["refused"], item["skipped"], [_cell(one) for one in item["fields"] if _is_own(one)])
        for item in tested
    ]
    wrong = dict.fromkeys(cell.name for row in found for cell in row.cells if cell.is_wrong)
    places = {column.name: n for item in tested[:1] for n, column in enumerate(columns(ENTITIES[item["entity"]]))}
    known = sorted({cell.name for row in found for cell in row.cells}, key=lambda name: (places.get(name, 0), name))
    first = dict.fromkeys([*wrong, *(name for name in known if name in chosen)])
    names = list(dict.fromkeys([*first, *known]))
    return Rows([_only(row, names) for row in found], names, frozenset(names[: max(len(first), _AT_FIRST)]))


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
