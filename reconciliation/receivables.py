"""What customers owe: every invoice that is not settled, and what they have to their credit, document by document.

An invoice is open by its gross amount less what was paid and credited. A credit note takes from the invoice it corrects
what is still open there; the rest, money that settles nothing yet and what was overpaid are credits of the customer.

As of the end of a period, only documents and money up to that day count, and money that settles a later invoice is a
credit.

``receivables`` in the frame: document_id, kind (``invoice``, ``credit_note``, ``payment``), system, customer_ref,
currency, issued_on, due_on (both may be missing), amount (minor units, negative for credits).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from reconciliation.frame import Frame
from reconciliation.money import NO_CURRENCY
from reconciliation.tieouts import DoesNotFootError
from state import named

if TYPE_CHECKING:
    from state.store import Store

BUCKETS = ("not_due", "1-30", "31-60", "61-90", "90+")
"""Days after the due date, both ends inclusive."""


def receivables(frame: Frame, store: Store, end: date | None = None) -> dict[str, dict[str, Any]]:
    """What is open now, or at the end of a day, by document.

    Raises ``DoesNotFootError`` if it is not what was billed less what was settled.
    """
    _choose(frame, end)
    _prepare(frame)
    _foot(frame)
    rows = frame.dicts(
        """
        WITH customers AS (
            SELECT system, ref, min(record_id) AS record_id FROM (
                SELECT system, 'id:' || source_id AS ref, record_id FROM parties
                UNION ALL SELECT system, 'no:' || number, record_id FROM parties WHERE number IS NOT NULL) GROUP BY ALL)
        SELECT r.document_id, r.kind, r.currency, strftime(r.issued_on, '%Y-%m-%d') AS issued_on,
            strftime(r.due_on, '%Y-%m-%d') AS due_on, r.amount, r.system, p.source_id AS customer_id,
            coalesce(nullif(trim(p.number), ''), p.source_id) AS customer_number, nullif(trim(p.name), '') AS customer
        FROM receivables r LEFT JOIN customers c ON c.system = r.system AND c.ref = r.customer_ref
        LEFT JOIN parties p USING (record_id) ORDER BY r.document_id
        """
    )
    with store.reading() as connection:
        names = named.records(connection, [row["document_id"] for row in rows])
    found = {}
    for row in rows:
        document = int(row.pop("document_id"))
        found[str(document)] = {**row, "record": names.get(document, {})}
    return found


def note_matched(owed: Mapping[str, dict[str, Any]], receipts: Mapping[str, Mapping[str, Any]]) -> None:
    """Put beside each open document as ``matched`` the receipts that cash application settles it with, and that no
    source has allocated: the record ids with minor units of the document's currency. ``receipts`` are its figures.

    Beside money that is a credit stands as ``spent`` how much of it is used so.
    """
    for receipt, figure in receipts.items():
        if receipt in owed and figure["amount"] != figure["left"]:
            owed[receipt]["spent"] = figure["amount"] - figure["left"]
        for entry in figure["applied"]:
            item = owed.get(str(entry["item"]))
            if item is not None:
                item.setdefault("matched", []).append([int(receipt), entry["applied"]])


def open_now(frame: Frame) -> None:
    """Make the table ``receivables`` of what is open now."""
    _choose(frame, None)
    _prepare(frame)


def _choose(frame: Frame, end: date | None) -> None:
    """The invoices and notes, what settled each, and the money that count until a day."""
    until = "true" if end is None else "({} IS NULL OR {} <= DATE '" + end.isoformat() + "')"
    issued, received = until.format("issue_date", "issue_date"), until.format("m.received_on", "m.received_on")
    frame.run(
        f"""
        CREATE OR REPLACE TEMP TABLE due_documents AS SELECT * FROM owed WHERE {issued};
        CREATE OR REPLACE TEMP TABLE due_settlements AS
            SELECT s.* FROM settlements s JOIN money m USING (payment_id) JOIN due_documents o USING (invoice_id)
            WHERE {received} AND s.currency IS NOT DISTINCT FROM o.currency;
        CREATE OR REPLACE TEMP TABLE due_settled AS
            SELECT invoice_id, sum(amount)::BIGINT AS settled FROM due_settlements GROUP BY ALL;
        -- Money that settles nothing yet, or only what was billed later.
        CREATE OR REPLACE TEMP TABLE due_money AS
            SELECT m.payment_id, m.system, m.party_ref, m.currency, m.received_on,
                (m.unapplied + coalesce(l.amount, 0))::BIGINT AS unapplied
            FROM money m LEFT JOIN (SELECT s.payment_id, sum(s.amount) AS amount FROM settlements s
                JOIN owed o USING (invoice_id) ANTI JOIN due_documents d USING (invoice_id)
                WHERE s.currency IS NOT DISTINCT FROM o.currency GROUP BY ALL) l USING (payment_id)
            WHERE {received};
        """
    )


def _prepare(frame: Frame) -> None:
    frame.run(
        f"""
        -- What credit notes take from the invoice that each corrects, in the order of the notes.
        CREATE OR REPLACE TEMP TABLE credited AS
        WITH unpaid AS (SELECT o.invoice_id, o.currency, greatest(o.gross - coalesce(s.settled, 0), 0) AS amount
            FROM due_documents o LEFT JOIN due_settled s USING (invoice_id) WHERE NOT o.is_credit),
        notes AS (SELECT c.credit_id, min(c.invoice_id) AS invoice_id, any_value(n.gross) AS gross
            FROM credit_links c JOIN due_documents n ON n.invoice_id = c.credit_id
            JOIN due_documents i ON i.invoice_id = c.invoice_id AND i.currency IS NOT DISTINCT FROM n.currency
            WHERE n.is_credit AND NOT i.is_credit GROUP BY ALL),
        so_far AS (SELECT *, sum(gross) OVER (PARTITION BY invoice_id ORDER BY credit_id ROWS UNBOUNDED PRECEDING)
            AS after FROM notes)
        SELECT f.credit_id, f.invoice_id,
            (least(f.after, u.amount) - least(f.after - f.gross, u.amount))::BIGINT AS amount
        FROM so_far f JOIN unpaid u USING (invoice_id);
        CREATE OR REPLACE TABLE receivables AS
        SELECT o.invoice_id AS document_id, CASE WHEN o.is_credit THEN 'credit_note' ELSE 'invoice' END AS kind,
            o.system, o.party_ref AS customer_ref, coalesce(o.currency, '{NO_CURRENCY}') AS currency,
            o.issue_date AS issued_on, i.due_date AS due_on,
            (o.sign * o.gross - coalesce(s.settled, 0) + CASE WHEN o.is_credit THEN coalesce(n.amount, 0)
                ELSE -coalesce(c.amount, 0) END)::BIGINT AS amount
        FROM due_documents o JOIN invoices i ON i.record_id = o.invoice_id LEFT JOIN due_settled s USING (invoice_id)
        LEFT JOIN (SELECT credit_id, sum(amount) AS amount FROM credited GROUP BY ALL) n ON n.credit_id = o.invoice_id
        LEFT JOIN (SELECT invoice_id, sum(amount) AS amount FROM credited GROUP BY ALL) c
            ON c.invoice_id = o.invoice_id
        UNION ALL
        SELECT payment_id, 'payment', system, party_ref, coalesce(currency, '{NO_CURRENCY}'), received_on, NULL,
            -unapplied FROM due_money;
        DELETE FROM receivables WHERE amount = 0;
        """
    )


def _foot(frame: Frame) -> None:
    """Billed, less credit notes, less money that settles them, less money that settles nothing yet."""
    listed = "SELECT currency, sum(amount)::BIGINT AS amount FROM receivables GROUP BY ALL HAVING sum(amount) <> 0"
    whole = f"""
        SELECT coalesce(currency, '{NO_CURRENCY}') AS currency, sum(amount)::BIGINT AS amount FROM (
            SELECT currency, sign * gross AS amount FROM due_documents
            UNION ALL SELECT currency, -amount FROM due_settlements
            UNION ALL SELECT currency, -unapplied FROM due_money
        ) GROUP BY ALL HAVING sum(amount) <> 0"""
    if frame.rows(f"({listed} EXCEPT {whole}) UNION ALL ({whole} EXCEPT {listed})"):
        raise DoesNotFootError("What customers owe is not what was billed less what was settled.")


def ageing(items: Iterable[dict[str, Any]], today: date) -> list[dict[str, Any]]:
    """By currency and customer: what is not due, due since so many days, credits, and all of it; minor units."""
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for item in items:
        number = item["customer_number"] or ""
        key = (item["currency"], item["system"], item["customer_id"] or "")
        empty = {
            "currency": item["currency"],
            "system": item["system"],
            "customer_number": number,
            "customer": item["customer"],
            "documents": 0,
            **dict.fromkeys((*BUCKETS, "credits", "total"), 0),
        }
        row = found.setdefault(key, empty)
        row["documents"] += 1
        row["total"] += item["amount"]
        row[bucket(item, today)] += item["amount"]
    return [found[key] for key in sorted(found)]


def bucket(item: dict[str, Any], today: date) -> str:
    """Where an open document stands: ``credits`` or one of ``BUCKETS``."""
    late = overdue(item, today)
    if item["amount"] < 0:
        return "credits"
    if late <= 0:
        return "not_due"
    return next(name for name, last in (("1-30", 30), ("31-60", 60), ("61-90", 90), ("90+", late)) if late <= last)


def overdue(item: dict[str, Any], today: date) -> int:
    """Days since it was due; an invoice without a due date is due when it is issued."""
    due = item["due_on"] or item["issued_on"]
    return max((today - date.fromisoformat(due)).days, 0) if due and item["amount"] > 0 else 0
