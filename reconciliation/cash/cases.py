"""Receipts with the items that they name: the ground on which the rules with references decide.

``named`` has a row for each item that a receipt names while both have something left; ``cases`` sums it up for each
receipt: how many items, what they come to, how surely they are named (``level``), how payer and customer are related:

- 3 ``same``: the payer is the customer
- 2 ``related``: somebody said that this payer pays for this customer
- 1 ``unknown``: nobody knows who the payer is
- 0 ``other``: the payer is another customer
"""

from __future__ import annotations

from reconciliation.cash import references
from reconciliation.cash.groups import AHEAD
from reconciliation.session import Session

SAME, RELATED, UNKNOWN, OTHER = 3, 2, 1, 0


def prepare(session: Session, least: int, *, mixed: bool = False) -> None:
    """Make ``named`` and ``cases`` of what is left, with numbers that are read at least so well.

    Of what a receipt names, what is read well goes before what is not, a number before an order, and items of those
    whom its payer pays for before those of others, unless an exact number says otherwise; with ``mixed`` all of these
    count together. A credit note that was issued later was not netted, unless its number stands there; nor
    one of an order that is named if what was paid is nearer to the invoices alone, and not more. What is read
    poorly names nothing that was issued later. ``gap`` is what
    came in beyond what is named (negative: less); ``discount`` is what the terms allowed to deduct, with the days of
    grace, ``late_discount`` what they no longer did.
    """
    made_of = f"{least} {mixed}"
    if session.value("SELECT getvariable('cases')") == made_of:
        return
    session.run(f"SET VARIABLE cases = '{made_of}'")
    preferred = "" if mixed else f"AND f.own = b.own AND (f.level >= {references.CLEANED} OR NOT b.well)"
    session.run(
        f"""
        CREATE OR REPLACE TEMP TABLE named AS
        WITH found AS (
            SELECT h.receipt_id, h.item_id, h.level, h.own, h.reading, i.rest AS item_rest, r.rest, x.party AS customer,
                CASE WHEN c.party IS NULL THEN {UNKNOWN} WHEN c.party = x.party THEN {SAME}
                    WHEN p.payer IS NOT NULL THEN {RELATED} ELSE {OTHER} END AS relation,
                x.alone, coalesce(x.due_on, x.issued_on, DATE '9999-12-31') AS age,
                CASE WHEN i.rest > 0 THEN round(i.rest * x.discount_rate)::BIGINT ELSE 0 END AS deduction,
                coalesce(c.received_on <= x.discount_until + getvariable('grace_days')::INTEGER, false) AS in_time
            FROM hit h JOIN rest_receipt r USING (receipt_id) JOIN rest_item i USING (item_id)
            JOIN receipt c ON c.receipt_id = h.receipt_id JOIN item x ON x.item_id = h.item_id
            LEFT JOIN related_payer p ON p.payer = c.party AND p.customer = x.party
            WHERE h.level >= {least} AND x.currency = c.currency AND (c.amount < 0 OR x.open > 0
                OR h.own AND h.level = {references.EXACT} OR (x.issued_on > c.received_on + {AHEAD}) IS NOT true)
              AND (h.level > {references.WEAK} OR (x.issued_on > c.received_on + {AHEAD}) IS NOT true)
        ),
        best AS (
            SELECT receipt_id, max(level) >= {references.CLEANED} AS well, max(relation) >= {RELATED} AS known,
                CASE WHEN well THEN bool_or(own AND level >= {references.CLEANED}) ELSE bool_or(own) END AS own
            FROM found GROUP BY ALL
        )
        SELECT f.* FROM found f JOIN best b USING (receipt_id)
        WHERE (f.relation >= {RELATED} OR NOT b.known OR f.own AND f.alone AND f.level = {references.EXACT})
            {preferred};
        DELETE FROM named WHERE item_rest < 0 AND NOT own AND receipt_id IN (
            SELECT receipt_id FROM (
                SELECT receipt_id, any_value(rest) AS rest, sum(item_rest) AS netted,
                    sum(item_rest) FILTER (WHERE own OR item_rest > 0) AS whole
                FROM named GROUP BY receipt_id
            ) WHERE rest > netted AND rest <= whole AND whole - rest < rest - netted
        );
        CREATE OR REPLACE TEMP TABLE cases AS
        SELECT n.*, c.party,
            coalesce(c.party, nullif(c.account, ''), 'name ' || nullif(c.payer_name, '')) AS payer, c.currency,
            c.received_on, (n.rest - n.total)::BIGINT AS gap
        FROM (
            SELECT receipt_id, any_value(rest) AS rest, count(*) AS items, sum(item_rest)::BIGINT AS total,
                min(item_rest) FILTER (WHERE item_rest > 0) AS smallest,
                min(level) AS level, min(relation) AS relation, bool_and(own) AS own, min(item_id) AS item_id,
                min(customer) = max(customer) AS one_customer, count(*) FILTER (WHERE item_rest = rest) AS equal,
                arg_min(item_id, (age, item_id)) FILTER (WHERE item_rest = rest) AS equal_item,
                coalesce(sum(deduction) FILTER (WHERE in_time), 0)::BIGINT AS discount,
                coalesce(sum(deduction) FILTER (WHERE NOT in_time), 0)::BIGINT AS late_discount
            FROM named GROUP BY receipt_id
        ) n JOIN receipt c USING (receipt_id)
        """
    )


