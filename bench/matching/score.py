"""The measures of a contestant on a world, from the verdicts of ``judging``.

A wrong receipt counts with all its money; ``wrong_item`` are those booked on an item that is not theirs, the others
have the right items with another amount.
"""

from __future__ import annotations

import math
from typing import Any

import duckdb

from bench.matching.judging import judge

_Z = 1.959964
"""Two-sided 95 %."""

_SUMS = """
count(*) AS receipts, count(*) FILTER (settles) AS settling,
count(*) FILTER (verdict <> 'open') AS booked, count(*) FILTER (verdict = 'right') AS right_count,
count(*) FILTER (verdict = 'in_part') AS in_part, count(*) FILTER (verdict = 'wrong') AS wrong,
count(*) FILTER (verdict = 'wrong' AND wrong_item) AS wrong_item,
count(*) FILTER (verdict = 'wrong' AND NOT settles) AS wrong_stranger,
coalesce(sum(euro), 0)::DOUBLE AS euro, coalesce(sum(euro) FILTER (settles), 0)::DOUBLE AS settling_euro,
coalesce(sum(euro) FILTER (verdict = 'right'), 0)::DOUBLE AS right_euro,
coalesce(sum(euro) FILTER (verdict = 'wrong'), 0)::DOUBLE AS wrong_euro,
count(*) FILTER (suggested AND verdict = 'open') AS suggested,
count(*) FILTER (suggested AND verdict = 'open' AND first_right) AS first_right,
count(*) FILTER (suggested AND verdict = 'open' AND any_right) AS any_right
"""


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share; all of it where there is nothing to count."""
    if not of:
        return 0.0, 1.0
    share, square = hits / of, _Z * _Z
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = _Z * math.sqrt(share * (1 - share) / of + square / (4 * of * of)) / (1 + square / of)
    return max(0.0, middle - half), min(1.0, middle + half)


def _share(hits: int, of: int) -> dict[str, float | int | None]:
    low, high = wilson(hits, of)
    return {"hits": hits, "of": of, "share": hits / of if of else None, "low": low, "high": high}


def _measures(row: dict[str, Any]) -> dict[str, Any]:
    """The measures of one set of receipts."""
    booked, wrong = row["booked"], row["wrong"]
    low, high = wilson(wrong, row["receipts"])
    return {
        "receipts": row["receipts"],
        "precision": _share(booked - wrong, booked),
        "recall": _share(row["right_count"], row["settling"]),
        "auto_rate": _share(booked, row["receipts"]),
        "right_money": row["right_euro"] / row["settling_euro"] if row["settling_euro"] else None,
        "wrong": wrong,
        "wrong_item": row["wrong_item"],
        "wrong_strangers": row["wrong_stranger"],
        "wrong_euro": row["wrong_euro"],
        "wrong_money": row["wrong_euro"] / row["euro"] if row["euro"] else None,
        "wrong_per_100000": {
            "value": 100_000 * wrong / max(1, row["receipts"]),
            "low": 100_000 * low,
            "high": 100_000 * high,
        },
        "in_part": row["in_part"],
        "suggestion_first_right": _share(row["first_right"], row["suggested"]),
        "suggestion_any_right": _share(row["any_right"], row["suggested"]),
    }


def score(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """All measures; ``connection`` holds the world, its truth and the tables of ``worlds.ANSWERS``."""
    judge(connection)
    found: dict[str, Any] = {"all": _measures(_rows(connection, f"SELECT {_SUMS} FROM verdicts")[0])}
    found["pairs"] = _pairs(connection)
    for name, column in (("rule", "rule"), ("habit", "habit"), ("segment", "segment"), ("class", "class")):
        where = "WHERE rule IS NOT NULL" if name == "rule" else ""
        rows = _rows(connection, f"SELECT {column} AS name, {_SUMS} FROM verdicts {where} GROUP BY ALL ORDER BY ALL")
        found[f"by_{name}"] = {row["name"]: _measures(row) for row in rows}
    rows = _rows(
        connection,
        f"SELECT name, {_SUMS} FROM (SELECT * EXCLUDE (events), unnest(list_distinct(events)) AS name FROM verdicts) "
        "GROUP BY ALL ORDER BY ALL",
    )
    found["by_event"] = {row["name"]: _measures(row) for row in rows}
    found["differences"] = _differences(connection)
    found["broken_rules"] = _broken(connection)
    return found


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    cursor = connection.execute(sql)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _pairs(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Precision and recall of single pairs of receipt and item."""
    row = _rows(
        connection,
        "SELECT count(*) FILTER (right_row) AS hits, count(*) AS given, (SELECT count(*) FROM right_rows) AS wanted, "
        "count(*) FILTER (item_right AND NOT right_row) AS other_amount FROM judged WHERE auto",
    )[0]
    return {
        "precision": _share(row["hits"], row["given"]),
        "recall": _share(row["hits"], row["wanted"]),
        "right_item_other_amount": row["other_amount"],
    }


