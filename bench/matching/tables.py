"""The tables of a generated world and the files that hold them.

What the matching may see are ``open_items``, ``receipts``, ``related``, ``parties``, ``rates``; the others are truth.

- ``open_items``, ``receipts``, ``related``: as the contract of cash application says; ``receipts.fee_is_netted`` tells
  whether ``amount`` is less the fee.
- ``parties``: ``party``, ``number`` (the customer's number with us), ``name``, ``country``.
- ``rates``: ``currency``, ``day``, ``rate``: euros for one unit of the currency.
- ``truth``: ``receipt_id``, ``item_id``, ``applied`` (in the item's currency), ``alternatives`` (null, or the group of
  items in ``truth_alternatives`` of which any is as right).
- ``truth_differences``: ``receipt_id``, ``item_id`` (may be null), ``kind``, ``amount`` in the receipt's currency:
  negative is money that is missing (discount, fee, withholding_tax, short_payment), positive more than was
  owed (overpayment, surcharge, deposit); rounding and fx have either sign.
- ``truth_seconds``: ``receipt_id``, ``first_id``: a second payment and what it repeats. Booking it in place of the
  first is as right.
- ``truth_offsets``: ``offset``, ``receipt_id``, ``item_id``, ``applied``: rows about a second payment and its refund.
  Booking all of an ``offset`` comes to the same as booking none, so it is neither right nor wrong.
- ``truth_receipts``: ``receipt_id``, ``class`` (settles, or why it settles nothing), ``habit`` of text, ``segment``,
  ``market``, ``events``, ``rest`` (what settles nothing), ``gross``.

For each receipt ``amount`` = sum of ``applied`` (at the rate of the day where the currency is another) + sum of its
differences + ``rest``. A fee that is known and netted is one of the differences; ``gross`` is the amount without it.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bench.matching import names
from bench.matching.model import Receipt
from bench.matching.office import Office

_TEXTS = pa.list_(pa.string())
SCHEMAS = {
    "open_items": pa.schema(
        [
            ("item_id", pa.int64()),
            ("kind", pa.string()),
            ("party", pa.string()),
            ("currency", pa.string()),
            ("amount", pa.int64()),
            ("open", pa.int64()),
            ("number", pa.string()),
            ("other_references", _TEXTS),
            ("issued_on", pa.date32()),
            ("due_on", pa.date32()),
            ("discount_rate", pa.decimal128(5, 4)),
            ("discount_until", pa.date32()),
        ]
    ),
    "receipts": pa.schema(
        [
            ("receipt_id", pa.int64()),
            ("source", pa.string()),
            ("party", pa.string()),
            ("payer_name", pa.string()),
            ("payer_account", pa.string()),
            ("currency", pa.string()),
            ("amount", pa.int64()),
            ("fee", pa.int64()),
            ("fee_is_netted", pa.bool_()),
            ("received_on", pa.date32()),
            ("text", pa.string()),
        ]
    ),
    "related": pa.schema([("payer", pa.string()), ("customer", pa.string()), ("why", pa.string())]),
    "parties": pa.schema([(name, pa.string()) for name in ("party", "number", "name", "country")]),
    "rates": pa.schema([("currency", pa.string()), ("day", pa.date32()), ("rate", pa.decimal128(28, 10))]),
    "truth": pa.schema([(name, pa.int64()) for name in ("receipt_id", "item_id", "applied", "alternatives")]),
    "truth_differences": pa.schema(
        [("receipt_id", pa.int64()), ("item_id", pa.int64()), ("kind", pa.string()), ("amount", pa.int64())]
    ),
    "truth_seconds": pa.schema([("receipt_id", pa.int64()), ("first_id", pa.int64())]),
    "truth_offsets": pa.schema([(name, pa.int64()) for name in ("offset", "receipt_id", "item_id", "applied")]),
    "truth_alternatives": pa.schema([("alternatives", pa.int64()), ("item_id", pa.int64())]),
    "truth_receipts": pa.schema(
        [
            ("receipt_id", pa.int64()),
            ("class", pa.string()),
            ("habit", pa.string()),
            ("segment", pa.string()),
            ("market", pa.string()),
            ("events", _TEXTS),
            ("rest", pa.int64()),
            ("gross", pa.int64()),
        ]
    ),
}
SEEN = ("open_items", "receipts", "related", "parties", "rates")
_EPOCH = date(1970, 1, 1).toordinal()
_RATES = {hundredths: Decimal(hundredths) / 10_000 for hundredths in (200, 300)}


class Files:
    """Parquet files of a folder, written office by office."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._writers = {
            name: pq.ParquetWriter(folder / f"{name}.parquet", schema, compression="zstd")
            for name, schema in SCHEMAS.items()
        }

    def __enter__(self) -> Files:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for writer in self._writers.values():
            writer.close()

    def add(self, name: str, rows: list[tuple[Any, ...]]) -> None:
        """Append rows to a table."""
        if rows:
            self._writers[name].write_batch(batch(name, rows))


def batch(name: str, rows: list[tuple[Any, ...]]) -> pa.RecordBatch:
    """Rows as Arrow."""
    schema = SCHEMAS[name]
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    arrays = [pa.array(column, type=field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def rows_of(office: Office) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of one office; ids and numbers are given already."""
    items = [
        (
            item.item_id,
            item.kind,
            item.party,
            item.currency,
            item.amount,
            item.open,
            item.number,
            [
                name
                for name in (
                    item.order.number if item.order else "",
                    item.purchase_order,
                    item.delivery.number if item.delivery else "",
                )
                if name
            ],
            item.issued - _EPOCH,
            item.due - _EPOCH,
            _RATES[item.discount] if item.discount else None,
            item.until - _EPOCH if item.discount else None,
        )
        for item in office.items
    ]
    return {
        "open_items": items,
        "receipts": [_receipt(receipt) for receipt in office.receipts],
        "related": list(office.related),
        "parties": [(key, number, name, names.country(market)) for key, number, name, market in office.parties],
        "truth": [
            (receipt.receipt_id, row.item.item_id, row.applied, row.alternatives or None)
            for receipt in office.receipts
            for row in receipt.rows
        ],
        "truth_differences": [
            (
                receipt.receipt_id,
                difference.item.item_id if difference.item else None,
                difference.kind,
                difference.amount,
            )
            for receipt in office.receipts
            for difference in receipt.differences
        ]
        + [(one.receipt_id, None, "fee", -one.fee) for one in office.receipts if one.fee and one.netted],
        "truth_seconds": [(one.receipt_id, one.first.receipt_id) for one in office.receipts if one.first is not None],
        "truth_offsets": [
            (back.receipt_id, one.receipt_id, item.item_id, sign * item.open)
            for back in office.receipts
            if back.offset is not None
            for sign, one in ((1, back.offset), (-1, back))
            for item in back.named or ()
        ],
        "truth_alternatives": [(group, item.item_id) for group, item in office.alternatives],
        "truth_receipts": [
            (one.receipt_id, one.kind, one.habit, one.segment, office.market, one.events, one.rest, one.gross)
            for one in office.receipts
        ],
    }


def _receipt(receipt: Receipt) -> tuple[Any, ...]:
    return (
        receipt.receipt_id,
        receipt.source,
        receipt.party,
        receipt.name or None,
        receipt.account or None,
        receipt.currency,
        receipt.amount,
        receipt.fee,
        receipt.netted,
        receipt.day - _EPOCH,
        receipt.text,
    )
