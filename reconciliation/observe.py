"""Run the checks over a frame: one engine for all of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mappings.model import ENTITIES
from reconciliation import facts, money
from reconciliation.checks import Check, catalogue, own
from reconciliation.frame import Frame, quoted

_CHAIN = list(ENTITIES)
"""Entities in the course of lead to cash."""


class Observation(NamedTuple):
    """Which checks ran; what they found is in the frame's table ``observation``."""

    judged: tuple[str, ...]
    skipped: dict[str, str]
    """Checks that could not be judged, and why; their findings stay as they are."""
    broken: dict[str, str]
    """Checks of the site's own whose query or sentence fails, and why; their findings stay too."""
    disabled: tuple[str, ...]


def observe(frame: Frame) -> Observation:
    """Run every check that is on and whose records are there, and give each result its lasting identity.

    ``observation``: finding_id, check_id, stage, department, severity, keys, records, amount, currency, base_amount,
    since (text), params (JSON text).
    """
    facts.prepare(frame)
    judged: list[str] = []
    skipped: dict[str, str] = {}
    broken: dict[str, str] = {}
    disabled: list[str] = []
    severities: dict[str, str] = {}
    pulled = _pulled(frame)
    for check in (*catalogue(), *frame.rules.own_checks.values()):
        given = frame.rules.checks.get(check.id, {})
        if given.get("enabled", True) is False:
            disabled.append(check.id)
            continue
        missing = _missing(frame, check, pulled)
        if missing:
            skipped[check.id] = missing
            continue
        unusable = run(frame, check, {**check.parameters, **given})
        if unusable:
            broken[check.id] = unusable
            continue
        judged.append(check.id)
        severities[check.id] = str(given.get("severity", check.severity))
    _identify(frame, severities)
    return Observation(tuple(judged), skipped, broken, tuple(disabled))


def _pulled(frame: Frame) -> dict[str, list[tuple[str, bool]]]:
    """By entity: the systems that have it, and whether each has been pulled to the end."""
    found: dict[str, list[tuple[str, bool]]] = {}
    for entity, system, covered in frame.rows("SELECT entity, system, covered FROM coverage ORDER BY ALL"):
        found.setdefault(entity, []).append((system, bool(covered)))
    return found


def _missing(frame: Frame, check: Check, pulled: Mapping[str, Sequence[tuple[str, bool]]]) -> str:
    """Why the check means nothing yet: what it looks at was never pulled to the end."""
    for role, entity in check.needs:
        systems = frame.rules.systems(role)
        there = [(system, covered) for system, covered in pulled.get(entity, ()) if system in systems]
        if not there:
            return f"no system with the role {role} has {entity} records"
        late = [system for system, covered in there if not covered]
        if late:
            return f"the {entity} records of {late[0]} have not been pulled completely yet"
    return ""


def run(frame: Frame, check: Check, parameters: Mapping[str, Any]) -> str:
    """Put what a check finds into table ``observed``; why it cannot be judged, where it is one of the site's own."""
    if check.id not in frame.rules.own_checks:
        _run(frame, check, parameters)
        return ""
    import duckdb

    try:
        _run(frame, check, parameters)
    except duckdb.Error as error:
        return own.refusal(error)
    found = frame.rows(f"SELECT params, currency FROM observed WHERE check_id = {quoted(check.id)} LIMIT 1")
    lacking = [own.unsaid(check, json.loads(params), currency) for params, currency in found]
    if any(lacking):
        frame.run(f"DELETE FROM observed WHERE check_id = {quoted(check.id)}")
        return f"its sentence cannot be filled: {lacking[0]}"
    return ""


def _run(frame: Frame, check: Check, parameters: Mapping[str, Any]) -> None:
    frame.run(
        f"""
        INSERT INTO observed
        SELECT {quoted(check.id)}, keys, records, amount::BIGINT, currency, since, to_json(params)::VARCHAR
        FROM ({check.query(parameters)})
        """
    )


def _identify(frame: Frame, severities: dict[str, str]) -> None:
    """The identity is a hash of the check and the source's own keys of the records, so it survives a rebuilt store."""
    rows = ", ".join(
        f"({quoted(check.id)}, {quoted(check.stage)}, {quoted(check.department)}, {quoted(severities[check.id])})"
        for check in (*catalogue(), *frame.rules.own_checks.values())
        if check.id in severities
    )
    frame.run(
        f"""
        CREATE OR REPLACE TABLE checked (check_id VARCHAR, stage VARCHAR, department VARCHAR, severity VARCHAR);
        {f"INSERT INTO checked VALUES {rows};" if rows else ""}
        CREATE OR REPLACE TEMP TABLE placed AS SELECT *, row_number() OVER (ORDER BY check_id, keys, records) AS n
            FROM observed;
        -- What is observed is little of all there is: its names are looked up once.
        CREATE OR REPLACE TABLE named AS
            SELECT r.record_id, s.entity, s.system, s.source_id, s.number
            FROM (SELECT unnest(records) AS record_id FROM placed UNION SELECT unnest(keys) FROM placed) r
            JOIN subjects s USING (record_id);
        -- The main record first, then along the chain; not in the order in which records arrived.
        CREATE OR REPLACE TABLE numbered AS
        WITH spread AS (
            SELECT n, unnest(records) AS record_id, generate_subscripts(records, 1) = 1 AS is_main FROM placed
        ),
        ordered AS (
            SELECT n, list(record_id ORDER BY is_main DESC, list_position({_CHAIN}, entity), system, source_id) AS ids
            FROM spread JOIN named USING (record_id) GROUP BY n
        )
        SELECT p.* REPLACE (o.ids AS records) FROM placed p JOIN ordered o USING (n);
        CREATE OR REPLACE TABLE observation AS
        WITH identity AS (
            SELECT n, string_agg(k.system || chr(31) || k.entity || chr(31) || k.source_id, chr(30)
                ORDER BY k.system, k.entity, k.source_id) AS natural_key
            FROM (SELECT n, unnest(keys) AS record_id FROM numbered) JOIN named k USING (record_id) GROUP BY n
        )
        SELECT left(sha256(o.check_id || chr(30) || i.natural_key), 20) AS finding_id, o.check_id, c.stage,
            c.department,
            c.severity, o.keys, o.records, o.amount, o.currency,
            {money.converted("o.amount", "r.numerator", "r.denominator")} AS base_amount,
            strftime(o.since, '%Y-%m-%d') AS since, o.params
        FROM numbered o JOIN identity i USING (n) JOIN checked c USING (check_id)
        LEFT JOIN rates r ON r.rate_of = o.currency
        QUALIFY row_number() OVER (PARTITION BY finding_id ORDER BY n) = 1
        """
    )
