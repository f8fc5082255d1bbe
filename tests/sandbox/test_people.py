"""People of the demo company at work: what they change is found, planned, and one of it waits for a person."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import settings as settings_room
from connectors.salesforce.connector import Salesforce
from sandbox.demo import config, people, systems
from sandbox.demo.place import Place
from state import held
from state.store import open_store
from sync import matching
from sync.job import run_push, run_sync

pytestmark = pytest.mark.slow


def test_what_people_change_is_to_be_written_and_where_two_differ_a_person_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Salesforce, "settle_seconds", 0.0)  # nobody else is at work whose commits may come late
    place, said = Place(tmp_path), list[str]()
    with systems.started(place) as endpoints:
        config.write(place, endpoints)
        settings = settings_room.load(place.settings)
        with open_store(settings.store) as store:
            run_sync(store, settings)
            matching.accept(store, settings.systems, "demo")
            run_push(store, settings, push="apply")
            assert run_sync(store, settings).plans == []
            assert people.work(endpoints, said.append) == 5
            (plan,) = run_sync(store, settings).plans
            with store.reading() as connection:
                assert held.counts(connection, "crm")["ask"] == 1
    assert (plan.system, len(plan.open_items)) == ("forms", 4)
    assert sum(change.contested for item in plan.items for change in item.changes) == 1
    assert len(said) == 3


def test_without_a_demo_it_is_told_how_to_make_one(tmp_path: Path) -> None:
    told: list[Any] = []
    with pytest.raises(RuntimeError, match="`ltc demo run` first"):
        systems.work(tmp_path, told.append)
    assert told == []
