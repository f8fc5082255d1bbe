"""Rules for receipts whose payer owes no such amount or is not known: the end of a number, or a name that several bear.

Both ask for an item of exactly the amount that nothing else fits. Neither looks at receipts that name an item of
another amount, nor at amounts alone.
"""

from __future__ import annotations

from reconciliation.cash.groups import AHEAD
from reconciliation.cash.references import CLEANED
from reconciliation.cash.tables import settle
from reconciliation.session import Session
from settings.cash import CashRule

_LEAST = 4
"""Digits that the end of a number has at least."""
_MOST_TOKENS = 12
_MONTH = "(?:^|[^0-9/.-])(?:0?[1-9]|1[0-2])[/.-](?:20)?[0-9][0-9](?:$|[^0-9/.-])|20[0-9][0-9][/.年-][0-9]|[0-9]月"
_CUT = 20
"""Characters of a name that a bank may have cut; shorter ones are compared whole."""


def ending(session: Session, rule: CashRule) -> int:
    """The text has the last digits of the number of an item over exactly the amount, whoever the customer is.

    What is a number or an order of the payer's own, even of what is settled, is meant as it stands.

    Sure if it is the only such item, the payer has no other of the amount, and fewer than ``chance`` items would have
    that amount and those digits by accident: the items per minor unit around the amount, as much likelier as its
    ending is (or the other items of the very amount, if those are more), a tenth for each digit, for each number in
    the text.
    """
    session.run(
        f"""
        CREATE OR REPLACE TEMP TABLE digits AS
        WITH said AS (
            SELECT DISTINCT t.receipt_id, regexp_extract(t.key, '[0-9]+$') AS digits FROM token t
            SEMI JOIN rest_receipt USING (receipt_id)
            ANTI JOIN (SELECT receipt_id FROM hit WHERE level >= {CLEANED} AND own) h ON h.receipt_id = t.receipt_id
            ANTI JOIN (
                SELECT r.receipt_id, k.key FROM receipt r JOIN payer p ON p.payer = r.party
                JOIN item x ON x.party = p.customer JOIN item_key k ON k.item_id = x.item_id
            ) theirs ON theirs.receipt_id = t.receipt_id AND theirs.key = t.key
        )
        SELECT receipt_id, digits, count(*) OVER (PARTITION BY receipt_id) AS tokens FROM said
        WHERE length(digits) >= {_LEAST} QUALIFY tokens <= {_MOST_TOKENS};
        CREATE OR REPLACE TEMP TABLE ending AS
        WITH fitting AS (
            SELECT d.receipt_id, r.party AS payer, s.rest, r.currency, d.tokens, k.item_id, d.digits,
                regexp_extract(k.key, '[0-9]+$') AS number
            FROM digits d JOIN rest_receipt s USING (receipt_id) JOIN receipt r USING (receipt_id)
            JOIN item_key k ON right(k.key, {_LEAST}) = right(d.digits, {_LEAST})
            JOIN rest_item i ON i.item_id = k.item_id AND i.rest = s.rest
            JOIN item x ON x.item_id = k.item_id AND x.currency = r.currency
            ANTI JOIN forbidden f ON f.receipt_id = d.receipt_id AND f.item_id = k.item_id
            WHERE s.rest > 0 AND (x.issued_on > r.received_on + {AHEAD}) IS NOT true
        ),
        alike AS (
            SELECT * EXCLUDE (digits, number), list_max([CASE WHEN right(digits, n) = right(number, n) THEN n ELSE 0 END
                FOR n IN range({_LEAST}, 1 + least(length(digits), length(number)))]) AS same
            FROM fitting
        ),
        best AS (
            SELECT receipt_id, item_id, any_value(payer) AS payer, any_value(rest) AS rest,
                any_value(currency) AS currency, any_value(tokens) AS tokens, max(same) AS same
            FROM alike GROUP BY ALL
        ),
        amount AS (SELECT DISTINCT currency, rest FROM best),
        around AS (
            SELECT a.currency, a.rest, count(*) FILTER (abs(x.open - a.rest) * 4 <= a.rest) AS near,
                count(*) FILTER (x.open = a.rest) - 1 AS others, count(*) FILTER (x.open % 100 = a.rest % 100) AS same,
                count(*) AS items
            FROM amount a JOIN item x ON x.currency = a.currency GROUP BY ALL
        )
        SELECT b.receipt_id, b.item_id, b.same, count(*) OVER (PARTITION BY b.receipt_id) AS items,
            b.tokens * greatest(near * 2.0 / b.rest * greatest(1, 100.0 * a.same / a.items), others)
                / power(10, b.same) AS chance
        FROM best b JOIN around a USING (currency, rest)
        ANTI JOIN (
            SELECT c.receipt_id FROM best c JOIN payer p ON p.payer = c.payer JOIN item x ON x.party = p.customer
                AND x.currency = c.currency JOIN rest_item i ON i.item_id = x.item_id AND i.rest = c.rest
            WHERE i.item_id <> c.item_id
        ) own USING (receipt_id)
        """
    )
    return _propose(
        session,
        rule,
        "ending",
        f"items = 1 AND chance < {rule.chance or 0}",
        "'{\"number\":' || coalesce(to_json(x.number)::VARCHAR, 'null') || ',\"last_digits\":' || e.same "
        "|| ',\"chance\":' || printf('%.1e', e.chance) || '}'",
        (840, 720),
    )


