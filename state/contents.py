"""What every record contains, as the hash of its bytes: by that the inputs of a closed period are told from others."""

from __future__ import annotations

import pyarrow as pa
from sqlalchemy import select
from sqlalchemy.engine import Connection

from state.schema import record
from state.sealing import keys_of


def read(connection: Connection) -> pa.Table:
    """``record_id`` and ``content`` (BLAKE2b-128 in hex, empty for a deletion) of all records, whatever key seals them.

    Raises ``KeyUnusable``.
    """
    keys = keys_of(connection)
    rows = connection.execute(select(record.c.id, record.c.hash)).all()
    return pa.table(
        {
            "record_id": pa.array([row.id for row in rows], pa.int64()),
            "content": pa.array([keys.hash_in(bytes(row.hash)).hex() for row in rows], pa.string()),
        }
    )
