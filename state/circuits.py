"""Systems that rest: not asked for a while, after several runs in a row got no answer from them, or a refusal.

Nothing is kept for it: the runs say it. What a person starts asks a resting system all the same, and one stream that
was read ends its rest. Reads rest only after reads that failed: a system that refuses a write, such as one that this
account may not make, can be read all the same. Writes rest after failures of either, as what cannot be read is not
written either. Asking again and again with a password that is wrong locks accounts, and a system that comes back up is
not helped by everybody who waits for it.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import bindparam, func, or_, select
from sqlalchemy.engine import Connection

from state.schema import stream_run as table

AFTER = 3
"""So many runs in a row make a system rest."""
FIRST_US, LONGEST_US = 5 * 60 * 1_000_000, 60 * 60 * 1_000_000
"""How long it rests after that many runs, and at most; after each further run twice as long as before."""
_KINDS = ("unreachable", "unanswered", "transient", "auth")
"""No answer, failures of the system's own, refused credentials."""
_READS = ("fetch", "pull", "sweep")
_ASKS = (*_READS, "push", "create")

_works = (
    select(table.c.system, func.max(table.c.started_at).label("at"))
    .where(table.c.status == "done", table.c.direction.in_(_ASKS))
    .group_by(table.c.system)
    .subquery()
)
_FAILED = (
    select(table.c.system, table.c.run_id, table.c.ended_at, table.c.error_kind, table.c.message, table.c.remedy)
    .outerjoin(_works, _works.c.system == table.c.system)
    .where(table.c.status == "failed", table.c.error_kind.in_(_KINDS))
    .where(table.c.direction.in_(bindparam("directions", expanding=True)))
    .where(or_(_works.c.at.is_(None), table.c.started_at > _works.c.at))
    .order_by(table.c.ended_at, table.c.run_id)
)


_LAST_KIND = (
    select(table.c.error_kind)
    .where(table.c.system == bindparam("of"), table.c.stream == bindparam("stream"), table.c.direction.in_(_ASKS))
    .order_by(table.c.started_at.desc())
    .limit(1)
)


class Circuit(NamedTuple):
    """What the last runs in a row that a system failed say; instants in microseconds."""

    system: str
    runs: int
    since: int
    """When the first of them ended."""
    until: int
    """Until when it rests; with too few runs when the last one ended."""
    kind: str
    message: str
    remedy: str

    def state(self, now: int) -> str:
        """``open``: it rests; ``half_open``: the next run tries it; ``closed``: it is asked as always."""
        if self.runs < AFTER:
            return "closed"
        return "open" if now < self.until else "half_open"


def was_silent(connection: Connection, system: str, stream: str) -> bool:
    """Whether the last run that asked for a stream got no answer in time."""
    return connection.execute(_LAST_KIND, {"of": system, "stream": stream}).scalar() == "unanswered"


def read(connection: Connection, *, writing: bool = False) -> dict[str, Circuit]:
    """The systems that failed their last run, by name; all others are asked as always.

    What counts are reads that failed, and for ``writing`` write-backs and new records, too.
    """
    found: dict[str, Circuit] = {}
    runs: dict[str, set[str]] = {}
    for row in connection.execute(_FAILED, {"directions": _ASKS if writing else _READS}):
        seen = runs.setdefault(row.system, set())
        seen.add(row.run_id)
        since = found[row.system].since if row.system in found else row.ended_at
        rest = min(FIRST_US << min(len(seen) - AFTER, 10), LONGEST_US) if len(seen) >= AFTER else 0
        told = (row.error_kind, row.message or "", row.remedy or "")
        found[row.system] = Circuit(row.system, len(seen), since, row.ended_at + rest, *told)
    return found
