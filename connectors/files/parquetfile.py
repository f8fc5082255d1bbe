"""Parquet: decimals, times and whole numbers exactly as they are stored."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from connectors.files.config import Limits, StreamConfig
from connectors.files.pulling import PAGE_RECORDS, Item
from connectors.files.spool import Refused, Spool
from connectors.files.table import Table


def rows(spool: Spool, stream: StreamConfig, limits: Limits) -> Iterator[Item]:
    """The rows of the file; the first is row 1. Raises ``Refused`` and ``ContractError``."""
    import pyarrow as pa

    file = _opened(spool, limits)
    table = Table(spool, stream, limits, file.schema_arrow.names)
    number = 0
    try:
        for batch in file.iter_batches(batch_size=PAGE_RECORDS):
            columns = [_values(column) for column in batch.columns]
            for cells in zip(*columns, strict=True):
                number += 1
                item = table.item(number, cells)
                if item is not None:
                    yield item
    except (pa.ArrowException, OSError, ValueError, OverflowError):
        raise Refused(f"cannot be read from row {number + 1} on") from None


def header_of(spool: Spool, limits: Limits) -> list[str]:
    """The names of its columns. Raises ``Refused``."""
    return list(_opened(spool, limits).schema_arrow.names)


def _opened(spool: Spool, limits: Limits) -> Any:
    import pyarrow as pa
    from pyarrow import parquet

    spool.file.seek(0)
    try:
        file = parquet.ParquetFile(spool.file, pre_buffer=False)
        unpacked = sum(file.metadata.row_group(at).total_byte_size for at in range(file.metadata.num_row_groups))
    except (pa.ArrowException, OSError, ValueError):
        raise Refused("is no complete Parquet file: it may be cut off, or damaged") from None
    if unpacked > limits.unpacked_mb * 1024 * 1024:
        raise Refused(f"unpacks to {unpacked} bytes, more than `limits: {{unpacked_mb: …}}` allows")
    return file


def _values(column: Any) -> list[Any]:
    """A column's values as JSON can carry them. Python's times end at the microsecond, so Arrow writes them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if pa.types.is_timestamp(kind):
        zone = "Z" if kind.tz is not None else ""
        utc = column.cast(pa.int64()).cast(pa.timestamp(kind.unit))
        return list(pc.strftime(utc, format=f"%Y-%m-%dT%H:%M:%S{zone}").to_pylist())
    if pa.types.is_float16(kind) or pa.types.is_float32(kind):
        # As text they have the digits that tell them apart; as doubles they would have more.
        return [None if text is None else float(text) for text in column.cast(pa.string()).to_pylist()]
    values = list(column.to_pylist())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return [None if value is None else base64.b64encode(value).decode() for value in values]
    if pa.types.is_date(kind) or pa.types.is_time(kind):
        return [None if value is None else value.isoformat() for value in values]
    return values
