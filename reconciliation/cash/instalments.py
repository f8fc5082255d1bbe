"""Instalments of one item: the text numbers them, or equal payments come to the item, each with the same surcharge."""

from __future__ import annotations

from reconciliation.cash import cases, references
from reconciliation.cash.cases import RELATED
from reconciliation.cash.named import SCORE
from reconciliation.cash.tables import settle
from reconciliation.session import Session
from settings.cash import CashRule

_OF = r"(?:^|[^0-9A-Z/.,-])([1-9][0-9]?) ?(?:/|OF|VON|DE|SUR|DI) ?([2-9]|[1-5][0-9])(?:$|[^0-9A-Z/.,-])"
"""``3/6``, ``3 of 6``: not a date, not part of a number."""


def instalment(session: Session, rule: CashRule) -> int:
    """The receipt names one item and pays an equal part of it, with a surcharge of up to ``share``.

    The number of parts is in the text (3/6), or it is the number of equal receipts that name the item. Each part is the
    item's amount by their number, rounded down; the last is what is left. What comes in beyond is interest, no error.
    """
    cases.prepare(session, references.CLEANED)
    session.run(
        f"""
        CREATE OR REPLACE TEMP TABLE part AS
        WITH told AS (
            SELECT c.receipt_id, c.item_id, c.rest, c.total, c.received_on, x.open,
                TRY_CAST(regexp_extract(r.text, '{_OF}', 1) AS INTEGER) AS k,
                TRY_CAST(regexp_extract(r.text, '{_OF}', 2) AS INTEGER) AS n
            FROM cases c JOIN receipt r USING (receipt_id) JOIN item x ON x.item_id = c.item_id
            WHERE c.items = 1 AND c.relation >= 1 AND c.rest > 0 AND x.open > 0
              AND (c.relation >= {RELATED} OR c.level = {references.EXACT})
        ),
        placed AS (
            SELECT *, count(*) OVER (PARTITION BY item_id, rest) AS alike,
                count(*) OVER (PARTITION BY item_id) AS others,
                row_number() OVER (PARTITION BY item_id ORDER BY received_on, receipt_id) AS turn
            FROM told
        ),
        parts AS (
            SELECT receipt_id, item_id, rest, total, received_on, open, CASE WHEN k <= n THEN k ELSE turn END AS k,
                CASE WHEN k <= n THEN n WHEN alike = others AND alike > 1 AND open = total THEN alike END AS n
            FROM placed
        ),
        shares AS (
            SELECT *, CASE WHEN k = n THEN open - (n - 1) * (open // n) ELSE open // n END AS share FROM parts
            WHERE n >= 2
        )
        SELECT receipt_id, item_id, share, rest - share AS surcharge FROM shares
        WHERE rest >= share AND rest - share <= floor(share * {rule.share or 0:f})
        QUALIFY sum(share) OVER (PARTITION BY item_id ORDER BY received_on, receipt_id) <= total;
        INSERT INTO proposal BY NAME
        SELECT n.receipt_id, n.item_id, p.share AS applied, p.share AS spent, {SCORE} - 10 AS score,
            {cases.evidence("0")} AS evidence
        FROM part p JOIN named n USING (receipt_id) JOIN item x ON x.item_id = n.item_id;
        INSERT INTO proposed_difference BY NAME
        SELECT receipt_id, item_id, 'surcharge' AS kind, surcharge AS amount FROM part
        """
    )
    return settle(session, rule.name, rule.decision)