def mixes(session: Session, least: int) -> bool:
    """Whether some receipt names more than ``prepare`` takes without ``mixed``."""
    prepare(session, least)
    return bool(
        session.value(
            f"""
            SELECT count(*) FROM hit h JOIN rest_receipt USING (receipt_id) JOIN rest_item USING (item_id)
            ANTI JOIN named n ON n.receipt_id = h.receipt_id AND n.item_id = h.item_id WHERE h.level >= {least}
            """
        )
    )


def rivals(session: Session, of: str) -> None:
    """Make ``rival``: those cases (``of``: SQL over ``cases``) whose payer has another open item of just that amount.

    Of just that amount, or less the discount that it still allows, and billed by then. What a receipt names is doubtful
    if what it does not name fits better.
    """
    session.run(
        f"""
        CREATE OR REPLACE TEMP TABLE rival AS
        SELECT DISTINCT c.receipt_id
        FROM (SELECT receipt_id, party, currency, rest, received_on FROM cases WHERE {of}) c
        JOIN payer p ON p.payer = c.party JOIN item x ON x.party = p.customer AND x.currency = c.currency
        JOIN rest_item i ON i.item_id = x.item_id AND (i.rest = c.rest OR i.rest > c.rest AND x.discount_rate > 0
            AND i.rest - round(i.rest * x.discount_rate)::BIGINT = c.rest
            AND c.received_on <= x.discount_until + getvariable('grace_days')::INTEGER)
        ANTI JOIN named n ON n.receipt_id = c.receipt_id AND n.item_id = i.item_id
        WHERE (x.issued_on > c.received_on + {AHEAD}) IS NOT true
        """
    )


def paid_by_another(session: Session) -> None:
    """Make ``paid_by_another``: cases with one item over just what an earlier open receipt of the payer is over."""
    session.run(
        """
        CREATE OR REPLACE TEMP TABLE paid_by_another AS
        SELECT DISTINCT c.receipt_id FROM cases c
        JOIN (SELECT r.receipt_id, r.party, r.currency, r.received_on, s.rest FROM rest_receipt s
              JOIN receipt r USING (receipt_id)) e ON e.party = c.party AND e.currency = c.currency AND e.rest = c.total
        WHERE c.items = 1 AND c.gap < 0 AND e.receipt_id <> c.receipt_id AND (e.received_on > c.received_on) IS NOT true
        """
    )


def namesakes(session: Session) -> None:
    """Make ``meant_by_name``: cases of unknown payers whose name a customer bears who owes just the amount.

    And the customer whose one item is named does not bear it: then its number seems to be wrong.
    """
    session.run(
        f"""
        CREATE OR REPLACE TEMP TABLE meant_by_name AS
        WITH unknown AS (
            SELECT c.receipt_id, c.currency, c.rest, x.party, u.name
            FROM cases c JOIN unknown_payer u USING (receipt_id) JOIN item x ON x.item_id = c.item_id
            WHERE c.items = 1 AND c.gap = 0 AND c.relation = {UNKNOWN} AND length(u.name) >= 4
        ),
        alike AS (SELECT DISTINCT u.receipt_id, b.party FROM unknown u JOIN bearer b USING (name))
        SELECT DISTINCT u.receipt_id FROM unknown u JOIN alike b USING (receipt_id)
        JOIN item x ON x.party = b.party AND x.currency = u.currency
        JOIN rest_item i ON i.item_id = x.item_id AND i.rest = u.rest
        ANTI JOIN alike own ON own.receipt_id = u.receipt_id AND own.party = u.party
        """
    )


