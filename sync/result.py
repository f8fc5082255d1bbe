"""What became of a whole run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from state.clock import from_us
from state.creations import CreationPlan
from state.outbox import Plan
from state.pauses import WHOLE, Pause
from state.shapes import Drift
from sync.outcome import Problem, StreamOutcome

_WRITES = ("push", "create")
_REFUSED = ("rejected", "dead", "conflict")
"""Counts of records that a write-back left as they were: refused, tried too often, or changed by somebody meanwhile."""
_SENT_NOTHING = ("calls", "retry", "waiting")
NEEDS_A_PERSON = ("first_run", "limit")
"""Kinds of problems that are none: something waits for a person's word."""


@dataclass(slots=True)
class SyncResult:
    """One run: every stream's outcome, the reconciliation it ended with, and the plans made or carried out."""

    run_id: str
    kind: str
    """``sync``, ``fetch``, ``pull``, ``reconcile``, ``push`` or ``sweep``."""
    engine: str
    """``local`` or ``prefect``."""
    status: str = "running"
    """``done``, ``partial`` (some of it failed, or waits for an allowance), ``failed`` or ``interrupted``.

    A push of which records were refused, put off or had a conflict is ``partial``, and ``failed`` if nothing at all was
    written.
    """
    outcomes: list[StreamOutcome] = field(default_factory=list)
    reconcile: dict[str, Any] | None = None
    """Counts of the reconciliation (``reconciliation.engine.ReconcileResult`` as JSON-able data)."""
    reconciled: bool = False
    """False if nothing had changed since the last reconciliation, whose result this is."""
    reconcile_run_id: str | None = None
    """The run whose tie-outs and findings are the current ones."""
    plans: list[Plan] = field(default_factory=list)
    """Per system the plan that this run made and did not carry out; empty if nothing is left to write."""
    applied: list[Plan] = field(default_factory=list)
    """Plans that this run carried out, with what became of each change."""
    new_records: list[CreationPlan] = field(default_factory=list)
    """Per system the records that are to be created and were not by this run."""
    created: list[CreationPlan] = field(default_factory=list)
    """Per system the records that this run was to create, with what became of each."""
    paused: list[Pause] = field(default_factory=list)
    """What was left out, because people have paused it."""
    problems: list[Problem] = field(default_factory=list)
    """What failed outside a stream: a configuration, the store, the reconciliation, a plan."""
    seconds: float = 0.0
    stopped_by_hand: bool = False
    """Whether somebody asked it to stop."""

    @property
    def failed(self) -> list[StreamOutcome]:
        """The streams that are not up to date."""
        return [outcome for outcome in self.outcomes if not outcome.ok]

    @property
    def changed_nothing(self) -> bool:
        """Whether the run found no news and had nothing to write."""
        return not (self.reconciled or self.applied or self.plans or self.created or self.new_records)

    def conclude(self, interrupted: bool) -> None:
        """Judge the run by its parts."""
        if interrupted:
            self.status = "interrupted"
        elif not self.failed and not self.problems:
            self.status = self._of_writes() if self.kind == "push" else "done"
        elif (
            (not self.failed and all(problem.kind in NEEDS_A_PERSON for problem in self.problems))
            or any(outcome.ok or outcome.waits for outcome in self.outcomes)
            or (self.reconciled and not self.outcomes)
        ):
            self.status = "partial"
        else:
            self.status = "failed"

    def _of_writes(self) -> str:
        """How a push ended of which every part came to its end: by what became of its records."""
        counts = [outcome.counts for outcome in self.outcomes if outcome.direction in _WRITES]
        refused = sum(number for part in counts for name, number in part.items() if name in _REFUSED)
        if not refused:
            return "partial" if any(part.get("retry") for part in counts) else "done"
        settled = sum(number for part in counts for name, number in part.items() if name not in _SENT_NOTHING)
        return "failed" if refused == settled else "partial"

    def counts(self) -> dict[str, dict[str, int]]:
        """Sums per system over its streams and directions, for summaries; ``refused`` are records that could not be
        written, ``rejected`` those that could not be read."""
        found: dict[str, dict[str, int]] = {}
        for outcome in self.outcomes:
            sums = found.setdefault(outcome.system, {})
            for name, number in outcome.counts.items():
                name = "refused" if name == "rejected" and outcome.direction in _WRITES else name
                sums[name] = sums.get(name, 0) + number
        return found


def as_dict(result: SyncResult) -> dict[str, Any]:
    """The result as JSON-able data, for ``--json`` and artifacts."""
    return {
        "run": result.run_id,
        "kind": result.kind,
        "engine": result.engine,
        "status": result.status,
        "seconds": round(result.seconds, 3),
        "streams": [_outcome(outcome) for outcome in result.outcomes],
        "reconciled": result.reconciled,
        "reconciliation": result.reconcile,
        "plans": [_plan(plan) for plan in result.plans],
        "applied": [_plan(plan) for plan in result.applied],
        "new_records": [_creations(plan) for plan in result.new_records],
        "created": [_creations(plan) for plan in result.created],
        "paused": [pause_as_dict(pause) for pause in result.paused],
        "problems": [_problem(problem) for problem in result.problems],
    }


def pause_as_dict(pause: Pause) -> dict[str, Any]:
    """What is paused, as JSON-able data."""
    shown = {"system": pause.system, "stream": None if pause.stream == WHOLE else pause.stream}
    return {**shown, "by": pause.paused_by, "since": from_us(pause.paused_at), "reason": pause.reason}


def _outcome(outcome: StreamOutcome) -> dict[str, Any]:
    return {
        "system": outcome.system,
        "stream": outcome.stream,
        "direction": outcome.direction,
        "status": outcome.status,
        "counts": dict(outcome.counts),
        "error": _problem(outcome.error) if outcome.error else None,
        "drift": [_drift(item) for item in outcome.drift],
        "seconds": round(outcome.seconds, 3),
    }


def _drift(item: Drift) -> dict[str, Any]:
    told = {"path": item.path, "kind": item.kind.value, "type": item.type or None, "before": item.before or None}
    return {**told, "fields": list(item.fields), "status": item.status.value}


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        "id": plan.id,
        "system": plan.system,
        "status": plan.status.value,
        "changes": _count(item.status.value for item in plan.items),
    }


def _creations(plan: CreationPlan) -> dict[str, Any]:
    records = _count(item.status.value for item in plan.items)
    return {"id": plan.id, "system": plan.system, "records": records}


def _count(values: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for value in values:
        found[value] = found.get(value, 0) + 1
    return found


def _problem(problem: Problem) -> dict[str, str]:
    return {"kind": problem.kind, "message": problem.message, "remedy": problem.remedy}
