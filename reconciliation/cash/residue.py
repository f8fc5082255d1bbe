"""What no rule settled: of what class it is and what to do next, and the suggestions for it, best first."""

from __future__ import annotations

from collections.abc import Sequence

from reconciliation.cash import references
from reconciliation.cash.groups import AHEAD
from reconciliation.frame import quoted
from reconciliation.session import Session
from settings.cash import CashRule

MOST_SUGGESTIONS = 5
_MOST_EQUALS = 3
"""More items of just the amount, of customers that nothing ties to the receipt, are no suggestion but a guess."""
_TWICE_DAYS = 14
"""Days within which an identical payment may be the same one sent again."""
_LONG = 6
"""Characters of a number that is looked for within a whole text."""
_ADVANCE = "ADVANCE|DEPOSIT|PREPAY|DOWN ?PAYMENT|ANZAHLUNG|VORAUS|ACOMPTE|ANTICIP|预付|预收|定金|订金|押金|前受|保证金"
_COMES_BACK = (
    "CREDIT ?(?:NOTE|MEMO)|REFUND|REIMBURSE|GUTSCHRIFT|ERSTATTUNG|R(?:Ü|UE?)CKZAHLUNG|AVOIR|REMBOURSE|RIMBORSO"
    "|REEMBOLSO|INSURANCE|VERSICHERUNG|SCHADEN|ASSURANCE|SINISTRE|退款|退货|退还|返还|贷项|红字|保险|理赔|赔付|赔款"
)
"""Words of money that a supplier, an office or an insurer pays back: it settles nothing that a customer owes."""

_NAME_WORDS = r"""
    CREATE OR REPLACE MACRO name_words(x) AS (list_filter(string_split(trim(bare_name(tokens(strip_accents(lower(
            replace(replace(replace(narrow(coalesce(x, '')), 'ä', 'ae'), 'ö', 'oe'), 'ü', 'ue')))))), ' '),
            lambda word: regexp_matches(word, '^[a-z]{3,}$'))
        || list_transform(range(1, length(regexp_replace(bare_name(coalesce(x, '')), '[^\p{Han}]', '', 'g'))::INTEGER),
            lambda place: regexp_replace(bare_name(coalesce(x, '')), '[^\p{Han}]', '', 'g')[place:place + 1]))
    """
"""Words of a name from three letters on, and pairs of its Chinese characters, without its legal form."""

NEXT_STEPS = {
    "duplicate?": "ask_payer",
    "overpayment": "refund_or_keep",
    "advance": "keep_for_invoice",
    "already_settled": "ask_payer",
    "to_decide": "choose",
    "money_out": "find_reversed",
    "other_currency": "give_rate",
    "unknown_payer": "find_payer",
    "payer_unlisted": "find_customer",
    "nothing_open": "refund_or_keep",
    "no_match": "ask_payer",
    "taken_by_decision": "check_decision",
    "decision_outdated": "decide_again",
    "left_by_decision": "decide_rest",
}
"""Class of an unapplied amount → what to do next; texts in ``reconciliation.cash.words``."""