def first_come(session: Session, wanted: str, only: str = "true") -> bool:
    """Of the cases that the query ``wanted`` (receipt_id) gives, keep in ``accepted`` those whose items are free.

    ``only`` says which items they ask for, SQL over ``named n`` and ``cases c``. Where several receipts ask for one
    item, the earliest has it; the others are judged anew by what is left then. Returns whether there are such.
    """
    session.run(
        f"""
        CREATE OR REPLACE TEMP TABLE accepted AS {wanted};
        CREATE OR REPLACE TEMP TABLE contested AS
            SELECT n.item_id FROM named n SEMI JOIN accepted a ON a.receipt_id = n.receipt_id
            JOIN cases c ON c.receipt_id = n.receipt_id WHERE {only} GROUP BY ALL HAVING count(*) > 1;
        """
    )
    contested = bool(session.value("SELECT count(*) FROM contested"))
    if contested:
        session.run(
            f"""
            CREATE OR REPLACE TEMP TABLE late AS
            SELECT DISTINCT receipt_id FROM (
                SELECT n.receipt_id, row_number() OVER (PARTITION BY n.item_id ORDER BY c.received_on, c.receipt_id)
                    AS turn
                FROM named n SEMI JOIN accepted a ON a.receipt_id = n.receipt_id
                SEMI JOIN contested k ON k.item_id = n.item_id JOIN cases c ON c.receipt_id = n.receipt_id
                WHERE {only}
            ) WHERE turn > 1;
            DELETE FROM accepted WHERE receipt_id IN (SELECT receipt_id FROM late)
            """
        )
    return contested


def propose_whole(session: Session, score: str, only: str = "true") -> None:
    """Propose that the ``accepted`` receipts settle what they name (of it what ``only`` says, SQL over ``named n``).

    ``score`` is SQL over ``named n`` and ``cases c``.
    """
    session.run(
        f"""
        CREATE OR REPLACE TEMP TABLE alike AS
            SELECT x.party, x.currency, i.rest, count(*) AS items FROM rest_item i JOIN item x USING (item_id)
            GROUP BY ALL HAVING count(*) > 1;
        INSERT INTO proposal BY NAME
        SELECT n.receipt_id, n.item_id, n.item_rest AS applied, n.item_rest AS spent, {score} AS score,
            {evidence("coalesce(l.items, 1) - 1")} AS evidence
        FROM named n SEMI JOIN accepted a ON a.receipt_id = n.receipt_id
        JOIN cases c ON c.receipt_id = n.receipt_id JOIN item x ON x.item_id = n.item_id
        LEFT JOIN alike l ON l.party = x.party AND l.currency = x.currency AND l.rest = n.item_rest
        WHERE {only}
        """
    )


def evidence(others: str) -> str:
    """SQL for the evidence of an item that is named: JSON with what was read, who paid, and what was not taken.

    ``others``: how many of the customer's open items have the same amount, and the text does not name them.
    """
    return f"""
        '{{"number":' || coalesce(to_json(x.number)::VARCHAR, 'null') || ',"reading":"' || n.reading
        || '","by":"' || CASE WHEN n.own THEN 'number' ELSE 'order' END || '","payer":"'
        || CASE n.relation WHEN {SAME} THEN 'same' WHEN {RELATED} THEN 'related' WHEN {UNKNOWN} THEN 'unknown'
            ELSE 'other' END
        || '"' || CASE WHEN {others} > 0 THEN ',"not_named":' || ({others}) ELSE '' END || '}}'
        """


def those(session: Session, where: str) -> None:
    """Put the cases that are not settled and of which ``where`` holds (SQL over ``cases``) into ``accepted``."""
    session.run(
        f"""
        CREATE OR REPLACE TEMP TABLE accepted AS
            SELECT receipt_id FROM cases SEMI JOIN rest_receipt USING (receipt_id) WHERE {where}
        """
    )
