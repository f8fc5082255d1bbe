"""How long one thread computes while others want to: less than Python lets it by itself."""

from __future__ import annotations

import sys

SECONDS = 0.001
"""The longest turn while another thread waits."""


def shorten() -> None:
    """Let threads of this process take turns of a millisecond instead of five.

    A trace runs dozens of statements of DuckDB, each of which lets go of the interpreter and then waits for whoever
    has taken it. With twenty people at work 95 of 100 traces took 169 to 282 ms with Python's own turns, and 84 ms with
    these, at the same CPU time (docs/performance.md).
    """
    sys.setswitchinterval(SECONDS)
