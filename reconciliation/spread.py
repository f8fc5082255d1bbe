"""Work that falls into independent parts: done here one after another, or by what the caller provides for it.

``work`` is a function of a module, and parts and what comes of them can be pickled, so that any process that has this
package can do them. What comes back is in the order of the parts, so that nothing depends on who was quicker.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar

from settings.parallel import Parallel

Part = TypeVar("Part")
Done = TypeVar("Done")
Spread = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]
_AHEAD = 3
"""Parts that wait for each worker: enough that none is idle, few enough that memory does not grow with the parts."""


class Pending(Protocol):
    """A part that somebody works on, as futures of any library are."""

    def result(self) -> Any:
        """What came of it; raises what the work raised."""


def over(work: Callable[[Part], Done], parts: Iterable[Part]) -> Iterator[Done]:
    """What ``work`` makes of each part, in their order."""
    return _spread.get()(work, parts)


def _here(work: Callable[[Any], Any], parts: Iterable[Any]) -> Iterator[Any]:
    return map(work, parts)


_spread: ContextVar[Spread] = ContextVar("spread", default=_here)


@contextmanager
def by(spread: Spread) -> Iterator[None]:
    """Let ``spread`` do what falls into parts in the block."""
    token = _spread.set(spread)
    try:
        yield
    finally:
        _spread.reset(token)


@contextmanager
def as_set(parallel: Parallel) -> Iterator[None]:
    """Do what falls into parts in the block as the settings say; a cluster is the caller's to provide, with ``by``."""
    if parallel.runner != "processes":
        yield
        return
    from concurrent.futures import ProcessPoolExecutor  # only where it is asked for
    from multiprocessing import get_context

    # Spawned, not forked: DuckDB and the store's driver have threads, which a fork would leave behind half alive.
    with (
        ProcessPoolExecutor(parallel.workers, mp_context=get_context("spawn")) as pool,
        by(ahead(pool.submit, parallel.workers)),
    ):
        yield


def ahead(submit: Callable[[Callable[[Any], Any], Any], Pending], workers: int) -> Spread:
    """A spread that keeps ``workers`` busy through ``submit`` and holds no more parts than that takes."""

    def spread(work: Callable[[Any], Any], parts: Iterable[Any]) -> Iterator[Any]:
        waiting: deque[Pending] = deque()
        for part in parts:
            waiting.append(submit(work, part))
            if len(waiting) >= workers * _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    return spread
