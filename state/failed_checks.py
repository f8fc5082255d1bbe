"""Systems whose connection was saved although its check had failed, until a check passes."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.engine import Connection

from state import bulk
from state.clock import now_us
from state.schema import failed_check as table


def note(connection: Connection, system: str, *, failed: bool) -> None:
    """Keep that the check of what was saved of a system has failed, or forget it once one has passed."""
    if failed:
        bulk.upsert(connection, table, ("system", "at"), [(system, now_us())], ("system",))
    else:
        connection.execute(table.delete().where(table.c.system == system))


def read(connection: Connection) -> dict[str, int]:
    """When such checks were (microseconds), by system."""
    return {row.system: row.at for row in connection.execute(select(table))}
