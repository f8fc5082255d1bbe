"""How a process collects garbage while it starts up, and after."""

from __future__ import annotations

import gc
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
