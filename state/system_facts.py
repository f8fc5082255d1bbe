"""What the store knows of one system beside its records: who works on it, allowances, tokens, counts, webhooks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec
from sqlalchemy import func, or_, select, text
from sqlalchemy.engine import Connection

from connectors.buckets import Bucket
from state import runs, schema, sourcecounts
from state.clock import now_us

_decode = msgspec.json.Decoder(Bucket).decode
_LISTED = text(
    f"SELECT stream, counted, held, surplus, counted_at FROM ({sourcecounts.COMPARED}) t WHERE system = :one"
)


class Holder(NamedTuple):
    """Who has a lease: ``what`` it is on, on which machine and in which process, until when (microseconds)."""

    what: str
    machine: str
    process: str
    expires_at: int


class Listed(NamedTuple):
    """A stream as its source listed it when it was last swept, and as we hold it; ``at`` in microseconds."""

    counted: int
    held: int
    surplus: int
    """Records that we hold although they were not listed."""
    at: int


class Webhooks(NamedTuple):
    """What a system told by itself: the last request (microseconds), and what of it has not been read or landed yet."""

    last: int | None
    to_read: int
    to_land: int


def holders(connection: Connection, system: str) -> list[Holder]:
    """Who works on the system now: on which of its streams, or on what is written to it."""
    table = schema.lease
    streams = table.c.name.startswith(f"stream {system}.", autoescape=True)
    query = select(table).where(or_(streams, table.c.name == f"push to {system}"), table.c.expires_at > now_us())
    return [
        Holder(row.name.removeprefix("stream "), *_named(row.owner), row.expires_at)
        for row in connection.execute(query.order_by(table.c.name))
        if not runs.is_dead(row.owner)
    ]


def _named(owner: str) -> tuple[str, str]:
    machine, _, rest = owner.partition("/")[0].partition(":")
    return machine, rest.partition(":")[0]


def is_held_here(connection: Connection, run_id: str) -> bool:
    """Whether a run is at work in this very process."""
    table = schema.lease
    query = select(table.c.owner).where(table.c.name == f"run {run_id}", table.c.expires_at > now_us())
    owner = connection.execute(query).scalar()
    return owner is not None and owner.partition("/")[0] == runs.this_process()


def flow_run(connection: Connection, run_id: str) -> str | None:
    """Prefect's id of the flow run that a run was part of."""
    return connection.execute(select(schema.run.c.flow_run).where(schema.run.c.id == run_id)).scalar()


def scheduled(connection: Connection) -> dict[str, int]:
    """When a run last began (microseconds) that nobody started, by system; under ``""`` of all of them together."""
    return {row.system: row.started_at for row in connection.execute(select(schema.scheduled))}


def buckets(connection: Connection, keys: Iterable[str]) -> dict[str, Bucket]:
    """What has been counted on accounts; those of which nothing is known yet are left out. Locks nothing."""
    table = schema.budget
    query = select(table.c.key, table.c.state).where(table.c.key.in_(list(keys)))
    return {row.key: _decode(row.state) for row in connection.execute(query)}


def tokens(connection: Connection, vendor: str) -> list[int]:
    """When the access tokens that are kept for a vendor were granted (microseconds), the newest first."""
    table = schema.token
    query = select(table.c.updated_at).where(table.c.name.startswith(f"{vendor}:", autoescape=True))
    return list(connection.execute(query.order_by(table.c.updated_at.desc())).scalars())


def listed(connection: Connection, system: str) -> dict[str, Listed]:
    """What sources listed when their streams were last swept, by stream; those that were never swept are left out."""
    return {row[0]: Listed(*row[1:]) for row in connection.execute(_LISTED, {"one": system})}


def webhooks(connection: Connection, system: str) -> Webhooks:
    """What a system told by itself."""
    delivery, notice, arrival = schema.delivery, schema.notice, schema.arrival
    last = connection.execute(select(func.max(delivery.c.at)).where(delivery.c.system == system)).scalar()
    left = [
        connection.execute(select(func.count()).select_from(table).where(table.c.system == system)).scalar_one()
        for table in (notice, arrival)
    ]
    return Webhooks(last, *left)
