"""How a process of the command collects garbage while it starts up, and after, and lets people go before it."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from sync import process


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    usual = gc.get_threshold()
    yield
    process.started()
    gc.unfreeze()
    gc.set_threshold(*usual)


def test_collections_are_rarer_while_starting_up_and_as_usual_from_the_first_stream_on() -> None:
    usual = gc.get_threshold()
    process.starting()
    assert gc.get_threshold()[0] > usual[0]
    process.started()
    assert gc.get_threshold() == usual


def test_several_systems_may_begin_at_once() -> None:
    usual = gc.get_threshold()
    process.starting()
    process.started()
    process.started()
    assert gc.get_threshold() == usual


def test_a_process_that_others_started_keeps_its_own_ways() -> None:
    usual, frozen = gc.get_threshold(), gc.get_freeze_count()
    process.started()
    assert (gc.get_threshold(), gc.get_freeze_count()) == (usual, frozen)


@pytest.mark.skipif(not hasattr(os, "setpriority"), reason="this system has no priorities")
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("process.starting()", 5),
        ("", 0),  # a worker of Prefect, which others give its priority
        ("process.starting(); os.nice(7)", 7),
    ],
)
def test_a_run_of_the_command_lets_people_go_first(before: str, after: int) -> None:
    program = f"""
import os
from sync import process
os.setpriority = lambda which, who, priority: print(priority)
os.getpriority, os.nice = lambda *_: NICE, lambda by: globals().update(NICE=by)
NICE = 0
{before}
process.yielding()
print(NICE)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout.split()[0]) == after
