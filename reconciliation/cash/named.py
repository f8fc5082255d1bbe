"""Rules for receipts that name what they pay: the whole amount, in part, or too much."""

from __future__ import annotations

from reconciliation.cash import cases, readings, references
from reconciliation.cash.cases import OTHER, RELATED, UNKNOWN
from reconciliation.cash.groups import AHEAD
from reconciliation.cash.tables import settle
from reconciliation.session import Session
from settings.cash import CashRule

_ROUNDS = 4
_FEW = 4
"""Less than one in so many of an item of another customer, or of one that is named badly by somebody whom nobody knows,
is hardly a part of it."""
_EXTRA = 10
"""One in so many of an item may be paid beyond it as interest, though a credit note was taken off."""
_PART = (
    "(?:^|[^A-Z])(?:PART|PARTIAL|PARTLY|PART-?PAYMENT|TEIL(?:ZAHLUNG|BETRAG|SUMME)?|ABSCHLAG(?:SZAHLUNG)?|RATE(?:NZAHLUNG)?"
    "|INSTAL[A-Z]*|ACOMPTE|PARCIAL|PARZIALE|ANZAHLUNG)(?:[^A-Z]|$)|部分|分期|首付|尾款|首款|进度款"
)
SCORE = f"""(CASE n.level WHEN {references.EXACT} THEN 1000 WHEN {references.CLEANED} THEN 970
    WHEN {references.LOOK_ALIKE} THEN 930 WHEN {references.WEAK} THEN 900 ELSE 880 END
    - CASE n.relation WHEN {UNKNOWN} THEN 20 WHEN {OTHER} THEN 60 ELSE 0 END)::SMALLINT"""
"""How sure a number and its payer make a match, per mille; SQL over ``named n``."""
_WHOLE = f"""
    SELECT receipt_id FROM cases ANTI JOIN mixed_up USING (receipt_id) ANTI JOIN meant_by_name USING (receipt_id)
    WHERE gap = 0 AND (relation >= {RELATED}
        OR relation = {UNKNOWN} AND level >= {references.LOOK_ALIKE} AND one_customer
        OR relation < {RELATED} AND level = {references.EXACT} AND items > 1)
    UNION ALL
    SELECT receipt_id FROM cases WHERE gap <> 0 AND NOT own AND equal = 1 AND (relation >= {RELATED}
        OR relation = {UNKNOWN} AND level >= {references.CLEANED})
    UNION ALL
    SELECT receipt_id FROM cases c ANTI JOIN rival USING (receipt_id)
    WHERE gap = 0 AND relation = {OTHER} AND level = {references.EXACT} AND items = 1
      AND (SELECT count(*) FROM rest_item i JOIN item x USING (item_id)
           WHERE x.currency = c.currency AND i.rest = c.rest) = 1
    """
"""Cases in which what is named is surely what is paid; see ``reference``."""
_MIXED_UP = """
    CREATE OR REPLACE TEMP TABLE mixed_up AS
    SELECT DISTINCT n.receipt_id FROM named n JOIN cases c USING (receipt_id)
    SEMI JOIN other_token t ON t.receipt_id = n.receipt_id
    JOIN item x ON x.item_id = n.item_id
    JOIN (
        SELECT x.party, x.currency, i.rest FROM rest_item i JOIN item x USING (item_id) GROUP BY ALL HAVING count(*) > 1
    ) l ON l.party = x.party AND l.currency = x.currency AND l.rest = n.item_rest
    JOIN item_key k ON k.item_id = n.item_id AND NOT k.own
    JOIN item_key o ON o.key = k.key AND o.item_id <> k.item_id AND NOT o.own
    SEMI JOIN named m ON m.receipt_id = n.receipt_id AND m.item_id = o.item_id
    WHERE c.items > 1 AND NOT n.own
    """
