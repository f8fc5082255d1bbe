"""Tell whether anything that the reconciliation depends on has changed since it last ran, without reading records."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import BindParameter, bindparam, func, or_, select
from sqlalchemy.engine import Connection

from state import api_tokens, audit, findings, members, pauses, saved_views, schema, settings_changes, shares, signed_in
from state.clock import now_us

_MARGIN_US = 600 * 1_000_000
"""A page may be committed this long after the instant noted as its stream's end."""

PRUNED = "store pruned"
"""What the audit says of a prune, which removes nothing that the reconciliation depends on."""
TESTED = "connector tested"
"""What it says of a connector that was put to the test, which touches no record."""
NO_DECISIONS = (
    *(PRUNED, TESTED, *members.ACTIONS, *shares.ACTIONS, *api_tokens.ACTIONS, *signed_in.ACTIONS, *pauses.ACTIONS),
    *(*settings_changes.ACTIONS, *saved_views.ACTIONS, audit.RUN_STARTED, audit.RUN_STOPPED),
)
"""What the audit says that no reconciliation depends on."""
_READ_ONLY = frozenset(("pulled", "unchanged", "stale", "calls", "retries", "listed"))
_PUSHED = frozenset(("applied", "unchanged", "conflict"))

# Every run asks these, so they are built once.
_run, _stream_run, _audit = schema.run, schema.stream_run, schema.audit
_horizon: BindParameter[int] = bindparam("horizon")
_SUMMARIES = (
    select(_run.c.summary)
    .where(_run.c.ended_at.is_not(None), _run.c.kind != "fetch")
    .order_by(_run.c.started_at.desc())
    .limit(200)
)
_ACTIVITY = (
    select(_stream_run)
    .join(_run, _run.c.id == _stream_run.c.run_id)
    .where(or_(_run.c.ended_at.is_(None), _run.c.ended_at >= _horizon), _stream_run.c.ended_at >= _horizon)
)
_LAST_DECISION = select(_audit.c.id).where(_audit.c.action.not_in(NO_DECISIONS)).order_by(_audit.c.id.desc()).limit(1)


@dataclass(frozen=True, slots=True)
class Mark:
    """The state of the store that a reconciliation has seen: equal marks, same result."""

    horizon: int
    """Runs that ended before this instant (microseconds) were seen."""
    activity: str
    """Digest of the stream runs since then that changed something, as far as each had come."""
    decisions: int
    """Number of the last audit row about something else than a prune, a run or who may sign in: what people decided."""
    inputs: str
    """Digest of settings, mappings, code and business day."""

    def as_dict(self) -> dict[str, Any]:
        """For the summary of a run."""
        return asdict(self)


def take(connection: Connection, inputs: str) -> Mark:
    """The mark of what ``connection`` sees; take it in a transaction that begins before the reconciliation reads."""
    horizon = now_us() - _MARGIN_US
    return Mark(horizon, activity(connection, horizon), _decisions(connection), inputs)


def is_current(connection: Connection, mark: Mark, inputs: str) -> bool:
    """Whether a reconciliation now would see exactly what the one with this mark saw."""
    return (
        mark.inputs == inputs
        and mark.decisions == _decisions(connection)
        and mark.activity == activity(connection, mark.horizon)
    )


def versions(connection: Connection) -> tuple[int, ...]:
    """Numbers that change whenever what a report of now shows may have changed: findings, figures, decisions."""
    newest = [select(func.coalesce(func.max(table.c.id), 0)) for table in (schema.finding_event, schema.figure)]
    return (*(connection.execute(query).scalar_one() for query in newest), _decisions(connection))


def findings_version(connection: Connection) -> int:
    """A number that changes whenever a finding does."""
    return int(connection.execute(select(func.coalesce(func.max(schema.finding_event.c.id), 0))).scalar_one())


def figures_version(connection: Connection) -> int:
    """A number that changes whenever a figure does."""
    return int(connection.execute(select(func.coalesce(func.max(schema.figure.c.id), 0))).scalar_one())


def figures(connection: Connection) -> tuple[int | str, ...]:
    """What changes whenever a reconciliation has changed figures or findings."""
    return figures_version(connection), findings.last_run(connection) or ""


def last(connection: Connection, key: str = "mark") -> tuple[Mark, dict[str, Any]] | None:
    """The newest mark, and the run summary it is in; ``None`` before the first reconciliation."""
    for summary in connection.execute(_SUMMARIES).scalars():
        if f'"{key}"' in summary:
            found = json.loads(summary)
            return Mark(**found[key]), found
    return None


def activity(connection: Connection, horizon: int) -> str:
    """Digest of the stream runs since an instant (microseconds) that changed something, as far as each had come.

    Not their number: one that is under way counts as a change, and may turn out to be none while another comes.
    """
    rows = [
        tuple(row)
        for row in connection.execute(_ACTIVITY, {"horizon": horizon})
        if changed_something(row.direction, row.status, row.counts)
    ]
    return hashlib.blake2b(json.dumps(sorted(rows, key=str)).encode(), digest_size=8).hexdigest()


def changed_something(direction: str, status: str, counts: str) -> bool:
    """Whether a stream run, as far as it has come, has changed something here or there."""
    if status == "interrupted":
        return True
    found: dict[str, int] = json.loads(counts)
    if direction in ("push", "create"):
        return any(found.get(name) for name in _PUSHED)
    return any(number for name, number in found.items() if name not in _READ_ONLY)


def _decisions(connection: Connection) -> int:
    return connection.execute(_LAST_DECISION).scalar() or 0
