"""What became of the documents of closed periods: their figures stay, what changed since goes into the open period.

The documents as the closes counted them are compared with what counts now. An amount that changed, a document that
appeared or went, or moved to another period, is an *adjustment* of the first open period. A document of a closed period
that agrees only now (an advance that is applied, an invoice that is paid) is *settled* in the open period.

For each tie-out, side and currency, in minor units, both hold or there is no report:

    opening + documents of the period + adjustments = closing
    open then + documents of the period + adjustments − settled = open now
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from reconciliation.frame import Frame
from reconciliation.tieouts import DoesNotFootError
from state import frames, named, periods

if TYPE_CHECKING:
    from state.store import Store
    from state.tieouts import TieOut

_KEY = "tie_out, side, document_id, currency"


def after(period: str) -> str:
    """The next month of a ``YYYY-MM``."""
    year, month = int(period[:4]), int(period[5:])
    return f"{year + month // 12:04d}-{month % 12 + 1:02d}"


def before(period: str) -> str:
    """The month before a ``YYYY-MM``."""
    year, month = int(period[:4]), int(period[5:])
    return f"{year - (month == 1):04d}-{(month - 2) % 12 + 1:02d}"


def last_day(period: str) -> date:
    """The last day of a ``YYYY-MM``."""
    return date.fromisoformat(f"{after(period)}-01") - timedelta(days=1)


def prepare(frame: Frame, store: Store) -> str | None:
    """Make table ``baseline`` of the documents as the standing closes counted them, and return the last period closed.

    ``None``, and an empty table, if nothing is closed. Raises ``StoreError``.
    """
    with store.reading() as connection:
        closed = periods.standing(connection)
        text, number = pa.string(), pa.int64()
        texts = ("period", "tie_out", "side", "currency", "belongs_to", "content")
        numbers = ("record_id", "amount", "open_amount")
        types = {**dict.fromkeys(numbers, number), **dict.fromkeys(texts, text)}
        rows = frames.reader(connection, periods.DOCUMENTS, types=types)
        frame.take(
            "baseline",
            rows,
            "SELECT tie_out, side, record_id AS document_id, currency, belongs_to, amount, open_amount FROM incoming "
            "QUALIFY row_number() OVER (PARTITION BY tie_out, side, record_id, currency ORDER BY period DESC) = 1",
        )
    return closed[-1].period if closed else None


def counted(until: str) -> str:
    """SQL: what counts of the documents up to the end of a period, and what of that agrees with nothing then: a row for
    each document, tie-out, side and currency (``belongs_to``, ``amount``, ``open_amount``). Of one document, such as a
    payout with a part that no payment explains, a part may agree and another may not."""
    return f"""
        SELECT p.tie_out, p.side, p.document_id, p.currency, min(p.period) AS belongs_to,
            sum(p.amount)::BIGINT AS amount,
            coalesce(sum(p.amount) FILTER (WHERE s.result = 'unmatched'), 0)::BIGINT AS open_amount
        FROM period_parts p JOIN (FROM period_stood WHERE period <= '{until}'
            QUALIFY row_number() OVER (PARTITION BY tie_out, position, currency ORDER BY period DESC) = 1) s
            ON s.tie_out = p.tie_out AND s.position = p.position AND s.currency = p.currency
        WHERE p.period <= '{until}' GROUP BY ALL"""


def adjustments(frame: Frame, store: Store, closed: str) -> dict[str, dict[str, Any]]:
    """What changed about the documents up to the end of ``closed``, by tie-out, side, document and currency.

    ``kind``: ``changed``, ``late`` (appeared), ``gone``, ``moved`` (to a later period); ``old`` and ``new`` in minor
    units. Raises ``StoreError``.
    """
    rows = frame.dicts(
        f"""
        SELECT {_KEY}, b.belongs_to AS was_in, n.belongs_to AS is_in, coalesce(b.amount, 0) AS old,
            coalesce(n.amount, 0) AS new, b.amount IS NULL AS late, n.amount IS NULL AS gone,
            m.document_id IS NOT NULL AS moved
        FROM (FROM baseline WHERE amount IS NOT NULL) b
        FULL JOIN ({counted(closed)}) n USING ({_KEY})
        LEFT JOIN (SELECT DISTINCT document_id FROM period_parts WHERE period > '{closed}') m USING (document_id)
        WHERE coalesce(b.amount, 0) <> coalesce(n.amount, 0) ORDER BY {_KEY}
        """
    )
    with store.reading() as connection:
        names = named.records(connection, {row["document_id"] for row in rows})
    found = {}
    for row in rows:
        kind = "late" if row["late"] else ("moved" if row["moved"] else "gone") if row["gone"] else "changed"
        key = f"{row['tie_out']} {row['side']} {row['document_id']} {row['currency']}"
        found[key] = {
            **{name: row[name] for name in ("tie_out", "side", "currency", "old", "new")},
            "period": after(closed),
            "kind": kind,
            "belongs_to": row["is_in"] if row["late"] else row["was_in"],
            "record": names.get(row["document_id"], {}),
        }
    return found


def settled(frame: Frame, store: Store, closed: str) -> dict[str, dict[str, Any]]:
    """Documents of which a close left something open that agrees now, by tie-out, side, document and currency.

    ``amount`` is what of it agrees now and did not then. Raises ``StoreError``.
    """
    rows = frame.dicts(
        f"""
        SELECT {_KEY}, b.belongs_to, n.amount - n.open_amount - (b.amount - b.open_amount) AS amount
        FROM baseline b JOIN ({counted(after(closed))}) n USING ({_KEY})
        WHERE b.open_amount <> 0 AND abs(n.open_amount) < abs(b.open_amount) AND b.amount IS NOT NULL ORDER BY {_KEY}
        """
    )
    with store.reading() as connection:
        names = named.records(connection, {row["document_id"] for row in rows})
    return {
        f"{row['tie_out']} {row['side']} {row['document_id']} {row['currency']}": {
            **{name: row[name] for name in ("tie_out", "side", "currency", "belongs_to", "amount")},
            "period": after(closed),
            "record": names.get(row["document_id"], {}),
        }
        for row in rows
    }


def movements(frame: Frame, closed: str, split: list[TieOut]) -> dict[str, dict[str, Any]]:
    """From the close of ``closed`` to the end of the period after it, by tie-out, side and currency.

    Raises ``DoesNotFootError``.
    """
    period = after(closed)
    sums = {
        "opening": "SELECT {key}, sum(amount) FROM baseline WHERE amount IS NOT NULL GROUP BY ALL",
        "open_before": "SELECT {key}, sum(open_amount) FROM baseline WHERE amount IS NOT NULL GROUP BY ALL",
        "documents": f"SELECT {{key}}, sum(amount) FROM period_parts WHERE period = '{period}' GROUP BY ALL",
        "now": f"SELECT {{key}}, sum(amount) FROM ({counted(closed)}) GROUP BY ALL",
        "settled_before": "SELECT {key}, sum(amount - open_amount) FROM baseline WHERE amount IS NOT NULL GROUP BY ALL",
        "settled_now": f"SELECT {{key}}, sum(amount - open_amount) FROM ({counted(period)}) GROUP BY ALL",
    }
    found: dict[tuple[str, str, str], dict[str, int]] = {}
    for name, sql in sums.items():
        for tie_out, side, currency, amount in frame.rows(sql.format(key="tie_out, side, currency")):
            found.setdefault((tie_out, side, currency), dict.fromkeys(sums, 0))[name] = int(amount)
    stands = at_end(split, period)
    result = {}
    for key in sorted(found.keys() | stands.keys()):
        values = found.get(key, dict.fromkeys(sums, 0))
        closing, open_now = stands.get(key, (0, 0))
        row = {
            **dict(zip(("tie_out", "side", "currency"), key, strict=True)),
            "period": period,
            "opening": values["opening"],
            "documents": values["documents"],
            "adjustments": values["now"] - values["opening"],
            "closing": closing,
            "open_before": values["open_before"],
            "settled": values["settled_now"] - values["settled_before"],
            "open_now": open_now,
        }
        foot(row)
        result[" ".join(key)] = row
    return result


def documents(frame: Frame, period: str) -> list[tuple[Any, ...]]:
    """What a close of ``period`` keeps of the documents that count until its end, where the close before says something
    else: rows as ``state.periods.DOCUMENT``. The frame must have been loaded with ``hashes``."""
    return frame.rows(
        f"""
        SELECT {_KEY}, coalesce(n.belongs_to, b.belongs_to), n.amount, coalesce(n.open_amount, 0),
            coalesce(c.content, '')
        FROM (FROM baseline WHERE amount IS NOT NULL) b FULL JOIN ({counted(period)}) n USING ({_KEY})
        LEFT JOIN contents c ON c.record_id = document_id
        WHERE b.amount IS DISTINCT FROM n.amount OR b.open_amount IS DISTINCT FROM n.open_amount ORDER BY {_KEY}
        """
    )


def refuse(frame: Frame, period: str, kept: list[tuple[Any, ...]], split: list[TieOut]) -> None:
    """Raise ``DoesNotFootError`` if what follows ``period`` would not add up once a close keeps these ``documents``.

    Table ``baseline`` is what it will be then.
    """
    columns = list(zip(*kept, strict=True)) or [()] * len(periods.DOCUMENT)
    types = {"record_id": pa.int64(), "amount": pa.int64(), "open_amount": pa.int64()}
    data = {
        name: pa.array(values, types.get(name, pa.string()))
        for name, values in zip(periods.DOCUMENT, columns, strict=True)
    }
    known = "tie_out, side, document_id, currency, belongs_to, amount, open_amount"
    frame.take(
        "kept", pa.table(data), f"SELECT {known.replace('document_id', 'record_id AS document_id')} FROM incoming"
    )
    frame.run(
        f"CREATE OR REPLACE TABLE baseline AS SELECT {known} FROM kept UNION ALL "
        f"SELECT {known} FROM baseline ANTI JOIN kept USING ({_KEY})"
    )
    movements(frame, period, split)


def at_end(split: list[TieOut], period: str) -> dict[tuple[str, str, str], tuple[int, int]]:
    """What counts at the end of a period, and what of it is open, by tie-out, side and currency."""
    found: dict[tuple[str, str, str], tuple[int, int]] = {}
    for item in split:  # by period
        if item["period"] <= period:
            stands = item["to_date"]
            for side in ("left", "right"):
                whole = stands[side]["amount"] - stands[f"excluded_{side}"]["amount"]
                found[item["name"], side, item["currency"]] = (whole, stands[f"unmatched_{side}"]["amount"])
    return {key: value for key, value in found.items() if any(value)}


def foot(row: dict[str, Any]) -> None:
    """Raise ``DoesNotFootError`` unless a movement adds up."""
    added = row["documents"] + row["adjustments"]
    whole = row["opening"] + added == row["closing"]
    if not whole or row["open_before"] + added - row["settled"] != row["open_now"]:
        raise DoesNotFootError(f"The movement of {row['tie_out']} {row['side']} in {row['currency']} does not add up.")
