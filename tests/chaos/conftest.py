"""One stage for all histories of a test module."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.machine import scratch
from tests.chaos.play import Stage


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A simulated world, ready to play."""
    with tempfile.TemporaryDirectory(prefix="ltc-chaos-", dir=scratch()) as folder, Stage(Path(folder)).open() as made:
        yield made
