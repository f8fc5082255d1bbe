"""Which pairs are worth comparing: those that share a key, as long as not too many share it.

All pairs of a million records are 5e11. A key that many records have (a common word, a big city) makes a block whose
pairs grow with the square, and says little about each of them. So blocks are counted before any pair is made, and the
largest ones refused until what is left is within a budget that grows with the number of records.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from reconciliation.frame import Frame

REFUSED = "refused_block"
"""The table of what was refused, and the figure that is kept of it."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Keys of one kind that too many records share, so that they were not compared for them."""

    kind: str
    """What the keys are made of: name, email, domain, phone, address or tax_id."""
    systems: list[str]
    """Whose records have them."""
    keys: int
    pairs: int
    """Pairs that they would have made."""
    largest: int
    """Pairs that the most frequent of them would have made."""


class Blocks(NamedTuple):
    """What blocking kept and refused, counted before any pair is made."""

    pairs: int
    """Pairs to compare at most; a pair that shares several keys is counted for each."""
    largest: int
    """Pairs of the largest block that was kept."""
    refused_blocks: int
    refused_pairs: int


def pairs(frame: Frame, keys: str, *, budget: int, largest: int, name: str = "pair") -> Blocks:
    """Make table ``name (a_id, b_id)`` of all pairs of records that share a key and are on different sides.

    ``keys``: a query of ``kind``, ``key`` (a text, of one kind only), ``record_id``, ``side``; records of one side are
    never compared with each other. A block of more than ``largest`` pairs is refused, then the largest ones until at
    most ``budget`` are left; ``refused`` tells which.
    """
    frame.run(
        f"""
        CREATE OR REPLACE TEMP TABLE block_key AS
            SELECT DISTINCT hash(key) AS key, record_id, side FROM ({keys}) WHERE key IS NOT NULL;
        CREATE OR REPLACE TEMP TABLE block AS
            SELECT key, (sum(n) * sum(n) - sum(n * n))::BIGINT // 2 AS pairs
            FROM (SELECT key, side, count(*)::HUGEINT AS n FROM block_key GROUP BY key, side)
            GROUP BY key HAVING count(*) > 1;
        """
    )
    sizes = frame.rows("SELECT pairs, count(*)::BIGINT FROM block GROUP BY pairs ORDER BY pairs")
    kept, limit = 0, 0
    for size, blocks in sizes:
        if size > largest or kept + size * blocks > budget:
            break
        kept, limit = kept + size * blocks, size
    frame.run(
        f"""
        CREATE OR REPLACE TEMP TABLE kept_key AS
            SELECT k.* FROM block_key k SEMI JOIN (SELECT key FROM block WHERE pairs <= {limit}) USING (key);
        CREATE OR REPLACE TABLE {name} AS
            SELECT DISTINCT a.record_id AS a_id, b.record_id AS b_id
            FROM kept_key a JOIN kept_key b ON a.key = b.key AND a.record_id < b.record_id AND a.side <> b.side;
        """
    )
    _note(frame, keys, limit)
    frame.run("DROP TABLE block_key; DROP TABLE kept_key; DROP TABLE block")
    gone = [(size, blocks) for size, blocks in sizes if size > limit]
    return Blocks(kept, limit, sum(blocks for _, blocks in gone), sum(size * blocks for size, blocks in gone))


def refused(frame: Frame) -> list[Refused]:
    """What blocking has refused, the kind with the most pairs first; empty where nothing was compared."""
    if REFUSED not in frame.stages:
        return []
    return [Refused(*row) for row in frame.rows(f"SELECT * FROM {REFUSED} ORDER BY pairs DESC, kind")]


def _note(frame: Frame, keys: str, limit: int) -> None:
    frame.run(
        f"""
        CREATE OR REPLACE TABLE {REFUSED} AS
        WITH gone AS (SELECT key, pairs FROM block WHERE pairs > {limit}),
        held AS (
            SELECT min(k.kind) AS kind, list(DISTINCT k.side::VARCHAR) AS sides, min(g.pairs) AS pairs
            FROM ({keys}) k JOIN gone g ON g.key = hash(k.key) GROUP BY g.key
        )
        SELECT kind, list_sort(list_distinct(flatten(list(sides)))) AS systems, count(*)::BIGINT AS keys,
            sum(pairs)::BIGINT AS pairs, max(pairs)::BIGINT AS largest
        FROM held GROUP BY kind
        """
    )
    frame.stages.add(REFUSED)
