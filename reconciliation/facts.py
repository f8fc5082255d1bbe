"""Tables that several checks look at: rates, form leads, won opportunities, customers, what the checks before found."""

from __future__ import annotations

from reconciliation import money, payouts, states, subjects
from reconciliation.frame import Frame, quoted
from reconciliation.groups import components, shared
from reconciliation.hops import ACCEPTED

_OLD = 10
"""Days after which a dated rate counts no longer."""


def prepare(frame: Frame) -> None:
    """Make the tables; states and hops with them."""
    if "facts" in frame.stages:
        return
    frame.stages.add("facts")
    states.prepare(frame)
    payouts.prepare(frame)
    frame.run("CREATE MACRO plain(x) AS regexp_replace(x::VARCHAR, '\\.?0+$', '')")
    subjects.prepare(frame)
    _rates(frame)
    _parties(frame)
    _form_leads(frame)
    _crm_leads(frame)
    _won_opportunities(frame)
    _open_invoices(frame)
    frame.run(
        """
        CREATE OR REPLACE VIEW payment_labels AS SELECT record_id AS payment_id, label FROM payment_subjects;
        CREATE OR REPLACE TABLE observed (check_id VARCHAR, keys BIGINT[], records BIGINT[], amount BIGINT,
            currency VARCHAR, since DATE, params VARCHAR);
        CREATE OR REPLACE VIEW found AS
            SELECT check_id, unnest(records) AS record_id, generate_subscripts(records, 1) AS n FROM observed;
        """
    )


def _rates(frame: Frame) -> None:
    """``in_base(amount, code)``: minor units of the base currency, nothing without a rate; ``money_text``: decimals.

    ``in_base_on(amount, code, on_day)``: by the last dated rate up to that day, at most ten days old; else ``in_base``.
    """
    base = frame.rules.base_currency
    factors = {code: money.factor(rate, code, base) for code, rate in frame.rules.rates.items() if code != base}
    rows = ", ".join(f"({quoted(code)}, {over}, {under})" for code, (over, under) in sorted(factors.items()))
    converted = money.converted("amount", "r.numerator", "r.denominator")
    dated = [
        f"({quoted(code)}, DATE '{day.isoformat()}', {over}, {under})"
        for code, days in sorted(frame.rules.cash.rates.items())
        for day, (over, under) in ((day, money.factor(rate, code, base)) for day, rate in sorted(days.items()))
        if code != base
    ]
    frame.run(
        f"""
        CREATE OR REPLACE TABLE rates (rate_of VARCHAR, numerator HUGEINT, denominator HUGEINT);
        SET VARIABLE base_currency = {quoted(base)};
        INSERT INTO rates VALUES ({quoted(base)}, 1, 1){f", {rows}" if rows else ""};
        CREATE OR REPLACE TABLE dated_rates (rate_of VARCHAR, day DATE, numerator HUGEINT, denominator HUGEINT);
        {f"INSERT INTO dated_rates VALUES {', '.join(dated)};" if dated else ""}
        -- No column of rates may be called what is handed in.
        CREATE MACRO in_base(amount, code) AS (SELECT {converted} FROM rates r WHERE r.rate_of = code);
        CREATE MACRO in_base_on(amount, code, on_day) AS coalesce(
            (SELECT {converted} FROM (
                SELECT arg_max(d.numerator, d.day) AS numerator, arg_max(d.denominator, d.day) AS denominator
                FROM dated_rates d WHERE d.rate_of = code AND d.day BETWEEN on_day - {_OLD} AND on_day) r
            ), in_base(amount, code));
        CREATE MACRO money_text(minor, code) AS CASE
            WHEN minor_units(code) = 1 THEN minor::VARCHAR
            ELSE CASE WHEN minor < 0 THEN '-' ELSE '' END || (abs(minor) // minor_units(code))::VARCHAR || '.'
                || lpad((abs(minor) % minor_units(code))::VARCHAR,
                    (length(minor_units(code)::VARCHAR) - 1)::INT, '0') END;
        """
    )


