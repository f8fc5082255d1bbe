"""What reconciliations came to, from stamp to stamp: a figure is written when it differs from what stands.

So a run that finds nothing new writes nothing, and what stood at any stamp can be read. ``kind`` and ``key`` name a
figure; its value is JSON with amounts in minor units.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.engine import Connection

from state import bulk
from state.schema import figure as table

Value = Any

_COLUMNS = ("kind", "key", "at", "run_id", "value")


def standing(connection: Connection, kind: str, at: int | None = None) -> dict[str, Value]:
    """The figures of a kind by key, in the order of the keys; with ``at`` (a stamp) those that stood then."""
    return {key: json.loads(value) for key, value in _texts(connection, kind, at).items()}


def some(connection: Connection, kind: str, keys: Collection[str]) -> dict[str, Value]:
    """The figures of a kind that stand under some keys; few, as a page shows them."""
    newest = select(func.max(table.c.id)).where(table.c.kind == kind, table.c.key.in_(keys)).group_by(table.c.key)
    rows = connection.execute(select(table.c.key, table.c.value).where(table.c.id.in_(newest)))
    return {row.key: json.loads(row.value) for row in rows if row.value}


def containing(connection: Connection, kind: str, texts: Collection[str]) -> list[Value]:
    """The figures of a kind that stand and in whose JSON one of these texts is, in the order of the keys.

    It is a sieve: the database compares letters regardless of their case, and a text may be anywhere in the JSON.
    """
    newest = select(func.max(table.c.id)).where(table.c.kind == kind).group_by(table.c.key)
    said = or_(*(table.c.value.contains(text, autoescape=True) for text in texts))
    rows = connection.execute(select(table.c.key, table.c.value).where(table.c.id.in_(newest), said)) if texts else ()
    return [json.loads(row.value) for row in sorted(rows)]


def differ(connection: Connection, kind: str, figures: Mapping[str, Value]) -> dict[str, str]:
    """What has to be written so that exactly ``figures`` stand: key → JSON, empty for one that goes."""
    stood = _texts(connection, kind, None)
    wanted = {key: _json(value) for key, value in figures.items()}
    found = {key: text for key, text in wanted.items() if stood.get(key) != text}
    return found | dict.fromkeys(stood.keys() - wanted.keys(), "")


def write(connection: Connection, kind: str, changes: Mapping[str, str], run_id: str, at: int) -> None:
    """Write what ``differ`` found; ``at`` is the transaction's stamp."""
    rows = [(kind, key, at, run_id, text) for key, text in sorted(changes.items())]
    bulk.insert(connection, table, _COLUMNS, rows)


def _texts(connection: Connection, kind: str, at: int | None) -> dict[str, str]:
    newest = select(func.max(table.c.id)).where(table.c.kind == kind)
    if at is not None:
        newest = newest.where(table.c.at <= at)
    query = select(table.c.key, table.c.value).where(table.c.id.in_(newest.group_by(table.c.key)))
    found = {row.key: row.value for row in connection.execute(query) if row.value}
    return dict(sorted(found.items()))  # databases sort texts differently


def _json(value: Value) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
