"""The same customer in several systems: by reference, tax id, then softer keys where they are unique on both sides."""

from __future__ import annotations

from reconciliation.frame import Frame
from reconciliation.groups import components
from reconciliation.linking import candidates
from reconciliation.linking.references import Hop, resolve

_COMMON = 20
"""A tax id that more parties of one system share is not one."""

_SOFT = (("email", 900), ("domain", 800), ("phone", 780), ("name_city", 700))
"""Keys and their scores. A name is weak evidence: it links only together with the place, alone it is a suggestion."""


def parties(frame: Frame) -> None:
    """Link parties across systems, and make ``party_cluster`` and ``party_key`` for the linkers that come after."""
    resolve(frame, Hop("party", "external_ref", "party", "same_as"))
    frame.run(
        """
        CREATE OR REPLACE TABLE party_keys AS
        SELECT record_id, system, deleted, key_tax_id(tax_id) AS tax_id, key_email(email) AS email,
            key_domain(domain) AS domain, key_phone(phone_digits(phone)) AS phone,
            key_name(coalesce(legal_name, name)) AS name,
            key_name(coalesce(legal_name, name)) || '|' || nullif(tokens(lower(narrow(city))), '') AS name_city
        FROM parties
        """
    )
    _by_tax_id(frame)
    for key, score in _SOFT:
        _by_soft_key(frame, key, score, "auto")
    _by_soft_key(frame, "name", 500, "suggested")
    _cluster(frame)


def _by_tax_id(frame: Frame) -> None:
    candidates.same_as(
        frame,
        "party",
        f"""
        WITH keyed AS (
            SELECT * FROM party_keys WHERE tax_id IS NOT NULL
            QUALIFY count(*) OVER (PARTITION BY system, tax_id) <= {_COMMON}
        )
        SELECT a.record_id AS a_id, b.record_id AS b_id, 'tax_id' AS method,
            CASE WHEN a.name = b.name THEN 1000 ELSE 990 END AS score,
            to_json({{'tax_id': a.tax_id, 'same_name': coalesce(a.name = b.name, false)}})::VARCHAR AS evidence,
            'auto' AS decision
        FROM keyed a JOIN keyed b ON a.tax_id = b.tax_id AND a.record_id < b.record_id AND a.system <> b.system
        """,
    )


def _by_soft_key(frame: Frame, key: str, score: int, sure: str) -> None:
    """Link what is alone with its key on both sides, has no counterpart there yet and no other tax id."""
    candidates.same_as(
        frame,
        "party",
        f"""
        WITH keyed AS (
            SELECT record_id, system, {key} AS key, tax_id, name, count(*) OVER (PARTITION BY system, {key}) AS n
            FROM party_keys WHERE NOT deleted AND {key} IS NOT NULL
        ),
        linked AS ({candidates.linked_systems("party")}),
        pairs AS (
            SELECT a.record_id AS a_id, b.record_id AS b_id, a.key, a.n * b.n AS n, a.name = b.name AS same_name
            FROM keyed a JOIN keyed b ON a.key = b.key AND a.record_id < b.record_id AND a.system <> b.system
            ANTI JOIN linked la ON la.record_id = a.record_id AND la.other_system = b.system
            ANTI JOIN linked lb ON lb.record_id = b.record_id AND lb.other_system = a.system
            WHERE a.n * b.n <= {candidates.MOST_SUGGESTIONS}
              AND (a.tax_id IS NULL OR b.tax_id IS NULL OR a.tax_id = b.tax_id)
        )
        SELECT a_id, b_id, '{key}' AS method, {score} // n AS score,
            to_json({{'{key}': key, 'same_name': coalesce(same_name, false), 'candidates': n}})::VARCHAR AS evidence,
            CASE WHEN n = 1 THEN '{sure}' ELSE 'suggested' END AS decision
        FROM pairs
        """,
    )


def _cluster(frame: Frame) -> None:
    sure = "SELECT left_id AS a, right_id AS b FROM candidate WHERE left_entity = 'party' AND decision <> 'suggested'"
    components(frame, "party_groups", sure)
    frame.run(
        """
        CREATE OR REPLACE TABLE party_key AS
        SELECT p.system, 'id:' || p.source_id AS party_ref, coalesce(g.group_id, p.record_id) AS cluster
        FROM parties p LEFT JOIN party_groups g ON g.id = p.record_id
        """
    )
