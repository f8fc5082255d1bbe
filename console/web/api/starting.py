"""Start a run and say where it can be looked at: 202 with ``Location``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console import freshness
from console.i18n import texts
from console.web.api.run_models import Started
from console.web.problems import Refusal

if TYPE_CHECKING:
    from fastapi import Response

    from console.i18n import Texts
    from console.web.api.callers import Caller
    from console.web.work import Worker
    from state.pauses import Pause

_AGAIN = "Wait until it has ended: GET /api/v1/runs?status=running."
LOCATION: dict[int | str, dict[str, Any]] = {
    202: {"headers": {"Location": {"description": "Where the run can be looked at", "schema": {"type": "string"}}}}
}


def start(
    caller: Caller,
    worker: Worker,
    response: Response,
    kind: str,
    *,
    system: str | None = None,
    plan_id: str | None = None,
    **given: Any,
) -> Started:
    """Start a run of the workbench; raises ``Refusal`` 409 if one is going on, or it could not even begin.

    ``given`` is what ``Worker.start`` takes besides.
    """
    systems = caller.limit if system is None and plan_id is None else None
    at_work = worker.start(kind, caller.name, system=system, systems=systems, plan_id=plan_id, **given)
    if at_work is None:
        raise busy()
    id = at_work.begun()
    if id is None and worker.problem:
        sentence, _, remedy = worker.problem.partition("\n")
        raise Refusal(409, sentence, remedy.strip().removeprefix("→ "))
    base = caller.visit.request.scope.get("root_path", "")
    address = f"{base}/runs/{id}" if id else f"{base}/runs?status=running"
    response.headers["Location"] = address
    return Started(run=id, address=address)


def busy() -> Refusal:
    """That one is in the way."""
    return Refusal(409, "A run that was started here is at work on the same systems, or reconciles.", _AGAIN)


def refuse_paused(caller: Caller, pause: Pause | None, *, allowed: bool) -> None:
    """Raise ``Refusal`` 409 for what people have paused, unless the caller said that it is to be done all the same."""
    if pause is not None and not allowed:
        remedy = f"Resume it, POST /api/v1/systems/{pause.system}/resume, or send `paused: true` to do it all the same."

        def told(words: Texts) -> str:
            return f"{freshness.paused(pause, caller.settings, words).rstrip('.。')}{words('api.stop')}"

        raise Refusal(409, told(texts("en")), remedy, words=told)
