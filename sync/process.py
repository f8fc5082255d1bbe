"""What a process sets for itself before it works."""

from __future__ import annotations

import gc

_OBJECTS = 50_000


def collect_less_often() -> None:
    """Look for cyclic garbage after 50,000 new objects instead of 700.

    Starting up and pulling make objects that live, or that die without cycles: collections find nothing and take an
    eighth of the time of a run with nothing to do. For the process's entry point to call, first of all.
    """
    gc.set_threshold(_OBJECTS, 20, 20)
