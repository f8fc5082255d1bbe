"""How many calls to each system the runs since an instant made."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import select

from state.schema import run, stream_run

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


def since(connection: Connection, systems: Sequence[str], at: int) -> dict[str, int]:
    """Calls of the runs that began since ``at`` (microseconds), by system; those that go on with what they made so far.

    Calls of a connection check, or of a page of the mapping editor that asks a system, belong to no run.
    """
    query = (
        select(stream_run.c.system, stream_run.c.counts)
        .join(run, run.c.id == stream_run.c.run_id)
        .where(run.c.started_at >= at, stream_run.c.system.in_(systems))
    )
    made = dict.fromkeys(systems, 0)
    for row in connection.execute(query):
        made[row.system] += json.loads(row.counts).get("calls", 0)
    return made
