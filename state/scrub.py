"""Take values out of texts, of the bytes of records, and of every text of the store that people may have written.

Ids, references, numbers of documents, statuses and who worked here are left alone: by them the store hangs together.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import Table, Text, bindparam, select, tuple_, update
from sqlalchemy.engine import Connection

from mappings import personal
from mappings.engine import decode
from mappings.errors import ERASED
from mappings.model import ENTITIES, LINES, TABLES, Kind, columns
from state import schema
from state.bodies import pack, unpack
from state.erasure import of_phone
from state.store import Store

_BATCH = 2_000
_SEPARATED = r"[\s().\-/]*"
_UNREADABLE = (ValueError, RecursionError)

_NOT_TEXTS = {
    schema.landing,
    schema.audit,
    schema.record,
    schema.stream,
    schema.cursor,
    schema.counter,
    schema.lease,
    schema.pruned,
    schema.tombstone,
    schema.erased_record,
    schema.erasure_key,
    schema.period_document,
    schema.attachment,
}
_STAYS = frozenset(
    (
        *("system", "stream", "entity", "source_id", "status", "source_status", "currency", "kind", "idempotency_key"),
        *("plan_id", "run_id", "mapping", "sent_hash", "left_entity", "right_entity", "method", "choice", "why"),
        "became",
        *("actor", "assignee", "approver", "approved_by", "large_approved_by", "decided_by", "locked_by"),
        *("discarded_by", "discarded_mapping", "corrected_by"),
        *("rule", "key", "origin_system", "origin_stream", "origin_entity", "origin_source_id", "made_source_id"),
        *("accepted_by", "waived_until", "since", "check_id", "stage", "department", "severity", "due_on"),
        *("closed_by", "reopened_by", "inputs_hash", "figures_hash"),
    )
)


class Scrubber:
    """Knows the values to be taken out; ``ids`` are texts that stay where they are all there is."""

    def __init__(self, values: Iterable[str], ids: Iterable[str] = ()) -> None:
        self._ids = frozenset(ids)
        patterns = {pattern for value in values for pattern in _patterns(value)}
        together = "|".join(sorted(patterns, key=lambda item: (-len(item), item)))
        self._found = re.compile(together, re.IGNORECASE) if patterns else None

    def text(self, value: str) -> str:
        """The text without the values."""
        if self._found is None or value in self._ids:
            return value
        return self._found.sub(ERASED, value)

    def hits(self, value: str) -> bool:
        """Whether one of the values is in a text."""
        return self._found is not None and value not in self._ids and self._found.search(value) is not None

    def body(self, body: bytes) -> bytes | None:
        """A record's bytes without the values; ``None`` if they hold none of them."""
        if self._found is None or not body:
            return None
        if b"\\u" not in body and self._found.search(body.decode("utf-8", "replace")) is None:
            return None
        try:
            document = decode(body)
        except _UNREADABLE:
            return self.text(body.decode("utf-8", "replace")).encode() if b"\\u" not in body else b"{}"
        changed = self._value(document)
        return personal.encode(changed) if changed != document else None

    def _value(self, value: Any) -> Any:
        if type(value) is dict:
            return {key: self._value(item) for key, item in value.items()}
        if type(value) is list:
            return [self._value(item) for item in value]
        return self.text(value) if type(value) is str else value


def _patterns(value: str) -> Iterator[str]:
    value = " ".join(value.split())
    if len(value) < 2:
        return
    phone = of_phone(value)
    if phone is not None and not re.search(r"[^\d\s()+.\-/]", value):
        digits = _SEPARATED.join(phone.value)
        yield rf"(?<!\d)\+?(?:(?:00)?86{_SEPARATED})?(?:0+{_SEPARATED})?{digits}(?!\d)"
        return
    for written in {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}:
        inner = r"\s+".join(re.escape(part) for part in written.split())
        yield f"{_edge(written[0], '<')}{inner}{_edge(written[-1], '')}"


def _edge(char: str, side: str) -> str:
    """Words end where letters end; Chinese ones do not."""
    return rf"(?{side}!\w)" if char.isalnum() and ord(char) < 0x2E80 else ""


class Place(NamedTuple):
    """The texts of one table."""

    table: Table
    keys: tuple[str, ...]
    texts: tuple[str, ...]


