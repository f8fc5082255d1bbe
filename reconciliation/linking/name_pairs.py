"""How alike the names of pairs of parties are; two names are compared once, however many parties have them."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from reconciliation.frame import Frame, quoted
from reconciliation.linking import alike
from reconciliation.linking.profiles import Names

_BATCH = 100_000


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
    bits = alike.word_bits(found.frequency.__getitem__, len(found.forms))
    schema = pa.schema([("one", pa.int64()), ("other", pa.int64()), ("level", pa.int8()), ("bits", pa.float64())])
    rows = frame.rows("SELECT one, other FROM wanted_pair")

    def compared() -> Iterator[pa.RecordBatch]:
        for start in range(0, len(rows), _BATCH):
            made = []
            for one, other in rows[start : start + _BATCH]:
                alike_ = alike.names(found.forms[one], found.forms[other], bits)
                if alike_ is not None:
                    made.append((one, other, alike.LEVELS.index(alike_.level), alike_.bits))
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
