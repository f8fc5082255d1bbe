"""What webhooks told of: which records are to be read again, and which requests were taken in already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import bindparam, select, union
from sqlalchemy.engine import Connection

from connectors.contract import Notice
from state.clock import now_us
from state.schema import arrival, notice

KEPT_DAYS = 30
"""So long a request is remembered; longer than any source sends one again."""

_WAITING = (
    select(notice.c.source_id, notice.c.deleted, notice.c.version, notice.c.told)
    .where(notice.c.system == bindparam("of_system"), notice.c.stream == bindparam("of_stream"))
    .where(notice.c.source_id > bindparam("after"))
    .order_by(notice.c.source_id)
    .limit(bindparam("count"))
)
_STREAMS = union(select(notice.c.system, notice.c.stream), select(arrival.c.system, arrival.c.stream))
_READ = notice.delete().where(
    *(notice.c[name] == bindparam(f"my_{name}") for name in ("system", "stream", "source_id", "told"))
)
# What is told of a record while nobody has read it is one row; of two deletions the later one counts.
_NOTE = """
INSERT INTO notice (system, stream, source_id, deleted, version, told, since) VALUES ({marks})
ON CONFLICT (system, stream, source_id) DO UPDATE SET
    told = notice.told + 1,
    deleted = CASE WHEN excluded.deleted > notice.deleted THEN excluded.deleted ELSE notice.deleted END,
    version = CASE WHEN excluded.version IS NULL OR excluded.version < notice.version THEN notice.version
                   ELSE excluded.version END
"""


class Waiting(NamedTuple):
    """A record that is to be read."""

    source_id: str
    deleted: bool
    """Whether the source said that it is gone."""
    version: int | None
    told: int


def take_in(connection: Connection, system: str, delivery_id: str) -> bool:
    """Note that a request was taken in; False if it was before."""
    marks = "?, ?, ?" if connection.dialect.name == "sqlite" else "%s, %s, %s"
    sql = f"INSERT INTO delivery (system, id, at) VALUES ({marks}) ON CONFLICT DO NOTHING"
    return connection.exec_driver_sql(sql, (system, delivery_id, now_us())).rowcount == 1


def note(connection: Connection, system: str, notices: Iterable[Notice]) -> None:
    """Note that these records are to be read."""
    sqlite = connection.dialect.name == "sqlite"
    sql = _NOTE.format(marks=", ".join(["?" if sqlite else "%s"] * 7))
    now = now_us()
    # In one order, so that two requests about the same records never wait for each other.
    for item in sorted(notices, key=lambda item: (item.stream, item.source_id)):
        row = (system, item.stream, item.source_id, int(item.deleted), item.version, 1, now)
        connection.exec_driver_sql(sql, row)


def streams(connection: Connection) -> set[tuple[str, str]]:
    """System and stream of whatever is to be read, or to be landed."""
    return {(row.system, row.stream) for row in connection.execute(_STREAMS)}


def waiting(connection: Connection, system: str, stream: str, after: str, count: int) -> list[Waiting]:
    """The next records of a stream that are to be read, by id."""
    asked = {"of_system": system, "of_stream": stream, "after": after, "count": count}
    return [Waiting(row[0], bool(row[1]), row[2], row[3]) for row in connection.execute(_WAITING, asked)]


def done(connection: Connection, system: str, stream: str, read: Sequence[Waiting]) -> None:
    """These were read; what was told again meanwhile stays."""
    rows = [
        {"my_system": system, "my_stream": stream, "my_source_id": item.source_id, "my_told": item.told}
        for item in read
    ]
    if rows:
        connection.execute(_READ, rows)
