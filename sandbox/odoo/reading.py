"""What the stand-in shows of records: the types of JSON, and nested reads by a specification."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sandbox.odoo.database import Database
from sandbox.odoo.domains import Row
from sandbox.odoo.errors import value_error
from sandbox.odoo.schema import is_many, kind_of, other_model


def shown(database: Database, model: str, row: Row, fields: Iterable[str], *, names: bool) -> dict[str, Any]:
    """Fields of one record as ``read`` gives them; ``names``: a many2one as ``[id, display_name]``."""
    made: dict[str, Any] = {"id": row["id"]}
    for field in fields:
        made[field] = _value(database, model, row, field, names=names)
    return made


def by_specification(
    database: Database, model: str, row: Row, specification: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """One record as ``web_read`` gives it: relations with a ``fields`` table are read in their turn."""
    made: dict[str, Any] = {"id": row["id"]}
    for field, told in specification.items():
        value = _value(database, model, row, field, names=False)
        other = other_model(kind_of(model, field) or "")
        if other is not None and "fields" in told and value is not False:
            keys = value if isinstance(value, list) else [value]
            nested = [by_specification(database, other, database.tables[other][key], told["fields"]) for key in keys]
            value = nested if isinstance(value, list) else nested[0]
        made[field] = value
    return made


def _value(database: Database, model: str, row: Row, field: str, *, names: bool) -> Any:
    kind = kind_of(model, field)
    if kind is None:
        raise value_error(f"Invalid field {field!r} on model {model!r}")
    if field == "display_name":
        return row.get("name") or False
    if kind.startswith("o2m"):
        return database.children(model, row["id"], field)
    value = row.get(field)
    if is_many(kind):
        return list(value or [])
    if value is None:
        # Odoo shows no empty number: those are zero.
        return 0.0 if kind == "float" else False
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    other = other_model(kind)
    if other is not None and names:
        return [value, database.tables[other][value].get("name") or False]
    return value
