"""Which runs keep others from starting, kind by kind."""

from __future__ import annotations

import pytest

from console.web.collisions import Going, in_the_way, to_wait_for

RECONCILING = ("sync", "reconcile", "replay", "close")
OTHERS = ("pull", "fetch", "sweep", "push")


@pytest.mark.parametrize("kind", [kind for kind in RECONCILING if kind != "sync"])
@pytest.mark.parametrize("at_work", RECONCILING)
def test_two_that_reconcile_do_not_go_on_beside_each_other_whatever_they_work_on(kind: str, at_work: str) -> None:
    going = Going("r1", at_work, frozenset(["crm"]))
    assert in_the_way(kind, ["erp"], [going]) is going


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("at_work", [*RECONCILING, *OTHERS])
def test_what_does_not_reconcile_waits_for_its_own_systems_alone(kind: str, at_work: str) -> None:
    going = Going("r1", at_work, frozenset(["crm"]))
    assert in_the_way(kind, ["erp"], [going]) is None
    assert in_the_way(kind, ["erp", "crm"], [going]) is going


@pytest.mark.parametrize("at_work", RECONCILING)
def test_a_sync_starts_beside_another_reconciliation_and_waits_for_its_turn(at_work: str) -> None:
    pull, going = Going("r0", "pull", frozenset(["bank"])), Going("r1", at_work, frozenset(["crm"]))
    assert in_the_way("sync", ["erp"], [pull, going]) is None
    assert in_the_way("sync", ["erp", "crm"], [pull, going]) is going
    assert to_wait_for([pull, going]) is going
    assert to_wait_for([pull]) is None


def test_of_several_at_work_the_one_that_is_in_the_way_is_named() -> None:
    beside, other = Going("r1", "pull", frozenset(["crm"])), Going("r2", "pull", frozenset(["erp"]))
    assert in_the_way("sync", ["erp"], [beside, other]) is other
