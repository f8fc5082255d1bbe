"""The same lead in the marketing forms and in the CRM: by reference, then by e-mail or phone."""

from __future__ import annotations

from reconciliation.frame import Frame
from reconciliation.linking import candidates
from reconciliation.linking.references import Hop, resolve

_SOFT = (("email", "key_email(email)", 950), ("phone", "key_phone(phone)", 850))


def leads(frame: Frame) -> None:
    """Link leads; several forms of one person may be one lead in the CRM, but not the other way round."""
    resolve(frame, Hop("lead", "lead_ref", "lead", "same_as"))
    for method, key, score in _SOFT:
        candidates.same_as(
            frame,
            "lead",
            f"""
            WITH linked AS ({candidates.linked_systems("lead")}),
            form AS (
                SELECT record_id, system, {key} AS key FROM leads WHERE marketing AND NOT deleted AND {key} IS NOT NULL
            ),
            crm AS (
                SELECT record_id, system, {key} AS key, count(*) OVER (PARTITION BY system, {key}) AS n
                FROM leads WHERE leads.crm AND NOT deleted AND {key} IS NOT NULL
            )
            SELECT form.record_id AS a_id, crm.record_id AS b_id, '{method}' AS method, {score} // crm.n AS score,
                to_json({{'{method}': form.key, 'candidates': crm.n}})::VARCHAR AS evidence,
                CASE WHEN crm.n = 1 THEN 'auto' ELSE 'suggested' END AS decision
            FROM form JOIN crm ON crm.key = form.key AND crm.system <> form.system
            ANTI JOIN linked f ON f.record_id = form.record_id AND f.other_system = crm.system
            ANTI JOIN linked c ON c.record_id = crm.record_id AND c.other_system = form.system
            WHERE crm.n <= {candidates.MOST_SUGGESTIONS}
            """,
        )
