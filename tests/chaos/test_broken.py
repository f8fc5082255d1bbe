"""The simulator sees: each protection has a small history that goes wrong without it, and only without it.

``witnesses.json`` holds them as ``tests.chaos.shrink`` left them. Where the product changes so much that a witness no
longer shows anything, ``python -m tests.chaos --break NAME`` finds and prints another one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.chaos import broken
from tests.chaos.play import Stage

WITNESSES: dict[str, Any] = json.loads(Path(__file__).with_name("witnesses.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", broken.SWITCHES)
def test_without_its_protection_a_history_goes_wrong_and_with_it_it_does_not(stage: Stage, name: str) -> None:
    switch = broken.SWITCHES[name]
    assert stage.play(WITNESSES[name]).faults == []
    with switch.broken():
        faults = stage.play(WITNESSES[name]).faults
    assert switch.shows in {fault.kind for fault in faults}