def classify(session: Session) -> None:
    """Make ``residue`` (receipt_id, amount, class, next_step), and put down the fees of what was matched.

    A fee that was netted is a difference as soon as anything of its receipt is settled; what is left is then gross.
    Nothing is to be refunded while an item that the text names is open where it was booked, whoever has it here. What
    people left of a receipt, and no rule has matched since, is theirs to decide: they did not say that it is too much.
    """
    steps = " ".join(f"WHEN '{name}' THEN '{step}'" for name, step in NEXT_STEPS.items())
    session.run(
        f"""
        CREATE OR REPLACE TEMP TABLE touched AS
            SELECT receipt_id FROM application UNION SELECT receipt_id FROM difference
            UNION SELECT receipt_id FROM receipt WHERE gross = 0;
        INSERT INTO difference BY NAME
            SELECT receipt_id, NULL::BIGINT AS item_id, 'fee' AS kind, -fee AS amount
            FROM receipt SEMI JOIN touched USING (receipt_id) WHERE fee <> 0;
        CREATE OR REPLACE TEMP TABLE left_over AS
        SELECT r.receipt_id, c.party, c.account, c.payer_name, c.currency, c.gross, c.received_on, c.text,
            c.amount < 0 AS is_out, t.receipt_id IS NOT NULL AS started,
            CASE WHEN t.receipt_id IS NULL THEN c.amount ELSE r.rest END AS amount
        FROM (FROM rest_receipt UNION ALL FROM kept_receipt) r JOIN receipt c USING (receipt_id)
        LEFT JOIN touched t USING (receipt_id);
        CREATE OR REPLACE TEMP TABLE twin AS
        SELECT DISTINCT l.receipt_id FROM left_over l JOIN receipt p ON p.currency = l.currency AND p.gross = l.gross
            AND p.receipt_id <> l.receipt_id AND (p.party = l.party OR (p.account <> '' AND p.account = l.account)
                OR (p.party IS NULL AND l.party IS NULL AND p.text = l.text AND l.text <> ''))
            AND (p.received_on, p.receipt_id) < (l.received_on, l.receipt_id)
            AND p.received_on + {_TWICE_DAYS} >= l.received_on
        WHERE NOT l.started AND l.gross > 0 AND (p.text = l.text OR EXISTS (
            SELECT 1 FROM hit a JOIN hit b USING (item_id)
            WHERE a.receipt_id = l.receipt_id AND b.receipt_id = p.receipt_id))
        """
    )
    _meant(session)
    session.run(
        f"""
        CREATE OR REPLACE TABLE residue AS
        WITH judged AS (
            SELECT l.receipt_id, l.amount, CASE
                WHEN l.receipt_id IN (SELECT receipt_id FROM outdated_pin) THEN 'decision_outdated'
                WHEN l.receipt_id IN (SELECT receipt_id FROM twin) THEN 'duplicate?'
                WHEN l.is_out THEN 'money_out'
                WHEN l.receipt_id IN (SELECT receipt_id FROM taken_by_decision)
                    AND l.receipt_id NOT IN (SELECT receipt_id FROM option_row) THEN 'taken_by_decision'
                WHEN l.receipt_id IN (SELECT receipt_id FROM pinned UNION SELECT receipt_id FROM pinned_differences)
                    THEN CASE WHEN l.receipt_id IN (SELECT receipt_id FROM option_row) THEN 'to_decide'
                        ELSE 'left_by_decision' END
                WHEN l.started THEN 'overpayment'
                WHEN l.receipt_id IN (SELECT receipt_id FROM option_row) THEN 'to_decide'
                WHEN l.receipt_id IN (SELECT receipt_id FROM hit LEFT JOIN rest_item USING (item_id)
                    WHERE level >= {references.CLEANED} GROUP BY ALL HAVING count(rest) = 0) THEN 'already_settled'
                WHEN regexp_matches(l.text, '{_ADVANCE}') THEN 'advance'
                WHEN l.party IS NULL THEN CASE WHEN trim(l.payer_name) <> '' THEN 'payer_unlisted'
                    ELSE 'unknown_payer' END
                WHEN o.here THEN 'no_match'
                WHEN o.elsewhere THEN 'other_currency'
                WHEN l.receipt_id IN (SELECT receipt_id FROM meant WHERE is_left) THEN 'no_match'
                WHEN l.receipt_id IN (SELECT receipt_id FROM meant) THEN 'already_settled'
                ELSE 'nothing_open' END AS class
            FROM left_over l LEFT JOIN (
                SELECT l.receipt_id, bool_or(x.currency = l.currency) AS here, bool_or(x.currency <> l.currency)
                    AS elsewhere
                FROM left_over l JOIN payer p ON p.payer = l.party JOIN item x ON x.party = p.customer
                SEMI JOIN rest_item i ON i.item_id = x.item_id GROUP BY ALL
            ) o USING (receipt_id)
            WHERE l.amount <> 0
        )
        SELECT receipt_id, amount::BIGINT AS amount, class, CASE
            WHEN class = 'overpayment' AND receipt_id IN (SELECT receipt_id FROM meant) THEN 'ask_payer'
            ELSE CASE class {steps} END END AS next_step
        FROM judged
        """
    )


