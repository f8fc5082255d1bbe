"""Threads here and in two more processes that use one connector at the same time, with its tokens in one store.

The store is the product's own: how a connector renews a token shows only where tokens are kept as in real life.
"""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from conformance.sleeping import really
from connectors.contract import Connector, Window
from connectors.declarative.connector import connector_of
from connectors.errors import ConnectorError
from connectors.localbudget import LocalBudget
from connectors.services import Services
from connectors.tokens import TokenVault
from state.store import Store, open_store
from state.tokens import StoreVault

PROCESSES = 2
"""Besides this one."""
_THREADS = 25
"""In each of them."""
_PATIENCE = 60.0
"""Seconds until another process has started, or has done its part."""


@dataclass(frozen=True, slots=True)
class Part:
    """What another process has to know."""

    place: str
    """Where it finds the connector's class (``World.place``)."""
    settings: dict[str, Any]
    stream: str
    store: str
    """Its address."""


@dataclass(frozen=True, slots=True)
class Race:
    """The other processes, ready to begin; ``vault`` is what they share with this one."""

    vault: TokenVault
    lines: list[Connection]

    def run(self, window: Window, threads: int, act: Callable[[], object]) -> list[str]:
        """Let so many threads do ``act`` here while those of each other process begin to pull in that window.

        Returns what went wrong elsewhere. Raises the first error of a thread here.
        """
        for line in self.lines:
            line.send(window)
        _together(threads, act)
        return [told for line in self.lines if (told := _received(line))]


@contextmanager
def race(folder: Path, place: str, settings: dict[str, Any], stream: str) -> Iterator[Race]:
    """Start the other processes and end them. The store is made in ``folder``."""
    part = Part(place, settings, stream, f"sqlite:///{folder / 'tokens.db'}")
    spawning, lines = multiprocessing.get_context("spawn"), []
    with ExitStack() as stack:
        store = stack.enter_context(open_store(part.store))
        for _ in range(PROCESSES):
            ours, theirs = spawning.Pipe()
            process = spawning.Process(target=_take_part, args=(part, theirs), daemon=True)
            process.start()
            stack.callback(_end, process, ours)
            theirs.close()
            lines.append(ours)
        for line in lines:
            _received(line)
        yield Race(_vault(store), lines)


def _received(line: Connection) -> str:
    """What another process says next. Raises ``RuntimeError`` if it says nothing, or has died."""
    if not line.poll(_PATIENCE):
        raise RuntimeError("another process of the race says nothing")
    try:
        return str(line.recv())
    except EOFError:
        raise RuntimeError("another process of the race has died") from None


def _end(process: multiprocessing.process.BaseProcess, line: Connection) -> None:
    process.kill()
    process.join()
    process.close()
    line.close()


def _vault(store: Store) -> TokenVault:
    return StoreVault(store, sleep=really)


def _take_part(part: Part, line: Connection) -> None:
    """What another process does, until it is ended."""
    kind = _kind(part.place)
    with open_store(part.store) as store, kind(kind.Config.model_validate(part.settings)) as connector:
        vault, budget = _vault(store), LocalBudget()
        connector.services = Services(lambda: vault, lambda: budget)
        line.send("")
        while True:
            line.send(_pulled(connector, part.stream, line.recv()))


def _pulled(connector: Connector[Any], stream: str, window: Window) -> str:
    try:
        _together(_THREADS, lambda: next(iter(connector.pull(stream, None, window))))
    except ConnectorError as error:
        return f"{type(error).__name__}: {error.message}"
    return ""


def _kind(place: str) -> type[Connector[Any]]:
    module, colon, name = place.partition(":")
    if not colon:
        return connector_of(Path(place))
    found: type[Connector[Any]] = getattr(import_module(module), name)
    return found


def _together(threads: int, act: Callable[[], object]) -> None:
    errors: list[BaseException] = []
    gate = threading.Barrier(threads)

    def run() -> None:
        gate.wait(10)
        try:
            act()
        except BaseException as error:
            errors.append(error)

    started = [threading.Thread(target=run, daemon=True) for _ in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join(20)
    if errors:
        raise errors[0]
