"""Receipts in another currency than the items they name, and what exchange rates gained or lost.

Rates come from the input ``rates``, dated; none is fetched. The rate of a day is the last one up to it, at most
ten days old. Amounts are computed exactly and rounded once, to the minor unit of the currency they end in, halves away
from zero.
"""

from __future__ import annotations

from mappings.currencies import EXPONENTS
from reconciliation.cash import references, stated
from reconciliation.cash.cases import RELATED, SAME, UNKNOWN
from reconciliation.cash.tables import settle
from reconciliation.session import Session
from settings.cash import CashRule

_OLD = 10


def prepare(session: Session, base_currency: str) -> None:
    """Make ``unit``, the minor units of currencies, ``quoted``, the rates to the tenth decimal, and the macro."""
    units = ", ".join(f"('{code}', {10**places})" for code, places in sorted(EXPONENTS.items()))
    session.run(
        f"""
        CREATE OR REPLACE TABLE unit AS SELECT * FROM (VALUES {units}) u(currency, minor);
        CREATE OR REPLACE TABLE quoted AS
            SELECT currency, day, (round(rate::DECIMAL(28,10), 10) * 10000000000)::HUGEINT AS rate FROM rates
            WHERE currency <> '{base_currency}' AND rate > 0
            UNION ALL SELECT '{base_currency}', DATE '0001-01-01', 10000000000::HUGEINT;
        CREATE OR REPLACE MACRO amount_text(amount, code) AS (
            SELECT CASE WHEN minor = 1 THEN amount::VARCHAR ELSE (amount // minor)::VARCHAR || '.'
                || lpad((amount % minor)::VARCHAR, length(minor::VARCHAR)::INTEGER - 1, '0') END
            FROM unit WHERE currency = code);
        CREATE OR REPLACE MACRO converted(amount, from_minor, from_rate, to_minor, to_rate) AS (sign(amount) * (
            (abs(amount)::HUGEINT * from_rate * to_minor * 2 + to_rate * from_minor)
            // (to_rate * from_minor * 2)))::BIGINT;
        """
    )


def currency(session: Session, rule: CashRule) -> int:
    """The receipt names items in another currency and, converted at its day's rates, comes to them within ``share``.

    What is left over is a difference of the kind ``fx``, in the receipt's currency. Sure if the text says the item's
    amount in its currency, or what all come to, or if the payer pays for the customer and the item's own number is
    read, be it by its last digits. Items of those whom the payer pays for go before those of others, and a number
    before an order. A text that names no item may say what these come to in their currency: see ``stated``.
    """
    stated.prepare(session)
    session.run(
        f"""
        CREATE OR REPLACE TEMP TABLE abroad AS
        WITH found AS (
            SELECT h.receipt_id, h.item_id, h.level, h.own, i.rest AS item_rest, r.rest, x.currency AS item_currency,
                contains(replace(c.text, ',', ''), x.currency || ' ' || amount_text(i.rest, x.currency)) AS said,
                c.currency, c.received_on, x.number, CASE WHEN c.party IS NULL THEN {UNKNOWN}
                    WHEN c.party = x.party THEN {SAME} WHEN p.payer IS NOT NULL THEN {RELATED} ELSE 0 END AS relation
            FROM hit h JOIN rest_receipt r USING (receipt_id) JOIN rest_item i USING (item_id)
            JOIN receipt c ON c.receipt_id = h.receipt_id JOIN item x ON x.item_id = h.item_id
            LEFT JOIN related_payer p ON p.payer = c.party AND p.customer = x.party
            WHERE h.level >= {references.WEAK} AND x.currency <> c.currency
            UNION ALL
            SELECT h.receipt_id, h.item_id, {references.CLEANED}, true, i.rest, r.rest, x.currency, true, c.currency,
                c.received_on, x.number, CASE WHEN c.party = x.party THEN {SAME} ELSE {RELATED} END
            FROM stated h JOIN rest_receipt r USING (receipt_id) JOIN rest_item i USING (item_id)
            JOIN receipt c ON c.receipt_id = h.receipt_id JOIN item x ON x.item_id = h.item_id
        ),
        preferred AS (
            SELECT receipt_id, max(relation) >= {RELATED} AS known,
                bool_or(own AND (relation >= {RELATED} OR level >= {references.CLEANED})) AS own
            FROM found GROUP BY ALL
        ),
        rated AS (
            SELECT f.*, a.rate AS item_rate, a.day AS item_day FROM (
                SELECT f.* FROM found f JOIN preferred p USING (receipt_id)
                WHERE (f.relation >= {RELATED} OR NOT p.known) AND (f.own OR NOT p.own)
            ) f ASOF JOIN quoted a ON a.currency = f.item_currency AND f.received_on >= a.day
        )
        SELECT f.*, b.rate, converted(item_rest, u.minor, item_rate, v.minor, b.rate) AS worth
        FROM rated f ASOF JOIN quoted b ON b.currency = f.currency AND f.received_on >= b.day
        JOIN unit u ON u.currency = f.item_currency JOIN unit v ON v.currency = f.currency
        WHERE (item_day + {_OLD} >= f.received_on OR item_day = DATE '0001-01-01')
          AND (b.day + {_OLD} >= f.received_on OR b.day = DATE '0001-01-01');
        CREATE OR REPLACE TEMP TABLE exchanged AS
        SELECT receipt_id, any_value(rest) AS rest, sum(worth)::BIGINT AS worth, min(level) AS level,
            min(relation) AS relation, count(*) AS items, min(item_id) AS item_id, bool_and(own) AS own,
            bool_and(said) OR any_value(contains(replace(c.text, ',', ''),
                a.item_currency || ' ' || a.together)) AS said
        FROM (
            SELECT *, amount_text((sum(item_rest) OVER (PARTITION BY receipt_id, item_currency))::BIGINT, item_currency)
                AS together
            FROM abroad
        ) a JOIN (SELECT receipt_id, text FROM receipt) c USING (receipt_id)
        ANTI JOIN (
            SELECT h.receipt_id FROM hit h JOIN receipt c USING (receipt_id) JOIN item x ON x.item_id = h.item_id
            LEFT JOIN payer p ON p.payer = c.party AND p.customer = x.party
            WHERE x.currency = c.currency AND h.level >= {references.CLEANED} AND (h.own OR p.payer IS NOT NULL)
        ) USING (receipt_id)
        GROUP BY ALL
        HAVING abs(any_value(rest) - sum(worth)) <= floor(abs(sum(worth)) * {rule.share or 0:f})
        """
    )
    sure = f"said OR relation >= {RELATED} AND (own OR level >= {references.CLEANED} AND items = 1)"
    _propose(session, sure, 930)
    touched = settle(session, rule.name, rule.decision)
    _propose(session, f"NOT ({sure})", 700)
    settle(session, rule.name, "suggest")
    return touched


