"""The values of a record as plain data: money as exact decimals, instants as ISO 8601, personal values veiled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console import veiled
from mappings.model import ENTITIES, Kind, columns
from reconciliation import money
from reconciliation.sections import instant

_BOOKKEEPING = frozenset({"system", "source_id", "url"})


def shown(row: Mapping[str, Any]) -> dict[str, str | bool | int]:
    """Field and value of a canonical row with its ``entity`` (``state.chains.rows``); empty fields are left out."""
    if not row:
        return {}
    return {
        column.name: _value(row, column.name, column.kind)
        for column in columns(ENTITIES[row["entity"]])
        if column.name not in _BOOKKEEPING and row.get(column.name) is not None
    }


def _value(row: Mapping[str, Any], name: str, kind: Kind) -> str | bool | int:
    value = row[name]
    if veiled.is_personal(row, name):
        return veiled.shown(row, name)
    if kind is Kind.INSTANT:
        return instant(value)
    if kind is Kind.MONEY:
        return str(money.text(value, row.get("currency")))
    if kind is Kind.FLAG:
        return bool(value)
    return int(value) if kind is Kind.INTEGER else str(value)
