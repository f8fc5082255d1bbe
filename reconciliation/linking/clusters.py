"""Parties that are one, taken together across all systems, but never two that a hard key tells apart."""

from __future__ import annotations

from reconciliation.frame import Frame, quoted
from reconciliation.groups import components

_SOFT = ("email", "domain", "phone", "name_city", "likeness")
"""Methods whose links give way where a chain of them would join what is two."""
_SURE = "kind = 'same_as' AND left_entity = 'party' AND decision <> 'suggested'"

_BY_NAME = """
    UNION
    SELECT a.group_id FROM told_apart t
    JOIN party_groups a ON a.id = t.a_id JOIN party_groups b ON b.id = t.b_id WHERE a.group_id = b.group_id
"""


def apart(frame: Frame) -> None:
    """Make suggestions of soft links whose chains join what is two; makes ``party_groups``."""
    _group(frame)
    while _give_way(frame):
        _group(frame)
    frame.stages.add("party_groups")


def clusters(frame: Frame) -> None:
    """Make ``party_key`` for the linkers that come after."""
    if "party_groups" not in frame.stages:
        _group(frame)
    frame.run(
        """
        CREATE OR REPLACE TABLE party_key AS
        SELECT p.system, 'id:' || p.source_id AS party_ref, coalesce(g.group_id, p.record_id) AS cluster
        FROM parties p LEFT JOIN party_groups g ON g.id = p.record_id
        """
    )


def _group(frame: Frame) -> None:
    components(frame, "party_groups", f"SELECT left_id AS a, right_id AS b FROM candidate WHERE {_SURE}")


def _give_way(frame: Frame) -> bool:
    """In each group that holds two companies, make its weakest soft links suggestions; whether there were any.

    Two tax ids of one scheme whose check digits are right are two companies, so are an organisation and a person, two
    that people have cut, and two that their names tell apart. Links of equal strength give way together: which of them
    is wrong cannot be told.
    """
    soft = ", ".join(map(quoted, _SOFT))
    by_name = _BY_NAME if "told_apart" in frame.stages else ""
    frame.run(
        f"""
        CREATE OR REPLACE TEMP TABLE torn AS
            SELECT g.group_id FROM party_groups g JOIN party_keys k ON k.record_id = g.id
            WHERE k.tax_scheme IS NOT NULL GROUP BY g.group_id, k.tax_scheme HAVING count(DISTINCT k.tax_id) > 1
            UNION
            SELECT g.group_id FROM party_groups g JOIN parties p ON p.record_id = g.id
            WHERE p.kind IN ('person', 'organisation') GROUP BY g.group_id HAVING count(DISTINCT p.kind) > 1
            UNION
            SELECT a.group_id FROM cut c
            JOIN party_groups a ON a.id = c.left_id JOIN party_groups b ON b.id = c.right_id
            WHERE c.kind = 'same_as' AND a.group_id = b.group_id
            {by_name};
        CREATE OR REPLACE TEMP TABLE giving_way AS
            SELECT c.left_id, c.right_id FROM candidate c
            JOIN party_groups g ON g.id = c.left_id SEMI JOIN torn USING (group_id)
            WHERE {_SURE} AND c.decision = 'auto' AND c.method IN ({soft})
            QUALIFY c.score = min(c.score) OVER (PARTITION BY g.group_id);
        UPDATE candidate SET decision = 'suggested', evidence = json_merge_patch(evidence, '{{"joins_two": true}}')
        FROM giving_way w WHERE {_SURE} AND candidate.left_id = w.left_id AND candidate.right_id = w.right_id
        """
    )
    return bool(frame.value("SELECT count(*) FROM giving_way"))
