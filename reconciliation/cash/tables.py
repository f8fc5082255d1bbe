"""The working tables of cash application: what is still open, what was matched, and the proof that both add up.

Inputs, by name, in the session: ``open_items``, ``receipts``, and where they are there ``related``, ``parties``
(party, number: the customer's with us, name), ``rates``
(currency, day, rate: units of the base currency for one), ``pinned`` (receipt_id, item_id, applied, spent) with
``pinned_differences``, and ``forbidden`` (receipt_id, item_id). ``item`` and ``receipt`` are the inputs with what the
rules need beside them; ``rest_item`` and ``rest_receipt`` hold what is not settled yet, ``kept_receipt`` what rules
left of receipts that they settled. Rules put what they found into
``proposal`` and ``proposed_difference`` and call ``settle``.
"""

from __future__ import annotations

from reconciliation.session import Session

_CUSTOMER = (
    "(?:KUNDENNUMMER|KUNDENNR|KUNDEN-NR|KUNDE|KD|CUSTOMER|CUST|CLIENT|ACCOUNT|ACCT|A/C|客户号码|客户编号|客户号|客户代码|客户)"
    "(?:[^0-9A-Z]{0,3}(?:NUMBER|NUM|NO|NR|ID|CODE))?[^0-9A-Z]{0,4}"
)
_SPELT = "replace(replace(replace(lower({0}), 'ä', 'ae'), 'ö', 'oe'), 'ü', 'ue')"
"""A name with its umlauts spelt out."""
KINDS_OF_ITEMS = ("invoice", "credit_note", "debit_note", "deposit")
_INPUTS = {
    "parties": "party VARCHAR, number VARCHAR, name VARCHAR",
    "related": "payer VARCHAR, customer VARCHAR, why VARCHAR",
    "rates": "currency VARCHAR, day DATE, rate DECIMAL(28,10)",
    "pinned": "receipt_id BIGINT, item_id BIGINT, applied BIGINT, spent BIGINT",
    "pinned_differences": "receipt_id BIGINT, item_id BIGINT, kind VARCHAR, amount BIGINT",
    "forbidden": "receipt_id BIGINT, item_id BIGINT",
}
_PROPOSAL = (
    "receipt_id BIGINT, option INTEGER DEFAULT 1, item_id BIGINT, applied BIGINT, spent BIGINT, score SMALLINT, "
    "evidence VARCHAR"
)
_DIFFERENCE = "receipt_id BIGINT, option INTEGER DEFAULT 1, item_id BIGINT, kind VARCHAR, amount BIGINT"


class NotConservedError(Exception):
    """More or less was applied than came in or was open; nothing is given out. ``message`` says where."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class UnusableInputError(Exception):
    """An input table breaks its contract; ``message`` names table, row and column."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def prepare(session: Session) -> None:
    """Make the working tables of the inputs. Raises ``UnusableInputError``."""
    _complete(session)
    _check(session)
    netted = "fee_is_netted" if _has(session, "receipts", "fee_is_netted") else "true"
    session.run(
        f"""
        SET VARIABLE cases = '';  -- what cases.prepare made last, empty when something has changed since
        SET VARIABLE read_to = 0;
        CREATE OR REPLACE TABLE item AS
        SELECT item_id, kind, party, currency, amount, open, number, count(*) OVER (PARTITION BY number) = 1 AS alone,
            issued_on, due_on,
            coalesce(discount_rate, 0)::DECIMAL(9,6) AS discount_rate, discount_until
        FROM open_items;
        CREATE OR REPLACE TEMP TABLE known_payer AS SELECT DISTINCT payer FROM related;
        CREATE OR REPLACE TABLE receipt AS
        SELECT r.receipt_id, r.source, coalesce(r.party, a.payer, n.payer) AS party, r.payer_account AS account,
            r.payer_name, r.currency, r.amount, CASE WHEN {netted} THEN coalesce(r.fee, 0) ELSE 0 END AS fee,
            CASE WHEN r.party IS NOT NULL THEN 'given' WHEN a.payer IS NOT NULL THEN 'account'
                WHEN n.payer IS NOT NULL THEN 'name' END AS known_by,
            r.amount + CASE WHEN {netted} THEN coalesce(r.fee, 0) ELSE 0 END AS gross, r.received_on,
            coalesce(cash_text(r.text), '') AS text
        FROM receipts r LEFT JOIN known_payer a ON r.party IS NULL AND a.payer = r.payer_account
        LEFT JOIN known_payer n ON r.party IS NULL AND n.payer = r.payer_name;
        CREATE OR REPLACE TABLE rest_item AS SELECT item_id, open AS rest FROM item WHERE open <> 0;
        CREATE OR REPLACE TABLE rest_receipt AS SELECT receipt_id, gross AS rest FROM receipt WHERE gross <> 0;
        CREATE OR REPLACE TABLE kept_receipt (receipt_id BIGINT, rest BIGINT);
        CREATE OR REPLACE TABLE payer AS
            SELECT DISTINCT party AS payer, party AS customer, 'same' AS relation FROM item
            UNION ALL
            SELECT payer, customer, min(coalesce(why, 'decided')) FROM related WHERE payer <> customer GROUP BY ALL;
        CREATE OR REPLACE TABLE related_payer AS SELECT payer, customer, relation FROM payer WHERE relation <> 'same';
        CREATE OR REPLACE TABLE taken_back (payment_id BIGINT, receipt_id BIGINT);
        CREATE OR REPLACE TABLE application ({_PROPOSAL}, rule VARCHAR, decision VARCHAR);
        CREATE OR REPLACE TABLE difference ({_DIFFERENCE});
        CREATE OR REPLACE TABLE suggestion ({_PROPOSAL}, rule VARCHAR);
        CREATE OR REPLACE TABLE suggested_difference ({_DIFFERENCE}, rule VARCHAR);
        """
    )
    _identify(session)
    clear(session)


