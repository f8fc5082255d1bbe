"""What CRM opportunities, quotes and ERP orders show about later steps, beside what it should be.

``opportunity_shown`` and ``quote_shown``: one row for each that has running orders; ``order_shown``: one for each
running order. ``want_…`` is what its orders come to, ``agrees`` whether that is what is shown.
"""

from __future__ import annotations

from reconciliation import states
from reconciliation.frame import Frame
from reconciliation.hops import ACCEPTED, RUNNING


def prepare(frame: Frame) -> None:
    """Make the tables from the states; does nothing the second time."""
    if "shown" in frame.stages:
        return
    frame.stages.add("shown")
    states.prepare(frame)
    for entity, links in (("opportunity", "opportunity_order"), ("quote", "quote_order")):
        frame.run(
            f"""
            CREATE OR REPLACE TABLE {entity}_orders AS
            SELECT l.{entity}_id, array_to_string(list_sort(list(o.number)), ', ') AS want_order_number,
                list_sort(list(s.order_id)) AS order_ids,
                {_overall("delivery", "delivered", "partly_delivered")},
                {_overall("billing", "invoiced", "partly_invoiced", "over_invoiced")},
                {_overall("payment", "paid", "partly_paid", "overpaid", "refunded")}
            FROM {links} l JOIN order_states s USING (order_id) JOIN orders o ON o.record_id = s.order_id
            WHERE s.status IN {RUNNING} AND o.number IS NOT NULL GROUP BY ALL
            """
        )
    frame.run(
        f"""
        CREATE OR REPLACE TABLE opportunity_shown AS
        SELECT r.*, p.currency, p.expected_amount AS amount, true AS counts,
            p.order_number IS NOT DISTINCT FROM want_order_number
            AND p.delivery_state IS NOT DISTINCT FROM want_delivery_state
            AND p.payment_state IS NOT DISTINCT FROM want_payment_state AS agrees
        FROM opportunity_orders r JOIN opportunities p ON p.record_id = r.opportunity_id WHERE p.crm AND NOT p.deleted;
        CREATE OR REPLACE TABLE quote_shown AS
        SELECT r.* FROM quote_orders r JOIN quotes q ON q.record_id = r.quote_id
        WHERE q.crm AND NOT q.deleted AND q.status IN {ACCEPTED};
        CREATE OR REPLACE TABLE order_shown AS
        SELECT s.order_id, s.currency, o.net_amount AS amount, s.payment_state AS want_payment_state,
            s.invoices > 0 OR s.foreign_currency IS NOT NULL AS counts,
            o.payment_state IS NOT DISTINCT FROM s.payment_state AS agrees
        FROM order_states s JOIN orders o ON o.record_id = s.order_id WHERE s.status IN {RUNNING}
        """
    )


def _overall(step: str, full: str, part: str, *over: str) -> str:
    """The state of several orders together: the common one, or partly."""
    column = f"s.{step}_state"
    done = ", ".join(f"'{word}'" for word in (full, *over))
    return (
        f"CASE WHEN min({column}) = max({column}) THEN min({column}) "
        f"WHEN bool_and({column} IN ({done})) THEN '{over[0] if over else full}' ELSE '{part}' END AS want_{step}_state"
    )
