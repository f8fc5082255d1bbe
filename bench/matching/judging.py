"""Hold the answers of a contestant against the truth, row by row and receipt by receipt, in SQL.

A booked row (automatic or pinned) is right if the truth applies that receipt to that item, or to one that nobody can
tell from it, and one of these holds:

- the same amount of the item is applied;
- the same money, after the item's differences: whether 95 for 100 leaves 5 open or writes 5 off as a short payment is a
  choice of the engine's, which its differences are judged for;
- the same money of the whole receipt, where a difference of the whole receipt (a bank's fee) was taken from an item;
- the item ends as the truth leaves it after all receipts: of five instalments with a surcharge the first may settle
  more.

A second payment that is booked where the first is not counts as the first. Rows about a second payment and its refund
that cancel each other (``truth_offsets``) are left out. A receipt is
``right`` if all its rows are and no item is missing, ``in_part`` if items are missing, ``wrong`` if a row is, ``open``
without any.
"""

from __future__ import annotations

import duckdb

_SQL = """
CREATE OR REPLACE TEMP TABLE money AS
SELECT t.receipt_id, round(abs(t.gross) / CASE r.currency WHEN 'JPY' THEN 1 ELSE 100 END * x.rate, 2) AS euro
FROM truth_receipts t JOIN receipts r USING (receipt_id)
JOIN rates x ON x.day = r.received_on AND x.currency = r.currency;

CREATE OR REPLACE TEMP TABLE same AS
SELECT DISTINCT t.receipt_id, a.item_id, t.alternatives AS one
FROM truth t JOIN truth_alternatives a USING (alternatives);

CREATE OR REPLACE TEMP VIEW booked_rows AS FROM applications WHERE decision IN ('auto', 'pinned');

CREATE OR REPLACE TEMP TABLE instead AS
SELECT receipt_id, first_id FROM truth_seconds
WHERE receipt_id IN (SELECT receipt_id FROM booked_rows) AND first_id NOT IN (SELECT receipt_id FROM booked_rows);

CREATE OR REPLACE TEMP TABLE cancelled AS
WITH given AS (
    SELECT o."offset", o.item_id, count(b.receipt_id) AS rows, sum(b.applied) AS net
    FROM truth_offsets o LEFT JOIN booked_rows b USING (receipt_id, item_id) GROUP BY ALL
)
SELECT o.receipt_id, o.item_id FROM truth_offsets o JOIN given g USING ("offset", item_id)
WHERE g.rows = 2 AND g.net = 0;

CREATE OR REPLACE TEMP TABLE right_rows AS
WITH differing AS (SELECT receipt_id, item_id, sum(amount) AS amount FROM truth_differences GROUP BY ALL)
SELECT t.receipt_id, coalesce(s.one, t.item_id) AS one, sum(applied)::BIGINT AS applied,
    (sum(applied) + sum(coalesce(d.amount, 0)))::BIGINT AS money
FROM truth t LEFT JOIN same s USING (receipt_id, item_id) LEFT JOIN differing d USING (receipt_id, item_id)
GROUP BY ALL;

CREATE OR REPLACE TEMP TABLE given_rows AS
WITH differing AS (
    SELECT coalesce(n.first_id, receipt_id) AS receipt_id, item_id, sum(amount) AS amount
    FROM differences LEFT JOIN instead n USING (receipt_id) GROUP BY ALL
), answers AS (
    SELECT a.* REPLACE (coalesce(n.first_id, a.receipt_id) AS receipt_id)
    FROM applications a LEFT JOIN instead n USING (receipt_id)
)
SELECT a.receipt_id, coalesce(s.one, a.item_id) AS one, min(a.item_id) AS item_id,
    decision IN ('auto', 'pinned') AS auto, a.rank, min(rule) AS rule, sum(applied)::BIGINT AS applied,
    (sum(applied) + sum(coalesce(d.amount, 0)))::BIGINT AS money
FROM answers a LEFT JOIN same s USING (receipt_id, item_id) LEFT JOIN differing d USING (receipt_id, item_id)
ANTI JOIN cancelled c ON c.receipt_id = a.receipt_id AND c.item_id = a.item_id
GROUP BY ALL;

CREATE OR REPLACE TEMP TABLE same_end AS
SELECT item_id FROM (SELECT item_id, sum(applied) AS applied FROM truth GROUP BY ALL) t
JOIN (SELECT item_id, sum(applied) AS applied FROM booked_rows GROUP BY ALL) b USING (item_id, applied);

CREATE OR REPLACE TEMP TABLE totals AS
WITH wanted AS (SELECT receipt_id, sum(applied) AS applied FROM truth GROUP BY ALL),
given AS (SELECT receipt_id, sum(applied) AS applied FROM booked_rows GROUP BY ALL),
wanted_differences AS (
    SELECT receipt_id, sum(amount) AS amount, sum(amount) FILTER (item_id IS NULL) AS whole
    FROM truth_differences GROUP BY ALL
),
given_differences AS (SELECT receipt_id, sum(amount) AS amount FROM differences GROUP BY ALL)
SELECT r.receipt_id, w.applied + coalesce(wd.amount, 0) = g.applied + coalesce(gd.amount, 0) AS same_money,
    abs(coalesce(wd.whole, 0) + CASE WHEN r.fee_is_netted THEN r.fee ELSE 0 END) AS of_the_whole
FROM receipts r JOIN wanted w USING (receipt_id) JOIN given g USING (receipt_id)
LEFT JOIN wanted_differences wd USING (receipt_id) LEFT JOIN given_differences gd USING (receipt_id);

CREATE OR REPLACE TEMP TABLE judged AS
SELECT g.*, r.one IS NOT NULL AS item_right, r.one IS NOT NULL AND coalesce(
        g.applied = r.applied OR g.money = r.money OR e.item_id IS NOT NULL
        OR t.same_money AND least(abs(g.applied - r.applied), abs(g.money - r.money)) <= t.of_the_whole, false
    ) AS right_row
FROM given_rows g LEFT JOIN right_rows r USING (receipt_id, one) LEFT JOIN totals t USING (receipt_id)
LEFT JOIN same_end e ON e.item_id = g.item_id;

CREATE OR REPLACE TEMP TABLE verdicts AS
WITH wanted AS (SELECT receipt_id, count(*) AS rows FROM right_rows GROUP BY ALL),
booked AS (
    SELECT receipt_id, count(*) AS rows, bool_and(right_row) AS all_right, bool_and(item_right) AS items_right,
        min(rule) AS rule
    FROM judged WHERE auto GROUP BY ALL
),
proposed AS (
    SELECT receipt_id, rank, bool_and(item_right) AS all_right, count(*) AS rows FROM judged WHERE NOT auto GROUP BY ALL
),
proposals AS (
    SELECT p.receipt_id, bool_or(p.rank = 1 AND p.all_right AND p.rows = w.rows) AS first_right,
        bool_or(p.all_right AND p.rows = w.rows) AS any_right
    FROM proposed p LEFT JOIN wanted w USING (receipt_id) GROUP BY ALL
)
SELECT t.receipt_id, t.class, t.habit, t.segment, t.market, t.events, m.euro, w.rows IS NOT NULL AS settles, b.rule,
    CASE WHEN b.receipt_id IS NULL THEN 'open' WHEN NOT b.all_right THEN 'wrong'
        WHEN w.rows = b.rows THEN 'right' ELSE 'in_part' END AS verdict,
    coalesce(NOT b.items_right, false) AS wrong_item, p.receipt_id IS NOT NULL AS suggested,
    coalesce(p.first_right, false) AS first_right, coalesce(p.any_right, false) AS any_right
FROM truth_receipts t JOIN money m USING (receipt_id) LEFT JOIN wanted w USING (receipt_id)
LEFT JOIN booked b USING (receipt_id) LEFT JOIN proposals p USING (receipt_id);
"""


def judge(connection: duckdb.DuckDBPyConnection) -> None:
    """Make ``judged`` (a line for each row given) and ``verdicts`` (one for each receipt)."""
    connection.execute(_SQL)
