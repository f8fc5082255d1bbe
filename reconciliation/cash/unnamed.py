"""Receipts that name no item, what else is open of their payers, and what their texts say without naming anything.

``unnamed`` holds what is left of receipts with a known payer whose text names nothing that is an item's number, or
written like one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from reconciliation.cash import references
from reconciliation.cash.references import CLEANED, EXACT, LOOK_ALIKE
from reconciliation.session import Session

Waiting = tuple[date | None, int, int]
"""An open receipt: its day, its id, what is left of it."""


def waiting_receipts(session: Session) -> dict[tuple[str, str], list[Waiting]]:
    """What is open of each payer's receipts: day, id, rest.

    With those of unknown payers with his account or name, and of others who pay for the same customers.
    """
    found: dict[tuple[str, str], list[Waiting]] = {}
    for party, currency, *receipt in session.rows(
        """
        WITH open_ones AS (SELECT r.*, s.rest FROM rest_receipt s JOIN receipt r USING (receipt_id)),
        known AS (SELECT DISTINCT party, currency, account, payer_name FROM receipt WHERE party IS NOT NULL)
        SELECT party, currency, received_on, receipt_id, rest FROM open_ones WHERE party IS NOT NULL
        UNION
        SELECT p.payer, o.currency, o.received_on, o.receipt_id, o.rest FROM open_ones o
        JOIN related_payer p ON p.customer = o.party
        UNION
        SELECT p.customer, o.currency, o.received_on, o.receipt_id, o.rest FROM open_ones o
        JOIN related_payer p ON p.payer = o.party
        UNION
        SELECT q.payer, o.currency, o.received_on, o.receipt_id, o.rest FROM open_ones o
        JOIN related_payer p ON p.payer = o.party JOIN related_payer q ON q.customer = p.customer
        UNION
        SELECT k.party, o.currency, o.received_on, o.receipt_id, o.rest FROM open_ones o
        JOIN known k ON k.currency = o.currency AND k.account = o.account WHERE o.party IS NULL AND o.account <> ''
        UNION
        SELECT k.party, o.currency, o.received_on, o.receipt_id, o.rest FROM open_ones o
        JOIN known k ON k.currency = o.currency AND k.payer_name = o.payer_name WHERE o.party IS NULL
            AND o.payer_name <> ''
        ORDER BY ALL
        """
    ):
        found.setdefault((party, currency), []).append((receipt[0], receipt[1], receipt[2]))
    return found


def prepare_unnamed(session: Session) -> None:
    """Make ``unnamed``: what is left of known payers' receipts whose text names no item, settled or not.

    Nor does it name something that is written like the numbers here and is none of them: that would be paid by it. Bare
    digits that are those of a stranger's order, over another amount, are a telephone or a payment run.
    """
    session.run(
        f"""
        CREATE OR REPLACE TEMP TABLE unnamed AS
        SELECT r.receipt_id, s.rest, r.party, r.currency, r.received_on
        FROM rest_receipt s JOIN receipt r USING (receipt_id)
        ANTI JOIN (
            SELECT h.receipt_id FROM hit h JOIN receipt c USING (receipt_id) JOIN item x ON x.item_id = h.item_id
            LEFT JOIN payer p ON p.payer = c.party AND p.customer = x.party
            WHERE h.level >= {CLEANED} AND (h.own OR h.level = {EXACT} OR p.payer IS NOT NULL OR x.open = c.gross)
        ) h ON h.receipt_id = r.receipt_id
        ANTI JOIN strange_number k ON k.receipt_id = r.receipt_id
        ANTI JOIN unknown_number n ON n.receipt_id = r.receipt_id
        WHERE r.party IS NOT NULL
        """
    )


def prepare_misnamed(session: Session) -> None:
    """Make ``misnamed``: what is left of known payers' receipts that name only what they had paid before.

    Each number is that of an item of those whom the payer pays for, of another amount, and settled by a receipt of an
    earlier day; and no earlier receipt over the same amount names the same. So it is no second payment, and last
    month's number was left in the form.
    """
    references.listed(session)
    session.run(
        f"""
        CREATE OR REPLACE TEMP TABLE misnamed AS
        WITH open_ones AS (
            SELECT r.*, s.rest FROM rest_receipt s JOIN receipt r USING (receipt_id)
            ANTI JOIN strange_number k ON k.receipt_id = r.receipt_id
            ANTI JOIN unknown_number n ON n.receipt_id = r.receipt_id
            WHERE r.party IS NOT NULL AND s.rest > 0
        ),
        named AS (
            SELECT r.receipt_id, h.item_id, h.own AND p.payer IS NOT NULL AND i.item_id IS NULL AND x.open <> r.rest
                AND EXISTS (SELECT 1 FROM application a JOIN receipt b USING (receipt_id)
                    WHERE a.item_id = h.item_id AND b.received_on < r.received_on AND b.gross <> r.gross) AS before
            FROM open_ones r JOIN hit h ON h.receipt_id = r.receipt_id AND h.level >= {CLEANED}
            JOIN item x ON x.item_id = h.item_id LEFT JOIN payer p ON p.payer = r.party AND p.customer = x.party
            LEFT JOIN rest_item i ON i.item_id = h.item_id
        )
        SELECT r.receipt_id, r.rest, r.party, r.currency, r.received_on FROM open_ones r JOIN (
            SELECT receipt_id, count(*) AS items FROM named GROUP BY ALL HAVING bool_and(before)
        ) n USING (receipt_id) LEFT JOIN listing l USING (receipt_id)
        WHERE coalesce(l.members, 1) <= n.items
        """
    )


@dataclass(frozen=True)
class Signs:
    """What texts say of items without naming them surely."""

    named: set[int]
    """Items that other open receipts of those who pay for the customer name by their numbers."""
    ordered: set[int]
    """Items that such receipts name as the one open item of an order or delivery."""
    pointed: dict[int, set[int]]
    """Receipt → items whose last digits it has, of those whom its payer pays for or over just its amount.

    Digits that others' numbers end with as well, such as those of the payer's own customer number, point to nothing.
    """
    naming: dict[int, set[int]]
    """Receipt → items of those whom it pays for that it names by their numbers, where it has no other number."""
    unread: set[int]
    """Receipts with something like a number that nobody could read."""
    unsaid: set[int]
    """Of these, those that list more numbers than are those of what they pay."""
    misnamed: set[int]
    """Receipts that name only what was paid before."""
    settled: set[int]
    """Receipts with the last digits, seven or more, of an item of those whom the payer pays for that is settled."""
    digits: dict[int, str]
    """Receipt → digits behind a word for invoices, which end the number that is meant."""


def signs_of(session: Session) -> Signs:
    """What the texts of open receipts say; after ``prepare_unnamed`` and ``prepare_misnamed``."""
    named = session.rows(
        f"""
        SELECT DISTINCT h.item_id, h.receipt_id FROM hit h SEMI JOIN rest_receipt USING (receipt_id)
        JOIN receipt r ON r.receipt_id = h.receipt_id JOIN item x ON x.item_id = h.item_id
        SEMI JOIN payer p ON p.payer = r.party AND p.customer = x.party
        WHERE h.own AND h.level >= {LOOK_ALIKE} AND r.currency = x.currency
        """
    )
    pointed: dict[int, set[int]] = {}
    for receipt, item in session.rows(
        """
        SELECT h.receipt_id, h.item_id FROM hit h JOIN unnamed u USING (receipt_id) JOIN rest_item i USING (item_id)
        JOIN item x ON x.item_id = h.item_id LEFT JOIN payer p ON p.payer = u.party AND p.customer = x.party
        WHERE p.payer IS NOT NULL OR i.rest = u.rest
        """
    ):
        pointed.setdefault(receipt, set()).add(item)
    unread = {row[0] for row in session.rows("SELECT DISTINCT receipt_id FROM unread_number")}
    naming: dict[int, set[int]] = {}
    for item, receipt in named:
        naming.setdefault(receipt, set()).add(item)
    listed = dict(session.rows("SELECT receipt_id, members FROM listing"))
    unsaid = {receipt for receipt, items in naming.items() if listed.get(receipt, 1) > len(items)}
    misnamed = {row[0] for row in session.rows("SELECT receipt_id FROM misnamed")}
    digits = dict(
        session.rows(
            "SELECT receipt_id, cash_last_digits(r.text) AS digits FROM unnamed JOIN receipt r USING (receipt_id) "
            "WHERE digits <> ''"
        )
    )
    ordered = session.rows(
        f"""
        SELECT any_value(h.item_id) FROM hit h SEMI JOIN rest_receipt USING (receipt_id)
        SEMI JOIN rest_item USING (item_id)
        JOIN receipt r ON r.receipt_id = h.receipt_id JOIN item x ON x.item_id = h.item_id
        SEMI JOIN payer p ON p.payer = r.party AND p.customer = x.party
        WHERE h.level >= {CLEANED} AND r.currency = x.currency
        GROUP BY h.receipt_id HAVING count(DISTINCT h.item_id) = 1 AND NOT bool_or(h.own)
        """
    )
    settled = session.rows(
        """
        SELECT DISTINCT d.receipt_id FROM text_digits d JOIN unnamed u USING (receipt_id)
        JOIN payer p ON p.payer = u.party JOIN item x ON x.party = p.customer ANTI JOIN rest_item i USING (item_id)
        JOIN item_key k ON k.item_id = x.item_id AND k.own
        WHERE length(d.digits) >= 7 AND ends_with(k.key, d.digits)
        """
    )
    unclear = unread | unsaid
    trusted = {receipt: items for receipt, items in naming.items() if receipt not in unclear}
    return Signs(
        named={row[0] for row in named},
        ordered={row[0] for row in ordered},
        pointed=pointed,
        naming=trusted,
        unread=unread,
        unsaid=unsaid,
        misnamed=misnamed,
        settled={row[0] for row in settled},
        digits=digits,
    )
