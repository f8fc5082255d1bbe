"""The workload of scale: a million orders, 1.04 M invoices, 1.16 M payments of which 5 % have a damaged reference.

Of the orders 5 % are invoiced in two parts and 0.5 % not at all. Of the others 3.2 % are not paid, 17.5 % are paid in
two parts, 6 % twice, 4 % together with another of the customer's under the number of one, and 4.4 % with an amount that
is wrong by at most 1.00 (2.8 %) or by more. Same shape as the workload that engines were compared on before; made here
by seeded hashes in SQL, so in seconds.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

_MACROS = """
CREATE MACRO draw(n, what) AS (hash(n, what, {seed}) % 1000000)::INTEGER;
CREATE MACRO number_of(n) AS 'SO-' || lpad(n::VARCHAR, 7, '0');
"""

_TABLES = """
CREATE TABLE orders AS
SELECT n AS order_id, number_of(n) AS number, 'C' || draw(n // 2, 'party') % {parties} AS party,
    500 + hash(n, 'amount', {seed}) % 500000 AS amount,
    DATE '2025-01-01' + (n * 364 // {orders})::INTEGER AS ordered_on,
    draw(n, 'pay') AS pay, draw(n, 'bill') < 5000 AS unbilled, draw(n, 'split') < 50000 AS split
FROM range(1, {orders} + 1) t(n);

CREATE TABLE invoices AS
SELECT row_number() OVER (ORDER BY order_id, part) AS invoice_id, order_id, number AS order_number, party, part,
    CASE WHEN NOT split THEN amount WHEN part = 1 THEN amount // 3 ELSE amount - amount // 3 END::BIGINT AS amount,
    (ordered_on + 2 * part::INTEGER)::DATE AS issued_on
FROM orders, range(1, 3) p(part) WHERE NOT unbilled AND (split OR part = 1);

CREATE TABLE given AS
WITH kinds AS (
    SELECT *, CASE WHEN unbilled OR pay < 32000 THEN 0 WHEN pay < 207000 THEN 2 WHEN pay < 267000 THEN 3
        WHEN pay < 295000 THEN 5 WHEN pay < 311000 THEN 6 WHEN pay < 405000 AND order_id % 2 = 0 THEN 4 ELSE 1
        END AS kind
    FROM orders
), together AS (
    SELECT *, kind = 4 AND lead(kind) OVER (ORDER BY order_id) = 1 AS with_next,
        lead(amount) OVER (ORDER BY order_id) AS next, kind = 1 AND lag(kind) OVER (ORDER BY order_id) = 4 AS by_other
    FROM kinds
)
SELECT order_id, part, ordered_on + 10 + draw(order_id, 'day') % 30 + 20 * (part::INTEGER - 1) AS received_on, party,
    with_next,
    CASE WHEN kind = 2 AND part = 1 THEN amount // 2 WHEN kind = 2 THEN amount - amount // 2
        WHEN with_next THEN amount + next
        WHEN kind = 5 THEN amount - 100 + draw(order_id, 'off') % 200
        WHEN kind = 6 THEN amount - amount * (1 + draw(order_id, 'off') % 10) // 100
        ELSE amount END::BIGINT AS amount
FROM together, range(1, 3) p(part) WHERE kind <> 0 AND NOT by_other AND (kind IN (2, 3) OR part = 1);

CREATE TABLE payments AS
WITH numbered AS (SELECT *, row_number() OVER (ORDER BY order_id, part) AS payment_id FROM given),
damaged AS (
    SELECT *, number_of(order_id) AS good, 4 + draw(payment_id, 'place') % 7 AS place,
        CASE WHEN draw(payment_id, 'damage') >= 50000 THEN 0 ELSE 1 + draw(payment_id, 'how') % 4 END AS how
    FROM numbered
)
SELECT payment_id, order_id, party, amount, received_on::DATE AS received_on, with_next,
    CASE how WHEN 1 THEN substr(good, 1, place - 1) || draw(payment_id, 'digit') % 10 || substr(good, place + 1)
        WHEN 2 THEN substr(good, 1, place - 1) || substr(good, place + 1)
        WHEN 3 THEN substr(good, 1, 3) || ' ' || substr(good, 4, 4) || ' ' || substr(good, 8)
        WHEN 4 THEN replace(good, '0', 'O') ELSE good END AS reference,
    draw(payment_id, 'known') < 800000 AS known
FROM damaged;
"""

_FILES = {
    "orders": "SELECT order_id, number, party, amount, ordered_on FROM orders ORDER BY order_id",
    "invoices": "SELECT invoice_id, order_number, amount, issued_on FROM invoices ORDER BY invoice_id",
    "payments": "SELECT payment_id, reference, amount, received_on FROM payments ORDER BY payment_id",
    "belongs": """
        SELECT payment_id, order_id FROM payments
        UNION ALL SELECT payment_id, order_id + 1 FROM payments WHERE with_next ORDER BY ALL""",
    "open_items": """
        SELECT invoice_id AS item_id, 'invoice' AS kind, party, 'EUR' AS currency, amount, amount AS open,
            'RE-' || lpad(invoice_id::VARCHAR, 8, '0') AS number, [order_number] AS other_references, issued_on,
            (issued_on + 14)::DATE AS due_on, NULL::DECIMAL(5, 4) AS discount_rate, NULL::DATE AS discount_until
        FROM invoices ORDER BY item_id""",
    "receipts": """
        SELECT payment_id AS receipt_id, 'payments' AS source, CASE WHEN known THEN party END AS party,
            NULL::VARCHAR AS payer_name, NULL::VARCHAR AS payer_account, 'EUR' AS currency, amount, 0::BIGINT AS fee,
            false AS fee_is_netted, received_on,
            reference || CASE WHEN with_next THEN ' ' || number_of(order_id + 1) ELSE '' END AS text
        FROM payments ORDER BY receipt_id""",
    "related": "SELECT '' AS payer, '' AS customer, '' AS why WHERE false",
    "parties": "SELECT DISTINCT party, party AS number, party AS name, 'DE' AS country FROM orders ORDER BY party",
    "rates": """
        SELECT 'EUR' AS currency, (DATE '2024-12-01' + d::INTEGER)::DATE AS day, 1::DECIMAL(28, 10) AS rate
        FROM range(500) t(d)""",
}


def write(folder: Path, orders: int, seed: int) -> dict[str, int]:
    """Write the workload to ``folder`` as Parquet; the number of rows of each file."""
    folder.mkdir(parents=True, exist_ok=True)
    counts = {}
    with duckdb.connect(":memory:", config={"threads": 2}) as connection:
        values = {"orders": orders, "seed": seed, "parties": max(1, orders // 5)}
        connection.execute(_MACROS.format(**values))
        connection.execute(_TABLES.format(**values))
        for name, query in _FILES.items():
            done = connection.execute(f"COPY ({query}) TO '{folder / name}.parquet' (FORMAT parquet)").fetchone()
            counts[name] = int(done[0]) if done else 0
    return counts
