"""Every target, half a second each with one seed: the harness works, and nothing crashes at first sight."""

from __future__ import annotations

import pytest

from tests.fuzz.engine import Fuzzing, Target, call, limits
from tests.fuzz.mutate import text
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_no_input_of_half_a_second_crashes_a_parser(name: str) -> None:
    outcome = Fuzzing(TARGETS[name], 0.5, seed=1).run()
    assert outcome.executions > 0
    assert "\n".join(crash.trace for crash in outcome.crashes.values()) == ""


def _target(run: object) -> Target:
    return Target("of a test", ("nothing",), lambda: [b"abc"], text, run)  # type: ignore[arg-type]


def test_an_exception_that_is_not_documented_is_a_crash_and_is_told_once() -> None:
    def run(data: bytes) -> None:
        raise KeyError(data)

    outcome = Fuzzing(_target(run), 0.05, seed=1).run()
    assert outcome.executions > 1
    (crash,) = outcome.crashes.values()
    assert crash.where.startswith("KeyError at tests/fuzz/test_smoke.py:")
    assert crash.data == b"abc"


def test_a_hang_is_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(_data: bytes) -> None:
        while True:
            pass

    monkeypatch.setattr("tests.fuzz.engine.LONGEST_SECONDS", 0.05)
    with limits():
        crash = call(_target(run), b"")
    assert crash is not None
    assert crash.where.startswith("Hang at ")


def test_taking_too_much_memory_is_a_crash() -> None:
    def run(_data: bytes) -> None:
        bytearray(600 * 1024 * 1024)

    with limits():
        crash = call(_target(run), b"")
    assert crash is not None
    assert crash.where.startswith("MemoryError at ")


def test_the_same_seed_makes_the_same_inputs() -> None:
    seen: list[list[bytes]] = [[], []]
    for inputs in seen:
        Fuzzing(_target(inputs.append), 0.05, seed=7).run()
    shorter = min(map(len, seen))
    assert shorter > 10
    assert seen[0][:shorter] == seen[1][:shorter]