def _differences(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Differences of receipts booked rightly: found with their kind and exact amount, or under another kind."""
    rows = _rows(
        connection,
        """
        WITH given AS (SELECT receipt_id, kind, sum(amount) AS amount FROM differences GROUP BY ALL),
        wanted AS (
            SELECT receipt_id, kind, sum(amount) AS amount FROM truth_differences
            WHERE receipt_id IN (SELECT receipt_id FROM verdicts WHERE verdict = 'right') GROUP BY ALL
        )
        SELECT w.kind, count(*) AS wanted, count(*) FILTER (EXISTS (
                SELECT 1 FROM given g WHERE g.receipt_id = w.receipt_id AND g.kind = w.kind AND g.amount = w.amount
            )) AS exact,
            count(*) FILTER (EXISTS (
                SELECT 1 FROM given g WHERE g.receipt_id = w.receipt_id AND g.kind <> w.kind AND g.amount = w.amount
            )) AS other_kind
        FROM wanted w GROUP BY ALL ORDER BY ALL
        """,
    )
    return {row["kind"]: {**_share(row["exact"], row["wanted"]), "other_kind": row["other_kind"]} for row in rows}


def _broken(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Rules that no answer may break: more applied than is open, more than came in, the same row twice, unknown ids."""
    queries = {
        "items_over_applied": """
            SELECT count(*) FROM (SELECT item_id, sum(applied) AS applied FROM booked_rows GROUP BY ALL) a
            JOIN open_items i USING (item_id) WHERE abs(a.applied) > abs(i.open)""",
        "money_in_reopens": """
            SELECT count(*) FROM booked_rows a JOIN open_items i USING (item_id)
            JOIN truth_receipts t USING (receipt_id) WHERE t.gross > 0 AND a.applied * i.open < 0""",
        "receipts_over_applied": """
            WITH applied AS (
                SELECT receipt_id, sum(applied) AS amount, bool_or(i.currency <> r.currency) AS abroad
                FROM booked_rows JOIN open_items i USING (item_id) JOIN receipts r USING (receipt_id) GROUP BY ALL
            ), differing AS (SELECT receipt_id, sum(amount) AS amount FROM differences GROUP BY ALL)
            SELECT count(*) FROM applied a JOIN receipts r USING (receipt_id) LEFT JOIN differing d USING (receipt_id)
            WHERE NOT abroad AND abs(a.amount + coalesce(d.amount, 0)) > abs(r.amount)""",
        "rows_twice": """
            SELECT count(*) FROM (
                SELECT 1 FROM booked_rows GROUP BY receipt_id, item_id HAVING count(*) > 1)""",
        "unknown_ids": """
            SELECT count(*) FROM applications a WHERE receipt_id NOT IN (SELECT receipt_id FROM receipts)
                OR item_id NOT IN (SELECT item_id FROM open_items)""",
    }
    return {name: next(iter(_rows(connection, sql)[0].values())) for name, sql in queries.items()}
