"""The chain of documents: by reference, then by document numbers as people really type them."""

from __future__ import annotations

from mappings.model import TABLES
from reconciliation.frame import Frame
from reconciliation.linking.references import Hop, resolve, settle

# The order number that a CRM shows is written by us from these very links, so it is no evidence for them.
HOPS = (
    Hop("lead", "opportunity_ref", "opportunity", forward=True),
    Hop("opportunity", "lead_ref", "lead"),
    Hop("quote", "opportunity_ref", "opportunity"),
    Hop("order", "quote_ref", "quote"),
    Hop("order", "opportunity_ref", "opportunity"),
    Hop("delivery", "order_refs", "order"),
    Hop("invoice", "order_refs", "order"),
    Hop("invoice", "corrects_ref", "invoice"),
    Hop("payment", "invoice_ref", "invoice"),
    Hop("payment", "invoice_ref", "invoice", lines="payment_allocations"),
    Hop("payment", "order_refs", "order"),
    Hop("payment", "order_ref", "order", lines="payment_allocations"),
)


def documents(frame: Frame) -> None:
    """Link documents along every field that names another one."""
    frame.run("CREATE OR REPLACE TABLE number_key (entity VARCHAR, record_id BIGINT, key VARCHAR)")
    for hop in HOPS:
        left_over = resolve(frame, hop)
        if left_over and hop.target in ("quote", "order", "invoice"):
            _as_typed(frame, hop)


def _as_typed(frame: Frame, hop: Hop) -> None:
    """Numbers typed with other spaces, zeros or words in front; bare digits only for the same customer.

    A number typed wrongly can hit another customer's document, so a different customer makes it a suggestion.
    """
    _number_keys(frame, hop.target)
    target = TABLES[hop.target]
    settle(
        frame,
        hop,
        f"""
        WITH asked AS (
            SELECT u.record_id, u.ref, u.system, key_number(u.value) AS key, p.cluster FROM unresolved u
            LEFT JOIN party_key p ON p.system = u.system AND p.party_ref = u.party_ref
        ),
        known AS (
            SELECT r.record_id, r.deleted, n.key, p.cluster FROM number_key n JOIN {target} r USING (record_id)
            LEFT JOIN party_key p ON p.system = r.system AND p.party_ref = r.party_ref
            WHERE n.entity = '{hop.target}' AND n.key IS NOT NULL
        )
        SELECT a.record_id AS from_id, k.record_id AS to_id, a.ref, k.deleted, 'number_as_typed' AS method, 900
            AS score,
            0 AS far, CASE WHEN a.cluster <> k.cluster THEN 'suggested' ELSE 'auto' END AS sure
        FROM asked a JOIN known k ON k.key = a.key
        UNION ALL
        SELECT a.record_id, k.record_id, a.ref, k.deleted, 'number_digits', 700,
            1, CASE WHEN a.cluster = k.cluster THEN 'auto' ELSE 'suggested' END
        FROM asked a JOIN known k ON only_digits(k.key) = only_digits(a.key) AND k.key <> a.key
        WHERE only_digits(a.key) = a.key OR only_digits(k.key) = k.key
        """,
    )


def _number_keys(frame: Frame, entity: str) -> None:
    """Numbers of all documents of an entity in comparable form, made when first needed."""
    if frame.value(f"SELECT count(*) FROM number_key WHERE entity = '{entity}'"):
        return
    frame.run(f"INSERT INTO number_key SELECT '{entity}', record_id, key_number(number) FROM {TABLES[entity]}")
