"""The rows of a query in parts that fit into memory, however many there are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reconciliation.session import Session

_ROWS = 50_000


def parts(session: Session, query: str, order: str) -> Iterator[list[tuple[Any, ...]]]:
    """Some thousands of rows at a time, in this order; they wait in DuckDB, which spills what is too much.

    One such query at a time: the next one takes the place of what was not read yet.
    """
    session.run(
        f"CREATE OR REPLACE TEMP TABLE parted AS SELECT *, row_number() OVER (ORDER BY {order}) AS place FROM ({query})"
    )
    count = session.value("SELECT count(*) FROM parted")
    for start in range(0, count, _ROWS):
        yield session.rows(
            f"SELECT * EXCLUDE (place) FROM parted WHERE place BETWEEN {start + 1} AND {start + _ROWS} ORDER BY place"
        )
    session.run("DROP TABLE parted")
