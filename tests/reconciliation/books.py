"""Small worlds for reconciliation: put canonical records straight into a store, in people's units."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from mappings.currencies import EXPONENTS
from mappings.model import ENTITIES, LINES, Kind, columns
from reconciliation import frame
from reconciliation.linking import link
from reconciliation.rules import Rules
from sandbox.world.rates import RATES
from sandbox.world.records import Fault
from settings.model import Settings
from state import bulk, cursors, schema
from state.clock import to_us
from state.store import Store

_WITHOUT_MONEY = ("lead", "party", "product", "delivery", "service_case")
AS_OF = datetime(2026, 10, 31, 10, 0, tzinfo=UTC)
SYSTEMS = {"forms": "marketing", "crm": "crm", "erp": "erp", "books": "accounting", "desk": "service"}
HOME = {
    "lead": "crm",
    "opportunity": "crm",
    "quote": "crm",
    "party": "erp",
    "product": "erp",
    "order": "erp",
    "delivery": "erp",
    "invoice": "books",
    "payment": "books",
    "service_case": "desk",
}
_BARE = {
    "forms": ("lead",),
    "crm": ("party", "product", "lead", "opportunity", "quote"),
    "erp": ("party", "product", "order", "delivery"),
}
_BARE |= {"books": ("party", "invoice", "payment"), "desk": ("party", "service_case")}


def settings(**changes: Any) -> Settings:
    """Five systems, China time, a fixed business day."""
    values: dict[str, Any] = {
        "version": 1,
        "timezone": "Asia/Shanghai",
        "as_of": AS_OF,
        "systems": {name: {"connector": "none", "roles": [role]} for name, role in SYSTEMS.items()},
        "reconciliation": {
            "tolerance": {"absolute": {"CNY": "0.05"}, "relative": "0"},
            "rates": {"USD": "7.1", "EUR": "8", "JPY": "0.05"},
        },
    }
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(values.get(key), dict):
            values[key] = {**values[key], **value}
        else:
            values[key] = value
    return Settings.model_validate(values)


class Books:
    """Collects records and writes them; the same source id again replaces the record."""

    def __init__(self, store: Store, complete: bool = True) -> None:
        self.store = store
        self.ids: dict[tuple[str, str, str], int] = {}
        self._streams: dict[tuple[str, str], int] = {}
        self._heads: dict[int, tuple[Any, ...]] = {}
        self._rows: dict[str, dict[int, tuple[Any, ...]]] = {}
        self._lines: dict[str, dict[int, list[tuple[Any, ...]]]] = {}
        if complete:
            for system, entities in _BARE.items():
                for entity in entities:
                    self.stream_id(system, entity)

    def add(
        self,
        entity: str,
        source_id: str,
        *,
        system: str | None = None,
        deleted: bool = False,
        lines: list[dict[str, Any]] | None = None,
        **fields: Any,
    ) -> int:
        """One record; money in major units, days and instants as such, references as text or list. Returns its id."""
        system = system or HOME[entity]
        stream = self.stream_id(system, entity)
        record_id = self.ids.setdefault((system, entity, source_id), len(self.ids) + 1)
        fields = fields if entity in _WITHOUT_MONEY else {"currency": "CNY", **fields}
        values = {"system": system, "source_id": source_id, **fields}
        kinds = columns(ENTITIES[entity])
        unknown = set(values) - {column.name for column in kinds}
        assert not unknown, f"{entity} has no {unknown}"
        row = tuple(_stored(column.kind, values.get(column.name), values.get("currency")) for column in kinds)
        self._rows.setdefault(entity, {})[record_id] = (record_id, *row, int(deleted))
        if entity in LINES:
            made = []
            for number, line in enumerate(lines or [], 1):
                given = {"line_no": number, **line}
                cells = (
                    _stored(column.kind, given.get(column.name), values.get("currency"))
                    for column in columns(LINES[entity].model)
                )
                made.append((record_id, *cells))
            self._lines.setdefault(entity, {})[record_id] = made
        self._heads[record_id] = (record_id, stream, source_id, b"", None, 1, 2 if deleted else 0)
        return record_id

    def save(self) -> None:
        """Write everything collected so far."""
        with self.store.transaction() as connection:
            names = tuple(column.name for column in schema.record.columns)
            bulk.upsert(connection, schema.record, names, list(self._heads.values()), ("id",))
            for entity, rows in self._rows.items():
                table = schema.canonical[entity]
                names = tuple(column.name for column in table.columns)
                bulk.upsert(connection, table, names, list(rows.values()), ("record_id",))
            for entity, lines in self._lines.items():
                table = schema.lines[entity]
                bulk.delete(connection, table, "record_id", list(lines))
                names = tuple(column.name for column in table.columns)
                bulk.insert(connection, table, names, [line for made in lines.values() for line in made])

    def stream_id(self, system: str, entity: str) -> int:
        """The id of the stream of an entity."""
        key = (system, entity)
        if key not in self._streams:
            self._streams[key] = len(self._streams) + 1
            with self.store.transaction() as connection:
                row = (self._streams[key], system, f"{entity}_list", entity)
                bulk.insert(connection, schema.stream, ("id", "system", "name", "entity"), [row])
                covered = to_us(AS_OF)
                cursors.write(
                    connection, self._streams[key], {}, complete=True, covered_until=covered, run_id="r0", fence=0
                )
        return self._streams[key]


def _stored(kind: Kind, value: Any, currency: Any) -> Any:
    if value is None:
        return None
    if kind is Kind.MONEY:
        return int(Decimal(str(value)).scaleb(EXPONENTS[currency or "CNY"]))
    if kind is Kind.DAY:
        return value.isoformat() if isinstance(value, date) else value
    if kind is Kind.INSTANT:
        return to_us(value)
    if kind is Kind.NUMBER:
        return f"{Decimal(str(value)):f}"
    if kind in (Kind.FLAG, Kind.INTEGER):
        return int(value)
    if kind is Kind.REFS and not isinstance(value, str):
        return "\n".join(value) or None
    return value


def linked(books: Books, run_id: str = "run-1") -> None:
    """Write the records and find their links, no more."""
    books.save()
    with frame.load(books.store, Rules.of(settings()), links=False) as loaded:
        link(loaded, books.store, run_id)


def line(sku: str | None, quantity: Any, price: Any, **more: Any) -> dict[str, Any]:
    """A priced line; its net amount is the exact product."""
    net = Decimal(str(quantity)) * Decimal(str(price))
    return {"sku": sku, "quantity": quantity, "unit_price": price, "net_amount": net, **more}


def at_our_rates(fault: Fault) -> Fault:
    """The fault with its difference of two currencies at the euro of these settings, not of the demo's."""
    if fault.story != "billed in the wrong currency" or fault.amount is None:
        return fault
    ours = settings().reconciliation.rates["EUR"]
    return replace(fault, amount=fault.amount / (RATES["EUR"] - 1) * (ours - 1))
