"""What the store says of one system, the same on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from connectors import retry
from connectors.buckets import Bucket
from settings.model import Settings
from state import budgetrows, pauses, runs, system_facts, windows
from state.clock import now_us
from state.pauses import WHOLE
from state.store import Store
from state.system_facts import Holder, Listed, Webhooks
from sync.job import run_pull, run_sweep
from tests.jobs.conftest import crm, erp, settings, systems, toys
from tests.jobs.toy import ToySystem

__all__ = ["crm", "erp", "settings", "systems", "toys"]


@pytest.fixture(autouse=True)
def _no_waiting() -> Any:
    with retry.no_waiting():
        yield


def test_what_the_store_knows_of_a_system(store: Store, settings: Settings, crm: ToySystem) -> None:
    run_pull(store, settings)
    crm.remove("deal", "d1")
    run_sweep(store, settings, systems=["crm"], force=True)
    with store.reading() as connection:
        (found,) = system_facts.listed(connection, "crm").values()
        assert found == Listed(6, 6, 0, found.at)
        assert system_facts.listed(connection, "erp") == {}
        assert system_facts.webhooks(connection, "crm") == Webhooks(None, 0, 0)
        assert system_facts.tokens(connection, "toy") == []
        assert windows.count(connection, "crm", "deal", 0) == windows.Window(held=6, since=0, undated=6)
        assert windows.count(connection, "crm", "nothing", 0) == windows.Window(0, 0, 0)
        assert windows.pulls(connection, "crm", "deal") == [windows.Pace(records=7, calls=3)]


def test_who_works_on_a_system_is_named_while_the_lease_holds(store: Store) -> None:
    with (
        runs.lease(store, "stream crm.deal", owner="worker-7:4711:2/3"),
        runs.lease(store, "push to crm", owner="worker-8:12:2/3"),
        runs.lease(store, "stream crm2.deal", owner="worker-9:13:2/3"),
        store.reading() as connection,
    ):
        found = system_facts.holders(connection, "crm")
        assert [item[:3] for item in found] == [("push to crm", "worker-8", "12"), ("crm.deal", "worker-7", "4711")]
        assert all(isinstance(item, Holder) and item.expires_at > now_us() for item in found)
    with store.reading() as connection:
        assert system_facts.holders(connection, "crm") == []


def test_a_run_is_known_to_be_at_work_here_and_which_flow_run_it_is_part_of(store: Store) -> None:
    with runs.belonging_to("0d3b8a52"), runs.running(store, "pull") as run, store.reading() as connection:
        assert system_facts.is_held_here(connection, run.id)
        assert system_facts.flow_run(connection, run.id) == "0d3b8a52"
    with store.reading() as connection:
        assert not system_facts.is_held_here(connection, run.id)
        assert system_facts.flow_run(connection, "nothing") is None


def test_what_is_counted_on_an_account_is_read_without_making_a_row(store: Store) -> None:
    with store.reading() as connection:
        assert system_facts.buckets(connection, ["toy:1"]) == {}
    with store.transaction() as connection:
        budgetrows.load(connection, ["toy:1"])
        budgetrows.save(connection, {"toy:1": Bucket(most=7)}, now_us())
    with store.reading() as connection:
        assert system_facts.buckets(connection, ["toy:1", "toy:2"])["toy:1"].most == 7


def test_a_pause_holds_for_the_system_before_its_streams(store: Store) -> None:
    with store.transaction() as connection:
        pauses.pause(connection, "crm", "deal", "olaf", "one")
        pauses.pause(connection, "crm", WHOLE, "anna", "all")
        pauses.pause(connection, "crm", WHOLE, "anna", "all of it")
        found = pauses.read(connection)
        assert [(item.what, item.reason) for item in found] == [("crm", "all of it"), ("crm.deal", "one")]
        (whole, stream) = found
        assert (found.of("crm", "deal"), found.own("crm", "deal")) == (whole, stream)
        assert (found.of("erp"), found.among("crm", ["deal"]), found.among("erp", ["deal"])) == (None, whole, None)
        pauses.resume(connection, "crm", WHOLE, "anna")
        assert pauses.read(connection).of("crm", "deal") == stream
