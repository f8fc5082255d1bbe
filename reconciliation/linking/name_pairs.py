"""How alike the names of pairs of parties are; two names are compared once, however many parties have them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pyarrow as pa

from reconciliation import spread
from reconciliation.frame import Frame, quoted
from reconciliation.linking import alike
from reconciliation.linking.names import Name
from reconciliation.linking.profiles import Names, counted

_BATCH = 50_000


class _Part(NamedTuple):
    """Pairs of names, and all that it takes to compare them."""

    pairs: list[tuple[int, int]]
    names: dict[int, Name]
    frequency: dict[str, int]
    """Word of these names, or a whole name as one word → how many parties have it."""
    names_in_all: int


def compare(frame: Frame, found: Names, pairs: str, name: str) -> None:
    """Make table ``name (a_id, b_id, level, bits)`` of the table ``pairs (a_id, b_id)``; reads ``named``.

    Pairs without a name on either side, or with names too short to say anything, are left out.
    """
    frame.run(
        f"""
        CREATE OR REPLACE TEMP TABLE wanted_pair AS
            SELECT DISTINCT least(x.form, y.form) AS one, greatest(x.form, y.form) AS other
            FROM {pairs} p JOIN named x ON x.record_id = p.a_id JOIN named y ON y.record_id = p.b_id
        """
    )
    schema = pa.schema([("one", pa.int64()), ("other", pa.int64()), ("level", pa.int8()), ("bits", pa.float64())])
    rows = frame.rows("SELECT one, other FROM wanted_pair")

    def compared() -> Iterator[pa.RecordBatch]:
        for made in spread.over(_compare, _parts(found, rows)):
            columns = list(zip(*made, strict=True)) or [()] * len(schema)
            arrays = [pa.array(column, kind) for column, kind in zip(columns, schema.types, strict=True)]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    frame.take("name_pair", pa.RecordBatchReader.from_batches(schema, compared()), "SELECT * FROM incoming")
    words = ", ".join(map(quoted, alike.LEVELS))
    frame.run(
        f"""
        CREATE OR REPLACE TABLE {name} AS
        SELECT a_id, b_id, [{words}][(best).level + 1] AS level, (best).bits AS bits FROM (
            SELECT p.a_id, p.b_id, min(struct_pack(level := n.level, less := -n.bits, bits := n.bits)) AS best
            FROM {pairs} p JOIN named x ON x.record_id = p.a_id JOIN named y ON y.record_id = p.b_id
            JOIN name_pair n ON n.one = least(x.form, y.form) AND n.other = greatest(x.form, y.form)
            GROUP BY p.a_id, p.b_id
        );
        DROP TABLE wanted_pair; DROP TABLE name_pair;
        """
    )


def _parts(found: Names, rows: list[tuple[int, int]]) -> Iterator[_Part]:
    for start in range(0, len(rows), _BATCH):
        pairs = rows[start : start + _BATCH]
        names = {form: found.forms[form] for form in {form for pair in pairs for form in pair}}
        words = {word for name in names.values() for word in (*counted(name), name.joined)}
        yield _Part(pairs, names, {word: found.frequency[word] for word in words}, len(found.forms))


def _compare(part: _Part) -> list[tuple[int, int, int, float]]:
    """Pair, level and bits of those that say something."""
    bits = alike.word_bits(part.frequency.__getitem__, part.names_in_all)
    made = []
    for one, other in part.pairs:
        found = alike.names(part.names[one], part.names[other], bits)
        if found is not None:
            made.append((one, other, alike.LEVELS.index(found.level), found.bits))
    return made
