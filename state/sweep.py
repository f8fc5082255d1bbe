"""Find what is gone from a source by comparing the complete list of its ids with what we hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy.engine import Connection

from state import failures
from state.clock import now_us
from state.sourcecounts import SourceCount
from state.store import Store
from state.writes import REFUSED_BY_CONNECTOR, Origin, RecordState

_ALIVE = "FROM record r WHERE r.stream_id = {stream} AND r.state <> {deleted}"
_MISSING = (
    _ALIVE + " AND NOT EXISTS (SELECT 1 FROM listed l WHERE l.source_id = r.source_id)"
    " AND NOT EXISTS (SELECT 1 FROM quarantine q WHERE q.record_id = r.id AND q.mapping = '{refused}')"
    # what came after the listing began may be on a page of it that was read before
    " AND NOT EXISTS (SELECT 1 FROM landing n WHERE n.record_id = r.id AND n.seq = r.seq AND (n.first_seen_at > {began}"
    # and what no list has shown since it exists, lists may not show yet: the next sweep tells
    " OR (n.first_seen_at > {fresh} AND NOT EXISTS (SELECT 1 FROM landing p WHERE p.record_id = r.id"
    " AND p.origin = {pulled} AND NOT EXISTS (SELECT 1 FROM landing d WHERE d.record_id = r.id"
    " AND d.origin = {deletion} AND d.seq > p.seq)))))"
)
_GONE = (
    "FROM record r WHERE r.stream_id = {stream} AND r.state = {deleted}"
    " AND NOT EXISTS (SELECT 1 FROM listed l WHERE l.source_id = r.source_id)"
)
_FRESH_US = 600 * 1_000_000
"""For so long a list may lag behind what reads by id show."""


class Listing:
    """Ids of one stream, kept in a temporary table of one connection."""

    def __init__(self, store: Store, connection: Connection) -> None:
        self._store = store
        self._connection = connection
        self._began = now_us()

    def add(self, ids: Sequence[str]) -> None:
        """Note ids that the source shows."""
        if ids:
            with self._connection.begin():
                if self._store.dialect == "sqlite":
                    rows = [(source_id,) for source_id in ids]
                    self._connection.exec_driver_sql("INSERT OR IGNORE INTO listed (source_id) VALUES (?)", rows)
                else:
                    sql = "INSERT INTO listed (source_id) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING"
                    self._connection.exec_driver_sql(sql, (list(ids),))

    def compare(self, stream_id: int) -> tuple[int, int]:
        """How many records of the stream we hold alive, and how many of them the listing lacks."""
        with self._connection.begin():
            return self._count(_ALIVE, stream_id), self._count(_MISSING, stream_id)

    @property
    def began(self) -> int:
        """When the listing began, in microseconds."""
        return self._began

    def count(self, stream_id: int, surplus: int) -> SourceCount:
        """What the listing came to, once what it lacks is marked, but for ``surplus``."""
        with self._connection.begin():
            listed = self._connection.exec_driver_sql("SELECT count(*) FROM listed").scalar_one()
            return SourceCount(int(listed), self._count(_GONE, stream_id), surplus)

    def missing(self, stream_id: int, count: int) -> list[str]:
        """Some of the ids we hold alive and the listing lacks; fewer once they are deleted."""
        sql = f"SELECT r.source_id {self._filled(_MISSING, stream_id)} ORDER BY r.id LIMIT {count}"
        with self._connection.begin():
            return [str(row[0]) for row in self._connection.exec_driver_sql(sql).fetchall()]

    def _count(self, template: str, stream_id: int) -> int:
        return int(
            self._connection.exec_driver_sql(f"SELECT count(*) {self._filled(template, stream_id)}").scalar_one()
        )

    def _filled(self, template: str, stream_id: int) -> str:
        values: dict[str, Any] = {"stream": stream_id, "deleted": int(RecordState.DELETED), "began": self._began}
        values |= {"pulled": Origin.PULLED.value, "deletion": Origin.DELETION.value}
        values["fresh"] = self._began - _FRESH_US
        return template.format(**values, refused=REFUSED_BY_CONNECTOR)


@contextmanager
def listing(store: Store) -> Iterator[Listing]:
    """An empty listing; it locks nothing while it is filled. Raises ``StoreError``."""
    with failures.translated(store.name), store.engine.connect() as connection:
        with connection.begin():
            connection.exec_driver_sql("CREATE TEMP TABLE listed (source_id TEXT PRIMARY KEY)")
        try:
            yield Listing(store, connection)
        finally:
            with connection.begin():
                connection.exec_driver_sql("DROP TABLE IF EXISTS listed")
