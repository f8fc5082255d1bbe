"""Make a Prefect task of each step of a job: a stream, the reconciliation, a plan, a push."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.states import Failed

from sync.outcome import StreamOutcome


@task(name="step", cache_policy=NO_CACHE, persist_result=False)
def _piece(work: Callable[[], Any], results: list[Any]) -> Any:
    result = work()
    results.append(result)
    failed = _failures(result)
    return Failed(message=failed) if failed else None


def as_task(name: str, work: Callable[[], Any]) -> Any:
    """Run ``work`` as a task called ``name``; a stream that failed is shown as failed, and its outcome returned."""
    results: list[Any] = []
    state = _piece.with_options(name=name, task_run_name=name)(work, results, return_state=True)
    if results:
        return results[0]
    return state.result()  # raises what `work` raised


def _failures(result: Any) -> str:
    outcomes = result if isinstance(result, list) else [result]
    errors = [item.error for item in outcomes if isinstance(item, StreamOutcome) and item.error]
    return " ".join(f"{error.message} {error.remedy}".strip() for error in errors)
