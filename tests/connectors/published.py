"""Stand-ins held against their vendor's published document: their clock, and the check of every exchange."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from sandbox.http import Application

START = datetime(2026, 10, 31, 10, 0, tzinfo=UTC)


class Clock:
    """A stand-in's clock: stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **duration: float) -> datetime:
        """Let time go by."""
        self.now += timedelta(**duration)
        return self.now


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer."""

    method: str
    path: str
    query: str
    """As it was sent, without the question mark."""
    headers: dict[str, str]
    """Of the request, names in lower case."""
    body: bytes
    """Of the request."""
    status: int
    kind: str
    """The content type of the answer."""
    content: bytes
    """Of the answer."""

    @property
    def line(self) -> str:
        """What it is called in ``problems``."""
        return f"{self.method} {self.path} {self.status}"


class Published(ABC):
    """``wrap`` an application; ``problems`` then lists every exchange that the document does not allow."""

    @abstractmethod
    def __init__(self, document: Path) -> None:
        self.problems: list[str] = []
        self.checked: list[str] = []

    @abstractmethod
    def check(self, exchange: Exchange) -> None:
        """Note what is wrong with one exchange."""

    def wrap(self, application: Application) -> Application:
        """The application, with each exchange checked before the answer leaves."""

        async def checked(scope: Any, receive: Any, send: Any) -> None:
            body, more = b"", True
            while more:
                message = await receive()
                body += message.get("body", b"")
                more = message.get("more_body", False)
            answer: list[Any] = []

            async def replay() -> Any:
                return {"type": "http.request", "body": body, "more_body": False}

            async def keep(message: Any) -> None:
                answer.append(message)

            await application(scope, replay, keep)
            self.check(_exchange(scope, body, answer))
            for message in answer:
                await send(message)

        return checked


P = TypeVar("P", bound=Published)


def at_hand(kind: Callable[[Path], P], vendor: str, name: str) -> P | None:
    """The check by a vendor's document, or ``None`` where that is not beside this checkout."""
    root = Path(os.environ.get("LTC_SHARED", Path(__file__).resolve().parents[3] / "shared"))
    document = root / "openapi" / vendor / name
    return kind(document) if document.is_file() else None


def wrapped(published: Published | None) -> Callable[[Application], Application]:
    """What puts the check, if there is one, around an application."""
    return published.wrap if published else lambda application: application


@contextmanager
def allowed(published: Published | None) -> Iterator[None]:
    """Fails at its end if an exchange meanwhile was one that the document does not allow."""
    before = len(published.problems) if published else 0
    yield
    if published:
        assert published.problems[before:] == []


def _exchange(scope: Any, body: bytes, answer: list[Any]) -> Exchange:
    return Exchange(
        scope["method"],
        scope["path"],
        scope["query_string"].decode(),
        _headers(scope["headers"]),
        body,
        answer[0]["status"],
        _headers(answer[0]["headers"]).get("content-type", ""),
        b"".join(message.get("body", b"") for message in answer[1:]),
    )


def _headers(raw: Any) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in raw}
