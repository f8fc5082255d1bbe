"""The stand-in's database: records, the clock of transactions, and what follows from a write.

``write_date`` is the time a transaction began, in microseconds. So all rows of one write share it, and what a long
transaction commits carries a time that is long past.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

from sandbox.odoo.domains import Row, holds, read_instant
from sandbox.odoo.errors import OdooError, value_error
from sandbox.odoo.schema import DEFAULTS, MODELS, is_many, kind_of, other_model

_TAX = 0.13
_COMPUTED = {"id", "display_name", "create_date", "write_date", "company_currency"}
_INVERSES = {
    tuple(kind.split(":")[1:]) for fields in MODELS.values() for kind in fields.values() if kind.startswith("o2m")
}


class Database:
    """All records of one company. ``clock`` tells now (aware UTC); ``lock`` guards everything."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.tables: dict[str, dict[int, Row]] = {model: {} for model in MODELS}
        self.writes: Counter[tuple[str, int]] = Counter()
        """How often the API has changed a record."""
        self._last: Counter[str] = Counter()
        self._below: defaultdict[tuple[str, str, int], list[int]] = defaultdict(list)
        """Model, many2one and the id it holds → the records that hold it; of those that a one2many goes by."""
        self._open: list[tuple[str, int]] | None = None
        self._hidden: set[tuple[str, int]] = set()
        self._began: datetime | None = None
        self.company_currency = self.add("res.currency", name="CNY")
        for number, name in enumerate(("New", "Qualified", "Proposition", "Won"), 1):
            self.add("crm.stage", name=name, sequence=70 if name == "Won" else number, is_won=name == "Won")

    @property
    def now(self) -> datetime:
        """The time this transaction is stamped with, naive UTC as it is stored."""
        return (self._began or self.clock()).astimezone(UTC).replace(tzinfo=None)

    @contextmanager
    def at(self, moment: datetime) -> Iterator[None]:
        """What is done inside carries this time."""
        with self.lock:
            self._began = moment
            try:
                yield
            finally:
                self._began = None

    @contextmanager
    def late(self, moment: datetime) -> Iterator[Callable[[], None]]:
        """A long transaction that began then: records added inside show only after what it gives is called."""
        with self.lock:
            self._began, self._open = moment, []
            try:
                yield self._hidden.clear
            finally:
                self._hidden |= set(self._open)
                self._began, self._open = None, None

    def row(self, model: str, key: int) -> Row | None:
        """A committed record."""
        return None if (model, key) in self._hidden else self.tables[model].get(key)

    def must(self, model: str, key: int) -> Row:
        """A committed record. Raises ``OdooError``."""
        found = self.row(model, key)
        if found is None:
            raise OdooError("odoo.exceptions.MissingError", "Record does not exist or has been deleted.")
        return found

    def search(self, model: str, domain: Sequence[Any], *, archived: bool) -> list[Row]:
        """Records that fit, by id. Archived ones only if they are asked for, or named in the domain."""
        named = any(isinstance(item, list) and item[0] == "active" for item in domain)
        rows = [row for key, row in self.tables[model].items() if (model, key) not in self._hidden]
        if "active" in MODELS[model] and not archived and not named:
            rows = [row for row in rows if row["active"]]
        return sorted((row for row in rows if holds(domain, model, row, self.row)), key=lambda row: row["id"])

    def add(self, model: str, **values: Any) -> int:
        """A new record; its id."""
        with self.lock:
            self._last[model] += 1
            key = self._last[model]
            row: Row = dict.fromkeys(MODELS[model])
            row |= {"id": key, "create_date": self.now, **DEFAULTS.get(model, {})}
            self.tables[model][key] = row
            if self._open is not None:
                self._open.append((model, key))
            if model == "sale.order" and not values.get("name"):
                row["name"] = f"S{key:05d}"
            try:
                self.set(model, key, values)
            except OdooError:
                del self.tables[model][key]  # the transaction is rolled back
                raise
            return key

    def set(self, model: str, key: int, values: Mapping[str, Any]) -> None:
        """Write fields, as ``write`` of the API takes them, and what follows from them. Raises ``OdooError``."""
        with self.lock:
            row = self.must(model, key) if (model, key) not in (self._open or []) else self.tables[model][key]
            for field, value in values.items():
                self._put(model, row, field, value)
            if model == "res.partner":
                parent = row["parent_id"]
                row["commercial_partner_id"] = parent if parent and not row["is_company"] else key
                row["currency_id"] = self.company_currency
            if model == "crm.lead":
                row["company_currency"] = self.company_currency
            row["write_date"] = self.now
            self._recompute(model, row)

    def remove(self, model: str, key: int) -> None:
        """Delete a record and what hangs on it; nothing of it is left to see."""
        with self.lock:
            self.must(model, key)
            for field, kind in MODELS[model].items():
                if kind.startswith("o2m"):
                    for child in list(self.children(model, key, field)):
                        del self.tables[kind.split(":")[1]][child]
            del self.tables[model][key]

    def children(self, model: str, key: int, field: str) -> list[int]:
        """Ids of the records on the other side of a one2many."""
        _, other, inverse = MODELS[model][field].split(":")
        return [child for child in self._below[other, inverse, key] if child in self.tables[other]]

    def _put(self, model: str, row: Row, field: str, value: Any) -> None:
        kind = kind_of(model, field)
        if kind is None:
            raise value_error(f"Invalid field {field!r} in {model!r}")
        if field in _COMPUTED or (model, field) == ("res.partner", "commercial_partner_id"):
            return
        if is_many(kind):
            self._commands(model, row, field, kind, value)
            return
        row[field] = self._stored(model, field, kind, value)
        if (model, field) in _INVERSES and row[field] is not None:
            self._below[model, field, row[field]].append(row["id"])

    def _stored(self, model: str, field: str, kind: str, value: Any) -> Any:
        if value is None or (value is False and kind != "bool"):
            return 0.0 if kind == "float" else None
        other = other_model(kind)
        if other is not None:
            self.must(other, value)
            return value
        if kind == "datetime":
            return read_instant(value) if isinstance(value, str) else value
        if kind == "date":
            return value.isoformat() if isinstance(value, date) else str(value)
        if kind == "float" and isinstance(value, bool | str):
            raise value_error(f"could not convert {field} of {model} to float")
        if field == "probability" and not 0 <= value <= 100:
            raise OdooError("odoo.exceptions.ValidationError", "The probability must be between 0% and 100%!")
        return float(value) if kind == "float" else value

    def _commands(self, model: str, row: Row, field: str, kind: str, commands: Any) -> None:
        """``[0, 0, {…}]`` adds a record, ``[6, 0, ids]`` sets the whole list."""
        for command in commands or []:
            if command[0] == 0:
                _, other, inverse = kind.split(":")
                self.add(other, **{inverse: row["id"], **command[2]})
            elif command[0] == 6:
                row[field] = list(command[2])
            else:
                raise value_error(f"Command {command[0]} of {model}.{field} is not played here")

    def _recompute(self, model: str, row: Row) -> None:
        """Amounts of a line and of its document. A document whose amounts stay is not touched."""
        if model == "sale.order.line" and not row["display_type"]:
            net = round(
                (row["product_uom_qty"] or 0) * (row["price_unit"] or 0) * (1 - (row["discount"] or 0) / 100), 2
            )
            row["price_subtotal"], row["price_tax"] = net, round(net * _TAX, 2)
        if model == "account.move.line" and not row["price_subtotal"]:
            row["price_subtotal"] = round((row["quantity"] or 0) * (row["price_unit"] or 0), 2)
        if model == "sale.order.line":
            self._total(self.tables["sale.order"][row["order_id"]])

    def _total(self, order: Row) -> None:
        lines = [self.tables["sale.order.line"][key] for key in self.children("sale.order", order["id"], "order_line")]
        net = round(sum(line["price_subtotal"] or 0 for line in lines), 2)
        tax = round(sum(line["price_tax"] or 0 for line in lines), 2)
        if (order["amount_untaxed"], order["amount_tax"]) != (net, tax):
            order |= {"amount_untaxed": net, "amount_tax": tax, "amount_total": round(net + tax, 2)}
            order["write_date"] = self.now
