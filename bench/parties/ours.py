"""Our linkers on generated parties, in a frame without a store."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NamedTuple

from bench.parties.world import Record
from reconciliation.frame import Frame
from reconciliation.linking import candidates, normalise
from reconciliation.linking.clusters import apart
from reconciliation.linking.likeness import likeness
from reconciliation.linking.parties import parties
from reconciliation.rules import Rules
from reconciliation.session import MEMORY_LIMIT


class Found(NamedTuple):
    """Pairs of record ids, the lower first."""

    sure: set[tuple[int, int]]
    """Links that are automatic, and what follows from chains of them."""
    suggested: dict[tuple[int, int], int]
    """Suggestions with their score."""
    seconds: dict[str, float]


@contextmanager
def frame(rows: Sequence[Record], rules: Rules | None = None, threads: int = 1) -> Iterator[Frame]:
    """A frame of these parties, as reconciliation loads them from a store."""
    import duckdb
    import pyarrow as pa

    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": threads, "memory_limit": MEMORY_LIMIT, "preserve_insertion_order": False,
    }  # fmt: skip
    connection = duckdb.connect(":memory:", config=config)
    try:
        made = Frame(connection, rules or Rules({}, "UTC", "CNY", "en", datetime(2026, 1, 1, tzinfo=UTC)))
        columns = list(zip(*rows, strict=True))
        data = pa.table(columns[:-1], names=[*Record._fields[:-1]])
        made.take(
            "parties",
            data,
            "SELECT *, false AS deleted, NULL::VARCHAR AS external_ref, NULL::VARCHAR AS number FROM incoming",
        )
        made.run(
            "CREATE TABLE decided_links (kind VARCHAR, left_id BIGINT, right_id BIGINT, left_entity VARCHAR, "
            "right_entity VARCHAR, method VARCHAR, score INTEGER, evidence VARCHAR, decision VARCHAR)"
        )
        normalise.define(made)
        yield made
    finally:
        connection.close()


def link(made: Frame) -> Found:
    """Run the linkers of parties."""
    seconds = {}
    candidates.prepare(made)
    for linker in (parties, likeness, apart):
        begun = time.perf_counter()
        linker(made)
        seconds[linker.__name__] = time.perf_counter() - begun
    sure = made.rows(
        """
        SELECT a.id, b.id FROM party_groups a JOIN party_groups b ON a.group_id = b.group_id AND a.id < b.id
        JOIN parties p ON p.record_id = a.id JOIN parties q ON q.record_id = b.id WHERE p.system <> q.system
        """
    )
    suggested = made.rows("SELECT left_id, right_id, score FROM candidate WHERE decision = 'suggested'")
    return Found(set(sure), {(a, b): score for a, b, score in suggested}, seconds)


def truth(rows: Sequence[Record]) -> set[tuple[int, int]]:
    """All pairs of records of different systems that show the same being."""
    by_being: dict[int, list[Record]] = {}
    for row in rows:
        by_being.setdefault(row.being, []).append(row)
    return {
        (min(a.record_id, b.record_id), max(a.record_id, b.record_id))
        for same in by_being.values()
        for place, a in enumerate(same)
        for b in same[place + 1 :]
        if a.system != b.system
    }
