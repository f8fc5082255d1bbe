"""Tie-outs as stored: one row per run, name and currency, written only when the figures have changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection

from state import bulk
from state.schema import run as run_table
from state.schema import tie_out as table

TieOut = dict[str, Any]
"""One tie-out as in the report format, with ``name`` and ``currency``; amounts in minor units."""


def latest(connection: Connection) -> list[TieOut]:
    """The current figures, by name and currency; empty before the first reconciliation."""
    run_id = newest_run(connection)
    return [] if run_id is None else of_run(connection, run_id)


def newest_run(connection: Connection) -> str | None:
    """The run that wrote the current figures."""
    newest = (
        select(table.c.run_id)
        .join(run_table, run_table.c.id == table.c.run_id, isouter=True)
        .order_by(run_table.c.started_at.desc(), table.c.run_id.desc())
        .limit(1)
    )
    return connection.execute(newest).scalar()


def of_run(connection: Connection, run_id: str) -> list[TieOut]:
    """What a run wrote; empty if it found the figures of the run before."""
    query = select(table.c.result).where(table.c.run_id == run_id).order_by(table.c.name, table.c.currency)
    return [json.loads(row.result) for row in connection.execute(query)]


def write(connection: Connection, run_id: str, tie_outs: Sequence[TieOut]) -> bool:
    """Keep the figures of a run if they differ from the current ones; returns whether anything was written."""
    ordered = sorted(tie_outs, key=lambda item: (item["name"], item["currency"]))
    if latest(connection) == ordered:
        return False
    connection.execute(table.delete().where(table.c.run_id == run_id))  # a run may reconcile twice
    rows = [(run_id, item["name"], item["currency"], json.dumps(item, sort_keys=True)) for item in ordered]
    bulk.insert(connection, table, ("run_id", "name", "currency", "result"), rows)
    return True