"""Cases whose text has a number that was not read, with an item that has an equal and is named by an order it shares.

Orders stand on invoices and on their credit notes: where the credit note is meant, the unread number may be that of the
equal invoice.
"""
_CHOSEN = "c.gap = 0 OR n.item_id = c.equal_item"
_TWINS = """
    WITH whole AS ({whole})
    SELECT receipt_id FROM whole ANTI JOIN (
        SELECT c.receipt_id FROM cases c SEMI JOIN whole USING (receipt_id)
        JOIN (SELECT r.receipt_id, r.party, r.currency, r.received_on, s.rest FROM rest_receipt s
              JOIN receipt r USING (receipt_id) ANTI JOIN whole USING (receipt_id)) e
            ON e.party = c.party AND e.currency = c.currency AND e.rest = c.rest
            AND e.received_on <= c.received_on AND e.received_on + 45 >= c.received_on
        WHERE NOT {last}
    ) later USING (receipt_id)
    """
"""Without those that the payer paid before, it seems: what the earlier payment was for has to be read first.

The last reading does not wait any longer.
"""


def reference(session: Session, rule: CashRule) -> int:
    """The receipt's amount is what the items that it names come to, to the minor unit.

    Of the items of an order that it names, the one with exactly that amount is enough. A payer whom nobody knows needs
    a number that is read well, and of whoever bears his name nobody else may owe just that; another customer needs
    several exact ones, or one over an amount that no other open item has, and no item of his own.
    """
    least = readings.READINGS[rule.reading or "exact"]
    readings.read(session, least)
    touched = 0
    for mixed in (False, True):
        if mixed and not cases.mixes(session, least):
            continue
        for _ in range(_ROUNDS):
            cases.prepare(session, least, mixed=mixed)
            cases.rivals(session, f"gap = 0 AND relation = {OTHER} AND items = 1")
            cases.namesakes(session)
            session.run(_MIXED_UP)
            whole = _TWINS.format(whole=_WHOLE, last=least <= references.DAMAGED)
            contested = cases.first_come(session, whole, only=_CHOSEN)
            cases.propose_whole(session, SCORE, only=_CHOSEN)
            touched += settle(session, rule.name, rule.decision)
            if not contested:
                break
        cases.prepare(session, least, mixed=mixed)
        cases.those(session, "gap = 0 OR (NOT own AND equal = 1)")
        cases.propose_whole(session, f"{SCORE} - 200", only=_CHOSEN)
        settle(session, rule.name, "suggest")
    return touched


