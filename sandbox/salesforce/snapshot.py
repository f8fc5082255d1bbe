"""Keep an org's records in one JSON file, so that a stopped demo comes back as it was left."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from sandbox.salesforce.org import Org, Record
from sandbox.salesforce.schema import SObject
from sandbox.salesforce.values import accept, encode, shown


class _Saved(msgspec.Struct):
    tables: dict[str, list[dict[str, Any]]]
    delete_log: list[tuple[str, str, datetime]]
    numbers: dict[str, int]


def save(org: Org, path: Path) -> None:
    """Write an org's records; the file is replaced in one step."""
    with org.lock:
        tables = {
            name: [_written(org.objects[name], record) for record in table.values()]
            for name, table in org.tables.items()
        }
        content = encode(_Saved(tables, org.delete_log, org.numbers))
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_name(path.name + ".new")
    written.write_bytes(content)
    written.replace(path)


def load(org: Org, path: Path) -> None:
    """Replace an org's records by saved ones."""
    saved = msgspec.json.Decoder(_Saved).decode(path.read_bytes())
    with org.lock:
        for name, records in saved.tables.items():
            org.tables[name] = {record["Id"]: _read(org.objects[name], record) for record in records}
        org.delete_log = list(saved.delete_log)
        org.numbers = saved.numbers
        org.reindex()


def _written(sobject: SObject, record: Record) -> Record:
    return {key: shown(sobject.fields[key], value) if key in sobject.fields else value for key, value in record.items()}


def _read(sobject: SObject, record: Record) -> Record:
    return {
        key: accept(sobject.fields[key], value) if key in sobject.fields else value for key, value in record.items()
    }
