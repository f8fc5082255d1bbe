"""Read a few records of a system now, without keeping any."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connectors.contract import Connector, RawRecord, RejectedRecord
    from connectors.services import Services
    from settings.model import Settings
    from state.store import Store

_MOST_PAGES = 20
"""Empty pages that are passed over in search of records."""


class NotOffered(LookupError):
    """A system has no such stream; ``offered`` are those that it has."""

    def __init__(self, system: str, stream: str, offered: list[str]) -> None:
        super().__init__(f"{system} offers no stream {stream!r}. It offers: {', '.join(offered)}.")
        self.offered = offered


@dataclass(frozen=True, slots=True)
class Sampled:
    """What was read, and how many calls it took."""

    records: list[RawRecord]
    rejected: list[RejectedRecord]
    calls: int


def sampled(store: Store, settings: Settings, services: Services, system: str, stream: str, limit: int) -> Sampled:
    """The first records of a stream; the ``store`` notes the calls.

    Raises ``NotOffered``, ``SystemUnusable`` and any ``ConnectorError``.
    """
    from state.calls_made import counted
    from sync.systems import open_connector, ordered_streams

    with open_connector(settings, system, services) as connector, counted(store, system, connector.stats):
        offered = [spec.name for spec in ordered_streams(settings, system, connector)]
        if stream not in offered:
            raise NotOffered(system, stream, offered)
        records, rejected = read(connector, stream, limit)
        return Sampled(records, rejected, connector.stats.calls)


def read(connector: Connector[Any], stream: str, limit: int) -> tuple[list[RawRecord], list[RejectedRecord]]:
    """The first records of a full pull, which is broken off then. Raises any ``ConnectorError``."""
    from connectors.contract import Window

    records: list[RawRecord] = []
    rejected: list[RejectedRecord] = []
    until = datetime.now(UTC) - timedelta(seconds=connector.settle_seconds)
    pages = connector.pull(stream, None, Window(until=until, full=True))
    for page in islice(pages, _MOST_PAGES):
        records += page.records
        rejected += page.rejected
        if len(records) >= limit or page.complete:
            break
    close = getattr(pages, "close", None)
    if close is not None:
        close()
    return records[:limit], rejected[:limit]