def _identify(session: Session) -> None:
    """Give payers to receipts that have none: by the customer's number in the text, else by a name that is alone.

    Names are compared as in linking: without case, accents, punctuation and legal form; and with ae, oe, ue for
    umlauts, as banks write them. A name says nothing where the same account pays as somebody else. ``bearer`` holds the
    names of all parties, ``unknown_payer`` those of the payers that no source knows.
    """
    session.run(
        f"""
        CREATE OR REPLACE TEMP TABLE bearer AS
            SELECT DISTINCT key_name(unnest([name, {_SPELT.format("name")}])) AS name, party FROM parties;
        CREATE OR REPLACE TEMP TABLE unknown_payer AS
            SELECT receipt_id, account, text, key_name(payer_name) AS name FROM receipt WHERE party IS NULL;
        CREATE OR REPLACE TEMP TABLE identified AS
        WITH numbers AS (
            SELECT cash_key(number) AS key, any_value(party) AS party FROM parties WHERE length(cash_key(number)) >= 3
            GROUP BY ALL HAVING count(DISTINCT party) = 1
        ),
        names AS (
            SELECT name AS key, any_value(party) AS party FROM bearer WHERE length(name) >= 4
            GROUP BY ALL HAVING count(DISTINCT party) = 1
        ),
        said AS (
            SELECT receipt_id, cash_key(unnest(regexp_extract_all(text, '{_CUSTOMER}([0-9A-Z][0-9A-Z-]+)', 1))) AS key
            FROM unknown_payer WHERE regexp_matches(text, '{_CUSTOMER}')
        ),
        told AS (
            SELECT receipt_id, any_value(party) AS party FROM said JOIN numbers USING (key) GROUP BY ALL
            HAVING count(DISTINCT party) = 1
        ),
        holder AS (
            SELECT account, party FROM receipt WHERE account <> '' AND party IS NOT NULL
            UNION SELECT account, t.party FROM told t JOIN unknown_payer USING (receipt_id) WHERE account <> ''
        ),
        named AS (
            SELECT u.receipt_id, n.party FROM unknown_payer u JOIN names n ON n.key = u.name
            ANTI JOIN holder h ON h.account = u.account AND h.party <> n.party
        )
        SELECT receipt_id, coalesce(t.party, n.party) AS party,
            CASE WHEN t.party IS NOT NULL THEN 'customer_number' ELSE 'name' END AS known_by
        FROM told t FULL JOIN named n USING (receipt_id);
        UPDATE receipt SET party = i.party, known_by = i.known_by FROM identified i
            WHERE i.receipt_id = receipt.receipt_id
        """
    )


def clear(session: Session) -> None:
    """Empty the tables of what a rule proposes."""
    session.run(
        f"""
        CREATE OR REPLACE TABLE proposal ({_PROPOSAL});
        CREATE OR REPLACE TABLE proposed_difference ({_DIFFERENCE});
        """
    )


