"""Tables that several checks look at: form leads, won opportunities, and every record by one shape."""

from __future__ import annotations

from mappings.model import TABLES
from reconciliation import states
from reconciliation.frame import Frame
from reconciliation.groups import components, shared
from reconciliation.hops import ACCEPTED

# What a record is called where it has no number, and the amount it stands for.
_NAMES = {"party": "name", "product": "name", "lead": "company_name", "opportunity": "name"}
_AMOUNTS = {
    "opportunity": "expected_amount",
    "quote": "net_amount",
    "order": "net_amount",
    "invoice": "gross_amount",
    "payment": "amount",
}
_NUMBERS = {"payment": "coalesce(nullif(trim(number), ''), nullif(trim(reference_text), ''))"}
_ENTITIES = ("party", "product", "lead", "opportunity", "quote", "order", "delivery", "invoice", "payment")


def prepare(frame: Frame) -> None:
    """Make the tables; states and hops with them."""
    if "facts" in frame.stages:
        return
    frame.stages.add("facts")
    states.prepare(frame)
    frame.run("CREATE MACRO plain(x) AS regexp_replace(x::VARCHAR, '\\.?0+$', '')")
    _subjects(frame)
    _form_leads(frame)
    _won_opportunities(frame)
    frame.run(
        """
        CREATE OR REPLACE VIEW payment_labels AS SELECT record_id AS payment_id, label FROM subjects
            WHERE entity = 'payment';
        CREATE OR REPLACE TABLE observed (check_id VARCHAR, keys BIGINT[], records BIGINT[], amount BIGINT,
            currency VARCHAR, since DATE, params VARCHAR);
        CREATE OR REPLACE VIEW found AS
            SELECT check_id, unnest(records) AS record_id, generate_subscripts(records, 1) AS n FROM observed;
        """
    )


def _subjects(frame: Frame) -> None:
    """One view over all entities: ``label`` is what people call the record."""
    parts = []
    for entity in _ENTITIES:
        number = _NUMBERS.get(entity, "nullif(trim(number), '')")
        name = f"nullif(trim({_NAMES[entity]}), '')" if entity in _NAMES else "NULL"
        shown = number if entity in ("lead", "payment") or name == "NULL" else f"coalesce({number}, {name})"
        label = f"coalesce({number}, {name}, source_id)"
        if entity in ("party", "opportunity", "product"):
            label = f"coalesce({name}, {number}, source_id)"
        amount = _AMOUNTS.get(entity, "NULL::BIGINT")
        parts.append(
            f"SELECT record_id, '{entity}' AS entity, system, source_id, {shown} AS number, {label} AS label, deleted, "
            f"status, {amount} AS amount, currency FROM {TABLES[entity]}"
        )
    frame.run("CREATE OR REPLACE VIEW subjects AS " + " UNION ALL ".join(parts))


def _form_leads(frame: Frame) -> None:
    """Leads of the marketing systems that somebody should work on; ``age`` is 1 for the oldest copy of a lead."""
    frame.run(
        """
        CREATE OR REPLACE TEMP TABLE form AS
            SELECT record_id, source_id, label(number, NULL, source_id) AS label, trim(company_name) AS company,
                coalesce(received_at, source_created_at) AS received_at, key_email(email) AS email,
                key_phone(phone) AS phone, coalesce(trim(company_name), '') <> '' AS has_company,
                coalesce(trim(email), '') <> '' OR coalesce(trim(phone), '') <> '' AS reachable
            FROM leads
            WHERE marketing AND NOT leads.crm AND NOT deleted AND status IS DISTINCT FROM 'disqualified';
        """
    )
    same_email = shared("(SELECT * FROM form WHERE email IS NOT NULL)", "record_id", "email")
    same_phone = shared("(SELECT * FROM form WHERE phone IS NOT NULL)", "record_id", "phone")
    components(frame, "lead_groups", f"{same_email} UNION ALL {same_phone}")
    frame.run(
        """
        CREATE OR REPLACE TABLE form_leads AS
        WITH linked AS (
            SELECT t.record_id FROM twins t JOIN leads l ON l.record_id = t.twin_id WHERE t.entity = 'lead' AND l.crm
            UNION
            SELECT lead_id FROM lead_opportunity
        )
        SELECT f.* EXCLUDE (email, phone), f.has_company AND f.reachable AS is_complete, g.group_id,
            local_day(f.received_at) AS received_on,
            row_number() OVER (PARTITION BY coalesce(g.group_id, f.record_id) ORDER BY f.received_at, f.record_id)
                AS age,
            bool_or(l.record_id IS NOT NULL) OVER (PARTITION BY coalesce(g.group_id, f.record_id)) AS group_in_crm
        FROM form f LEFT JOIN lead_groups g ON g.id = f.record_id LEFT JOIN linked l ON l.record_id = f.record_id
        """
    )


def _won_opportunities(frame: Frame) -> None:
    frame.run(
        f"""
        CREATE OR REPLACE TABLE won_opportunities AS
        SELECT o.record_id, label(o.number, o.name, o.source_id) AS label, o.expected_amount, o.currency,
            coalesce(local_day(o.closed_at), o.expected_close_date, local_day(o.source_updated_at)) AS won_on,
            count(q.record_id) AS accepted_quotes,
            coalesce(list(q.record_id ORDER BY q.record_id) FILTER (WHERE q.record_id IS NOT NULL), []) AS quotes,
            sum(CASE WHEN o.amount_includes_tax THEN coalesce(q.gross_amount, q.net_amount)
                ELSE q.net_amount END)::BIGINT
                AS quoted,
            any_value(q.currency ORDER BY q.record_id) AS quoted_currency, count(DISTINCT q.currency) AS currencies
        FROM opportunities o
        LEFT JOIN opportunity_quote oq ON oq.opportunity_id = o.record_id
        LEFT JOIN quotes q ON q.record_id = oq.quote_id AND NOT q.deleted AND q.status IN {ACCEPTED}
        WHERE o.crm AND NOT o.deleted AND o.status = 'won'
        GROUP BY o.record_id, o.number, o.name, o.source_id, o.expected_amount, o.currency, o.closed_at,
            o.expected_close_date, o.source_updated_at
        """
    )
