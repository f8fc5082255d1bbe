"""What payouts are made of and whether they arrived, and the two tie-outs about them.

``payout_items``: a row for each line of a payout, with the payment that it is about. ``payout_sums``: what each payout
comes to; without lines nobody knows (``is_known``). ``payment_paid_out``: ``state`` of each payment at a processor:
paid_out, in_transit, open, unknown (it may be in a payout of which nobody knows what is in it), converted (paid out in
another currency), not_counted (no money moved). ``payout_arrived``: ``state`` of each payout: at_bank, in_transit,
open, ended (it failed or was cancelled), debit (the processor took money). ``bank_reach``: first_on and last_on of
statements by currency.
``unknown_receipts``: payment_id of money in that only a bank has seen and that names nothing.
``told_receipts``: payment_id of money of which somebody said what it is for, where cash application found it to fit:
``who``, ``amount`` of it in minor units, ``items`` that it settles (record ids), ``kinds`` of what it is besides.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciliation import states
from reconciliation.frame import Frame
from reconciliation.groups import components, shared
from reconciliation.tieouts import Pair

_OF_PAYMENTS = "('charge', 'refund', 'dispute', 'dispute_reversal')"
_SIGN = "CASE WHEN {0}.direction = 'out' THEN -1 ELSE 1 END"


def prepare(frame: Frame) -> None:
    """Make the tables from hops and states; does nothing the second time."""
    if "payouts" in frame.stages:
        return
    frame.stages.add("payouts")
    states.prepare(frame)
    _compositions(frame)
    _payments(frame)
    _arrivals(frame)


def _compositions(frame: Frame) -> None:
    frame.run(
        f"""
        CREATE OR REPLACE TABLE payout_systems AS
            SELECT DISTINCT c.system FROM coverage c JOIN systems s USING (system)
            WHERE s.payments AND c.entity = 'payout';
        CREATE OR REPLACE TEMP TABLE named_payment AS
            SELECT payout_id, ref, min(payment_id) AS payment_id FROM (
                SELECT e.payout_id, unnest(['id:' || p.source_id, 'no:' || p.number]) AS ref, e.payment_id
                FROM payment_payout e JOIN payments p ON p.record_id = e.payment_id)
            WHERE ref IS NOT NULL GROUP BY ALL;
        CREATE OR REPLACE TABLE payout_items AS
            SELECT o.record_id AS payout_id, o.system, o.currency, o.arrival_date, l.kind,
                coalesce(l.amount, 0) AS amount, coalesce(l.fee_amount, 0) AS fee, p.record_id AS payment_id,
                p.record_id IS NOT NULL AND p.currency IS DISTINCT FROM o.currency AS is_converted
            FROM payout_lines l JOIN payouts o USING (record_id)
            LEFT JOIN named_payment n ON n.payout_id = o.record_id AND n.ref = l.payment_ref
            LEFT JOIN payments p ON p.record_id = n.payment_id AND NOT p.deleted
            WHERE NOT o.deleted AND o.payments;
        CREATE OR REPLACE TABLE payout_sums AS
        WITH sums AS (
            SELECT payout_id, sum(amount - fee)::BIGINT AS net,
                coalesce(sum(amount) FILTER (WHERE kind = 'charge'), 0)::BIGINT AS gross,
                (sum(fee) - coalesce(sum(amount) FILTER (WHERE kind = 'fee'), 0))::BIGINT AS fees,
                -coalesce(sum(amount) FILTER (WHERE kind = 'refund'), 0)::BIGINT AS refunds,
                -coalesce(sum(amount) FILTER (WHERE kind IN ('dispute', 'dispute_reversal')), 0)::BIGINT AS disputes,
                coalesce(sum(amount) FILTER (WHERE kind NOT IN {_OF_PAYMENTS} AND kind <> 'fee' OR kind IS NULL),
                    0)::BIGINT AS other
            FROM payout_items GROUP BY ALL
        )
        SELECT o.record_id AS payout_id, o.system, o.currency, o.status, o.arrival_date,
            coalesce(o.amount, 0) AS amount, s.payout_id IS NOT NULL AS is_known, s.* EXCLUDE (payout_id),
            coalesce(o.amount, 0) - coalesce(s.net, 0) AS rest
        FROM payouts o LEFT JOIN sums s ON s.payout_id = o.record_id WHERE NOT o.deleted AND o.payments;
        """
    )


def _payments(frame: Frame) -> None:
    frame.run(
        f"""
        CREATE OR REPLACE TABLE payment_paid_out AS
        WITH lines AS (SELECT payment_id, bool_or(is_converted) AS is_converted FROM payout_items
            WHERE payment_id IS NOT NULL GROUP BY ALL),
        closed AS (SELECT system, currency, max(arrival_date) AS last_on FROM payout_sums
            WHERE NOT is_known AND status NOT IN ('failed', 'cancelled') GROUP BY ALL)
        SELECT p.record_id AS payment_id, p.currency, {_SIGN.format("p")} * coalesce(p.amount, 0) AS amount, CASE
            WHEN l.is_converted THEN 'converted'
            WHEN p.status IS DISTINCT FROM 'received'  -- the money of an open dispute has been taken already
                AND NOT (p.kind = 'chargeback' AND p.status = 'pending' AND l.payment_id IS NOT NULL) THEN 'not_counted'
            WHEN l.payment_id IS NOT NULL THEN 'paid_out'
            WHEN p.received_on IS NULL OR getvariable('today') - p.received_on < {_days(frame, "payment_not_paid_out")}
                THEN 'in_transit'
            WHEN c.last_on >= p.received_on THEN 'unknown' ELSE 'open' END AS state
        FROM payments p SEMI JOIN payout_systems USING (system)
        LEFT JOIN lines l ON l.payment_id = p.record_id
        LEFT JOIN closed c ON c.system = p.system AND c.currency IS NOT DISTINCT FROM p.currency
        WHERE p.payments AND NOT p.deleted;
        """
    )


def _arrivals(frame: Frame) -> None:
    components(frame, "payout_groups", shared("payout_receipt", "payout_id", "payment_id"))
    frame.run(
        f"""
        CREATE OR REPLACE TABLE payout_arrived AS
        SELECT s.payout_id, coalesce(g.group_id, s.payout_id) AS position, s.currency, s.amount, s.arrival_date, CASE
            WHEN r.payout_id IS NOT NULL THEN 'at_bank'
            WHEN s.status IN ('failed', 'cancelled') THEN 'ended'
            WHEN s.amount <= 0 THEN 'debit'
            WHEN s.arrival_date IS NULL OR getvariable('today') - s.arrival_date < {_days(frame, "payout_not_in_bank")}
                THEN 'in_transit' ELSE 'open' END AS state
        FROM payout_sums s LEFT JOIN payout_groups g ON g.id = s.payout_id
        LEFT JOIN (SELECT DISTINCT payout_id FROM payout_receipt) r USING (payout_id);
        CREATE OR REPLACE TABLE bank_reach AS
            SELECT currency, min(received_on) AS first_on, max(received_on) AS last_on FROM payments
            WHERE bank AND NOT deleted AND received_on IS NOT NULL GROUP BY ALL;
        CREATE OR REPLACE TABLE unknown_receipts AS
            SELECT m.payment_id FROM money m JOIN payments p ON p.record_id = m.payment_id
            ANTI JOIN payment_seen s ON s.record_id = m.payment_id
            ANTI JOIN invoice_payment i ON i.payment_id = m.payment_id
            ANTI JOIN order_payment o ON o.payment_id = m.payment_id
            WHERE p.bank AND NOT p.accounting AND NOT p.payments AND NOT m.is_out;
        CREATE OR REPLACE TABLE told_receipts
            (payment_id BIGINT, who VARCHAR, amount BIGINT, items BIGINT[], kinds VARCHAR[]);
        """
    )


def statements_reach(currency: str, day: str) -> str:
    """SQL: whether statements in a currency were read from before a day to after it, by the days of their lines."""
    return (
        f"EXISTS (FROM bank_reach reach WHERE reach.currency IS NOT DISTINCT FROM {currency} "
        f"AND {day} BETWEEN reach.first_on AND reach.last_on)"
    )


def _days(frame: Frame, check_id: str) -> int:
    """After how many days something is late: what the check about it says."""
    from reconciliation import checks

    check = checks.get(check_id)
    default = check.parameters["days"] if check is not None else 0
    return int(frame.rules.checks.get(check_id, {}).get("days", default))


def pairs(frame: Frame) -> Iterator[tuple[Pair, Pair]]:
    """The tie-outs, where there are such systems: as of now, and for the split by period.

    As of now what is on its way takes no part; at the end of a period it is open, and settled in a later one.
    """
    prepare(frame)
    if not frame.value("SELECT count(*) FROM payout_systems"):
        return
    yield payment_payout(("in_transit", "unknown")), payment_payout(())
    if frame.value("SELECT count(*) FROM systems WHERE bank"):
        yield payout_bank(("in_transit",)), payout_bank(())


def payment_payout(on_the_way: tuple[str, ...]) -> Pair:
    """Payments at processors and the payouts' lines about them, before fees.

    The right side is what the payouts come to: fees, adjustments and transfers are excluded, and so is the whole of a
    payout of which nobody knows what is in it. What the lines of another do not explain stands open.
    """
    states_out = _list("not_counted", "converted", *on_the_way)
    return Pair(
        "payment_payout",
        ("payments", "payment"),
        ("payments", "payout"),
        f"""
        SELECT payment_id AS position, payment_id AS document_id, currency, amount, state IN {states_out} AS excluded
        FROM payment_paid_out
        """,
        f"""
        SELECT coalesce(payment_id, payout_id) AS position, payout_id AS document_id, currency, amount,
            is_converted AS excluded FROM payout_items WHERE kind IN {_OF_PAYMENTS}
        UNION ALL
        SELECT payout_id, payout_id, currency, amount, true FROM payout_items
        WHERE kind IS NULL OR kind NOT IN {_OF_PAYMENTS}
        UNION ALL
        SELECT payout_id, payout_id, currency, -fee, true FROM payout_items WHERE fee <> 0
        UNION ALL
        SELECT payout_id, payout_id, currency, rest, NOT is_known FROM payout_sums WHERE rest <> 0
        """,
        f"SELECT p.currency, {_SIGN.format('p')} * p.amount AS amount FROM payments p "
        "WHERE p.payments AND NOT p.deleted AND p.system IN (SELECT system FROM payout_systems)",
        "SELECT currency, amount FROM payouts WHERE payments AND NOT deleted",
    )


def payout_bank(on_the_way: tuple[str, ...]) -> Pair:
    """Payouts and the bank's lines for them; all other lines of the statements are excluded."""
    return Pair(
        "payout_bank",
        ("payments", "payout"),
        ("bank", "payment"),
        f"""
        SELECT position, payout_id AS document_id, currency, amount,
            state IN {_list("ended", "debit", *on_the_way)} AS excluded FROM payout_arrived
        """,
        f"""
        SELECT coalesce(r.position, p.record_id) AS position, p.record_id AS document_id, p.currency,
            {_SIGN.format("p")} * coalesce(p.amount, 0) AS amount,
            b.record_id IS NULL OR p.status IS DISTINCT FROM 'received' AS excluded
        FROM payments p LEFT JOIN payout_line_at_bank b USING (record_id)
        LEFT JOIN (SELECT r.payment_id, min(a.position) AS position FROM payout_receipt r
            JOIN payout_arrived a USING (payout_id) GROUP BY ALL) r ON r.payment_id = p.record_id
        WHERE p.bank AND NOT p.deleted
        """,
        "SELECT currency, amount FROM payouts WHERE payments AND NOT deleted",
        f"SELECT p.currency, {_SIGN.format('p')} * p.amount AS amount FROM payments p WHERE p.bank AND NOT p.deleted",
    )


def _list(*names: str) -> str:
    return "(" + ", ".join(f"'{name}'" for name in names) + ")"
