"""One form: its fields, its rows in ascending order of data id, and every way a row can change."""

from __future__ import annotations

import secrets
from bisect import bisect_right, insort
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.jiandaoyun import values
from sandbox.jiandaoyun.errors import BusinessError

Row = dict[str, Any]
_KEPT = ("_id", "appId", "entryId")


@dataclass(slots=True)
class Widget:
    """A field of a form. Its name in the API is its alias, or its id where no alias is set."""

    id: str
    type: str
    label: str
    alias: str = ""
    items: list[Widget] = field(default_factory=list)
    """Columns of a subform."""

    @property
    def name(self) -> str:
        """The key in requests and answers."""
        return self.alias or self.id

    def described(self) -> dict[str, Any]:
        """As ``widget/list`` shows it."""
        shown: dict[str, Any] = {"label": self.label, "name": self.name, "widgetName": self.id, "type": self.type}
        if self.type == "subform":
            shown["items"] = [item.described() for item in self.items]
        return shown


@dataclass(slots=True)
class Form:
    """A form with its rows; fields are stored by widget id, so that a new alias renames them all at once."""

    app_id: str
    entry_id: str
    name: str
    widgets: list[Widget]
    preset: bool = False
    """One of the CRM suite's own forms, which the API refuses."""
    workflow: bool = False
    rows: dict[str, Row] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    """Data ids, ascending."""
    bin: dict[str, Row] = field(default_factory=dict)
    """Deleted rows: people can bring them back, the API does not show them."""
    modified_at: str = ""
    serial: int = 0

    def widget(self, name: str) -> Widget | None:
        """The field of that name in the API."""
        return next((widget for widget in self.widgets if widget.name == name), None)

    def get(self, data_id: str) -> Row:
        """A live row; raises ``BusinessError`` 4001."""
        if data_id not in self.rows:
            raise BusinessError(4001)
        return self.rows[data_id]

    def after(self, data_id: str) -> Iterator[Row]:
        """Rows whose id is greater, ascending."""
        return (self.rows[key] for key in self.order[bisect_right(self.order, data_id) :])

    def add(self, data_id: str, written: dict[str, Any], who: str, at: datetime) -> Row:
        """Add a row from values in write shape without their wrapping."""
        self.serial += 1
        moment = values.iso(at)
        row: Row = {"_id": data_id, "creator": values.user(who), "updater": values.user(who), "deleter": None}
        row |= {"createTime": moment, "updateTime": moment, "deleteTime": None}
        for widget in self.widgets:
            row[widget.id] = deepcopy(values.EMPTY.get(widget.type))
            if widget.type == "sn":
                row[widget.id] = f"L-{self.serial:06d}"
        if self.workflow:
            row["flowState"] = 0
        self.put(row, written)
        self.rows[data_id] = row
        insort(self.order, data_id)
        self.touch(moment)
        return row

    def change(self, data_id: str, written: dict[str, Any], who: str, at: datetime) -> Row:
        """Set fields of a row; the others stay."""
        row = self.get(data_id)
        changed = deepcopy(row)
        self.put(changed, written)
        changed |= {"updater": values.user(who), "updateTime": values.iso(at)}
        self.rows[data_id] = changed
        self.touch(changed["updateTime"])
        return changed

    def put(self, row: Row, written: dict[str, Any]) -> None:
        """Convert and set fields; unknown names and types that cannot be written are ignored."""
        for name, value in written.items():
            widget = self.widget(name)
            if widget is None or widget.type in values.NOT_WRITABLE:
                continue
            if widget.type == "subform":
                row[widget.id] = self._subform(widget, value, row.get(widget.id) or [])
            else:
                row[widget.id] = values.WRITE[widget.type](value)

    def _subform(self, widget: Widget, lines: Any, before: list[Row]) -> list[Row]:
        """The whole list anew: rows left out are gone, a row with a known id keeps it, any other gets a new one."""
        if not isinstance(lines, list):
            raise BusinessError(17034)
        known = {line["_id"] for line in before}
        columns = {column.name: column for column in widget.items}
        made = []
        for line in lines:
            unwrapped = unwrap(line)
            given = unwrapped.pop("_id", None)
            row: Row = {"_id": given if given in known else secrets.token_hex(12)}
            for column in widget.items:
                row[column.id] = deepcopy(values.EMPTY.get(column.type))
            for name, value in unwrapped.items():
                if name in columns and columns[name].type not in values.NOT_WRITABLE:
                    row[columns[name].id] = values.WRITE[columns[name].type](value)
            made.append(row)
        return made

    def remove(self, data_id: str, who: str, at: datetime) -> None:
        """Move a row to the bin."""
        row = self.get(data_id)
        row |= {"deleter": values.user(who), "deleteTime": values.iso(at)}
        self.bin[data_id] = self.rows.pop(data_id)
        self.order.remove(data_id)
        self.touch(row["deleteTime"])

    def restore(self, data_id: str, at: datetime) -> None:
        """Bring a row back from the bin."""
        row = self.bin.pop(data_id)
        row |= {"deleter": None, "deleteTime": None}
        self.rows[data_id] = row
        insort(self.order, data_id)
        self.touch(values.iso(at))

    def touch(self, moment: str) -> None:
        """Move ``dataModifyTime`` forward."""
        self.modified_at = max(self.modified_at, moment)

    def read(self, row: Row, fields: list[str] | None = None) -> Row:
        """A row in read shape; with ``fields`` only those and the ids."""
        shown: Row = {"_id": row["_id"], "appId": self.app_id, "entryId": self.entry_id}
        for widget in self.widgets:
            shown[widget.name] = _read(widget, row[widget.id])
        for name in ("creator", "updater", "createTime", "updateTime"):
            shown[name] = row[name]
        if self.workflow:
            shown["flowState"] = row["flowState"]
        if fields:
            return {name: value for name, value in shown.items() if name in _KEPT or name in fields}
        return shown


def unwrap(data: Any) -> dict[str, Any]:
    """``{"field": {"value": X}}`` → ``{"field": X}``; raises ``BusinessError`` where the wrapping is missing."""
    if not isinstance(data, dict):
        raise BusinessError(17017)
    found = {}
    for name, wrapped in data.items():
        if not isinstance(wrapped, dict) or "value" not in wrapped:
            raise BusinessError(17017)
        found[name] = wrapped["value"]
    return found


def _read(widget: Widget, value: Any) -> Any:
    if widget.type != "subform":
        return value
    return [{"_id": line["_id"]} | {column.name: line[column.id] for column in widget.items} for line in value]
