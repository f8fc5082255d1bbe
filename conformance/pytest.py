"""The kit in a connector's own repository, one test for each check.

from conformance.pytest import checks_of
from my_package.world import World

test_conformance = checks_of("my-connector", World)
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance import catalogue
from conformance.catalogue import Check
from conformance.runner import MakeWorld, Run, Status
from conformance.worlds import world_of


def checks_of(
    name: str, world: MakeWorld | None = None, *, folder: Path | None = None, only: tuple[str, ...] = (), seed: int = 1
) -> Callable[[Check], None]:
    """A test function with one case for each check. ``only``: areas and names, all without any.

    ``world`` is a ``conformance.world.World`` class, or anything that makes one of a folder; without it the connector's
    own is looked for, and for a manifest (looked for in ``folder``) one is made.
    """
    held: list[Run] = []
    lock = threading.Lock()

    def run() -> Run:
        with lock:
            if not held:
                held.append(Run(world or world_of(name, folder), seed=seed))
        return held[0]

    chosen = catalogue.chosen(only)

    @pytest.mark.parametrize("check", chosen, ids=[check.name for check in chosen])
    def conforms(check: Check) -> None:
        result = run().result(check)
        if check is chosen[-1] and held:
            held.pop().__exit__()
        if result.status is Status.NOT_APPLICABLE:
            pytest.skip(f"not applicable: {result.why['en']}")
        if result.status is not Status.PASSED:
            pytest.fail(f"{check.title['en']} {name}: {result.why['en']}", pytrace=False)

    conforms.__doc__ = f"{name} does what the conformance kit asks for."
    return conforms
