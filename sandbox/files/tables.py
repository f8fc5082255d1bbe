"""Tables as files: CSV, JSON lines, Parquet and XLSX, as programs export them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

ZONE = ZoneInfo("Asia/Shanghai")
TIME_FORMAT = "%Y-%m-%d %H:%M:%S.%f"
"""Of times in CSV, in the zone of whoever exports."""
_json = msgspec.json.Encoder(decimal_format="number")

Row = Mapping[str, Any]
"""Text, ``Decimal``, aware time or nothing by column; all rows of a table have the same columns."""


def as_csv(rows: Sequence[Row]) -> bytes:
    """With a mark at its beginning and line ends as Excel writes them; what is empty is an empty cell."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(rows[0])
    writer.writerows([_text(value) for value in row.values()] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def as_json_lines(rows: Sequence[Row]) -> bytes:
    """A record a line."""
    return b"".join(_json.encode(row) + b"\n" for row in rows)


def as_parquet(rows: Sequence[Row]) -> bytes:
    """Numbers with 18 decimals, times in microseconds UTC."""
    import pyarrow
    from pyarrow import parquet

    kinds = {str: pyarrow.string(), Decimal: pyarrow.decimal128(38, 18), datetime: pyarrow.timestamp("us", "UTC")}
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    types = {
        name: next((type(value) for value in values if value is not None), str) for name, values in columns.items()
    }
    arrays = {name: pyarrow.array(values, kinds[types[name]]) for name, values in columns.items()}
    sink = io.BytesIO()
    parquet.write_table(pyarrow.table(arrays), sink)
    return sink.getvalue()


def as_xlsx(rows: Sequence[Row]) -> bytes:
    """Texts, numbers as Excel holds them, and times as texts."""
    import xlsxwriter

    sink = io.BytesIO()
    with xlsxwriter.Workbook(sink, {"in_memory": True, "strings_to_formulas": False}) as book:
        sheet = book.add_worksheet("导出")
        sheet.write_row(0, 0, list(rows[0]))
        for place, row in enumerate(rows, 1):
            for column, value in enumerate(row.values()):
                if isinstance(value, Decimal):
                    sheet.write_number(place, column, float(value))
                elif value is not None:
                    sheet.write_string(place, column, _text(value))
    return sink.getvalue()


FORMATS: dict[str, Callable[[Sequence[Row]], bytes]] = {
    "csv": as_csv,
    "jsonl": as_json_lines,
    "parquet": as_parquet,
    "xlsx": as_xlsx,
}
"""By the ending of the file."""


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(ZONE).strftime(TIME_FORMAT)
    return "" if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)
