"""A world whose time is simulated: it begins some weeks ago and goes by ``advance`` alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

from conformance.world import World


class TimedWorld(World):
    """Whoever derives from it calls ``empty`` at the start, and says there what else begins anew.

    Time begins ``days_back`` days ago, so that it never gets ahead of the machine's.
    """

    days_back: ClassVar[int] = 30

    def __init__(self, folder: Path) -> None:  # noqa: ARG002 - a stand-in may have files
        self._now = self._beginning()
        self._made = 0
        """How many records people have made, for those that derive from it to count."""

    def empty(self) -> None:
        """Begin anew."""
        self._now, self.skew, self._made = self._beginning(), 0.0, 0

    def now(self) -> datetime:
        """Simulated."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time go by."""
        self._now += timedelta(seconds=seconds)

    def _beginning(self) -> datetime:
        return datetime.now(UTC).replace(microsecond=0) - timedelta(days=self.days_back)
