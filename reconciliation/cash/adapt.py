"""Open items and receipts from the records: what is owed by the accounting systems, and money that settles nothing yet.

What sources have allocated stands as given: of an invoice only what is open, of a payment only what is not applied,
comes to the rules. Money that several systems have seen comes once (``money`` in ``reconciliation.states``). Record ids
are the ids of items and receipts; a party is its cluster of same-as parties.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reconciliation import receivables, states
from reconciliation.frame import Frame, quoted
from reconciliation.groups import components
from reconciliation.money import NO_CURRENCY
from reconciliation.session import Database, in_memory

if TYPE_CHECKING:
    from settings.cash import CashSettings
    from state.cash import Decision

_LONGEST = 60
"""Characters of what a receipt is called."""
_PAYERS = """
    WITH known AS (
        SELECT p.system, p.source_id, p.number, p.name, p.legal_name,
            'party ' || coalesce(g.group_id, p.record_id) AS party
        FROM parties p LEFT JOIN cash_party_groups g ON g.id = p.record_id
    )
    SELECT system, 'id:' || source_id AS party_ref, party, number, name, legal_name FROM known
    UNION ALL
    SELECT system, 'no:' || number, party, number, name, legal_name FROM known
    WHERE number IS NOT NULL QUALIFY count(*) OVER (PARTITION BY system, number) = 1
    """
_SAME = "SELECT left_id AS a, right_id AS b FROM edges WHERE kind = 'same_as' AND left_entity = 'party'"


def prepare(frame: Frame) -> bool:
    """Make ``cash_parties`` and ``cash_receipts`` in the frame; whether there is any money to match."""
    states.prepare(frame)
    components(frame, "cash_party_groups", _SAME)
    frame.run(
        f"""
        CREATE OR REPLACE TEMP TABLE cash_parties AS {_PAYERS};
        CREATE OR REPLACE TEMP TABLE cash_receipts AS
        WITH settled AS (
            SELECT payment_id, sum(abs(amount))::BIGINT AS amount FROM settlements GROUP BY ALL
        ),
        ordered AS (
            SELECT op.payment_id, string_agg(o.number, ' ' ORDER BY o.number) AS numbers
            FROM order_payment op JOIN orders o ON o.record_id = op.order_id
            JOIN payments p ON p.record_id = op.payment_id
            -- what the text says itself is not said again: twice would look like a list of two
            WHERE o.number IS NOT NULL AND NOT contains(coalesce(p.reference_text, ''), o.number) GROUP BY ALL
        )
        SELECT m.payment_id AS receipt_id, CASE WHEN p.accounting THEN 'accounting' WHEN p.payments THEN 'payments'
                ELSE 'bank' END AS source,
            k.party, p.payer_name, NULL::VARCHAR AS payer_account, m.currency,
            CASE WHEN m.is_out THEN coalesce(s.amount, 0) - m.amount ELSE m.unapplied END::BIGINT AS amount,
            0::BIGINT AS fee, false AS fee_is_netted, m.received_on,
            concat_ws(' ', p.reference_text, o.numbers) AS text
        FROM money m JOIN payments p ON p.record_id = m.payment_id
        LEFT JOIN cash_parties k ON k.system = m.system AND k.party_ref = m.party_ref
        LEFT JOIN settled s USING (payment_id) LEFT JOIN ordered o USING (payment_id)
        WHERE m.currency IS NOT NULL
          AND CASE WHEN m.is_out THEN m.amount > coalesce(s.amount, 0) ELSE m.unapplied > 0 END
        """
    )
    return bool(frame.value("SELECT count(*) FROM cash_receipts"))


def _items(frame: Frame) -> None:
    frame.run(
        f"""
        CREATE OR REPLACE TEMP TABLE cash_items AS
        WITH named AS (
            SELECT ob.invoice_id, o.number AS reference FROM order_bill ob JOIN orders o ON o.record_id = ob.order_id
            UNION
            SELECT ob.invoice_id, o.customer_po_number FROM order_bill ob JOIN orders o ON o.record_id = ob.order_id
            UNION
            SELECT ob.invoice_id, d.number FROM order_bill ob JOIN order_delivery od USING (order_id)
            JOIN deliveries d ON d.record_id = od.delivery_id
        ),
        others AS (
            SELECT invoice_id, list(DISTINCT reference ORDER BY reference) AS references FROM named
            WHERE trim(reference) <> '' GROUP BY ALL
        )
        SELECT r.document_id AS item_id,
            CASE WHEN r.amount < 0 THEN 'credit_note' WHEN i.kind IN ('debit_note', 'deposit') THEN i.kind
                ELSE 'invoice' END AS kind,
            coalesce(k.party, 'document ' || r.document_id) AS party, r.currency,
            (sign(r.amount) * greatest(abs(r.amount), coalesce(i.gross_amount, 0)))::BIGINT AS amount,
            r.amount AS open, i.number, coalesce(o.references, []) AS other_references, r.issued_on, r.due_on,
            NULL::DECIMAL(9,6) AS discount_rate, NULL::DATE AS discount_until
        FROM receivables r JOIN invoices i ON i.record_id = r.document_id
        LEFT JOIN cash_parties k ON k.system = r.system AND k.party_ref = r.customer_ref
        LEFT JOIN others o ON o.invoice_id = r.document_id
        WHERE r.kind <> 'payment' AND r.currency <> '{NO_CURRENCY}'
        """
    )


@contextmanager
def opened(frame: Frame, cash: CashSettings, decisions: Sequence[Decision]) -> Iterator[Database]:
    """A database of its own with the inputs of cash application, for the block; after ``prepare``."""
    receivables.open_now(frame)
    _items(frame)
    with in_memory() as connection:
        session = Database(connection)
        session.take("open_items", frame.arrow("FROM cash_items"), "FROM incoming")
        session.take("receipts", frame.arrow("FROM cash_receipts"), "FROM incoming")
        names = "SELECT DISTINCT party, number, coalesce(legal_name, name) AS name FROM cash_parties"
        session.take("parties", frame.arrow(names), "FROM incoming")
        _decided(session, decisions)
        _told(session, cash)
        yield session


def _decided(session: Database, decisions: Sequence[Decision]) -> None:
    """What people pinned and cut, of receipts that are there."""
    session.run(
        """
        CREATE TABLE pinned (receipt_id BIGINT, item_id BIGINT, applied BIGINT, spent BIGINT);
        CREATE TABLE pinned_differences (receipt_id BIGINT, item_id BIGINT, kind VARCHAR, amount BIGINT);
        CREATE TABLE forbidden (receipt_id BIGINT, item_id BIGINT)
        """
    )
    here = {row[0] for row in session.rows("SELECT receipt_id FROM receipts")}
    for item in decisions:
        if item.receipt_id not in here:
            continue
        if item.decision == "cut":
            session.run(f"INSERT INTO forbidden VALUES ({item.receipt_id}, {item.item_id})")
            continue
        if not item.settles_nothing:
            session.run(
                f"INSERT INTO pinned VALUES ({item.receipt_id}, {item.item_id}, {int(item.applied)}, {int(item.spent)})"
            )
        for of, kind, amount in item.differences:
            on = "NULL" if of is None else str(int(of))
            session.run(
                f"INSERT INTO pinned_differences VALUES ({item.receipt_id}, {on}, {quoted(kind)}, {int(amount)})"
            )


def _told(session: Database, cash: CashSettings) -> None:
    """Who pays for whom and what currencies were worth, as ltc.yaml says."""
    session.run(
        """
        CREATE TABLE related (payer VARCHAR, customer VARCHAR, why VARCHAR);
        CREATE TABLE rates (currency VARCHAR, day DATE, rate DECIMAL(28,10))
        """
    )
    for entry in cash.related:
        payer, customer, why = (quoted(text) for text in (entry.payer, entry.customer, entry.why))
        session.run(
            f"""
            INSERT INTO related
            SELECT DISTINCT p.party, c.party, {why} FROM parties c,
                (SELECT party FROM parties WHERE {payer} IN (number, name) UNION SELECT {payer}) p
            WHERE {customer} IN (c.number, c.name) AND p.party <> c.party
            """
        )
    for currency, days in cash.rates.items():
        for day, rate in days.items():
            session.run(f"INSERT INTO rates VALUES ({quoted(currency)}, DATE '{day.isoformat()}', {rate:f})")


def parties_of(frame: Frame, record_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Who the payer of a receipt is by its source: ``customer_number`` and ``customer``, where it says so."""
    ids = ", ".join(str(int(number)) for number in record_ids) or "NULL"
    rows = frame.rows(
        f"""
        SELECT m.payment_id, any_value(k.number), any_value(coalesce(nullif(trim(k.name), ''), k.legal_name))
        FROM money m JOIN cash_parties k ON k.system = m.system AND k.party_ref = m.party_ref
        WHERE m.payment_id IN ({ids}) GROUP BY ALL
        """
    )
    return {row[0]: {"customer_number": row[1], "customer": row[2]} for row in rows}


def said_of(frame: Frame, record_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """What receipts are ``called``: their number, else the bank's text, else a reference, ``None`` where there is none.

    And the ``payer`` as the bank calls him.
    """
    ids = ", ".join(str(int(number)) for number in record_ids) or "NULL"
    rows = frame.rows(
        f"""
        SELECT record_id, left(coalesce(nullif(trim(number), ''), nullif(trim(reference_text), ''),
            nullif(trim(external_ref), '')), {_LONGEST}), nullif(trim(payer_name), '')
        FROM payments WHERE record_id IN ({ids})
        """
    )
    return {row[0]: {"called": row[1], "payer": row[2]} for row in rows}
