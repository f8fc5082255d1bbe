"""Systems and streams that people have paused: nothing is read from them or written to them until they are resumed.

What chooses the work looks here (``sync.session``); reading and writing themselves know nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.engine import Connection

from state import audit, bulk
from state.clock import now_us
from state.decisions import DecisionError
from state.schema import pause as table

ACTIONS = ("paused", "resumed")
"""What the audit says of it; neither changes what a reconciliation comes to."""
WHOLE = "*"
"""Stands for all streams of a system, and for what is written to it."""
LONGEST_REASON = 1000

_COLUMNS = ("system", "stream", "paused_by", "paused_at", "reason")
_ALL = select(*(table.c[name] for name in _COLUMNS)).order_by(table.c.system, table.c.stream)  # every run asks


class PauseError(DecisionError):
    """It cannot be paused or resumed as asked."""

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class Pause(NamedTuple):
    """What is paused, by whom, since when (microseconds) and why; ``stream`` is ``*`` for a whole system."""

    system: str
    stream: str
    paused_by: str
    paused_at: int
    reason: str

    @property
    def what(self) -> str:
        """``system``, or ``system.stream``."""
        return self.system if self.stream == WHOLE else f"{self.system}.{self.stream}"


class Pauses:
    """Everything that is paused at one instant."""

    def __init__(self, rows: Iterable[Pause] = ()) -> None:
        self._rows = {(row.system, row.stream): row for row in rows}

    def __iter__(self) -> Iterator[Pause]:
        return iter(self._rows.values())

    def of(self, system: str, stream: str = WHOLE) -> Pause | None:
        """Why nothing happens there: the system is paused, or this stream of it is."""
        return self._rows.get((system, WHOLE)) or self._rows.get((system, stream))

    def own(self, system: str, stream: str = WHOLE) -> Pause | None:
        """Exactly this one, whatever the system as a whole is."""
        return self._rows.get((system, stream))

    def among(self, system: str, streams: Iterable[str]) -> Pause | None:
        """Why nothing is written: the system is paused, or one of these streams of it is."""
        return next((found for name in (WHOLE, *streams) if (found := self.of(system, name)) is not None), None)


def read(connection: Connection) -> Pauses:
    """All of them, by system and stream."""
    return Pauses(Pause(*row) for row in connection.execute(_ALL))


def pause(connection: Connection, system: str, stream: str, actor: str, reason: str) -> Pause:
    """Pause a stream, or with ``WHOLE`` a system; a second time replaces the reason.

    What is at work there goes on to its end. Raises ``PauseError`` without a reason.
    """
    said = reason.strip()
    if not said or len(said) > LONGEST_REASON:
        what = f"Say why, in at most {LONGEST_REASON} characters: others will ask."
        raise PauseError(what, "Add `--reason TEXT`.", "pause_reason", most=LONGEST_REASON)
    row = Pause(system, stream, actor, now_us(), said)
    bulk.upsert(connection, table, _COLUMNS, [row], ("system", "stream"))
    audit.append(connection, actor, ACTIONS[0], {"system": system, "stream": stream, "reason": said})
    return row


def resume(connection: Connection, system: str, stream: str, actor: str) -> Pause:
    """Let it go on; raises ``PauseError`` if it is not paused."""
    row = read(connection).own(system, stream)
    if row is None:
        what = system if stream == WHOLE else f"{system}.{stream}"
        raise PauseError(f"{what} is not paused.", "`ltc status` shows what is.", "not_paused", what=what)
    connection.execute(table.delete().where(table.c.system == system, table.c.stream == stream))
    audit.append(connection, actor, ACTIONS[1], {"system": system, "stream": stream})
    return row
