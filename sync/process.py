"""How a process of the command collects garbage while it starts up, and after, and lets people go before it."""

from __future__ import annotations

import gc
import os

_WHILE_STARTING = 50_000
_NICE = 5
_usual: tuple[int, int, int] | None = None
_begun = False


def starting() -> None:
    """Look for cyclic garbage after 50,000 new objects instead of 700; for a command's entry point to call first.

    Importing makes objects that live, so that collections find nothing: they would take an eighth of the CPU time of a
    run with nothing to do.
    """
    global _usual, _begun
    _begun = True
    _usual = _usual or gc.get_threshold()
    gc.set_threshold(_WHILE_STARTING, 20, 20)


def started() -> None:
    """Collect as usual from now on, leaving alone what is there: pages drop cycles as large as an answer.

    Does nothing in a process that did not begin with ``starting``, such as a Prefect worker.
    """
    global _usual
    if _usual is not None:
        gc.freeze()
        gc.set_threshold(*_usual)
        _usual = None


def yielding() -> None:
    """Let what people wait for, such as the workbench, have the processor first where there is not enough for both.

    Costs nothing on a machine that has time. Does nothing in a process that did not begin with ``starting``, where the
    system has no such priorities, and where somebody has given the process a lower one.
    """
    if _begun and hasattr(os, "setpriority") and os.getpriority(os.PRIO_PROCESS, 0) < _NICE:
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)
