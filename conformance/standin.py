"""A world that is one HTTP server: what goes wrong there, what it was asked, and settings as wished for."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from conformance.timed import TimedWorld
from conformance.world import Wish
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


class StandIn(TimedWorld, Generic[S]):
    """Whoever derives from it sets ``_server``, and calls ``empty`` then."""

    page_size: ClassVar[str | None] = "page_size"
    """The connector's setting for the size of pages; ``None``: it has none."""
    _server: S

    def close(self) -> None:
        """Stop it."""
        self._server.stop()

    def empty(self) -> None:
        """Begin anew: time, faults and remembered requests."""
        super().empty()
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