def _parties(frame: Frame) -> None:
    """``party_of``: whose each document is; all records of one customer, in whatever system, have one ``cluster``."""
    documents = " UNION ALL ".join(
        f"SELECT record_id, system, party_ref FROM {table} WHERE party_ref IS NOT NULL"
        for table in ("opportunities", "quotes", "orders", "invoices", "payments", "service_cases")
    )
    frame.run(
        f"""
        CREATE OR REPLACE TABLE party_of AS
            SELECT d.record_id, p.record_id AS party_id, k.cluster
            FROM ({documents}) d JOIN parties p ON p.system = d.system AND d.party_ref = 'id:' || p.source_id
            JOIN party_key k ON k.system = d.system AND k.party_ref = d.party_ref;
        CREATE OR REPLACE TABLE cluster_systems AS
            SELECT DISTINCT k.cluster, k.system FROM party_key k
            JOIN parties p ON p.system = k.system AND k.party_ref = 'id:' || p.source_id WHERE NOT p.deleted;
        """
    )


def _form_leads(frame: Frame) -> None:
    """Leads of the marketing systems that somebody should work on; ``age`` is 1 for the oldest copy of a lead."""
    frame.run(
        """
        CREATE OR REPLACE TEMP TABLE form AS
            SELECT record_id, source_id, label(number, NULL, source_id) AS label, trim(company_name) AS company,
                coalesce(received_at, source_created_at) AS received_at, k.email, k.phone,
                coalesce(trim(company_name), '') <> '' AS has_company,
                coalesce(trim(l.email), '') <> '' OR coalesce(trim(l.phone), '') <> '' AS reachable
            FROM leads l JOIN lead_keys k USING (record_id)
            WHERE l.marketing AND NOT l.crm AND NOT l.deleted AND l.status IS DISTINCT FROM 'disqualified';
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


def _crm_leads(frame: Frame) -> None:
    """Leads of the CRM; ``is_open`` while nobody has made them something else, ``touched_on`` is their last change."""
    frame.run(
        """
        CREATE OR REPLACE TEMP TABLE crm_lead AS
            SELECT record_id, system, label(number, company_name, source_id) AS label, status, owner_ref, party_ref,
                local_day(coalesce(received_at, source_created_at)) AS received_on,
                coalesce(received_at, source_created_at) AS received_at,
                local_day(coalesce(source_updated_at, received_at, source_created_at)) AS touched_on,
                status NOT IN ('converted', 'disqualified') AS is_open, k.email, k.phone
            FROM leads l JOIN lead_keys k USING (record_id, system) WHERE l.crm AND NOT l.deleted
        """
    )
    live = "(SELECT *, system || '|' || {0} AS shared FROM crm_lead WHERE is_open AND {0} IS NOT NULL)"
    pairs = " UNION ALL ".join(shared(live.format(key), "record_id", "shared") for key in ("email", "phone"))
    components(frame, "crm_lead_groups", pairs)
    frame.run(
        """
        CREATE OR REPLACE TABLE crm_leads AS
        SELECT l.* EXCLUDE (email, phone), g.group_id FROM crm_lead l LEFT JOIN crm_lead_groups g ON g.id = l.record_id
        """
    )


def _open_invoices(frame: Frame) -> None:
    """Invoices that were sent out and are not settled; ``paid`` is what the source allocates, else what is not open."""
    frame.run(
        """
        CREATE OR REPLACE TABLE open_invoices AS
        SELECT *, CASE WHEN allocated > 0 THEN allocated ELSE greatest(gross_amount - still_open - credited, 0) END
            AS paid
        FROM (
            SELECT i.*, coalesce(s.received, 0) AS allocated, coalesce(c.credited, 0) AS credited,
                coalesce(i.open_amount, i.gross_amount - coalesce(s.settled, 0) - coalesce(c.credited, 0)) AS still_open
            FROM invoices i LEFT JOIN invoice_settled s ON s.invoice_id = i.record_id
            LEFT JOIN invoice_credited c ON c.invoice_id = i.record_id
            WHERE i.accounting AND NOT i.deleted AND i.kind IS DISTINCT FROM 'credit_note'
              AND i.kind IS DISTINCT FROM 'proforma' AND i.status IN ('issued', 'partly_paid', 'disputed')
        )
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
