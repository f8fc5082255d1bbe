"""Candidate links, collected by the linkers: each is made sure (``auto``) or suggested to a person, never guessed.

``candidate``: kind, left_id, right_id, left_entity, right_entity, method, score (per mille), evidence (JSON), decision.
For ``follows`` the right one follows from the left one; for ``same_as`` left is the lower record id.
"""

from __future__ import annotations

from reconciliation.frame import Frame

COLUMNS = "kind, left_id, right_id, left_entity, right_entity, method, score, evidence, decision"
MOST_SUGGESTIONS = 5
"""What has more candidates than this has none worth showing."""


def prepare(frame: Frame) -> None:
    """Make the tables; what people decided stands before any linker runs."""
    frame.run(
        f"""
        CREATE OR REPLACE TABLE candidate AS
            SELECT {COLUMNS} FROM decided_links WHERE decision = 'confirmed';
        CREATE OR REPLACE TABLE cut AS
            SELECT kind, left_id, right_id FROM decided_links WHERE decision = 'cut';
        """
    )
    if frame.value("SELECT count(*) FROM cut"):
        frame.stages.add("cut")


def add(frame: Frame, kind: str, left_entity: str, right_entity: str, query: str) -> None:
    """Add what ``query`` gives (left_id, right_id, method, score, evidence, decision) as links of one kind.

    Pairs that people have cut or that are known already are left out; a sure link takes the place of a suggestion, and
    of two sure ones the first found stays.
    """
    known = f"kind = '{kind}' AND left_entity = '{left_entity}' AND right_entity = '{right_entity}'"
    frame.run(
        f"""
        CREATE OR REPLACE TEMP TABLE incoming_candidate AS
            SELECT '{kind}' AS kind, left_id, right_id, '{left_entity}' AS left_entity,
                '{right_entity}' AS right_entity, method, score, evidence, decision
            FROM ({query}) found {without_cut(frame, kind, "found.left_id", "found.right_id")}
        """
    )
    if not frame.value("SELECT count(*) FROM incoming_candidate"):
        return
    twice = "SELECT 1 FROM incoming_candidate GROUP BY left_id, right_id HAVING count(*) > 1 LIMIT 1"
    if frame.rows(twice):
        frame.run(
            """
            CREATE OR REPLACE TEMP TABLE incoming_candidate AS SELECT * FROM incoming_candidate
            QUALIFY row_number() OVER (
                PARTITION BY left_id, right_id ORDER BY decision, score DESC, method, evidence) = 1
            """
        )
    if frame.value(f"SELECT count(*) FROM candidate WHERE {known}"):
        frame.run(
            f"""
            DELETE FROM candidate USING incoming_candidate i
                WHERE candidate.kind = '{kind}' AND candidate.decision = 'suggested' AND i.decision = 'auto'
                  AND candidate.left_id = i.left_id AND candidate.right_id = i.right_id;
            CREATE OR REPLACE TEMP TABLE incoming_candidate AS SELECT i.* FROM incoming_candidate i
                ANTI JOIN (SELECT left_id, right_id FROM candidate WHERE {known}) USING (left_id, right_id);
            """
        )
    frame.run(f"INSERT INTO candidate SELECT {COLUMNS} FROM incoming_candidate")


def without_cut(frame: Frame, kind: str, left: str, right: str) -> str:
    """The join that leaves out pairs that people have cut; empty if there are none."""
    if "cut" not in frame.stages:
        return ""
    return f"ANTI JOIN cut ON cut.kind = '{kind}' AND cut.left_id = {left} AND cut.right_id = {right}"


def same_as(frame: Frame, entity: str, query: str) -> None:
    """Add same-as candidates; ``query`` gives a_id, b_id, method, score, evidence, decision."""
    add(
        frame,
        "same_as",
        entity,
        entity,
        f"""
        SELECT least(a_id, b_id) AS left_id, greatest(a_id, b_id) AS right_id, method, score, evidence, decision
        FROM ({query})
        """,
    )


def linked_systems(entity: str) -> str:
    """A query of (record_id, other_system): where a record's counterpart is known for sure."""
    table = {"party": "parties", "lead": "leads", "product": "products"}[entity]
    return f"""
        SELECT c.left_id AS record_id, r.system AS other_system FROM candidate c JOIN {table} r
            ON r.record_id = c.right_id
        WHERE c.kind = 'same_as' AND c.left_entity = '{entity}' AND c.decision <> 'suggested'
        UNION
        SELECT c.right_id, r.system FROM candidate c JOIN {table} r ON r.record_id = c.left_id
        WHERE c.kind = 'same_as' AND c.left_entity = '{entity}' AND c.decision <> 'suggested'
    """
