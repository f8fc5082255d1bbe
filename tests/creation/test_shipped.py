"""The shipped connectors: leads, orders and invoices are created in the demo's systems, each once, by any store."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml

import settings as settings_room
from sandbox.demo import config, systems
from sandbox.demo.place import Place
from settings.model import Settings
from state.store import open_store
from sync import matching
from sync.job import run_push, run_sync
from sync.result import SyncResult

pytestmark = pytest.mark.slow

RULES = [
    {"rule": "lead", "from": "forms.lead", "to": "crm.lead", "since": "2026-01-01", "limit": 100},
    {"rule": "order", "from": "crm.opportunity", "to": "erp.order", "since": "2026-01-01", "limit": 100},
    {"rule": "invoice", "from": "erp.delivery", "to": "books.invoice", "since": "2026-01-01", "limit": 100},
]
PLANNED = {"books": 24, "crm": 10, "erp": 7}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    place = Place(tmp_path_factory.mktemp("demo"))
    with systems.started(place) as endpoints:
        config.write(place, endpoints)
        document = yaml.safe_load(place.settings.read_text())
        place.settings.write_text(yaml.safe_dump({**document, "creation": RULES}))
        yield settings_room.load(place.settings)


@pytest.fixture(scope="module")
def story(demo: Settings, tmp_path_factory: pytest.TempPathFactory) -> dict[str, SyncResult]:
    """Plan, refuse, create, sync again; then the same with an empty store, as if the first one were lost."""
    with open_store(demo.store) as store:
        told = {"first": run_sync(store, demo), "refused": run_push(store, demo, push="apply")}
        matching.accept(store, demo.systems, "demo")
        told |= {"applied": run_push(store, demo, push="apply"), "again": run_sync(store, demo)}
    with open_store(f"sqlite:///{tmp_path_factory.mktemp('other')}/other.db") as other:
        told["other"] = run_sync(other, demo)
        matching.accept(other, demo.systems, "demo")
        told["other applied"] = run_push(other, demo, push="apply")
    return told


def planned(result: SyncResult) -> dict[str, int]:
    return {plan.system: len(plan.items) for plan in result.new_records}


def created(result: SyncResult) -> dict[str, dict[str, int]]:
    return {item.system: item.counts for item in result.outcomes if item.direction == "create"}


def test_each_system_is_to_get_what_it_lacks(story: dict[str, SyncResult]) -> None:
    assert planned(story["first"]) == PLANNED


def test_nothing_is_created_before_a_person_has_accepted_how_the_records_were_matched(
    story: dict[str, SyncResult],
) -> None:
    assert created(story["refused"]) == {}
    assert {problem.kind for problem in story["refused"].problems} == {"first_run"}


def test_the_vendors_take_all_of_it(story: dict[str, SyncResult]) -> None:
    assert story["applied"].problems == []
    made = created(story["applied"])
    assert {system: counts["applied"] for system, counts in made.items()} == PLANNED
    assert all(set(counts) == {"applied", "calls"} for counts in made.values())


def test_then_nothing_is_left_to_create_or_to_write(story: dict[str, SyncResult]) -> None:
    assert planned(story["again"]) == {}
    assert story["again"].plans == []


def test_a_store_that_knows_nothing_of_it_creates_nothing_again(story: dict[str, SyncResult]) -> None:
    assert story["other"].status == "done"
    assert story["other applied"].problems == []
    # What was made a moment ago is not in a pull yet, which leaves room for late commits: it is found by its key.
    assert sum(counts.get("applied", 0) for counts in created(story["other applied"]).values()) == 0
