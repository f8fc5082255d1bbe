"""How many calls went to each system: those of runs, of connection checks, and of pages and commands that ask a system.

They are counted by quarters of an hour, at which a day begins in every time zone, and forgotten after two days. A run
notes its calls now and then while it goes on; what a process that was killed had not noted yet is not counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite

from state.clock import now_us
from state.failures import StoreError
from state.schema import call_count as table

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from state.store import Store

_QUARTER_US = 15 * 60 * 1_000_000
_KEPT_US = 48 * 60 * 60 * 1_000_000
_KEYS = (table.c.system, table.c.quarter)
_FORGET = table.delete().where(table.c.quarter < bindparam("before"))


class Stats(Protocol):
    """What a connector counts (``connectors.contract.CallStats``)."""

    calls: int


def note(connection: Connection, made: Mapping[str, int]) -> None:
    """Add calls, by system, to those of the present quarter of an hour."""
    rows = [{"system": name, "calls": calls} for name, calls in sorted(made.items()) if calls]
    if not rows:
        return
    now = now_us()
    quarter = now - now % _QUARTER_US
    connection.execute(_add(connection.dialect.name), [{**row, "quarter": quarter} for row in rows])
    connection.execute(_FORGET, {"before": now - _KEPT_US})


@cache
def _add(dialect: str) -> sqlite.Insert | postgresql.Insert:
    if dialect == "postgresql":
        row = postgresql.insert(table)
        return row.on_conflict_do_update(index_elements=_KEYS, set_={"calls": table.c.calls + row.excluded.calls})
    other = sqlite.insert(table)
    return other.on_conflict_do_update(index_elements=_KEYS, set_={"calls": table.c.calls + other.excluded.calls})


@contextmanager
def counted(store: Store, system: str, stats: Stats) -> Iterator[None]:
    """Note the calls that are made in the block; that they cannot be noted fails nothing."""
    before = stats.calls
    try:
        yield
    finally:
        made = {system: stats.calls - before}
        if made[system]:
            with suppress(StoreError), store.transaction() as connection:
                note(connection, made)


def since(connection: Connection, systems: Sequence[str], at: int) -> dict[str, int]:
    """Calls since an instant (microseconds, the start of a quarter of an hour), by system."""
    query = (
        select(table.c.system, func.sum(table.c.calls).label("made"))
        .where(table.c.quarter >= at, table.c.system.in_(systems))
        .group_by(table.c.system)
    )
    return {**dict.fromkeys(systems, 0), **{row.system: int(row.made) for row in connection.execute(query)}}