def settle(session: Session, rule: str, decision: str = "auto") -> int:
    """Take what is proposed as settled, and the rests with it; the number of receipts that this touched.

    What a rule leaves of a receipt is kept apart, for no other rule to touch; what people left of one is not. With the
    decision ``suggest`` it is kept as a suggestion, and everything stays as open as it was.
    """
    further = str(decision == "pinned").lower()
    touched = int(
        session.value(
            "SELECT count(DISTINCT receipt_id) FROM (SELECT receipt_id FROM proposal "
            "UNION ALL SELECT receipt_id FROM proposed_difference)"
        )
    )
    if touched and decision == "suggest":
        session.run(
            f"""
            CREATE OR REPLACE TEMP TABLE known_suggestion AS
                SELECT DISTINCT receipt_id, option FROM suggestion WHERE rule = '{rule}';
            INSERT INTO suggestion
                SELECT *, '{rule}' FROM proposal ANTI JOIN known_suggestion USING (receipt_id, option);
            INSERT INTO suggested_difference SELECT *, '{rule}' FROM proposed_difference
                ANTI JOIN known_suggestion USING (receipt_id, option) WHERE amount <> 0;
            """
        )
        touched = 0
    elif touched:
        session.run(
            f"""
            SET VARIABLE cases = '';
            INSERT INTO application SELECT *, '{rule}', '{decision}' FROM proposal;
            INSERT INTO difference SELECT * FROM proposed_difference WHERE amount <> 0;
            CREATE OR REPLACE TEMP TABLE used_receipt AS
                SELECT receipt_id, sum(amount)::BIGINT AS used FROM (
                    SELECT receipt_id, spent AS amount FROM proposal
                    UNION ALL SELECT receipt_id, amount FROM proposed_difference) GROUP BY ALL;
            CREATE OR REPLACE TEMP TABLE used_item AS
                SELECT item_id, sum(applied)::BIGINT AS used FROM proposal GROUP BY ALL;
            CREATE OR REPLACE TEMP TABLE changed_receipt AS
                SELECT receipt_id, (r.rest - u.used)::BIGINT AS rest
                FROM (FROM rest_receipt UNION ALL FROM kept_receipt) r JOIN used_receipt u USING (receipt_id);
            CREATE OR REPLACE TABLE rest_receipt AS
                SELECT receipt_id, rest FROM rest_receipt ANTI JOIN used_receipt USING (receipt_id)
                UNION ALL SELECT receipt_id, rest FROM changed_receipt WHERE rest <> 0 AND {further};
            CREATE OR REPLACE TABLE kept_receipt AS
                SELECT receipt_id, rest FROM kept_receipt ANTI JOIN used_receipt USING (receipt_id)
                UNION ALL SELECT receipt_id, rest FROM changed_receipt WHERE rest <> 0 AND NOT {further};
            CREATE OR REPLACE TABLE rest_item AS
                SELECT item_id, (coalesce(r.rest, 0) - coalesce(u.used, 0))::BIGINT AS rest
                FROM rest_item r FULL JOIN used_item u USING (item_id) WHERE coalesce(r.rest, 0) <> coalesce(u.used, 0);
            """
        )
    clear(session)
    return touched


def pin(session: Session) -> None:
    """Take what people decided as settled before any rule; receipts whose decisions no longer fit: ``outdated_pin``.

    Decisions fit if receipt and items are there and as much of both is left as they take.
    """
    session.run(
        """
        CREATE OR REPLACE TEMP TABLE misfit AS
        SELECT DISTINCT p.receipt_id FROM (
            SELECT *, sum(applied) OVER (PARTITION BY item_id) AS together FROM pinned) p
        LEFT JOIN rest_item i USING (item_id)
        WHERE i.rest IS NULL OR sign(p.applied) <> sign(i.rest) OR abs(p.together) > abs(i.rest)
        UNION
        SELECT p.receipt_id FROM (
            SELECT receipt_id, sum(amount) AS used FROM (
                SELECT receipt_id, spent AS amount FROM pinned
                UNION ALL SELECT receipt_id, amount FROM pinned_differences
            ) GROUP BY ALL
        ) p LEFT JOIN rest_receipt r USING (receipt_id)
        WHERE r.rest IS NULL OR (p.used * sign(r.rest) BETWEEN 0 AND abs(r.rest)) IS NOT true;
        CREATE OR REPLACE TABLE outdated_pin AS
            SELECT receipt_id FROM pinned SEMI JOIN misfit USING (receipt_id)
            UNION SELECT receipt_id FROM pinned_differences SEMI JOIN misfit USING (receipt_id);
        INSERT INTO proposal BY NAME
            SELECT receipt_id, item_id, applied, spent, 1000 AS score, '{"by":"person"}' AS evidence
            FROM pinned ANTI JOIN misfit USING (receipt_id);
        INSERT INTO proposed_difference BY NAME
            SELECT receipt_id, item_id, kind, amount FROM pinned_differences ANTI JOIN misfit USING (receipt_id);
        """
    )
    settle(session, "person", "pinned")


