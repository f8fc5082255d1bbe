"""Documents that belong together because they share a partner: two orders on one invoice, one quote in two orders."""

from __future__ import annotations

from reconciliation.frame import Frame

_MAX_ROUNDS = 64


def components(frame: Frame, name: str, pairs: str) -> None:
    """Make table ``name (id, group_id)`` of all ids in ``pairs`` (a query of ``a, b``); the group is its lowest id.

    Labels spread to neighbours and jump along themselves, so that the rounds grow with the logarithm of the longest
    path. Raises ``RuntimeError`` if that does not come to an end.
    """
    frame.run(
        f"""
        CREATE OR REPLACE TEMP TABLE pair AS
            SELECT DISTINCT a, b FROM ({pairs}) WHERE a <> b;
        CREATE OR REPLACE TABLE {name} AS
            SELECT id, id AS group_id FROM (SELECT a AS id FROM pair UNION SELECT b FROM pair);
        """
    )
    for _ in range(_MAX_ROUNDS):
        frame.run(
            f"""
            CREATE OR REPLACE TEMP TABLE spread AS
                SELECT n.id, least(n.group_id, coalesce(min(m.group_id), n.group_id)) AS group_id
                FROM {name} n
                LEFT JOIN (SELECT a, b FROM pair UNION ALL SELECT b, a FROM pair) p ON p.a = n.id
                LEFT JOIN {name} m ON m.id = p.b
                GROUP BY n.id, n.group_id;
            CREATE OR REPLACE TEMP TABLE jumped AS
                SELECT s.id, least(s.group_id, coalesce(t.group_id, s.group_id)) AS group_id
                FROM spread s LEFT JOIN spread t ON t.id = s.group_id;
            """
        )
        changed = frame.value(f"SELECT count(*) FROM jumped j JOIN {name} n USING (id) WHERE j.group_id <> n.group_id")
        if not changed:
            return
        frame.run(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM jumped")
    raise RuntimeError(f"the groups of {name} did not settle in {_MAX_ROUNDS} rounds")


def shared(edges: str, left: str, right: str) -> str:
    """Pairs of lefts that share a right: a query of ``a, b`` over a query or table of edges; no right is NULL."""
    return (
        f"SELECT m.a, e.{left} AS b FROM {edges} e JOIN (SELECT {right}, min({left}) AS a FROM {edges} "
        f"GROUP BY {right} HAVING count(*) > 1) m USING ({right})"
    )