def partial(session: Session, rule: CashRule) -> int:
    """Less than the one item that the receipt names has open: so much of it is paid, in the order of the days.

    Sure if the payments together come to the whole item. Not where the text lists more numbers than were read: then it
    is not only about this item. Else sure if the text speaks of a part, or if no other item of the payer has about the
    amount, no rule before suggests another item, and no credit note may have been netted: none of this customer's is
    open over no more than what is missing and a tenth, none comes to the amount with one item, with its discount or
    without, and none of another customer for whom he pays is open where the text has a number that nobody knows or the
    item's discount may have been taken. Whatever the reason of what is missing, the money is for the one item that is
    named: a late discount or a tax that is withheld for the first time stays open. Not where a little is missing of an
    item that an earlier open receipt of the payer is over: then that one paid it, and the number is wrong here. And not
    where only an order is named of which the payer has paid just that before: it seems to be paid twice. What else is
    less is a suggestion; and so is less than several items that are named: credit notes are taken off, the oldest are
    paid first, and the newest in part, where the money reaches it.
    """
    cases.prepare(session, references.LOOK_ALIKE)
    references.listed(session)
    _near_rivals(session, "gap < 0")
    cases.paid_by_another(session)
    session.run(
        f"""
        CREATE OR REPLACE TEMP TABLE owed AS
        SELECT c.receipt_id, c.rest AS paid, x.item_id, i.rest, x.party = y.party AS own_customer,
            c.discount + c.late_discount > 0 AND -c.gap <= c.discount + c.late_discount + c.total // 10 AS lapsed,
            -i.rest <= -c.gap + c.total // {_EXTRA} AS within,
            CASE WHEN i.rest > 0 THEN round(i.rest * x.discount_rate)::BIGINT ELSE 0 END AS deduction
        FROM cases c JOIN item y ON y.item_id = c.item_id
        JOIN payer p ON p.payer = c.party JOIN item x ON x.party = p.customer AND x.currency = c.currency
        JOIN rest_item i ON i.item_id = x.item_id
        WHERE c.items = 1 AND c.gap < 0 AND c.rest > 0 AND (x.issued_on > c.received_on) IS NOT true;
        CREATE OR REPLACE TEMP TABLE netted AS
        SELECT receipt_id FROM owed
        WHERE rest < 0 AND within AND (own_customer OR lapsed OR receipt_id IN (FROM unread_number))
        UNION
        SELECT DISTINCT c.receipt_id FROM owed c JOIN owed o ON o.receipt_id = c.receipt_id
        WHERE c.rest < 0 AND o.rest > 0 AND o.rest + c.rest - c.paid IN (0, o.deduction);
        CREATE OR REPLACE TEMP TABLE other_suggestion AS
            SELECT DISTINCT s.receipt_id FROM suggestion s JOIN cases c USING (receipt_id)
            WHERE c.items = 1 AND s.item_id <> c.item_id;
        CREATE OR REPLACE TEMP TABLE paid_before AS
        SELECT DISTINCT n.receipt_id FROM named n JOIN cases c USING (receipt_id)
        JOIN item_key k ON k.item_id = n.item_id AND NOT k.own
        JOIN item_key o ON o.key = k.key AND o.item_id <> k.item_id
        JOIN application a ON a.item_id = o.item_id JOIN receipt b ON b.receipt_id = a.receipt_id
        WHERE c.items = 1 AND c.gap < 0 AND NOT n.own AND b.party = c.party AND b.gross = c.rest
            AND b.received_on <= c.received_on;
        CREATE OR REPLACE TEMP TABLE part AS
        SELECT c.*, sum(c.rest) OVER (PARTITION BY c.item_id ORDER BY c.received_on, c.receipt_id) AS so_far,
            sum(c.rest) OVER (PARTITION BY c.item_id) AS together, regexp_matches(r.text, '{_PART}') AS said,
            c.receipt_id IN (FROM rival UNION FROM netted UNION FROM other_suggestion UNION FROM paid_before
                UNION SELECT receipt_id FROM cases SEMI JOIN paid_by_another USING (receipt_id)
                    WHERE -gap * 20 <= total * 3) AS doubtful, c.receipt_id IN (SELECT receipt_id FROM listing) AS lists
        FROM cases c JOIN receipt r USING (receipt_id)
        WHERE c.items = 1 AND c.relation >= {RELATED} AND c.gap < 0 AND c.rest > 0;
        CREATE OR REPLACE TEMP TABLE accepted AS SELECT receipt_id FROM part
        WHERE so_far <= total AND (together = total OR NOT lists AND (said OR NOT doubtful))
        """
    )
    _propose_parts(session, f"{SCORE} - 30")
    touched = settle(session, rule.name, rule.decision)
    cases.prepare(session, references.LOOK_ALIKE)
    cases.those(
        session,
        f"""
        items = 1 AND gap < 0 AND rest > 0 AND (relation >= {RELATED}
            OR relation = {UNKNOWN} AND (level = {references.EXACT} OR rest * {_FEW} >= total)
            OR own AND rest * {_FEW} >= total)
        """,
    )
    _propose_parts(session, f"{SCORE} - 300")
    settle(session, rule.name, "suggest")
    _propose_short(session, f"{SCORE} - 350")
    settle(session, rule.name, "suggest")
    return touched


