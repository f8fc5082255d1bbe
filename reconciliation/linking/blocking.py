"""Which pairs are worth comparing: those that share a key, as long as not too many share it.

All pairs of a million records are 5e11. A key that many records have (a common word, a big city) makes a block whose
pairs grow with the square, and says little about each of them: the largest blocks are dropped until what is left is
within a budget that grows with the number of records.
"""

from __future__ import annotations

from typing import NamedTuple

from reconciliation.frame import Frame


class Blocks(NamedTuple):
    """What blocking kept and dropped, counted before any pair is made."""

    pairs: int
    """Pairs to compare at most; a pair that shares several keys is counted for each."""
    largest: int
    """Pairs of the largest block that was kept."""
    dropped_blocks: int
    dropped_pairs: int


def pairs(frame: Frame, keys: str, *, budget: int, largest: int, name: str = "pair") -> Blocks:
    """Make table ``name (a_id, b_id)`` of all pairs of records that share a key and are on different sides.

    ``keys``: a query of ``key`` (any text), ``record_id``, ``side``; records of one side are never compared with each
    other. A block of more than ``largest`` pairs is dropped, then the largest ones until at most ``budget`` are left.
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
        DROP TABLE block_key; DROP TABLE kept_key; DROP TABLE block;
        """
    )
    gone = [(size, blocks) for size, blocks in sizes if size > limit]
    return Blocks(kept, limit, sum(blocks for _, blocks in gone), sum(size * blocks for size, blocks in gone))
