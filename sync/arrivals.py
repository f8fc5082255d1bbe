"""Land the records of one stream that webhooks brought, by the way that pulled pages take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy.engine import Connection

from connectors.contract import Connector, Notice, RawRecord
from state import arrivals, landing, notices
from state.landing import Counts, Head, Stream
from sync.work import Work

_BATCH = 100


class Lands(Protocol):
    """What lands records of the stream in a transaction; ``sync.watch.Watch`` is one."""

    def land(self, connection: Connection, records: Sequence[landing.Raw], **more: Any) -> Counts:
        """As ``landing.apply``."""


def land_next(work: Work, watch: Lands, connector: Connector[Any], stream: Stream) -> Counts | None:
    """Land the next records that webhooks brought, in the transaction that takes them from those that wait.

    ``None`` if none waits. A version that is older than the one held changes nothing. What is held as deleted is read
    to see whether it has come back; where nothing can be read, a later version says so.
    """
    with work.transaction() as connection:
        came = arrivals.waiting(connection, stream.system, stream.name, _BATCH)
        if not came:
            return None
        records = [item.record for item in came]
        held = landing.heads(connection, stream.id, list({record.source_id for record in records}))
        gone = {name: head for name, head in held.items() if head.state == landing.RecordState.DELETED}
        believed = [record for record in records if _is_believed(record, gone.get(record.source_id), connector)]
        counts = watch.land(connection, believed, origin=landing.Origin.RECEIVED)
        counts.stale += len(records) - len(believed)
        if connector.reads_single_records:
            doubted = {record.source_id for record in records if record.source_id in gone}
            notices.note(connection, stream.system, [Notice(stream.name, name) for name in doubted])
        arrivals.done(connection, came)
    return counts


def _is_believed(record: RawRecord, deleted: Head | None, connector: Connector[Any]) -> bool:
    """Whether the record is as the request says. A request that was late must not bring back what is deleted."""
    if deleted is None:
        return True
    if connector.reads_single_records or record.version is None or deleted.version is None:
        return False
    return record.version > deleted.version
