"""Read a stream anew from a day on: what that will cost, and that somebody asked for it.

It is a pull with ``since``: records that we hold as they are are recognised by their hash and change nothing, and the
cursor goes on from where the pull ends. What was missed, or changed behind the cursor, is found.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from settings.model import Settings
    from state.store import Store

ACTION = "backfill started"
"""What the audit says of it."""
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""No record that anybody wants again is older."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a backfill of one stream is going to read, as far as the store can tell."""

    system: str
    stream: str
    held: int
    """Records that we hold."""
    since: int
    """Of these, changed in the window."""
    undated: int
    """Of these, without a time of change."""
    calls: int | None
    """As many as the last pulls needed for that many records; ``None`` if none of them brought any."""


def begin(settings: Settings, day: date) -> datetime | None:
    """The first instant of a day in the zone of business days; ``None`` if no window can begin there."""
    found = datetime.combine(day, datetime.min.time(), settings.business_day_zone)
    return found if EARLIEST <= found <= datetime.now(UTC) else None


def cost(store: Store, system: str, stream: str, since: datetime) -> Cost:
    """Count it; raises ``StoreError``."""
    from state import windows
    from state.clock import to_us

    with store.reading() as connection:
        found = windows.count(connection, system, stream, to_us(since))
        pace = windows.pace(connection, system, stream)
    calls = None
    if pace.records and pace.calls:
        calls = max(1, ceil((found.since + found.undated) * pace.calls / pace.records))
    return Cost(system, stream, *found, calls)


def note(store: Store, system: str, streams: list[str], since: datetime, actor: str) -> None:
    """Keep in the audit who had a window read anew; raises ``StoreError``."""
    from state import audit

    with store.transaction() as connection:
        audit.append(connection, actor, ACTION, {"system": system, "streams": streams, "since": since.isoformat()})
