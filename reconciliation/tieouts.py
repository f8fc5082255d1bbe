"""Control totals: per hand-off and currency both sides add up to what matched, what did not and what is excluded.

A *position* is what belongs together on a hand-off: usually one document on each side, or an order with its two
invoices. ``count`` counts positions, so that it adds up like the money; ``documents`` says how many documents those
are. A position is matched if both sides are there and agree within the tolerance, in one currency.

The totals of each side are summed straight from the records, apart from the parts, and compared with them: figures
that do not foot are an error, never a report.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any, NamedTuple

from reconciliation import behind, periods, states
from reconciliation.frame import Frame
from reconciliation.hops import ACCEPTED, RUNNING
from reconciliation.money import NO_CURRENCY
from state.tieouts import TieOut


class DoesNotFootError(Exception):
    """The parts of a tie-out do not add up to its totals: no report is made of such figures."""


class TieOuts(NamedTuple):
    """Tie-outs by name and currency: of all documents, and by period where the documents have a business day."""

    all: list[TieOut]
    by_period: list[TieOut]
    behind: dict[str, dict[str, Any]]
    """The documents behind what does not agree; see ``reconciliation.behind``."""


class Pair(NamedTuple):
    """One tie-out. The queries give position, document_id, currency, amount, excluded: a row per document or part."""

    name: str
    left: tuple[str, str]
    right: tuple[str, str]
    left_parts: str
    right_parts: str
    left_total: str
    """``currency, amount`` of the same side, without the joins that make positions."""
    right_total: str
    agreement: str = "agree(l.amount, r.amount, currency)"


def tie_outs(frame: Frame) -> TieOuts:
    """All tie-outs, amounts in minor units; raises ``DoesNotFootError``."""
    states.prepare(frame)
    found: list[TieOut] = []
    split: dict[str, list[TieOut]] = {}
    documents: dict[str, dict[str, Any]] = {}
    for pair in (quote_order(), order_delivery(), order_invoice(), invoice_payment()):
        tied = _tie(frame, pair)
        documents |= behind.figures(frame, pair.name)
        found += _waiting(tied, documents)
        split[pair.name] = _by_period(frame, pair)
    for now, dated in _payouts(frame):
        tied = _tie(frame, now)
        documents |= behind.figures(frame, now.name)
        found += _waiting(tied, documents)
        _tie(frame, dated)
        split[dated.name] = _by_period(frame, dated)
    periods.together(frame, list(split))
    for pair in _statuses(frame):  # what a system shows has no day
        tied = _tie(frame, pair)
        documents |= behind.figures(frame, pair.name)
        found += _waiting(tied, documents)
    by_period = sorted(chain(*split.values()), key=lambda item: (item["period"], item["name"], item["currency"]))
    return TieOuts(sorted(found, key=lambda item: (item["name"], item["currency"])), by_period, documents)


def _waiting(items: list[TieOut], documents: dict[str, dict[str, Any]]) -> list[TieOut]:
    """The tie-outs with what of either side is unmatched only because its day is still to come."""
    for item in items:
        for side in behind.SIDES:
            kept = documents.get(behind.key(item["name"], side, item["currency"], behind.UNMATCHED), {})
            item[f"not_due_{side}"] = {"count": 0, "amount": 0, **kept.get("not_due", {})}
    return items


def _by_period(frame: Frame, pair: Pair) -> list[TieOut]:
    try:
        periods.add(frame, pair.name, pair.agreement, (pair.left[1], pair.right[1]))
        return periods.figures(frame, pair.name, {"left": pair.left, "right": pair.right})
    except periods.PeriodsDoNotAddUp as error:
        raise DoesNotFootError(str(error)) from error


def _tie(frame: Frame, pair: Pair) -> list[TieOut]:
    for side, parts in (("left", pair.left_parts), ("right", pair.right_parts)):
        frame.run(
            f"""
            CREATE OR REPLACE TEMP TABLE {side}_part AS
                SELECT position, document_id, coalesce(currency, '{NO_CURRENCY}') AS currency, amount::BIGINT AS amount,
                    excluded FROM ({parts});
            CREATE OR REPLACE TEMP TABLE {side}_position AS
                SELECT position, currency, excluded, sum(amount)::BIGINT AS amount FROM {side}_part GROUP BY ALL;
            """
        )
    frame.run(
        f"""
        CREATE OR REPLACE TEMP TABLE tied AS
        SELECT position, currency, l.position IS NOT NULL AS has_left, r.position IS NOT NULL AS has_right,
            coalesce(l.amount, 0) AS left_amount, coalesce(r.amount, 0) AS right_amount,
            CASE WHEN l.position IS NOT NULL AND r.position IS NOT NULL AND {pair.agreement} THEN 'matched'
                 -- An invoice and its credit note, or a payment and its return, that cancel each other out.
                 WHEN r.position IS NULL AND l.amount = 0 THEN 'offset'
                 WHEN l.position IS NULL AND r.amount = 0 THEN 'offset'
                 ELSE 'unmatched' END AS result
        FROM (SELECT * FROM left_position WHERE NOT excluded) l
        FULL JOIN (SELECT * FROM right_position WHERE NOT excluded) r USING (position, currency)
        """
    )
    totals = {side: _totals(frame, side, getattr(pair, f"{side}_total")) for side in ("left", "right")}
    sums = {row[0]: row[1:] for row in frame.rows(_PARTS)}
    excluded = {side: {row[0]: row[1:] for row in frame.rows(_excluded(side))} for side in ("left", "right")}
    currencies = sorted({*totals["left"], *totals["right"], *sums, *excluded["left"], *excluded["right"]})
    return [_result(pair, currency, totals, sums.get(currency, (0,) * 9), excluded) for currency in currencies]


_PARTS = """
    SELECT currency,
        count(*) FILTER (WHERE result = 'matched'),
        coalesce(sum(left_amount) FILTER (WHERE result = 'matched'), 0)::BIGINT,
        coalesce(sum(right_amount) FILTER (WHERE result = 'matched'), 0)::BIGINT,
        count(*) FILTER (WHERE result = 'unmatched' AND has_left),
        coalesce(sum(left_amount) FILTER (WHERE result = 'unmatched' AND has_left), 0)::BIGINT,
        count(*) FILTER (WHERE result = 'unmatched' AND has_right),
        coalesce(sum(right_amount) FILTER (WHERE result = 'unmatched' AND has_right), 0)::BIGINT,
        count(*) FILTER (WHERE result = 'offset' AND has_left),
        count(*) FILTER (WHERE result = 'offset' AND has_right)
    FROM tied GROUP BY currency ORDER BY currency
