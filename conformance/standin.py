"""A world that is one HTTP server: what goes wrong there, what it was asked, its time, and settings as wished for."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from conformance.world import Wish, World
from sandbox.http import Faults, Request


class Serving(Protocol):
    """A server of the sandbox, or one that passes on what its own server offers."""

    @property
    def faults(self) -> Faults:
        """What goes wrong next."""

    def requests(self, where: str = "") -> list[Request]:
        """The requests so far."""

    def forget(self) -> None:
        """Empty the log of requests."""

    def stop(self) -> None:
        """Stop serving."""


S = TypeVar("S", bound=Serving)


class StandIn(World, Generic[S]):
    """Whoever derives from it sets ``_server``, says in ``empty`` what else begins anew, and calls it at the start.

    Time begins ``days_back`` days ago, so that it never gets ahead of the machine's, and goes by ``advance`` alone.
    """

    days_back: ClassVar[int] = 30
    page_size: ClassVar[str | None] = "page_size"
    """The connector's setting for the size of pages; ``None``: it has none."""
    _server: S

    def __init__(self, folder: Path) -> None:  # noqa: ARG002 - a stand-in may have files
        self._now = self._beginning()
        self._made = 0
        """How many records people have made, for those that derive from it to count."""

    def close(self) -> None:
        """Stop it."""
        self._server.stop()

    def empty(self) -> None:
        """Begin anew: time, faults and remembered requests."""
        self._now, self.skew, self._made = self._beginning(), 0.0, 0
        self._server.faults.clear()
        self._server.forget()

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """The connector's settings without any wish."""

    @abstractmethod
    def wrong_credentials(self) -> Mapping[str, Any]:
        """The settings that replace those of the same names, so that the system refuses the credentials."""

    def elsewhere(self, address: str) -> Mapping[str, Any]:
        """The settings that name an address, ``http://host:port``, instead of the stand-in's own."""
        return {"base_url": address}

    def config(self, wish: Wish) -> dict[str, Any]:
        """The settings as they are wished for."""
        config = self.settings()
        if wish.wrong:
            config |= self.wrong_credentials()
        if wish.address is not None:
            config |= self.elsewhere(wish.address)
        if wish.page_size is not None and self.page_size is not None:
            config[self.page_size] = wish.page_size
        if wish.timeout is not None:
            config["timeout_seconds"] = wish.timeout
        return config

    @property
    def faults(self) -> Faults:
        """What goes wrong next."""
        return self._server.faults

    def requests(self, where: str = "") -> list[Request]:
        """The requests so far."""
        return self._server.requests(where)

    def now(self) -> datetime:
        """Simulated."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time go by."""
        self._now += timedelta(seconds=seconds)

    def _beginning(self) -> datetime:
        return datetime.now(UTC).replace(microsecond=0) - timedelta(days=self.days_back)
