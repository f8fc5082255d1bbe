"""Pairs that only a chain of links joins, and of which the names say that they are two.

"Lovelock" may be Lovelock Partners in one system and Lovelock Inc. in the next: each link is likely, both together
cannot be. One wrong link joins all that hang on its two ends, so that a chain needs more than its links.
"""

from __future__ import annotations

from reconciliation.frame import Frame
from reconciliation.groups import components
from reconciliation.linking.name_pairs import compare
from reconciliation.linking.profiles import Names

_STAGE = "told_apart"
_LARGEST_GROUP = 20
"""Larger groups come from references that many records share; their pairs would grow with the square."""


def judge(frame: Frame, found: Names) -> None:
    """Make ``told_apart (a_id, b_id)`` of the pairs in a chain whose names are those of two companies of a group.

    Two records of one system are one customer that was entered twice only if their names are equal.
    """
    sure = "SELECT left_id, right_id FROM candidate WHERE kind = 'same_as' AND left_entity = 'party'"
    sure += " AND decision <> 'suggested'"
    components(frame, "chain", f"SELECT left_id AS a, right_id AS b FROM ({sure})")
    frame.run(
        f"""
        CREATE OR REPLACE TABLE chained_pair AS
            WITH member AS (SELECT id, group_id FROM chain
                            QUALIFY count(*) OVER (PARTITION BY group_id) BETWEEN 3 AND {_LARGEST_GROUP})
            SELECT a.id AS a_id, b.id AS b_id FROM member a JOIN member b ON a.group_id = b.group_id AND a.id < b.id
            ANTI JOIN ({sure}) s ON s.left_id = a.id AND s.right_id = b.id
        """
    )
    compare(frame, found, "chained_pair", "chained_name")
    frame.run(
        f"""
        CREATE OR REPLACE TABLE {_STAGE} AS
            SELECT n.a_id, n.b_id FROM chained_name n
            JOIN parties a ON a.record_id = n.a_id JOIN parties b ON b.record_id = n.b_id
            WHERE n.level = 'sibling' OR a.system = b.system AND n.level <> 'same';
        DROP TABLE chain; DROP TABLE chained_pair; DROP TABLE chained_name;
        """
    )
    frame.stages.add(_STAGE)
