"""How many records a source itself lists of a stream, beside what we hold of it."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy.engine import Connection

from state import bulk
from state.schema import source_count

COMPARED = """
    SELECT c.stream_id, s.system, s.name AS stream, c.counted, c.surplus, c.at AS counted_at,
        (SELECT count(*) FROM record r WHERE r.stream_id = c.stream_id) - c.gone AS held
    FROM source_count c JOIN stream s ON s.id = c.stream_id"""
"""SQL, one row a stream: ``held`` is what we know by now of what the source may have listed then.

Whatever was deleted since is in it, too. Once a pull has gone beyond ``counted_at``, it cannot be less than ``counted``
unless something is missing here.
"""


class SourceCount(NamedTuple):
    """What a complete listing of a source came to."""

    counted: int
    """Records listed."""
    gone: int
    """Records that we held as deleted, and that were not listed."""
    surplus: int
    """Records that we go on holding although they were not listed, because so many deletions are not believed."""


def note(connection: Connection, stream_id: int, found: SourceCount, at: int) -> None:
    """Keep the last count of a stream; ``at`` in microseconds, when the listing began."""
    names = ("stream_id", *SourceCount._fields, "at")
    bulk.upsert(connection, source_count, names, [(stream_id, *found, at)], ("stream_id",))