def verify(session: Session) -> None:
    """Prove that no receipt and no item gave more or less than it had. Raises ``NotConservedError``.

    Of each receipt: amount = what was spent + differences + residue. Of each item: what was applied lies between
    nothing and what was open.
    """
    wrong = session.rows(
        """
        WITH moved AS (
            SELECT receipt_id, sum(amount) AS amount FROM (
                SELECT receipt_id, spent AS amount FROM application WHERE decision <> 'suggested'
                UNION ALL SELECT receipt_id, amount FROM difference
                UNION ALL SELECT receipt_id, amount FROM residue) GROUP BY ALL
        )
        SELECT receipt_id, r.amount, coalesce(m.amount, 0) FROM receipt r FULL JOIN moved m USING (receipt_id)
        WHERE r.amount IS DISTINCT FROM coalesce(m.amount, 0) ORDER BY ALL LIMIT 1
        """
    )
    for receipt_id, amount, moved in wrong:
        raise NotConservedError(f"Receipt {receipt_id} came in with {amount}, and {moved} is accounted for.")
    wrong = session.rows(
        """
        SELECT item_id, i.open, sum(a.applied) FROM application a LEFT JOIN item i USING (item_id)
        WHERE a.decision <> 'suggested' GROUP BY ALL
        HAVING i.open IS NULL OR sum(a.applied) * sign(i.open) NOT BETWEEN 0 AND abs(i.open) ORDER BY ALL LIMIT 1
        """
    )
    for item_id, amount, applied in wrong:
        raise NotConservedError(f"Item {item_id} had {amount} open, and {applied} was applied to it.")


def _complete(session: Session) -> None:
    """Make the inputs that are not there as empty tables."""
    for name, columns in _INPUTS.items():
        session.run(f"CREATE TABLE IF NOT EXISTS {name} ({columns})")


def _has(session: Session, table: str, column: str) -> bool:
    query = f"SELECT count(*) FROM duckdb_columns() WHERE table_name = '{table}' AND column_name = '{column}'"
    return bool(session.value(query))


def _check(session: Session) -> None:
    """Refuse what no answer could be right about. Raises ``UnusableInputError``."""
    for table, key in (("open_items", "item_id"), ("receipts", "receipt_id")):
        twice = session.rows(f"SELECT {key} FROM {table} GROUP BY ALL HAVING count(*) > 1 OR {key} IS NULL LIMIT 1")
        if twice:
            raise UnusableInputError(f"{table}: {key} {twice[0][0]} is there more than once.")
    missing = {
        "open_items": ("party", "currency", "amount", "open", "kind"),
        "receipts": ("currency", "amount"),
    }
    for table, names in missing.items():
        key = "item_id" if table == "open_items" else "receipt_id"
        for name in names:
            found = session.rows(f"SELECT {key} FROM {table} WHERE {name} IS NULL ORDER BY 1 LIMIT 1")
            if found:
                raise UnusableInputError(f"{table}: {key} {found[0][0]} has no {name}.")
    signs = session.rows(
        "SELECT item_id FROM open_items WHERE amount <> 0 AND open <> 0 AND (sign(amount) <> sign(open) "
        "OR abs(open) > abs(amount)) ORDER BY 1 LIMIT 1"
    )
    if signs:
        raise UnusableInputError(f"open_items: of item {signs[0][0]} more is open than it is over, or the other way.")
    known = ", ".join(f"'{kind}'" for kind in KINDS_OF_ITEMS)
    kinds = session.rows(f"SELECT item_id, kind FROM open_items WHERE kind NOT IN ({known}) ORDER BY 1 LIMIT 1")
    if kinds:
        raise UnusableInputError(
            f"open_items: item {kinds[0][0]} is a {kinds[0][1]}; known: {', '.join(KINDS_OF_ITEMS)}."
        )