"""


def _excluded(side: str) -> str:
    return f"SELECT currency, count(*), sum(amount)::BIGINT FROM {side}_position WHERE excluded GROUP BY 1 ORDER BY 1"


def _totals(frame: Frame, side: str, total: str) -> dict[str, tuple[int, int, int]]:
    """Per currency: positions, documents, and the amount as summed from the records themselves."""
    counted = frame.rows(
        f"""
        SELECT currency, count(*), (SELECT count(DISTINCT document_id) FROM {side}_part d WHERE d.currency = p.currency)
        FROM {side}_position p GROUP BY currency ORDER BY currency
        """
    )
    amounts = dict(
        frame.rows(
            f"""
            SELECT coalesce(currency, '{NO_CURRENCY}') AS code, coalesce(sum(amount), 0)::BIGINT FROM ({total})
            GROUP BY 1 ORDER BY 1
            """
        )
    )
    found = {currency: (positions, documents, amounts.pop(currency, 0)) for currency, positions, documents in counted}
    return found | {currency: (0, 0, amount) for currency, amount in amounts.items()}


def _result(
    pair: Pair,
    currency: str,
    totals: dict[str, dict[str, tuple[int, int, int]]],
    parts: tuple[int, ...],
    excluded: dict[str, dict[str, tuple[int, int]]],
) -> TieOut:
    matched, matched_left, matched_right, open_left, open_left_amount, open_right, open_right_amount, *offset = parts
    sides = {}
    for number, side in enumerate(("left", "right")):
        count, amount = excluded[side].get(currency, (0, 0))
        sides[f"excluded_{side}"] = {"count": count + offset[number], "amount": amount}
    result: TieOut = {
        "name": pair.name,
        "currency": currency,
        "matched": {"count": matched, "left_amount": matched_left, "right_amount": matched_right},
        "unmatched_left": {"count": open_left, "amount": open_left_amount},
        "unmatched_right": {"count": open_right, "amount": open_right_amount},
        **sides,
    }
    for side in ("left", "right"):
        role, entity = getattr(pair, side)
        positions, documents, amount = totals[side].get(currency, (0, 0, 0))
        result[side] = {"role": role, "entity": entity, "count": positions, "documents": documents, "amount": amount}
    result["foots"] = foots(result)
    if not result["foots"]:
        raise DoesNotFootError(f"The tie-out {pair.name} in {currency} does not add up: {result}")
    return result


def foots(result: TieOut) -> bool:
    """Whether both sides are exactly what matched, what did not and what is excluded, in count and amount."""
    matched = result["matched"]
    return all(
        result[side]["count"]
        == matched["count"] + result[f"unmatched_{side}"]["count"] + result[f"excluded_{side}"]["count"]
        and result[side]["amount"]
        == matched[f"{side}_amount"] + result[f"unmatched_{side}"]["amount"] + result[f"excluded_{side}"]["amount"]
        for side in ("left", "right")
    )


# -- each of them


def quote_order() -> Pair:
    """Accepted quotes and running orders; cancelled documents that have a partner are excluded."""
    quotes = f"""
        FROM quotes q WHERE q.crm AND NOT q.deleted AND (q.status IN {ACCEPTED} OR (q.status IN ('cancelled',
            'rejected')
            AND EXISTS (FROM quote_order x WHERE x.quote_id = q.record_id)))"""
    orders = f"""
        FROM orders o WHERE o.erp AND NOT o.deleted AND (o.status IN {RUNNING} OR (o.status = 'cancelled'
            AND EXISTS (FROM quote_order x WHERE x.order_id = o.record_id)))"""
    return Pair(
        "quote_order",
        ("crm", "quote"),
        ("erp", "order"),
        f"""
        SELECT coalesce(g.group_id, q.record_id) AS position, q.record_id AS document_id, q.currency,
            coalesce(q.net_amount, 0) AS amount, q.status NOT IN {ACCEPTED} AS excluded
        FROM (SELECT q.* {quotes}) q LEFT JOIN quote_groups g ON g.id = q.record_id
        """,
        f"""
        SELECT coalesce(p.position, o.record_id) AS position, o.record_id AS document_id, o.currency,
            coalesce(o.net_amount, 0) AS amount, o.status = 'cancelled' AS excluded
        FROM (SELECT o.* {orders}) o LEFT JOIN (
            SELECT x.order_id, min(coalesce(g.group_id, x.quote_id)) AS position FROM quote_order x
            LEFT JOIN quote_groups g ON g.id = x.quote_id GROUP BY ALL) p ON p.order_id = o.record_id
        """,
        f"SELECT q.currency, q.net_amount AS amount {quotes}",
        f"SELECT o.currency, o.net_amount AS amount {orders}",
    )


def order_delivery() -> Pair:
    """Value of ordered goods against goods handed over at the order's prices; services are excluded."""
    running = f"SELECT order_id, delivery_group, currency, net FROM grouped_orders WHERE status IN {RUNNING}"
    delivered = """
        SELECT gd.delivery_group, gd.delivery_id, coalesce(sku_key(l.sku), p.sku, l.product_ref) AS key,
            gd.sign * l.quantity AS quantity
        FROM group_deliveries gd JOIN delivery_lines l ON l.record_id = gd.delivery_id
        JOIN deliveries d ON d.record_id = gd.delivery_id
        LEFT JOIN product_keys p ON p.system = d.system AND p.product_ref = l.product_ref
            WHERE gd.status = 'delivered'"""
    return Pair(
        "order_delivery",
        ("erp", "order"),
        ("erp", "delivery"),
        f"""
        SELECT r.delivery_group AS position, r.order_id AS document_id, r.currency, coalesce(i.value, 0) AS amount,
            coalesce(i.is_service OR i.key IS NULL, false) AS excluded
        FROM ({running}) r JOIN order_items i USING (order_id)
        UNION ALL
        SELECT delivery_group, order_id, currency, net, false FROM ({running}) ANTI JOIN order_items USING (order_id)
        """,
        # What has been delivered of a product so far, less what had been before: part deliveries come to exactly the
        # value of what was ordered, and a later one does not change an earlier one.
        f"""
        WITH done AS ({delivered}),
        by_delivery AS (SELECT d.delivery_group, d.key, d.delivery_id, sum(d.quantity) AS quantity,
                any_value(g.done_on) AS done_on
            FROM done d JOIN group_deliveries g USING (delivery_group, delivery_id) GROUP BY ALL),
        so_far AS (SELECT *, sum(quantity) OVER w AS after, sum(quantity) OVER w - quantity AS before FROM by_delivery
            WINDOW w AS (PARTITION BY delivery_group, key ORDER BY done_on NULLS FIRST, delivery_id
                ROWS UNBOUNDED PRECEDING))
        SELECT s.delivery_group AS position, s.delivery_id AS document_id, g.currency,
            coalesce({_worth("s.after")} - {_worth("s.before")}, 0) AS amount, false AS excluded
        FROM so_far s JOIN (SELECT delivery_group, min(currency) AS currency FROM grouped_orders
            GROUP BY ALL) g USING (delivery_group)
        LEFT JOIN ordered_keys o USING (delivery_group, key)
        UNION ALL  -- every delivery counts, those without goods or order too
        SELECT coalesce(gd.delivery_group, d.record_id), d.record_id, g.currency, 0, false
        FROM deliveries d LEFT JOIN group_deliveries gd ON gd.delivery_id = d.record_id
        LEFT JOIN (SELECT delivery_group, min(currency) AS currency FROM grouped_orders
            GROUP BY ALL) g USING (delivery_group)
        WHERE d.erp AND NOT d.deleted AND d.status = 'delivered'
        """,
        f"""
        SELECT o.currency, coalesce(l.amount, coalesce(o.net_amount, o.gross_amount)) AS amount FROM orders o
        LEFT JOIN (SELECT order_id, sum(coalesce(value, 0)) AS amount FROM order_items GROUP BY ALL) l
            ON l.order_id = o.record_id
        WHERE o.erp AND NOT o.deleted AND o.status IN {RUNNING}
        """,
        f"""
        SELECT o.currency, CASE WHEN sum(d.quantity) < 0 THEN -share(any_value(o.value), -sum(d.quantity),
            any_value(o.ordered))
            ELSE share(any_value(o.value), sum(d.quantity), any_value(o.ordered)) END AS amount
        FROM ({delivered}) d JOIN ordered_keys o USING (delivery_group, key) GROUP BY delivery_group, key, o.currency
        """,
    )


