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
            SELECT {COLUMNS} FROM stored_links WHERE decision = 'confirmed';
        CREATE OR REPLACE TABLE cut AS
            SELECT kind, left_id, right_id FROM stored_links WHERE decision = 'cut';
        """
    )


def add(frame: Frame, query: str) -> None:
    """Add what ``query`` gives (the columns above), but for pairs that people have cut or that are known already.

    A sure link takes the place of a suggestion; of two sure ones the first found stays.
    """
    frame.run(
        f"""
        CREATE OR REPLACE TEMP TABLE incoming_candidate AS
            SELECT {COLUMNS} FROM ({query})
            ANTI JOIN cut USING (kind, left_id, right_id)
            ANTI JOIN (SELECT kind, left_id, right_id FROM candidate WHERE decision <> 'suggested')
                USING (kind, left_id, right_id)
            QUALIFY row_number() OVER (
                PARTITION BY kind, left_id, right_id ORDER BY decision, score DESC, method, evidence) = 1;
        DELETE FROM candidate USING incoming_candidate i
            WHERE candidate.kind = i.kind AND candidate.left_id = i.left_id AND candidate.right_id = i.right_id
              AND i.decision = 'auto';
        INSERT INTO candidate SELECT {COLUMNS} FROM incoming_candidate
            ANTI JOIN candidate USING (kind, left_id, right_id);
        """
    )


def same_as(frame: Frame, entity: str, query: str) -> None:
    """Add same-as candidates; ``query`` gives a_id, b_id, method, score, evidence, decision."""
    add(
        frame,
        f"""
        SELECT 'same_as' AS kind, least(a_id, b_id) AS left_id, greatest(a_id, b_id) AS right_id,
            '{entity}' AS left_entity, '{entity}' AS right_entity, method, score, evidence, decision
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
