"""What waits and what is held: records, writes, findings, leases, counted in the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from state import discards, schema
from state.activity import Counted
from state.changes import IN_DOUBT, STUCK, OutboxStatus
from state.clock import now_us
from state.creations import SETTLED
from state.findings import STANDING
from state.writes import RecordState

_stream = schema.stream


class Finding(NamedTuple):
    """Outstanding findings that are alike; ``amount`` in minor units of ``currency``, empty for those without money."""

    stage: str
    department: str
    severity: str
    currency: str
    number: int
    amount: int


def records(connection: Connection) -> Counted:
    """How many records there are by system, stream and state: ``held``, ``quarantined``, ``discarded``, ``deleted``.
    Reads them all.

    It takes about a second for a million.
    """
    table = schema.record
    sums = (
        select(table.c.stream_id, table.c.state, func.count().label("count"))
        .group_by(table.c.stream_id, table.c.state)
        .subquery()
    )
    query = select(_stream.c.system, _stream.c.name, sums.c.state, sums.c.count).join(
        sums, sums.c.stream_id == _stream.c.id
    )
    names = {RecordState.LIVE: "held", RecordState.REJECTED: "quarantined", RecordState.DELETED: "deleted"}
    found: Counted = {}
    for system, stream, state, count in connection.execute(query):
        found[system, stream, names[RecordState(state)]] = count
    for (system, stream), count in discards.counts(connection).items():
        found[system, stream, "discarded"] = count
        found[system, stream, "quarantined"] = max(found.get((system, stream, "quarantined"), 0) - count, 0)
    return found


def writes(connection: Connection, systems: Sequence[str]) -> Counted:
    """Writes and new records that have not come to an end, by system, kind and ``planned``, ``unknown`` or ``dead``."""
    found: Counted = {}
    for kind, table in (("write", schema.outbox), ("creation", schema.creation)):
        wanted = [OutboxStatus.PLANNED, *IN_DOUBT, *STUCK]
        query = (
            select(table.c.system, table.c.status, func.count())
            .where(table.c.system.in_(systems), table.c.status.in_([item.value for item in wanted]))
            .group_by(table.c.system, table.c.status)
        )
        for system, status, count in connection.execute(query):
            state = "dead" if status in STUCK else "unknown" if status in IN_DOUBT else "planned"
            found[system, kind, state] = found.get((system, kind, state), 0) + count
    return found


def gone(connection: Connection) -> Counted:
    """Records that we created and that were deleted in the target since, by system. Reads all that we created."""
    table, record = schema.creation, schema.record
    query = (
        select(table.c.system, func.count())
        .join(record, record.c.id == table.c.made_id)
        .where(table.c.status.in_([item.value for item in SETTLED]), record.c.state == RecordState.DELETED.value)
        .group_by(table.c.system)
    )
    return {(system,): count for system, count in connection.execute(query)}


def quarantined(connection: Connection) -> Counted:
    """Records in quarantine that nobody has discarded, by system and stream."""
    table = schema.quarantine
    return _counted(connection, [table.c.system, table.c.stream], table.c.discarded_at.is_(None))


def open_plans(connection: Connection) -> Counted:
    """Plans that have not been carried out whole, by system."""
    table = schema.plan
    return _counted(connection, [table.c.system], table.c.status.in_(("planned", "applying")))


def asked(connection: Connection, systems: Sequence[str]) -> Counted:
    """Fields that a person is asked about, by system."""
    table = schema.held
    return _counted(connection, [table.c.system], table.c.system.in_(systems), table.c.why == "ask")


def drifted(connection: Connection) -> Counted:
    """Fields that have changed and hold records back, by system and stream."""
    table = schema.drift
    query = (
        select(_stream.c.system, _stream.c.name, func.count())
        .join(table, table.c.stream_id == _stream.c.id)
        .where(table.c.status == "open")
        .group_by(_stream.c.system, _stream.c.name)
    )
    return {(system, stream): count for system, stream, count in connection.execute(query)}


def told(connection: Connection) -> Counted:
    """Records that webhooks told of or brought, and that are not read or landed yet, by system."""
    found: Counted = {}
    for table in (schema.notice, schema.arrival):
        for key, count in _counted(connection, [table.c.system]).items():
            found[key] = found.get(key, 0) + count
    return found


def leases(connection: Connection) -> Counted:
    """Leases that are held, by the first word of what they are on, such as ``run``, ``stream`` or ``push``."""
    table = schema.lease
    found: Counted = {}
    for name in connection.execute(select(table.c.name).where(table.c.expires_at > now_us())).scalars():
        key = (name.partition(" ")[0],)
        found[key] = found.get(key, 0) + 1
    return found


def findings(connection: Connection) -> list[Finding]:
    """Outstanding findings by stage, department, severity and currency."""
    table = schema.finding
    currency = func.coalesce(table.c.currency, "")
    keys = (table.c.stage, table.c.department, table.c.severity, currency)
    query = (
        select(*keys, func.count(), func.coalesce(func.sum(table.c.amount), 0))
        .where(table.c.status.in_(STANDING))
        .group_by(*keys)
        .order_by(*keys)
    )
    return [Finding(row[0], row[1], row[2], row[3], int(row[4]), int(row[5])) for row in connection.execute(query)]


def version(connection: Connection) -> tuple[int, int]:
    """Numbers that change whenever findings or figures have changed."""
    newest = [select(func.max(table.c.id)).scalar_subquery() for table in (schema.finding_event, schema.figure)]
    row = connection.execute(select(*newest)).one()
    return row[0] or 0, row[1] or 0


def _counted(connection: Connection, keys: Sequence[Any], *where: Any) -> Counted:
    query = select(*keys, func.count()).where(*where).group_by(*keys)
    return {tuple(row[:-1]): int(row[-1]) for row in connection.execute(query)}
