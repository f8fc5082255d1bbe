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

    ``None`` if none waits. A version that is older than the one held changes nothing. What is not held, or held as
    deleted, is read instead: a request that was late does not say what is deleted since. Where nothing can be read, it
    is believed, of what is deleted in a later version only.
    """
    with work.transaction() as connection:
        came = arrivals.waiting(connection, stream.system, stream.name, _BATCH)
        if not came:
            return None
        records = [item.record for item in came]
        held = landing.heads(connection, stream.id, list({record.source_id for record in records}))
        believed = [record for record in records if _is_believed(record, held.get(record.source_id), connector)]
        counts = watch.land(connection, believed, origin=landing.Origin.RECEIVED)
        if connector.reads_single_records:
            doubted = {record.source_id for record in records} - {record.source_id for record in believed}
            notices.note(connection, stream.system, [Notice(stream.name, name) for name in doubted])
        else:
            counts.stale += len(records) - len(believed)
        arrivals.done(connection, came)
    return counts


def _is_believed(record: RawRecord, head: Head | None, connector: Connector[Any]) -> bool:
    """Whether the record is there. A request that was late must not bring back what is deleted."""
    is_alive = head is not None and head.state != landing.RecordState.DELETED
    if is_alive or connector.reads_single_records:
        return is_alive
    if head is None:
        return True
    return record.version is not None and head.version is not None and record.version > head.version