def _meant(session: Session) -> None:
    """Make ``meant`` (receipt_id, item_id, is_left): what the texts of what is left name and others have, or nobody.

    A number counts with spaces within and look-alike characters, too, if it is an item's of those whom the payer pays
    for: here it settles nothing. ``taken_by_decision`` (receipt_id): somebody gave such an item, or one of just the
    amount that the payer pays for, to the receipt of another.
    """
    session.run(
        f"""
        CREATE OR REPLACE TEMP TABLE meant AS
        WITH written AS (
            SELECT receipt_id, party, look_alike(cash_key(text)) AS text FROM left_over
            WHERE NOT is_out AND party IS NOT NULL AND text <> ''
        ),
        named AS (
            SELECT receipt_id, item_id FROM hit SEMI JOIN left_over USING (receipt_id)
            WHERE level >= {references.LOOK_ALIKE}
            UNION
            SELECT w.receipt_id, x.item_id FROM written w JOIN payer p ON p.payer = w.party
            JOIN item x ON x.party = p.customer JOIN item_key k ON k.item_id = x.item_id
            WHERE k.own AND k.strong AND length(k.key) >= {_LONG} AND contains(w.text, look_alike(k.key))
        )
        SELECT n.receipt_id, n.item_id, i.item_id IS NOT NULL AS is_left
        FROM named n LEFT JOIN rest_item i USING (item_id)
        ANTI JOIN forbidden f ON f.receipt_id = n.receipt_id AND f.item_id = n.item_id
        ANTI JOIN application a ON a.receipt_id = n.receipt_id AND a.item_id = n.item_id;
        CREATE OR REPLACE TEMP TABLE taken_by_decision AS
        WITH given AS (
            SELECT a.receipt_id AS taker, a.item_id, a.applied, x.open, x.party AS customer, x.currency
            FROM application a JOIN item x USING (item_id) JOIN receipt r ON r.receipt_id = a.receipt_id
            ANTI JOIN payer p ON p.payer = r.party AND p.customer = x.party
            WHERE a.decision = 'pinned'
        )
        SELECT m.receipt_id FROM meant m JOIN given USING (item_id)
        UNION
        SELECT l.receipt_id FROM left_over l JOIN payer p ON p.payer = l.party
        JOIN given g ON g.customer = p.customer AND g.currency = l.currency AND l.gross IN (g.applied, g.open)
        ANTI JOIN forbidden f ON f.receipt_id = l.receipt_id AND f.item_id = g.item_id
        WHERE g.taker <> l.receipt_id AND NOT l.is_out
        """
    )


def suggest(session: Session, rules: Sequence[CashRule]) -> None:
    """Make ``option_row``: of what the rules found possible, what still is, ranked for each receipt.

    ``rules``: the rules in their order; of two rules that suggest the same the surer one counts, then the earlier.
    """
    _withdraw(session, rules)
    _equal_amounts(session, rules)
    names = [*(rule.name for rule in rules), "amount_only"]
    session.run(
        f"""
        CREATE OR REPLACE TEMP TABLE rule_order AS
            SELECT unnest({names}) AS rule, unnest(range(1, {len(names) + 1})) AS place;
        CREATE OR REPLACE TEMP TABLE choice AS
        WITH possible AS (
            SELECT s.receipt_id, s.rule, s.option, min(s.score) AS score, count(*) AS items,
                sum(s.spent)::BIGINT AS spent, list((s.item_id, s.applied) ORDER BY s.item_id) AS what,
                any_value(r.rest) AS rest,
                bool_and(i.rest IS NOT NULL AND sign(i.rest) = sign(s.applied) AND abs(s.applied) <= abs(i.rest))
                    AS fits
            FROM suggestion s JOIN rest_receipt r USING (receipt_id) LEFT JOIN rest_item i USING (item_id)
            ANTI JOIN forbidden f ON f.receipt_id = s.receipt_id AND f.item_id = s.item_id
            GROUP BY ALL
        ),
        gap AS (
            SELECT receipt_id, rule, option, sum(amount)::BIGINT AS amount, list(struct_pack(kind := kind,
                amount := amount, item_id := item_id) ORDER BY item_id, kind) AS told
            FROM suggested_difference GROUP BY ALL
        ),
        distinct_ones AS (
            SELECT p.*, g.told, o.place FROM possible p LEFT JOIN gap g USING (receipt_id, rule, option)
            JOIN rule_order o ON o.rule = p.rule
            WHERE fits AND (p.spent + coalesce(g.amount, 0)) * sign(p.rest) BETWEEN 0 AND abs(p.rest)
            QUALIFY row_number() OVER (PARTITION BY receipt_id, what, told
                ORDER BY score DESC, o.place, p.option) = 1
        )
        SELECT *, row_number() OVER (PARTITION BY receipt_id ORDER BY score DESC, items, place, option) AS rank
        FROM distinct_ones
        QUALIFY row_number() OVER (PARTITION BY receipt_id ORDER BY score DESC, items, place, option)
            <= {MOST_SUGGESTIONS};
        CREATE OR REPLACE TABLE option_row AS
        SELECT s.receipt_id, s.item_id, s.applied, s.spent, s.rule, s.score, c.rank::SMALLINT AS rank,
            CASE WHEN c.told IS NULL THEN s.evidence
                ELSE json_merge_patch(s.evidence, to_json({{'differences': c.told}}))::VARCHAR END AS evidence
        FROM suggestion s JOIN choice c USING (receipt_id, rule, option)
        """
    )


