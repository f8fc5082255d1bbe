"""The race for a new token: fifty threads here and those of two other processes, over the store of the product."""

from __future__ import annotations

import pytest

from conformance import catalogue
from conformance.generic.world import world_of
from conformance.runner import Result, Run, Status
from conformance.world import World
from tests.conformance.alone import MANIFEST, AloneWorld, SharingWorld

pytestmark = pytest.mark.slow


def raced(world: type[World]) -> Result:
    """What came of the race."""
    (check,) = catalogue.chosen(("fifty-threads-one-token",))
    with Run(world) as run:
        return run.result(check)


@pytest.mark.parametrize("world", [world_of(MANIFEST), SharingWorld], ids=["by its manifest", "by its class"])
def test_other_processes_find_the_connector_and_share_its_token(world: type[World]) -> None:
    found = raced(world)
    assert (found.status, found.why) == (Status.PASSED, {})


def test_a_connector_that_keeps_its_token_to_its_own_process_is_found_out() -> None:
    found = raced(AloneWorld)
    assert (found.status, found.why["en"]) == (Status.FAILED, "3 tokens are asked for where 1 would do.")


def test_where_each_process_logs_in_for_itself_one_token_a_process_is_right() -> None:
    class Desk(AloneWorld):
        own_sessions = True

    assert raced(Desk).status is Status.PASSED


def test_what_goes_wrong_in_another_process_is_told() -> None:
    class Desk(SharingWorld):
        def place(self) -> str:
            return "tests.conformance.alone:Refusing"

    found = raced(Desk)
    assert (found.status, found.why["en"]) == (Status.FAILED, "In another process it ends with AuthError: Not today.")