def places() -> list[Place]:
    """Every text of the store that may hold a value of a record or the words of a person."""
    found = []
    for table in schema.metadata.sorted_tables:
        keys = tuple(column.name for column in table.primary_key)
        texts = tuple(
            str(column.name)
            for column in table.columns
            if isinstance(column.type, Text) and column.name not in keys and _is_free(table, str(column.name))
        )
        if texts and table not in _NOT_TEXTS:
            found.append(Place(table, keys, texts))
    return found


def _is_free(table: Table, name: str) -> bool:
    model = _MODELS.get(str(table.name))
    if model is not None:
        return name in model
    return name not in _STAYS


def _free(model: Any) -> frozenset[str]:
    stays = {*_STAYS, "number", "owner_ref", "sku", "source_line_id", "url"}
    return frozenset(item.name for item in columns(model) if item.kind is Kind.TEXT and item.name not in stays)


_MODELS = {TABLES[entity]: _free(model) for entity, model in ENTITIES.items()}
_MODELS |= {line.table: _free(line.model) for line in LINES.values()}


def scrub(store: Store, scrubber: Scrubber, *, write: bool) -> dict[str, int]:
    """Take the values out of every text; returns in how many rows of which table they were. Raises ``StoreError``.

    Without ``write`` it only counts.
    """
    found: dict[str, int] = {}
    for place in places():
        last: tuple[Any, ...] | None = None
        while True:
            with store.transaction() if write else store.reading() as connection:
                rows = _next(connection, place, last, write)
                hit = [row for row in rows if any(scrubber.hits(row[name]) for name in place.texts if row[name])]
                if write:
                    replace(connection, place, hit, scrubber)
            if hit:
                found[str(place.table.name)] = found.get(str(place.table.name), 0) + len(hit)
            if len(rows) < _BATCH:
                break
            last = tuple(rows[-1][name] for name in place.keys)
    return found


def replace(connection: Connection, place: Place, rows: Iterable[Any], scrubber: Scrubber) -> None:
    """Write rows of a table (as mappings) again without the values."""
    table = place.table
    match = [table.c[name] == bindparam(f"key_{name}") for name in place.keys]
    changes = [
        {
            **{f"key_{name}": row[name] for name in place.keys},
            **{f"new_{name}": row[name] and scrubber.text(row[name]) for name in place.texts},
        }
        for row in rows
    ]
    if changes:
        values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in place.texts}
        connection.execute(update(table).where(*match).values(values), changes)


def _next(connection: Connection, place: Place, last: tuple[Any, ...] | None, write: bool) -> list[Any]:
    keys = [place.table.c[name] for name in place.keys]
    query = select(*keys, *(place.table.c[name] for name in place.texts)).order_by(*keys).limit(_BATCH)
    if last is not None:
        query = query.where(tuple_(*keys) > tuple_(*(bindparam(None, value) for value in last)))
    if write and connection.dialect.name == "postgresql":
        query = query.with_for_update()
    return list(connection.execute(query).mappings())


def scrub_bodies(store: Store, scrubber: Scrubber, but: frozenset[int], *, write: bool) -> int:
    """Take the values out of the raw versions of all records ``but`` these; returns in how many they were."""
    table = schema.landing
    keys = (table.c.record_id, table.c.seq)
    last, found = (0, 0), 0
    while True:
        with store.transaction() if write else store.reading() as connection:
            query = select(*keys, table.c.body).where(tuple_(*keys) > last).order_by(*keys).limit(_BATCH)
            rows = connection.execute(query).all()
            changed = []
            for row in rows:
                place = (row.record_id, row.seq)
                body = None if row.record_id in but else scrubber.body(unpack(connection, *place, row.body))
                if body is not None:
                    packed = pack(connection, *place, body)
                    changed.append({"key_record": row.record_id, "key_seq": row.seq, "new_body": packed})
            if write and changed:
                match = (table.c.record_id == bindparam("key_record"), table.c.seq == bindparam("key_seq"))
                connection.execute(update(table).where(*match).values(body=bindparam("new_body")), changed)
        found += len(changed)
        if len(rows) < _BATCH:
            return found
        last = (rows[-1].record_id, rows[-1].seq)


def audit_rows(store: Store, scrubber: Scrubber) -> list[int]:
    """The audit rows whose details hold one of the values."""
    table = schema.audit
    with store.reading() as connection:
        rows = connection.execute(select(table.c.id, table.c.detail), execution_options={"yield_per": _BATCH})
        return [int(row.id) for row in rows if scrubber.hits(row.detail)]
