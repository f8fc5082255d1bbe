"""Run the whole job in processes that may be killed: imports everything once, then forks one child per line
of input (``sync``, ``crm``: a sync of only that system, or ``push``; and the path of ltc.yaml).

Answers each line with the child's process id, and then with its exit status (negative: the signal that killed it).
"""

from __future__ import annotations

import os
import sys
import traceback

from settings.load import load
from state.store import open_store
from sync.job import run_push, run_sync
from tests.jobs import company


def child(job: str, config: str) -> None:
    settings = load(config)
    with open_store(settings.store) as store:
        run = run_push if job == "push" else run_sync
        result = run(store, settings, push="apply", systems=["crm"] if job == "crm" else None)
    os._exit(0 if result.status == "done" else 3)


def main() -> None:
    company.install()
    from reconciliation import tieouts  # noqa: F401  what a child would import
    from sync import push  # noqa: F401

    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            try:
                child(*line.strip().split(maxsplit=1))
            except BaseException:
                traceback.print_exc()
                os._exit(1)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
