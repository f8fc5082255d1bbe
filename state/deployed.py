"""Which schedules ``ltc deploy`` put on the Prefect server last: what ltc.yaml says now need not be there yet."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from sqlalchemy import delete, select
from sqlalchemy.engine import Connection

from state import bulk
from state.clock import now_us
from state.schema import counter

_NAME = "deployed "
"""Begins the names of the counters; after it stand the system and the mark. Their value is when, in microseconds."""


def mark(*said: str | int | None) -> str:
    """What a schedule is known by, made of all that it says."""
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


def keep(connection: Connection, marks: Mapping[str, str]) -> None:
    """Keep the marks of the schedules that are deployed now, by system; those of earlier ones go."""
    connection.execute(delete(counter).where(counter.c.name.startswith(_NAME)))
    rows = [(f"{_NAME}{system} {marked}", now_us()) for system, marked in marks.items()]
    if rows:
        bulk.upsert(connection, counter, ("name", "value"), rows, ("name",))


def read(connection: Connection) -> dict[str, str]:
    """The marks by system, of each the newest (a restore may bring earlier ones); empty if nothing was deployed."""
    query = select(counter.c.name).where(counter.c.name.startswith(_NAME)).order_by(counter.c.value)
    found = (name.removeprefix(_NAME).rpartition(" ") for name in connection.execute(query).scalars())
    return {system: marked for system, _, marked in found}
