"""The machine's limit for a pull: httpx, a parser, and the fastest upsert the database has; nothing else is promised.

No hash, no validation, no version kept: an order or invoice becomes one row of 20 columns and one row per line.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec

_ORDER = (
    *("id", "number", "status", "created_at", "updated_at", "currency", "total", "net", "tax", "po_number"),
    *(
        "promised_on",
        "customer_id",
        "customer_name",
        "email",
        "street",
        "city",
        "zip",
        "line_count",
        "kind",
        "body_size",
    ),
)
_LINE = ("order_id", "n", "line_id", "sku", "description", "quantity", "unit_price", "amount")


def pages(url: str, since: str) -> Iterator[list[dict[str, Any]]]:
    """Parsed pages."""
    with httpx.Client(base_url=url) as client:
        params: dict[str, str] = {"updated_since": since} if since else {}
        while True:
            answer = msgspec.json.decode(client.get("/records", params=params).content)
            yield answer["data"]
            if not answer["next"]:
                return
            params = {"cursor": answer["next"]}


def order_rows(record: dict[str, Any]) -> tuple[tuple[Any, ...], list[tuple[Any, ...]]]:
    """An order's rows."""
    customer = record["customer"]
    address = customer["address"]
    lines = record["lines"]
    row = (
        record["id"],
        record["number"],
        record["status"],
        record["created_at"],
        record["updated_at"],
        record["currency"],
        record["total"],
        record["net"],
        record["tax"],
        record["po_number"],
        record["promised_on"],
        customer["id"],
        customer["name"],
        customer["email"],
        address["street"],
        address["city"],
        address["zip"],
        str(len(lines)),
        "order",
        "",
    )
    return row, [
        (
            record["id"],
            n,
            line["line_id"],
            line["sku"],
            line["description"],
            str(line["quantity"]),
            line["unit_price"],
            line["amount"],
        )
        for n, line in enumerate(lines)
    ]


def invoice_rows(record: dict[str, Any]) -> tuple[tuple[Any, ...], list[tuple[Any, ...]]]:
    """An invoice's rows."""
    contact = record["Contact"]
    lines = record["LineItems"]
    row = (
        record["InvoiceID"],
        record["InvoiceNumber"],
        record["Status"],
        record["DateString"],
        record["UpdatedDateUTC"],
        record["CurrencyCode"],
        str(record["Total"]),
        str(record["SubTotal"]),
        str(record["TotalTax"]),
        record["Reference"],
        record["DueDateString"],
        contact["ContactID"],
        contact["Name"],
        str(record["AmountDue"]),
        str(record["AmountPaid"]),
        str(record["AmountCredited"]),
        record["LineAmountTypes"],
        str(len(lines)),
        record["Type"],
        str(record["SentToContact"]),
    )
    return row, [
        (
            record["InvoiceID"],
            n,
            line["LineItemID"],
            line["ItemCode"],
            line["Description"],
            str(line["Quantity"]),
            str(line["UnitAmount"]),
            str(line["LineAmount"]),
        )
        for n, line in enumerate(lines)
    ]


ROWS = {"orders": order_rows, "invoices": invoice_rows}


def _tables() -> list[str]:
    orders = ", ".join(f"{name} TEXT" for name in _ORDER[1:])
    lines = ", ".join(f"{name} TEXT" for name in _LINE[2:])
    return [
        f"CREATE TABLE IF NOT EXISTS raw_order (id TEXT PRIMARY KEY, {orders})",
        f"CREATE TABLE IF NOT EXISTS raw_line (order_id TEXT, n BIGINT, {lines}, PRIMARY KEY (order_id, n))",
        "CREATE TABLE IF NOT EXISTS raw_cursor (since TEXT)",
    ]


def _upsert(table: str, columns: tuple[str, ...], keys: int, source: str) -> str:
    sets = ", ".join(f"{name} = excluded.{name}" for name in columns[keys:])
    names = ", ".join(columns)
    return f"INSERT INTO {table} ({names}) {source} ON CONFLICT ({', '.join(columns[:keys])}) DO UPDATE SET {sets}"


def pull_sqlite(path: str, url: str, kind: str, full: bool) -> int:
    """Pull into SQLite; returns the number of records received."""
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL", *_tables()):
        connection.execute(statement)
    orders = _upsert("raw_order", _ORDER, 1, f"VALUES ({','.join('?' * len(_ORDER))})")
    lines = _upsert("raw_line", _LINE, 2, f"VALUES ({','.join('?' * len(_LINE))})")
    since, count = _since(connection, full), 0
    latest = since
    for page in pages(url, since):
        made = [ROWS[kind](record) for record in page]
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(orders, [row for row, _ in made])
        connection.executemany(lines, [line for _, some in made for line in some])
        latest = max(latest, latest_of(kind, page))
        connection.execute("DELETE FROM raw_cursor")
        connection.execute("INSERT INTO raw_cursor VALUES (?)", (latest,))
        connection.execute("COMMIT")
        count += len(page)
    connection.close()
    return count


def pull_postgres(dsn: str, url: str, kind: str, full: bool) -> int:
    """Pull into PostgreSQL by COPY to a temporary table and insert on conflict; returns the records received."""
    import psycopg

    connection = psycopg.connect(dsn, autocommit=False)
    cursor = connection.cursor()
    for statement in _tables():
        cursor.execute(statement)
    for table in ("raw_order", "raw_line"):
        cursor.execute(f"CREATE TEMP TABLE staged_{table} (LIKE {table}) ON COMMIT DELETE ROWS")
    connection.commit()
    since, count = _since(cursor, full), 0
    latest = since
    for page in pages(url, since):
        made = [ROWS[kind](record) for record in page]
        staged = (
            ("raw_order", _ORDER, 1, [row for row, _ in made]),
            ("raw_line", _LINE, 2, [line for _, some in made for line in some]),
        )
        for table, columns, keys, rows in staged:
            with cursor.copy(f"COPY staged_{table} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            source = f"SELECT {', '.join(columns)} FROM staged_{table}"
            cursor.execute(_upsert(table, columns, keys, source))
        latest = max(latest, latest_of(kind, page))
        cursor.execute("DELETE FROM raw_cursor")
        cursor.execute("INSERT INTO raw_cursor VALUES (%s)", (latest,))
        connection.commit()
        count += len(page)
    connection.close()
    return count


def _since(cursor: Any, full: bool) -> str:
    row = cursor.execute("SELECT since FROM raw_cursor").fetchone()
    return "" if row is None or full else str(row[0])


def latest_of(kind: str, page: list[dict[str, Any]]) -> str:
    """The last change in a page, as ``updated_since`` takes it."""
    if kind == "orders":
        return max((record["updated_at"] for record in page), default="")
    from datetime import UTC, datetime

    millis = max((int(record["UpdatedDateUTC"][6:19]) for record in page), default=0)
    return datetime.fromtimestamp(millis / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
