"""Read a stream anew from a day on: what that will cost, and that somebody asked for it.

It is a pull with ``since``: records that we hold as they are are recognised by their hash and change nothing, and the
cursor goes on from where the pull ends. What was missed, or changed behind the cursor, is found.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from settings.model import Settings
    from state.store import Store
    from state.windows import Pace

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
    """By the pages that the connector reads, and what its pulls have needed for each; ``None`` if neither is known."""
    whole: bool
    """Whether the source cannot be asked for what changed since then, so that all records are read."""


class _Reading(NamedTuple):
    """How a connector reads a stream."""

    whole: bool = False
    """It cannot ask for what changed since an instant."""
    page_size: int | None = None
    """Records per call; ``None`` where the settings do not say."""


def begin(settings: Settings, day: date) -> datetime | None:
    """The first instant of a day in the zone of business days; ``None`` if no window can begin there."""
    found = datetime.combine(day, datetime.min.time(), settings.business_day_zone)
    return found if EARLIEST <= found <= datetime.now(UTC) else None


def costs(store: Store, settings: Settings, system: str, streams: Sequence[str], since: datetime) -> list[Cost]:
    """What reading each of these streams of a system again costs. Calls no system; raises ``StoreError``."""
    readings = _readings(settings, system)
    return [_cost(store, system, stream, since, readings.get(stream, _Reading())) for stream in streams]


def _readings(settings: Settings, system: str) -> dict[str, _Reading]:
    """How each stream is read; nothing while the system cannot be used as ltc.yaml has it."""
    from connectors.errors import ConnectorError
    from settings.errors import SettingsError
    from sync.systems import SystemUnusable, open_connector

    try:
        with closing(open_connector(settings, system)) as connector:
            size = getattr(connector.config, "page_size", None)
            return {item.name: _Reading(item.cursor_field is None, size) for item in connector.streams()}
    except (SystemUnusable, ConnectorError, SettingsError):
        return {}


def _cost(store: Store, system: str, stream: str, since: datetime, reading: _Reading) -> Cost:
    from state import windows
    from state.clock import to_us

    with store.reading() as connection:
        found = windows.count(connection, system, stream, to_us(since))
        pulls = windows.pulls(connection, system, stream)
    read = found.held if reading.whole else found.since + found.undated
    return Cost(system, stream, *found, _calls(read, pulls, reading), reading.whole)


def _calls(read: int, pulls: Sequence[Pace], reading: _Reading) -> int | None:
    """About how many calls bring so many records.

    Small pulls say little of a large one: it is the pages that cost, and the largest pull shows how many calls one
    takes. Where all is read, a pull may have kept few of the records that its calls brought: such ones are left out,
    and of the others the call that asks first whether anything has changed, which a day makes needless.
    """
    if reading.page_size is None:
        records, calls = sum(item.records for item in pulls), sum(item.calls for item in pulls)
        return max(1, ceil(read * calls / records)) if records else None
    known = [item for item in pulls if not reading.whole or 2 * item.records >= read]
    largest = max(known, key=lambda item: item.records, default=None)
    each = 1.0
    if largest is not None:
        each = max(each, (largest.calls - reading.whole) / _pages(largest.records, reading.page_size))
    return ceil(_pages(read, reading.page_size) * each)


def _pages(records: int, size: int) -> int:
    """As many as are asked for: the last one is not full."""
    return records // size + 1


def note(store: Store, system: str, streams: list[str], since: datetime, actor: str) -> None:
    """Keep in the audit who had a window read anew; raises ``StoreError``."""
    from state import audit

    with store.transaction() as connection:
        audit.append(connection, actor, ACTION, {"system": system, "streams": streams, "since": since.isoformat()})
