"""The stand-in's clock: the machine's, moved forward by tests, in whole seconds as Salesforce stamps records."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """Now, plus what ``advance`` added."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.now(UTC) + self._ahead

    def stamp(self) -> datetime:
        """Now, to the second: what a record changed now is stamped with."""
        return self.now().replace(microsecond=0)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._ahead += timedelta(seconds=seconds)
