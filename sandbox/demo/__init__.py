"""The demo: five systems and a bank on loopback with a year of business, and the whole job run over them.

``run`` does everything once, ``up`` brings the systems back and leaves them running, ``work`` lets people change
something in them, ``down`` stops them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal


def run(folder: Path, engine: Literal["prefect", "local"] = "prefect", locale: str | None = None) -> int:
    """Do the whole demo in ``folder``, from nothing; returns the exit code."""
    from sandbox.demo import show

    return show.run(folder, engine, locale)


def up(folder: Path) -> None:
    """Bring the demo's systems up with the data they had, and leave them running."""
    from sandbox.demo import systems

    systems.up(folder)


def down(folder: Path) -> None:
    """Stop the demo's systems; their data stays."""
    from sandbox.demo import systems

    systems.down(folder)


def work(folder: Path) -> None:
    """Let people of the company change a few records in its systems, which are brought up for it."""
    from sandbox.demo import systems

    systems.work(folder)