def _propose(session: Session, where: str, score: int) -> None:
    """Propose what is exchanged, first come first served."""
    session.run(
        f"""
        CREATE OR REPLACE TEMP TABLE agreed AS
        SELECT receipt_id, rest - worth AS gap, CASE WHEN items = 1 THEN item_id END AS item_id FROM exchanged
        WHERE {where} AND receipt_id NOT IN (
            SELECT receipt_id FROM abroad SEMI JOIN (SELECT receipt_id FROM exchanged WHERE {where}) USING (receipt_id)
            QUALIFY row_number() OVER (PARTITION BY item_id ORDER BY received_on, receipt_id) > 1);
        INSERT INTO proposal BY NAME
        SELECT receipt_id, item_id, item_rest AS applied, worth AS spent, {score} AS score,
            '{{"number":' || coalesce(to_json(number)::VARCHAR, 'null') || ',"currency":"' || item_currency
            || '","rate":"' || (item_rate::DECIMAL(38,10) / rate::DECIMAL(38,10))::DECIMAL(28,6) || '"}}' AS evidence
        FROM abroad SEMI JOIN agreed USING (receipt_id);
        INSERT INTO proposed_difference BY NAME
        SELECT receipt_id, item_id, 'fx' AS kind, gap AS amount FROM agreed
        """
    )


def gains(session: Session, base_currency: str) -> None:
    """Make ``gain`` (receipt_id, item_id, amount): what each settlement gained (or lost) in the base currency.

    Of an item in a foreign currency: its part at the rate of the receipt's day less the same part at the rate of the
    item's day. Parts of one item are valued so that together they come to the whole.
    """
    session.run(
        f"""
        CREATE OR REPLACE TABLE gain AS
        WITH part AS (
            SELECT a.receipt_id, a.item_id, a.applied, x.currency, x.issued_on, r.received_on,
                sum(a.applied) OVER (PARTITION BY a.item_id ORDER BY r.received_on, a.receipt_id)::BIGINT AS so_far
            FROM application a JOIN item x USING (item_id) JOIN receipt r ON r.receipt_id = a.receipt_id
            WHERE x.currency <> '{base_currency}' AND x.issued_on IS NOT NULL AND r.received_on IS NOT NULL
        ),
        earlier AS (
            SELECT p.*, q.rate AS then_rate FROM part p ASOF JOIN quoted q
                ON q.currency = p.currency AND p.issued_on >= q.day WHERE q.day + {_OLD} >= p.issued_on
        ),
        both_days AS (
            SELECT t.*, q.rate AS now_rate FROM earlier t ASOF JOIN quoted q
                ON q.currency = t.currency AND t.received_on >= q.day WHERE q.day + {_OLD} >= t.received_on
        ),
        valued AS (
            SELECT b.receipt_id, b.item_id,
                converted(applied, u.minor, now_rate, v.minor, 10000000000::HUGEINT) AS now_value,
                converted(so_far, u.minor, then_rate, v.minor, 10000000000::HUGEINT)
                    - converted(so_far - applied, u.minor, then_rate, v.minor, 10000000000::HUGEINT) AS then_value
            FROM both_days b JOIN unit u ON u.currency = b.currency JOIN unit v ON v.currency = '{base_currency}'
        )
        SELECT receipt_id, item_id, (now_value - then_value)::BIGINT AS amount FROM valued
        WHERE now_value <> then_value
        """
    )
