"""What the conformance kit found of a connector, as data: for ``ltc connectors test`` and the workbench.

``python -m console.tested NAME FOLDER`` carries the checks out in a process of its own and prints a line of JSON for
each result. The workbench needs that: the kit stops the clock of the process it runs in, and may take minutes.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conformance.runner import Result


def one(result: Result) -> dict[str, Any]:
    """One result as JSON-able data; ``why`` in English."""
    return {
        "name": result.check.name,
        "area": result.check.area,
        "grave": result.check.grave,
        "status": result.status.value,
        "why": result.why.get("en") or None,
        "streams": list(result.streams),
        "seconds": round(result.seconds, 3),
    }


def as_dict(name: str, results: Sequence[Result]) -> dict[str, Any]:
    """All results of a connector with its grade, as JSON-able data."""
    from conformance.grades import grade

    made = grade(results)
    return {
        "connector": name,
        "grade": made.letter,
        "passed": made.passed,
        "applicable": made.applicable,
        "areas_not_applicable": list(made.empty),
        "checks": [one(result) for result in results],
    }


def _main(name: str, folder: Path) -> None:
    """The number of checks, each result as it is known, and all of it with the grade."""
    from conformance import catalogue
    from conformance.runner import Run
    from conformance.worlds import world_of

    threading.Thread(target=_end_with_parent, daemon=True).start()
    kind = world_of(name, folder)
    checks = catalogue.checks()
    _say({"checks": len(checks)})
    with Run(kind) as run:
        results = []
        for result in run.results(checks):
            results.append(result)
            _say({"result": one(result) | {"why": result.why}})
    _say({"done": as_dict(name, results)})


def _say(line: dict[str, Any]) -> None:
    print(json.dumps(line, ensure_ascii=False), flush=True)


def _end_with_parent() -> None:
    """The other side keeps our input open as long as it lives."""
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    try:
        _main(sys.argv[1], Path(sys.argv[2]))
    except Exception as error:  # told to whoever reads the lines
        _say({"problem": f"{type(error).__name__}: {error}"})
        sys.exit(1)
