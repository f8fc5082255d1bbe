"""Show on standard error what a job is doing: moving lines on a terminal, one plain line a stream elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from console.output import printable
from sync.outcome import StreamOutcome
from sync.progress import Progress

if TYPE_CHECKING:
    from console.i18n import Texts

_QUIET_SECONDS = 10.0
_SHOWN = ("pulled", "new", "changed", "deleted", "rejected", "applied", "conflict", "listed", "opened", "cleared")


@contextmanager
def progress(locale: str = "en") -> Iterator[Progress]:
    """Progress for a job, for the time of the block."""
    from console.i18n import texts

    if sys.stderr.isatty():
        moving = Moving(texts(locale))
        try:
            yield moving
        finally:
            moving.stop()
    else:
        yield Plain(texts(locale))


class Plain:
    """A line when a stream ends, and every ten seconds while it works."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._last: dict[tuple[str, str], float] = {}

    def stream_started(self, system: str, stream: str, direction: str) -> None:  # noqa: ARG002 - the protocol's
        """Remember when."""
        self._last[system, stream] = time.monotonic()

    def page(self, system: str, stream: str, counts: dict[str, int]) -> None:
        """Say how far it is, now and then."""
        now = time.monotonic()
        if now - self._last.get((system, stream), now) >= _QUIET_SECONDS:
            self._last[system, stream] = now
            self._say(self._texts("progress.page", what=f"{system}.{stream}", counts=_counts(counts, self._texts)))

    def stream_done(self, outcome: StreamOutcome) -> None:
        """Say what came of it."""
        self._say(_end(outcome, self._texts))

    def _say(self, text: str) -> None:
        print(printable(text), file=sys.stderr, flush=True)


class Moving:
    """A line for every stream in work, with its counts; lines of ended streams stay above."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._live: Any = None
        self._tasks: dict[tuple[str, str], Any] = {}

    def stop(self) -> None:
        """Leave the terminal as it was."""
        if self._live is not None:
            self._live.stop()

    def stream_started(self, system: str, stream: str, direction: str) -> None:
        """Add a line."""
        live = self._display()
        what = f"{system}.{stream} {self._texts('progress.' + direction)}"
        self._tasks[system, stream] = live.add_task(what, total=None, counts="")

    def page(self, system: str, stream: str, counts: dict[str, int]) -> None:
        """Show the counts."""
        task = self._tasks.get((system, stream))
        if task is not None:
            self._live.update(task, counts=_counts(counts, self._texts))

    def stream_done(self, outcome: StreamOutcome) -> None:
        """Replace the moving line by a standing one."""
        live = self._display()
        task = self._tasks.pop((outcome.system, outcome.stream), None)
        if task is not None:
            live.remove_task(task)
        live.console.print(printable(_end(outcome, self._texts)), markup=False, highlight=False)

    def _display(self) -> Any:
        if self._live is None:
            from rich.console import Console
            from rich.progress import Progress as Bars
            from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

            columns = (
                SpinnerColumn(),
                TextColumn("{task.description}", markup=False),
                TextColumn("{task.fields[counts]}", markup=False),
                TimeElapsedColumn(),
            )
            self._live = Bars(*columns, console=Console(stderr=True), transient=True)
            self._live.start()
        return self._live


def _end(outcome: StreamOutcome, texts: Texts) -> str:
    what = f"{outcome.system}.{outcome.stream} {texts('progress.' + outcome.direction)}"
    if outcome.error is not None:
        return texts("progress.failed", what=what, message=outcome.error.message)
    key = "progress.interrupted" if outcome.status == "interrupted" else "progress.done"
    counts = texts("progress.ready") if outcome.direction == "start" else _counts(outcome.counts, texts)
    return texts(key, what=what, counts=counts, seconds=f"{outcome.seconds:.1f}")


def _counts(counts: dict[str, Any], texts: Texts) -> str:
    parts = [
        f"{counts[name]:,} {texts('summary.columns.' + name).lower()}"
        for name in _SHOWN
        if isinstance(counts.get(name), int) and counts[name]
    ]
    return texts.listed(parts) or texts("progress.nothing")
