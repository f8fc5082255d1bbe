"""The same lead in the marketing forms and in the CRM: by reference, then by e-mail or phone."""

from __future__ import annotations

from reconciliation.frame import Frame
from reconciliation.linking import candidates
from reconciliation.linking.references import Hop, resolve

_SOFT = (("email", 950), ("phone", 850))


def leads(frame: Frame) -> None:
    """Link leads; several forms of one person may be one lead in the CRM, but not the other way round."""
    resolve(frame, Hop("lead", "lead_ref", "lead", "same_as"))
    frame.run(
        """
        CREATE OR REPLACE TABLE lead_keys AS
        SELECT record_id, system, marketing, in_crm, email, key_phone(digits) AS phone
        FROM (SELECT record_id, system, marketing, leads.crm AS in_crm, key_email(email) AS email,
                  phone_digits(phone) AS digits FROM leads WHERE NOT deleted)
        """
    )
    for key, score in _SOFT:
        candidates.same_as(
            frame,
            "lead",
            f"""
            WITH linked AS ({candidates.linked_systems("lead")}),
            form AS (
                SELECT record_id, system, {key} AS key FROM lead_keys WHERE marketing AND {key} IS NOT NULL
            ),
            crm AS (
                SELECT record_id, system, {key} AS key, count(*) OVER (PARTITION BY system, {key}) AS n
                FROM lead_keys WHERE in_crm AND {key} IS NOT NULL
            )
            SELECT form.record_id AS a_id, crm.record_id AS b_id, '{key}' AS method, {score} // crm.n AS score,
                to_json({{'{key}': form.key, 'candidates': crm.n}})::VARCHAR AS evidence,
                CASE WHEN crm.n = 1 THEN 'auto' ELSE 'suggested' END AS decision
            FROM form JOIN crm ON crm.key = form.key AND crm.system <> form.system
            ANTI JOIN linked f ON f.record_id = form.record_id AND f.other_system = crm.system
            ANTI JOIN linked c ON c.record_id = crm.record_id AND c.other_system = form.system
            WHERE crm.n <= {candidates.MOST_SUGGESTIONS}
            """,
        )