def _withdraw(session: Session, rules: Sequence[CashRule]) -> None:
    """Suggest nothing for what was paid before, and no excess over the items of a text that may name more of them:

    that ends within a number, lists more numbers than were read, or names several and holds something like a number
    that nobody could read.
    """
    references.listed(session)
    session.run(
        f"""
        CREATE OR REPLACE TEMP TABLE incomplete AS
        WITH excess AS (
            SELECT receipt_id, option, rule, count(*) AS items FROM suggestion
            WHERE rule IN {_of_kinds(rules, "overpayment", "surcharge")} GROUP BY ALL
        ),
        ending AS (
            SELECT DISTINCT e.receipt_id, p.customer, regexp_replace(
                regexp_extract(r.text, '[A-Z0-9][A-Z0-9./-]*$'), '[-./]', '', 'g') AS last
            FROM excess e JOIN receipt r USING (receipt_id) JOIN payer p ON p.payer = r.party
        ),
        cut AS (
            SELECT DISTINCT n.receipt_id FROM ending n JOIN item x ON x.party = n.customer
            JOIN item_key k USING (item_id)
            WHERE length(n.last) >= 2 AND length(k.key) > length(n.last) AND starts_with(k.key, n.last)
        )
        SELECT receipt_id, option, rule FROM excess LEFT JOIN listing USING (receipt_id)
        WHERE receipt_id IN (FROM cut) OR members > items
            OR items > 1 AND receipt_id IN (FROM unread_number UNION FROM unknown_number);
        DELETE FROM suggestion USING incomplete i
        WHERE i.receipt_id = suggestion.receipt_id AND i.rule = suggestion.rule AND i.option = suggestion.option;
        CREATE OR REPLACE TEMP TABLE paid_again AS
        SELECT DISTINCT l.receipt_id FROM receipt l SEMI JOIN rest_receipt USING (receipt_id)
        JOIN receipt p ON p.currency = l.currency AND p.gross = l.gross AND p.receipt_id <> l.receipt_id
            AND (p.party = l.party OR p.account <> '' AND p.account = l.account)
            AND (p.received_on, p.receipt_id) < (l.received_on, l.receipt_id)
            AND p.received_on + {_TWICE_DAYS} >= l.received_on
        WHERE l.gross > 0 AND EXISTS (
            SELECT 1 FROM hit a JOIN hit b USING (item_id) ANTI JOIN rest_item USING (item_id)
            WHERE a.receipt_id = l.receipt_id AND b.receipt_id = p.receipt_id AND a.level >= {references.CLEANED});
        DELETE FROM suggestion WHERE receipt_id IN (FROM paid_again)
        """
    )


