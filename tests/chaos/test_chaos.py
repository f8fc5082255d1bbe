"""Fresh histories of every kind, the same seed the same history, and that the simulator's own tools work."""

from __future__ import annotations

import subprocess
import sys
import time
from copy import deepcopy

import pytest

from state import circuits
from state.circuits import Circuit
from sync import session
from tests.chaos import broken
from tests.chaos.history import PROFILES, generate
from tests.chaos.play import Stage
from tests.chaos.shrink import as_test, shrink


@pytest.mark.parametrize("profile", PROFILES)
def test_fresh_histories_lose_double_and_overwrite_nothing(stage: Stage, profile: str) -> None:
    first = time.time_ns() % 1_000_000_000
    for seed in range(first, first + 8):
        faults = stage.play(generate(profile, seed)).faults
        assert faults == [], f"python -m tests.chaos --profile {profile} --runs 1 --seed {seed}"


def test_systems_that_rest_after_a_single_failed_run_lose_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    rested: list[str] = []

    class Counted(session.Resting):
        def __init__(self, circuit: Circuit) -> None:
            rested.append(circuit.system)
            super().__init__(circuit)

    monkeypatch.setattr(circuits, "AFTER", 1)
    monkeypatch.setattr(session, "Resting", Counted)
    monkeypatch.setattr(stage, "unattended", True)
    for seed in range(40):
        for profile in ("push", "create", "mixed"):
            assert stage.play(generate(profile, seed)).faults == [], f"{profile}, seed {seed}, unattended"
    assert len(rested) > 10


def test_a_seed_is_always_the_same_history_with_the_same_end(stage: Stage) -> None:
    assert generate("mixed", 7) == generate("mixed", 7)
    ends = [stage.play(generate("mixed", 7)) for _ in range(2)]
    assert (ends[0].said, ends[0].points, ends[0].writes) == (ends[1].said, ends[1].points, ends[1].writes)


def test_a_failing_history_is_made_small_and_printed_as_a_test_that_fails_too(stage: Stage) -> None:
    switch = broken.SWITCHES["no-tombstones"]
    with switch.broken():
        seed = next(seed for seed in range(1000) if stage.play(generate("pull", seed)).faults)
        whole = generate("pull", seed)
        small = shrink(whole, lambda history: bool(stage.play(history).faults))
        assert len(str(small)) < len(str(whole)) / 2
        names: dict[str, object] = {"Stage": Stage, "replay": lambda stage, history: stage.play(history).faults}
        exec(as_test(small, "1").replace("    replay(", "    return replay("), names)
        found: object = names["test_found_1"]
        assert callable(found)
        assert found(stage)
    assert stage.play(deepcopy(small)).faults == []


def test_the_command_prints_the_seed_and_what_it_found() -> None:
    command = [sys.executable, "-m", "tests.chaos", "--runs", "6", "--seed", "3", "--jobs", "1", "--profile", "pull"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[0] == "seed=3 runs=6 profiles=pull"
    assert lines[-1] == "histories=6 lost=0 doubled=0 overwritten=0 stuck=0 wrong_totals=0"