def _worth(quantity: str) -> str:
    """Value of so much of a product at the order's prices; more came back than went out: negative."""
    returned = f"-share(o.value, -{quantity}, o.ordered)"
    return f"(CASE WHEN {quantity} < 0 THEN {returned} ELSE share(o.value, {quantity}, o.ordered) END)"


def order_invoice() -> Pair:
    """Running orders and what stands on invoices less credit notes; drafts and void documents are excluded."""
    sign = "CASE WHEN i.kind = 'credit_note' THEN -1 ELSE 1 END"
    return Pair(
        "order_invoice",
        ("erp", "order"),
        ("accounting", "invoice"),
        f"""
        SELECT billing_group AS position, order_id AS document_id, currency, net AS amount, false AS excluded
        FROM grouped_orders WHERE status IN {RUNNING}
        """,
        f"""
        SELECT coalesce(p.position, c.position, i.record_id) AS position, i.record_id AS document_id, i.currency,
            {sign} * coalesce(i.net_amount, i.gross_amount, 0) AS amount,
            i.record_id NOT IN (SELECT invoice_id FROM owed) AS excluded
        FROM invoices i
        LEFT JOIN (SELECT ob.invoice_id, min(g.billing_group) AS position FROM order_bill ob
                   JOIN grouped_orders g USING (order_id) GROUP BY ALL) p ON p.invoice_id = i.record_id
        LEFT JOIN (SELECT credit_id, min(invoice_id) AS position FROM credit_links GROUP BY ALL) c
            ON c.credit_id = i.record_id
        WHERE i.accounting AND NOT i.deleted
        """,
        f"SELECT currency, coalesce(net_amount, gross_amount) AS amount FROM orders "
        f"WHERE erp AND NOT deleted AND status IN {RUNNING}",
        f"SELECT i.currency, {sign} * coalesce(i.net_amount, i.gross_amount) AS amount FROM invoices i "
        "WHERE i.accounting AND NOT i.deleted",
    )