def namesake(session: Session, rule: CashRule) -> int:
    """Nobody knows the payer, and of the customers who bear his name, cut by a bank or not, one owes just the amount.

    Sure if there is one such item and no other open receipt of that name over that amount. Or if there are as many such
    items, all of one customer's, as open receipts of that name over that amount, all from one account, no two on one
    day and none of a month that is named, and each item was billed when its receipt came in: then they are paid in
    turn. Last digits behind a word for invoices must be those of the item's number, and a number behind such a word
    must look like one of ours: else it is somebody else's.
    """
    owing = (
        "b.currency = a.currency AND b.rest = a.rest AND (b.name = a.name OR a.long AND starts_with(b.name, a.name))"
    )
    same = "PARTITION BY name, currency, rest"
    session.run(
        f"""
        CREATE OR REPLACE TEMP TABLE nameless AS
        SELECT r.receipt_id, u.name, length(r.payer_name) >= {_CUT} AS long, r.currency,
            s.rest, r.received_on, r.account, cash_last_digits(r.text) AS digits,
            regexp_matches(r.text, '{_MONTH}') AS of_month
        FROM rest_receipt s JOIN receipt r USING (receipt_id) JOIN unknown_payer u USING (receipt_id)
        ANTI JOIN (SELECT receipt_id FROM hit WHERE level >= {CLEANED}) h ON h.receipt_id = r.receipt_id
        WHERE r.party IS NULL AND s.rest > 0 AND length(u.name) >= 2;
        CREATE OR REPLACE TEMP TABLE owed_by_name AS
        SELECT x.item_id, x.party, x.currency, x.issued_on, x.due_on, x.number, i.rest, b.name
        FROM rest_item i JOIN item x USING (item_id) JOIN bearer b USING (party) WHERE i.rest > 0;
        CREATE OR REPLACE TEMP TABLE in_turn AS
        WITH possible AS (
            SELECT DISTINCT a.name, a.currency, a.rest, b.item_id, b.party, b.issued_on, b.due_on, b.number,
                b.name AS full_name
            FROM nameless a JOIN owed_by_name b ON {owing}
        ),
        items AS (
            SELECT *, count(*) OVER same AS items, min(party) OVER same = max(party) OVER same AS one_customer,
                row_number() OVER (same ORDER BY coalesce(due_on, issued_on), issued_on, number, item_id) AS turn
            FROM possible WINDOW same AS ({same})
        ),
        receipts AS (
            SELECT *, count(*) OVER same AS receipts,
                count(nullif(account, '')) OVER same = count(*) OVER same
                    AND min(account) OVER same = max(account) OVER same AS one_account,
                bool_and(digits = '' AND NOT of_month) OVER same
                    AND count(DISTINCT received_on) OVER same = count(*) OVER same AS plain,
                row_number() OVER (same ORDER BY received_on, receipt_id) AS turn
            FROM nameless WINDOW same AS ({same})
        )
        SELECT r.receipt_id, i.item_id, i.full_name FROM receipts r JOIN items i USING (name, currency, rest, turn)
        LEFT JOIN forbidden f ON f.receipt_id = r.receipt_id AND f.item_id = i.item_id
        WHERE items = receipts AND receipts > 1 AND one_customer AND one_account AND plain
        QUALIFY bool_and(f.item_id IS NULL AND coalesce(i.issued_on <= r.received_on + {AHEAD}, false))
            OVER (PARTITION BY r.name, r.currency, r.rest);
        CREATE OR REPLACE TEMP TABLE ending AS
        WITH fitting AS (
            SELECT a.receipt_id, a.name, a.currency, a.rest, b.item_id, b.name AS full_name,
                CASE WHEN a.digits <> '' THEN NOT ends_with(coalesce(cash_key(b.number), ''), a.digits)
                    ELSE a.receipt_id IN (FROM unknown_number EXCEPT FROM strange_number) END AS other_digits
            FROM nameless a JOIN owed_by_name b ON {owing}
            ANTI JOIN forbidden f ON f.receipt_id = a.receipt_id AND f.item_id = b.item_id
            ANTI JOIN in_turn t ON t.receipt_id = a.receipt_id
            WHERE (b.issued_on > a.received_on + {AHEAD}) IS NOT true
        ),
        found AS (
            SELECT receipt_id, item_id, full_name, count(DISTINCT item_id) OVER (PARTITION BY receipt_id) AS items,
                other_digits OR receipt_id IN (SELECT a.receipt_id FROM nameless a JOIN nameless b ON b.name = a.name
                    AND b.currency = a.currency AND b.rest = a.rest AND b.receipt_id <> a.receipt_id) AS contested
            FROM fitting
            UNION ALL
            SELECT receipt_id, item_id, full_name, 1, false FROM in_turn
        )
        SELECT receipt_id, item_id, items, contested,
            (SELECT count(DISTINCT b.party) FROM bearer b WHERE b.name = f.full_name) AS bearers
        FROM found f
        """
    )
    return _propose(
        session,
        rule,
        "ending",
        "items = 1 AND NOT contested",
        '\'{"amount":"equal","payer":"by_name","customers_of_that_name":\' || e.bearers || \'}\'',
        (820, 600),
    )


