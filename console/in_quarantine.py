"""Records that could not be understood, a line each: what ``ltc quarantine`` and the workbench show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from state.clock import from_us

if TYPE_CHECKING:
    from datetime import tzinfo

    from state.quarantine import Refused

COLUMNS = ("system", "stream", "record", "field", "value", "reason", "since", "attempts")


def row(item: Refused, zone: tzinfo) -> tuple[Any, ...]:
    """One record, in the order of ``COLUMNS``; of personal values type and length only."""
    since = f"{from_us(item.first_at).astimezone(zone):%Y-%m-%d %H:%M}"
    where = (item.system, item.stream, item.source_id)
    return (*where, item.field or None, item.value, item.reason, since, item.attempts)
