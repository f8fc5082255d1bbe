"""What a job tells while it works; the console and Prefect each listen in their own way."""

from __future__ import annotations

from typing import Protocol

from sync.outcome import StreamOutcome


class Progress(Protocol):
    """Called from the job's thread, once per stream or page; must not raise and should return at once."""

    def stream_started(self, system: str, stream: str, direction: str) -> None:
        """Work on a stream begins."""

    def page(self, system: str, stream: str, counts: dict[str, int]) -> None:
        """A page is committed; ``counts`` are the sums so far."""

    def stream_done(self, outcome: StreamOutcome) -> None:
        """Work on a stream has ended, well or not."""


class Silent:
    """Tells nobody."""

    def stream_started(self, system: str, stream: str, direction: str) -> None:
        """Say nothing."""

    def page(self, system: str, stream: str, counts: dict[str, int]) -> None:
        """Say nothing."""

    def stream_done(self, outcome: StreamOutcome) -> None:
        """Say nothing."""
