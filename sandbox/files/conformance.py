"""A folder of exports as the conformance kit plays on it: deliveries in CSV, Parquet and XLSX, and a whole list.

Somebody delivers new rows in a new file and corrects old ones in the file that they are in. The list of products is
one file of JSON lines that is written anew each time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

from conformance.needs import Need
from conformance.offline import FolderWorld
from conformance.world import Stage, Wish, decoded, known_fields
from sandbox.files.tables import FORMATS, TIME_FORMAT, ZONE

_ID, _TEXT, _NUMBER, _CHANGED = "编号", "名称", "数量", "修改时间"
_PAGE = 1000
"""The connector's own; it has no setting for it."""
_SETTLE_SECONDS = 25.0
"""Long enough for a slow machine, and still waited for within a pull."""
_LONGEST_CELL = 32_767
"""What Excel takes."""
_CSV = {"column": _CHANGED, "format": TIME_FORMAT, "zone": ZONE.key}


_ENDINGS = {"order": "csv", "product": "jsonl", "payment": "parquet", "invoice": "xlsx"}


def _stage(stream: str, *can: Need, number: str | None = _NUMBER) -> Stage:
    offered = frozenset({Need.EDIT, Need.EMPTY, *can})
    files = f"{stream}-*.{_ENDINGS[stream]}"
    return Stage(stream, list=files, text=_TEXT, page=_PAGE, large=_PAGE, number=number, can=offered)


ORDER = _stage("order", Need.PAGES, Need.TIMES, Need.HUGE)
PRODUCT = _stage("product", Need.PAGES, Need.HUGE, Need.VERBATIM, Need.DELETE, Need.UNDELETE)
PAYMENT = _stage("payment", Need.TIMES, Need.HUGE)
INVOICE = _stage("invoice", Need.TIMES, number=None)


@dataclass(slots=True)
class _Table:
    """The rows of one stream by id, and the file that each is in."""

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, list[str]] = field(default_factory=dict)
    """File → the ids in it."""
    deleted: dict[str, dict[str, Any]] = field(default_factory=dict)


class FilesWorld(FolderWorld):
    """A folder with four kinds of files."""

    connector: ClassVar[str] = "files"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.empty()

    def empty(self) -> None:
        """Begin anew with an empty folder."""
        super().empty()
        self._tables = {stream: _Table() for stream in _ENDINGS}

    def stages(self) -> Sequence[Stage]:
        """One for each format."""
        return [ORDER, PRODUCT, PAYMENT, INVOICE]

    def config(self, wish: Wish) -> dict[str, Any]:
        """The folder; there is nothing to be wished for."""
        streams: dict[str, dict[str, Any]] = {
            stage.stream: {"pattern": stage.list, "entity": stage.stream, "key": [_ID]} for stage in self.stages()
        }
        streams["order"]["version"] = _CSV
        streams["payment"]["version"] = {"column": _CHANGED}
        streams["product"]["deletes"] = "sweep"
        return {"folder": str(self.folder), "settle_seconds": _SETTLE_SECONDS, "streams": streams}

    def insert(
        self, stage: Stage, number: int = 1, *, at: datetime | None = None, values: Mapping[str, Any] | None = None
    ) -> list[str]:
        """A delivery of new rows, or a longer list."""
        given = _checked(stage, values or {})
        table, made = self._tables[stage.stream], []
        for _ in range(number):
            self._made += 1
            row_id = f"{stage.stream[0].upper()}-{self._made:06d}"
            usual = {_ID: row_id, _TEXT: f"文本 {self._made}", _NUMBER: Decimal(self._made), _CHANGED: at or self._now}
            table.rows[row_id] = {**usual, **given}
            made.append(row_id)
        name = "list" if stage.stream == PRODUCT.stream else f"{self._made:06d}"
        table.files.setdefault(name, []).extend(made)
        self._export(stage, name, at)
        return made

    def edit(self, stage: Stage, source_id: str, values: Mapping[str, Any], *, at: datetime | None = None) -> None:
        """Somebody corrects a row in the file that it is in."""
        table = self._tables[stage.stream]
        table.rows[source_id] |= {**_checked(stage, values), _CHANGED: at or self._now}
        self._export(stage, self._file_of(table, source_id), at)

    def delete(self, stage: Stage, source_id: str) -> None:
        """A product leaves the list."""
        table = self._tables[stage.stream]
        table.deleted[source_id] = table.rows.pop(source_id)
        self._export(stage, self._file_of(table, source_id), None)

    def undelete(self, stage: Stage, source_id: str) -> None:
        """It is on it again."""
        table = self._tables[stage.stream]
        table.rows[source_id] = table.deleted.pop(source_id)
        self._export(stage, self._file_of(table, source_id), None)

    def shown(self, stage: Stage) -> dict[str, dict[str, Any]]:
        """The truth."""
        rows = self._tables[stage.stream].rows.items()
        return {key: {name: row[name] for name in known_fields(stage)} for key, row in rows}

    def fields(self, stage: Stage, body: bytes) -> dict[str, Any]:
        """The same out of a record; a cell of CSV is text."""
        record = decoded(body)
        told = {name: record[name] for name in known_fields(stage)}
        return {name: Decimal(value) if name == _NUMBER else value for name, value in told.items()}

    def _file_of(self, table: _Table, source_id: str) -> str:
        return next(name for name, ids in table.files.items() if source_id in ids)

    def _export(self, stage: Stage, name: str, at: datetime | None) -> None:
        table, ending = self._tables[stage.stream], _ENDINGS[stage.stream]
        rows = [table.rows[row_id] for row_id in table.files[name] if row_id in table.rows]
        self.write(self.folder / f"{stage.stream}-{name}.{ending}", FORMATS[ending](rows), at=at)


def _checked(stage: Stage, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Raises ``ValueError`` for what files of this kind do not hold."""
    text = values.get(_TEXT, "text")
    if stage is ORDER and (text is None or "\0" in text):
        raise ValueError("A cell of CSV is a text; a file with NUL in it is none.")
    if stage is INVOICE and (text == "" or len(text or "") > _LONGEST_CELL or not (text or "x").isprintable()):
        raise ValueError("Excel does not hold it.")
    return values
