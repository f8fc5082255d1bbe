"""The contestant that everybody must beat: whole numbers found in the text, and the money agrees to the cent."""

from __future__ import annotations

import duckdb


def apply(connection: duckdb.DuckDBPyConnection) -> None:
    """Fill ``applications``, ``differences`` and ``residue`` for the world in ``connection``.

    A receipt is applied where the open amounts of the invoices, credit notes and orders whose numbers stand in its text
    add up to it; of two receipts for one item the earlier takes it.
    """
    connection.execute(
        """
        CREATE TEMP TABLE named AS
        WITH words AS (
            SELECT receipt_id, currency, received_on, amount + CASE WHEN fee_is_netted THEN fee ELSE 0 END AS gross,
                unnest(list_distinct(regexp_split_to_array(upper(text), '[^A-Z0-9-]+'))) AS word
            FROM receipts
        ), names AS (
            SELECT item_id, currency, open, upper(number) AS word FROM open_items
            UNION ALL
            SELECT item_id, currency, open, upper(unnest(other_references)) FROM open_items
        )
        SELECT DISTINCT receipt_id, item_id, received_on, gross, open
        FROM words JOIN names USING (word, currency) WHERE length(word) >= 5;

        CREATE TEMP TABLE fitting AS
        SELECT * FROM named QUALIFY sum(open) OVER (PARTITION BY receipt_id) = gross;

        INSERT INTO applications
        WITH first AS (
            SELECT *, row_number() OVER (PARTITION BY item_id ORDER BY received_on, receipt_id) AS place FROM fitting
        )
        SELECT receipt_id, item_id, open, 'exact_reference', 1000, 'auto', 1, '{}' FROM first
        WHERE receipt_id NOT IN (SELECT receipt_id FROM first WHERE place > 1);

        INSERT INTO differences
        SELECT receipt_id, NULL, 'fee', -fee FROM receipts
        WHERE fee_is_netted AND fee > 0 AND receipt_id IN (SELECT receipt_id FROM applications);

        INSERT INTO residue
        SELECT receipt_id, amount + CASE WHEN fee_is_netted THEN fee ELSE 0 END, 'unmatched', 'look'
        FROM receipts WHERE receipt_id NOT IN (SELECT receipt_id FROM applications);
        """
    )