def overpayment(session: Session, rule: CashRule) -> int:
    """More than the items that the receipt names come to: they are settled, the rest stays with the receipt.

    Sure if it names several, or if no more than ``share`` is too much. Not where the text lists more numbers than were
    read: what seems too much may be for these.
    """
    references.listed(session)
    cases.prepare(session, references.LOOK_ALIKE)
    _near_rivals(session, "gap > 0")
    cases.first_come(
        session,
        f"""
        SELECT receipt_id FROM cases ANTI JOIN rival USING (receipt_id) ANTI JOIN unread_number USING (receipt_id)
        LEFT JOIN listing USING (receipt_id)
        WHERE coalesce(members, 1) <= items AND gap > 0 AND total > 0 AND relation >= {RELATED} AND own
            AND (items > 1 OR gap <= floor(total * {rule.share or 0:f}))
        """,
    )
    cases.propose_whole(session, f"{SCORE} - 40")
    touched = settle(session, rule.name, rule.decision)
    cases.prepare(session, references.LOOK_ALIKE)
    cases.those(session, f"gap > 0 AND gap <= total // 2 AND (relation > {OTHER} OR items > 1)")
    cases.propose_whole(session, f"{SCORE} - 300")
    settle(session, rule.name, "suggest")
    return touched


def _near_rivals(session: Session, of: str) -> None:
    """Make ``rival``: cases (``of``) in which an item of the payer's that is not named has about the amount.

    About: up to fifteen per cent more, so that a discount, a fee or a tax would explain it. It was billed by then.
    """
    session.run(
        f"""
        CREATE OR REPLACE TEMP TABLE rival AS
        SELECT DISTINCT c.receipt_id FROM (SELECT * FROM cases WHERE {of} AND rest > 0) c
        JOIN payer p ON p.payer = c.party JOIN item x ON x.party = p.customer AND x.currency = c.currency
        JOIN rest_item i ON i.item_id = x.item_id AND i.rest BETWEEN c.rest AND c.rest + c.rest * 3 // 20
        ANTI JOIN named n ON n.receipt_id = c.receipt_id AND n.item_id = i.item_id
        WHERE (x.issued_on > c.received_on + {AHEAD}) IS NOT true
        """
    )


def _propose_parts(session: Session, score: str) -> None:
    session.run(
        f"""
        INSERT INTO proposal BY NAME
        SELECT n.receipt_id, n.item_id, n.rest AS applied, n.rest AS spent, {score} AS score,
            {cases.evidence("0")} AS evidence
        FROM named n SEMI JOIN accepted USING (receipt_id) JOIN item x ON x.item_id = n.item_id
        """
    )


def _propose_short(session: Session, score: str) -> None:
    """Propose less than several named items: all credit notes, and the items by age as far as the money goes."""
    session.run(
        f"""
        INSERT INTO proposal BY NAME
        WITH several AS (
            SELECT n.*, sum(n.item_rest) OVER (PARTITION BY n.receipt_id ORDER BY n.item_rest > 0, n.age, n.item_id)
                - n.item_rest AS before
            FROM named n SEMI JOIN (
                SELECT receipt_id FROM cases SEMI JOIN rest_receipt USING (receipt_id)
                WHERE items > 1 AND gap < 0 AND rest > 0 AND own
                    AND (relation >= {RELATED} OR relation = {UNKNOWN} AND one_customer)
            ) c ON c.receipt_id = n.receipt_id
        ),
        reached AS (
            SELECT * FROM several QUALIFY bool_and(item_rest < 0 OR before < rest) OVER (PARTITION BY receipt_id)
        )
        SELECT n.receipt_id, n.item_id, least(n.item_rest, n.rest - n.before)::BIGINT AS applied, applied AS spent,
            {score} AS score, {cases.evidence("0")} AS evidence
        FROM reached n JOIN item x ON x.item_id = n.item_id
        """
    )
