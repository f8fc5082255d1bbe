"""Whose account it is and who pays for whom, learned from payments that name what they pay."""

from __future__ import annotations

from reconciliation.cash.readings import read_endings
from reconciliation.session import Session
from settings.cash import CashRule

_CUT = 18
"""Letters of a name that a bank may have cut."""


def account(session: Session, rule: CashRule) -> int:
    """Whose account it is: payments from it were given as one customer's, or ``payments`` of them settled only his.

    One is enough that bears his name, cut by the bank or not: number and name agree.

    Likewise a payer pays for a customer if ``payments`` of his payments settled only that customer's items. Matches
    nothing itself, so it returns 0.
    """
    again = int(rule.payments or 1)
    known = int(session.value("SELECT count(*) FROM payer"))
    session.run(
        f"""
        CREATE OR REPLACE TEMP TABLE paid AS
            SELECT DISTINCT a.receipt_id, r.account, r.party AS payer, x.party AS customer
            FROM application a JOIN receipt r USING (receipt_id) JOIN item x ON x.item_id = a.item_id;
        CREATE OR REPLACE TEMP TABLE holder AS
        WITH seen AS (
            SELECT account, party, 1000000 AS times FROM receipt WHERE account <> '' AND party IS NOT NULL
            UNION ALL
            SELECT account, customer, 1 FROM paid WHERE account <> '' AND payer IS NULL
            UNION ALL
            SELECT p.account, p.customer, {again} FROM paid p JOIN unknown_payer u USING (receipt_id)
            JOIN bearer b ON b.party = p.customer AND (b.name = u.name OR length(u.name) >= {_CUT}
                AND starts_with(b.name, u.name))
            WHERE p.account <> '' AND p.payer IS NULL
        )
        SELECT account, any_value(party) AS party FROM seen GROUP BY account
        HAVING min(party) = max(party) AND sum(times) >= {again};
        CREATE OR REPLACE TEMP TABLE told_by_account AS
            SELECT r.receipt_id, h.party FROM receipt r SEMI JOIN rest_receipt USING (receipt_id)
            JOIN holder h ON h.account = r.account WHERE r.party IS NULL;
        UPDATE receipt SET party = t.party, known_by = 'account' FROM told_by_account t
            WHERE t.receipt_id = receipt.receipt_id;
        CREATE OR REPLACE TEMP TABLE learned AS
        SELECT payer, customer, 'learned' AS relation FROM paid WHERE payer <> customer
        GROUP BY ALL HAVING count(*) >= {again};
        INSERT INTO payer SELECT * FROM learned ANTI JOIN payer USING (payer, customer);
        SET VARIABLE cases = '';
        INSERT INTO related_payer SELECT * FROM learned ANTI JOIN related_payer USING (payer, customer)
        """
    )
    if session.value(f"SELECT count(*) > {known} FROM payer") or session.value("SELECT count(*) FROM told_by_account"):
        read_endings(session)
    return 0