def _propose(session: Session, rule: CashRule, table: str, sure: str, evidence: str, scores: tuple[int, int]) -> int:
    """Settle what is sure of ``table`` (receipt_id, item_id) and no other receipt asks for; suggest the rest."""
    touched = 0
    for where, score, decision in (
        (f"({sure}) AND asked = 1", scores[0], rule.decision),
        (f"NOT (({sure}) AND asked = 1)", scores[1], "suggest"),
    ):
        session.run(
            f"""
            INSERT INTO proposal BY NAME
            SELECT e.receipt_id, row_number() OVER (PARTITION BY e.receipt_id ORDER BY
                least(abs(c.received_on - x.due_on), abs(c.received_on - x.issued_on)), x.due_on, x.issued_on, x.number,
                e.item_id) AS option, e.item_id, i.rest AS applied, i.rest AS spent, {score} AS score,
                {evidence} AS evidence
            FROM (SELECT DISTINCT *, count(DISTINCT receipt_id) OVER (PARTITION BY item_id) AS asked FROM {table}) e
            JOIN rest_item i USING (item_id) JOIN item x ON x.item_id = e.item_id SEMI JOIN rest_receipt r
                ON r.receipt_id = e.receipt_id
            JOIN receipt c ON c.receipt_id = e.receipt_id
            WHERE {where}
            """
        )
        touched += settle(session, rule.name, decision)
    return touched
