"""The process that is killed: it pulls what one ltc.yaml says, once, and tells of each page that it has committed."""

from __future__ import annotations

import sys

from settings.load import load
from state.store import open_store
from sync.job import run_pull


class Told:
    """Progress for the test: a line for each page."""

    def stream_started(self, system: str, stream: str, direction: str) -> None: ...

    def page(self, system: str, stream: str, counts: dict[str, int]) -> None:
        sys.stdout.write("page\n")
        sys.stdout.flush()

    def stream_done(self, outcome: object) -> None: ...


def main() -> None:
    settings = load(sys.argv[1])
    with open_store(settings.store) as store:
        result = run_pull(store, settings, progress=Told())
    sys.exit(0 if result.status == "done" else 3)


main()
