"""Explicit references: what a source itself says a record belongs to, by id, document number or foreign id."""

from __future__ import annotations

from typing import NamedTuple

from mappings.model import TABLES
from reconciliation.frame import Frame
from reconciliation.linking import candidates

_HOME = {"lead": "marketing", "opportunity": "crm", "quote": "crm", "order": "erp", "invoice": "accounting"}
"""Where a document number is at home, if two systems know it."""


class Hop(NamedTuple):
    """One field that names other records."""

    entity: str
    """What carries the field."""
    field: str
    target: str
    kind: str = "follows"
    forward: bool = False
    """True where the record that carries the field comes first."""
    lines: str | None = None
    """The line table that has the field, if it is not the record itself."""


def resolve(frame: Frame, hop: Hop) -> bool:
    """Add the links that a field gives; whether some numbers are left over, in ``unresolved``, that nothing carries."""
    if not _collect(frame, hop):
        return False
    target = TABLES[hop.target]
    home = _HOME.get(hop.target)
    rank = "CASE WHEN t.system = r.system THEN 0 " + (f"WHEN t.{home} THEN 1 " if home else "") + "ELSE 2 END"
    found = "r.record_id AS from_id, t.record_id AS to_id, r.ref, t.deleted"
    same = "AND t.system <> r.system" if hop.kind == "same_as" else ""
    frame.run(
        f"""
        CREATE OR REPLACE TEMP TABLE hit AS
        SELECT {found}, 'reference' AS method, 1000 AS score, 0 AS far
            FROM reference r JOIN {target} t ON t.system = r.system AND t.source_id = r.value WHERE r.scheme = 'id'
        UNION ALL
        SELECT {found}, 'number', 990, {rank}
            FROM reference r JOIN {target} t ON t.number = r.value WHERE r.scheme = 'no' {same}
        UNION ALL
        SELECT {found}, 'external_id', 1000, 0
            FROM reference r JOIN {target} t ON t.source_id = r.value AND t.system <> r.system WHERE r.scheme = 'ext';
        CREATE OR REPLACE TEMP TABLE unresolved AS
            SELECT * FROM reference ANTI JOIN (SELECT from_id AS record_id, ref FROM hit) USING (record_id, ref)
            WHERE scheme = 'no';
        """
    )
    settle(frame, hop, "SELECT *, 'auto' AS sure FROM hit")
    return bool(frame.value("SELECT count(*) FROM unresolved"))


def settle(frame: Frame, hop: Hop, hits: str) -> None:
    """Of the records that a reference may mean, take the nearest; suggest them all if that leaves several.

    A deleted record counts only where no live one is meant. ``hits``: from_id, to_id, ref, deleted, method, score, far,
    sure.
    """
    one, other = ("from_id", "to_id") if hop.forward else ("to_id", "from_id")
    ends = (hop.entity, hop.target) if hop.forward else (hop.target, hop.entity)
    if hop.kind == "same_as":
        one, other = "least(from_id, to_id)", "greatest(from_id, to_id)"
    candidates.add(
        frame,
        hop.kind,
        *ends,
        f"""
        WITH possible AS MATERIALIZED (
            SELECT h.* FROM ({hits}) h {candidates.without_cut(frame, hop.kind, one, other)} WHERE from_id <> to_id
        ),
        asked AS MATERIALIZED (
            SELECT from_id, ref, count(*) AS n, any_value(to_id) AS to_id, any_value(method) AS method,
                any_value(score) AS score, any_value(sure) AS sure
            FROM possible GROUP BY from_id, ref
        ),
        several AS (  -- the nearest of them
            SELECT p.* FROM possible p SEMI JOIN (SELECT from_id, ref FROM asked WHERE n > 1) USING (from_id, ref)
            QUALIFY dense_rank() OVER (PARTITION BY from_id, ref ORDER BY deleted, far) = 1
        ),
        meant AS (
            SELECT from_id, to_id, ref, method, score, sure, 1 AS n FROM asked WHERE n = 1
            UNION ALL
            SELECT from_id, to_id, ref, method, score, sure, count(DISTINCT to_id) OVER (PARTITION BY from_id, ref)
            FROM several
        )
        SELECT {one} AS left_id, {other} AS right_id, method, score // n AS score,
            to_json({{'field': '{hop.field}', 'value': ref, 'candidates': n}})::VARCHAR AS evidence,
            CASE WHEN n = 1 THEN sure ELSE 'suggested' END AS decision
        FROM meant WHERE n <= {candidates.MOST_SUGGESTIONS}
        """,
    )


def _collect(frame: Frame, hop: Hop) -> bool:
    """Make ``reference``, one row for each thing that the field names; whether there are any."""
    table = TABLES[hop.entity]
    party = "NULL" if hop.entity in ("party", "payout") else "r.party_ref"
    lines = f"JOIN {hop.lines} l USING (record_id)" if hop.lines else ""
    field = f"{'l' if hop.lines else 'r'}.{hop.field}"
    source = f"SELECT record_id, r.system, {party} AS party_ref, {field} AS refs FROM {table} r {lines}"
    frame.run(
        f"""
        CREATE OR REPLACE TEMP TABLE reference AS
        SELECT DISTINCT record_id, system, party_ref, ref, split_part(ref, ':', 1) AS scheme,
            substr(ref, length(split_part(ref, ':', 1)) + 2) AS value
        FROM (SELECT record_id, system, party_ref, unnest(string_split(refs, chr(10))) AS ref
              FROM ({source}) WHERE refs IS NOT NULL)
        WHERE ref <> ''
        """
    )
    return bool(frame.value("SELECT count(*) FROM reference"))