def invoice_payment() -> Pair:
    """What stands on invoices less credit notes, gross, and money in less money out; void and drafts are excluded."""
    sign = "CASE WHEN i.kind = 'credit_note' THEN -1 ELSE 1 END"
    direction = "CASE WHEN p.direction = 'out' THEN -1 ELSE 1 END"
    return Pair(
        "invoice_payment",
        ("accounting", "invoice"),
        ("accounting", "payment"),
        f"""
        SELECT coalesce(g.group_id, i.record_id) AS position, i.record_id AS document_id, i.currency,
            {sign} * coalesce(i.gross_amount, i.net_amount, 0) AS amount,
            i.record_id NOT IN (SELECT invoice_id FROM owed) AS excluded
        FROM invoices i LEFT JOIN settlement_groups g ON g.id = i.record_id WHERE i.accounting AND NOT i.deleted
        """,
        f"""
        SELECT coalesce(x.position, p.record_id) AS position, p.record_id AS document_id, p.currency,
            {direction} * coalesce(p.amount, 0) AS amount, p.status IS DISTINCT FROM 'received' AS excluded
        FROM payments p ANTI JOIN payment_left_out USING (record_id) LEFT JOIN (
            SELECT ip.payment_id, min(coalesce(g.group_id, ip.invoice_id)) AS position FROM invoice_payment ip
            LEFT JOIN settlement_groups g ON g.id = ip.invoice_id GROUP BY ALL) x ON x.payment_id = p.record_id
        WHERE (p.accounting OR p.payments OR p.bank) AND NOT p.deleted
        """,
        f"SELECT i.currency, {sign} * coalesce(i.gross_amount, i.net_amount) AS amount FROM invoices i "
        "WHERE i.accounting AND NOT i.deleted",
        f"SELECT p.currency, {direction} * p.amount AS amount FROM payments p "
        "WHERE (p.accounting OR p.payments OR p.bank) AND NOT p.deleted "
        "AND p.record_id NOT IN (SELECT record_id FROM payment_left_out)",
    )


def _payouts(frame: Frame) -> Iterator[tuple[Pair, Pair]]:
    """What processors have paid out, where there are any: as of now, and as periods see it."""
    from reconciliation import payouts

    return payouts.pairs(frame)


def _statuses(frame: Frame) -> tuple[Pair, Pair]:
    """What the CRM and the ERP show against what the linked documents come to."""
    from reconciliation import shown

    shown.prepare(frame)
    return (
        _agreement("status_crm_erp", ("crm", "opportunity"), ("erp", "order"), "opportunity_shown", "opportunity_id"),
        _agreement("status_erp_accounting", ("erp", "order"), ("accounting", "invoice"), "order_shown", "order_id"),
    )


def _agreement(name: str, left: tuple[str, str], right: tuple[str, str], table: str, key: str) -> Pair:
    columns = f"{key} AS position, {key} AS document_id, currency, coalesce(amount, 0) AS amount, false AS excluded"
    return Pair(
        name,
        left,
        right,
        f"SELECT {columns} FROM {table} WHERE counts",
        f"SELECT {columns} FROM {table} WHERE counts AND agrees",
        f"SELECT currency, amount FROM {table} WHERE counts",
        f"SELECT currency, amount FROM {table} WHERE counts AND agrees",
        "true",
    )
