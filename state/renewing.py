"""Does something again and again beside a block, such as prolonging a lease while long work goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def again(work: Callable[[], None], name: str, seconds: float) -> Iterator[None]:
    """For the block, call ``work`` every ``seconds`` from a thread called ``name``; what it raises ends the calls."""
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(seconds):
            work()

    thread = threading.Thread(target=repeat, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