def _equal_amounts(session: Session, rules: Sequence[CashRule]) -> None:
    """Suggest items over just the amount: of whom the payer pays for, where only another amount explains the receipt;
    of anybody, where nothing does. Those of customers whose name has something in common with the payer's come first,
    then those whose day is nearest to the receipt's. What has no payer's name where others have one is the bank's own,
    whole hundreds that a customer pays have some amount by accident, and what a text calls a credit note, a refund or
    an insurer's money comes back from others: nothing of anybody is suggested for the first, nothing of another
    customer for the other two."""
    nearest = "abs(r.received_on - coalesce(x.due_on, x.issued_on)), x.number, x.item_id"
    billed = f"(x.issued_on IS NULL OR r.received_on IS NULL OR x.issued_on <= r.received_on + {AHEAD})"
    other = _of_kinds(rules, "partial", "overpayment", "surcharge")
    columns = "x.item_id, i.rest AS applied, i.rest AS spent"
    uncut = "ANTI JOIN forbidden f ON f.receipt_id = r.receipt_id AND f.item_id = x.item_id"
    session.run(_NAME_WORDS)
    session.run(
        f"""
        INSERT INTO suggestion BY NAME
        SELECT r.receipt_id, row_number() OVER near AS option, {columns}, 720 AS score,
            '{{"amount":"equal","payer":"same"}}' AS evidence, 'amount_only' AS rule
        FROM rest_receipt s JOIN receipt r USING (receipt_id)
        SEMI JOIN (SELECT receipt_id FROM suggestion GROUP BY ALL HAVING bool_and(rule IN {other})) g
            ON g.receipt_id = r.receipt_id
        JOIN payer p ON p.payer = r.party JOIN item x ON x.party = p.customer AND x.currency = r.currency
        JOIN rest_item i ON i.item_id = x.item_id AND i.rest = s.rest {uncut}
        WHERE {billed}
        WINDOW near AS (PARTITION BY r.receipt_id ORDER BY {nearest})
        QUALIFY row_number() OVER near <= {_MOST_EQUALS};
        INSERT INTO suggestion BY NAME
        WITH possible AS (
        SELECT r.receipt_id, {columns}, r.party IS NULL AS unknown, r.payer_name, x.party,
            EXISTS (FROM payer p WHERE p.payer = r.party AND p.customer = x.party) AS own,
            r.payer_name IS NULL AND r.source IN (SELECT source FROM receipt GROUP BY source
                HAVING 2 * count(payer_name) >= count(*)) AS of_bank,
            regexp_matches(r.text, '{_COMES_BACK}') AS back,
            abs(r.received_on - coalesce(x.due_on, x.issued_on)) AS days, x.number
        FROM rest_receipt s JOIN receipt r USING (receipt_id) ANTI JOIN suggestion g ON g.receipt_id = r.receipt_id
        ANTI JOIN paid_again a ON a.receipt_id = r.receipt_id
        JOIN (SELECT y.currency, i.* FROM rest_item i JOIN item y USING (item_id)
            QUALIFY count(*) OVER (PARTITION BY y.currency, i.rest) <= 50) i
            ON i.currency = r.currency AND i.rest = s.rest
        JOIN item x ON x.item_id = i.item_id {uncut}
        WHERE {billed}
        QUALIFY count(*) OVER (PARTITION BY r.receipt_id) <= {_MOST_EQUALS}
        ),
        called AS (
            SELECT p.*, (SELECT max(len(list_intersect(name_words(p.payer_name), name_words(n.name))))
                FROM parties n WHERE n.party = p.party AND n.name <> '' AND p.payer_name <> '') AS alike
            FROM possible p
        )
        SELECT receipt_id, row_number() OVER (PARTITION BY receipt_id
                    ORDER BY coalesce(alike, 0) DESC, days, number, item_id)
                AS option, item_id, applied, spent, 250 AS score,
            '{{"amount":"equal","payer":"' || CASE WHEN unknown THEN 'unknown' ELSE 'other' END || '"}}' AS evidence,
            'amount_only' AS rule
        FROM called WHERE (own OR NOT back) AND (unknown AND NOT of_bank OR NOT unknown AND (own OR spent % 10000 <> 0))
        """
    )


def _of_kinds(rules: Sequence[CashRule], *kinds: str) -> str:
    """The names of the rules of these kinds, for ``IN``."""
    return "(" + ", ".join(["NULL", *(quoted(rule.name) for rule in rules if rule.kind in kinds)]) + ")"
