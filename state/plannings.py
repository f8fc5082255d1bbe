"""Plannings of one system, numbered: one that looked before another was kept must look again before it is.

Else a process that hung would replace the plan that another has made of newer records meanwhile, and nobody would plan
anew: there is no news.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import bindparam, select
from sqlalchemy.engine import Connection

from state import bulk
from state.failures import StoreError
from state.schema import counter

T = TypeVar("T")

WRITES, RECORDS = "plan", "new records"
"""What is planned: write-backs, and records to create."""
_TRIES = 20
_NUMBER = select(counter.c.value).where(counter.c.name == bindparam("called"))


class Overtaken(StoreError):
    """Another process has planned for the system since this one looked."""

    kind = "busy"

    def __init__(self, system: str) -> None:
        super().__init__(f"Others are planning for {system} again and again.", "Run it again in a moment.")


def number(connection: Connection, what: str, system: str) -> int:
    """The number of the last planning that was kept; take it before looking at what is to be planned."""
    return int(connection.execute(_NUMBER, {"called": f"{what} {system}"}).scalar() or 0)


def keep(connection: Connection, what: str, system: str, seen: int) -> None:
    """Number the planning that is kept in this transaction; raises ``Overtaken`` if ``seen`` is not the last one."""
    if number(connection, what, system) != seen:
        raise Overtaken(system)
    bulk.upsert(connection, counter, ("name", "value"), [(f"{what} {system}", seen + 1)], ("name",))


def until_kept(planning: Callable[[], T]) -> T:
    """Plan, and plan again for as long as others were faster; raises ``Overtaken`` after many times."""
    for _ in range(_TRIES):
        try:
            return planning()
        except Overtaken:
            continue
    return planning()
