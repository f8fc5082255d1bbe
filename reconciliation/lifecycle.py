"""Findings from run to run: opened, changed, reopened, cleared by the data; decisions of people are kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pyarrow as pa

from reconciliation.frame import Frame
from reconciliation.observe import Observation
from state import findings, frames, stamps
from state.clock import to_us
from state.findings import Changes
from state.store import Store

_SHOWN = "list(struct_pack(record_id, number := coalesce(number, ''), url := coalesce(url, '')) ORDER BY n)"
"""SQL: the records of a finding as people see them."""
_VALUES = ("check_id", "stage", "department", "severity", "amount", "currency", "base_amount", "params", "since")


def advance(frame: Frame, store: Store, observation: Observation, run_id: str) -> Changes:
    """Bring the stored findings up to what was observed; nothing is written if nothing changed.

    Findings of checks that could not be judged stay as they are; those of checks that were switched off, and those
    about records of systems that the settings name no more, are cleared.
    Raises ``StoreError``.
    """
    _load_stored(frame, store)
    _load_addresses(frame, store)
    changes = _compare(frame, observation)
    rules = frame.rules
    changes.due_on = {name: (rules.today + timedelta(days=days)).isoformat() for name, days in rules.due_days.items()}
    if changes:
        with store.transaction() as connection:
            stamp = stamps.take(connection, rules.fixed_at)
            findings.apply(connection, changes, run_id, to_us(rules.as_of), stamp, stamps.done(rules.fixed_at))
    return changes


def _load_stored(frame: Frame, store: Store) -> None:
    columns = ", ".join(("id", "status", "waived_until", *_VALUES))
    records = "SELECT finding_id, n, record_id, system, number, url FROM finding_record"
    with store.reading() as connection:
        frame.take("stored", frames.reader(connection, f"SELECT {columns} FROM finding"), "SELECT * FROM incoming")
        frame.take(
            "stored_records",
            frames.reader(connection, records),
            f"SELECT finding_id, {_SHOWN} AS records, list(DISTINCT system ORDER BY system) AS systems "
            "FROM incoming GROUP BY finding_id",
        )


def _load_addresses(frame: Frame, store: Store) -> None:
    """The present addresses of the records that are observed, and how each finding's records are to be shown."""
    observed = frame.rows("SELECT DISTINCT m.entity, m.record_id FROM named m ORDER BY ALL")
    with store.reading() as connection:
        urls = findings.urls(connection, observed)
    addresses = {"record_id": pa.array(list(urls), pa.int64()), "url": pa.array(list(urls.values()), pa.string())}
    frame.take("addresses", pa.table(addresses), "SELECT * FROM incoming")
    frame.run(
        f"""
        CREATE OR REPLACE TABLE observed_records AS
            SELECT o.finding_id, o.n, o.record_id, m.number, a.url
            FROM (SELECT finding_id, unnest(records) AS record_id, generate_subscripts(records, 1) AS n
                FROM observation) o
            JOIN named m USING (record_id) LEFT JOIN addresses a USING (record_id);
        CREATE OR REPLACE TABLE shown_records AS
            SELECT finding_id, {_SHOWN} AS records FROM observed_records GROUP BY finding_id
        """
    )


def _compare(frame: Frame, observation: Observation) -> Changes:
    values = ", ".join(f"o.{name}" for name in _VALUES)
    old = ", ".join(f"s.{name}" for name in _VALUES)
    changes = Changes()
    changes.opened = frame.rows(
        f"SELECT o.finding_id, {values} FROM observation o ANTI JOIN stored s ON s.id = o.finding_id ORDER BY 1"
    )
    changes.reopened = frame.rows(
        f"SELECT o.finding_id, {values} FROM observation o JOIN stored s ON s.id = o.finding_id "
        "WHERE s.status = 'resolved' ORDER BY 1"
    )
    differing = frame.rows(
        f"""
        SELECT o.finding_id, {values}, {old}, n.records IS DISTINCT FROM r.records
        FROM observation o JOIN stored s ON s.id = o.finding_id LEFT JOIN stored_records r ON r.finding_id = s.id
        LEFT JOIN shown_records n ON n.finding_id = o.finding_id
        WHERE s.status <> 'resolved' AND (({values}) IS DISTINCT FROM ({old}) OR n.records IS DISTINCT FROM r.records)
        ORDER BY 1
        """
    )
    width = len(_VALUES)
    for row in differing:
        changes.changed.append(row[: width + 1])
        changes.details[row[0]] = _what_changed(row[1 : width + 1], row[width + 1 : -1], row[-1])
    today = frame.rules.today.isoformat()
    changes.expired = _ids(
        frame.rows(
            "SELECT s.id FROM stored s JOIN observation o ON o.finding_id = s.id "
            f"WHERE s.status = 'waived' AND s.waived_until < '{today}' ORDER BY 1"
        )
    )
    _clear(frame, observation, changes)
    touched = sorted({row[0] for row in (*changes.opened, *changes.changed, *changes.reopened)})
    changes.records = _records(frame, touched)
    return changes


def _clear(frame: Frame, observation: Observation, changes: Changes) -> None:
    gone = frame.rows(
        "SELECT id, check_id, coalesce(r.systems, []) FROM stored s ANTI JOIN observation o ON o.finding_id = s.id "
        "LEFT JOIN stored_records r ON r.finding_id = s.id WHERE status <> 'resolved' ORDER BY id"
    )
    for finding_id, check_id, systems in gone:
        removed = [name for name in systems if name not in frame.rules.roles]
        if not removed and (check_id in observation.skipped or check_id in observation.broken):
            continue
        changes.resolved.append(finding_id)
        if removed:
            changes.details[finding_id] = {"because": "system_removed", "system": ", ".join(removed)}
        elif check_id not in observation.judged:
            changes.details[finding_id] = {"because": "check_off"}


def _what_changed(new: tuple[Any, ...], old: tuple[Any, ...], records: bool) -> dict[str, Any]:
    detail: dict[str, Any] = {
        name: [before, after]
        for name, after, before in zip(_VALUES, new, old, strict=True)
        if before != after and name != "params"
    }
    if new[_VALUES.index("params")] != old[_VALUES.index("params")]:
        before, after = (json.loads(values[_VALUES.index("params")]) for values in (old, new))
        detail["params"] = {
            key: [before.get(key), after.get(key)]
            for key in sorted({*before, *after})
            if before.get(key) != after.get(key)
        }
    if records:
        detail["records"] = True
    return detail


def _records(frame: Frame, finding_ids: Sequence[str]) -> list[tuple[Any, ...]]:
    wanted = pa.table({"finding_id": pa.array(finding_ids, pa.string())})
    frame.take("touched", wanted, "SELECT * FROM incoming")
    return frame.rows(
        """
        SELECT r.finding_id, r.n, r.record_id, m.system, m.entity, m.source_id, m.number, r.url
        FROM observed_records r SEMI JOIN touched USING (finding_id) JOIN named m USING (record_id) ORDER BY 1, 2
        """
    )


def _ids(rows: list[tuple[Any, ...]]) -> list[str]:
    return [str(row[0]) for row in rows]
