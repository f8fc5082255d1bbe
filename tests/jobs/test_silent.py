"""A system that takes calls and answers none holds a run up once, not once for each of its streams."""

from __future__ import annotations

from pathlib import Path

import pytest

from settings.model import Settings
from state import circuits
from state.store import Store
from sync.job import run_pull, run_sync
from sync.outcome import StreamOutcome
from tests.jobs import company
from tests.jobs.toy import ToySystem

STREAMS = ("lead", "deal", "task")


@pytest.fixture
def three(settings: Settings, tmp_path: Path) -> Settings:
    """The CRM has three streams, and a tenth of a second for each answer."""
    settings.systems["crm"].config.update(
        streams=list(STREAMS), entities=["lead", "opportunity", "lead"], timeout_seconds=0.1
    )
    more = "".join(f"  {name}: {{entity: lead, fields: {{email: email}}}}\n" for name in ("lead", "task"))
    (tmp_path / "crm.yaml").write_text(company.MAPPINGS["crm"] + more)
    return settings


@pytest.fixture
def crm_with_three(crm: ToySystem) -> ToySystem:
    crm.streams |= {"lead": {}, "task": {}}
    return crm


def kinds(outcomes: list[StreamOutcome]) -> dict[str, str | None]:
    """What became of each stream of the CRM, in the order in which they were asked for."""
    return {item.stream: item.error.kind if item.error else None for item in outcomes if item.system == "crm"}


def asked(crm: ToySystem) -> list[str]:
    """The streams that were asked for, in order."""
    return list(dict.fromkeys(item.path.strip("/") for item in crm.server.requests()))


def test_one_stream_waits_for_a_system_that_hangs_and_the_others_say_which_one(
    store: Store, three: Settings, crm_with_three: ToySystem
) -> None:
    crm_with_three.server.faults.hang(".", times=100)
    result = run_sync(store, three)
    assert kinds(result.outcomes) == {"lead": "unanswered", "deal": "not_tried", "task": "not_tried"}
    told = {item.error.message for item in result.outcomes if item.error and item.error.kind == "not_tried"}
    assert told == {"Not tried: the system did not answer (stream lead)."}
    assert all(item.status == "failed" for item in result.outcomes if item.system == "crm")
    assert result.status == "partial"  # the ERP was read
    assert asked(crm_with_three) == ["lead"]


def test_the_next_run_reads_what_was_left_out_and_asks_last_for_what_was_not_answered(
    store: Store, three: Settings, crm_with_three: ToySystem
) -> None:
    crm_with_three.server.faults.hang("/lead", times=100)
    run_pull(store, three)
    for _ in range(2):
        crm_with_three.server.forget()
        assert kinds(run_pull(store, three).outcomes) == {"deal": None, "task": None, "lead": "unanswered"}
        assert asked(crm_with_three) == ["deal", "task", "lead"]
    crm_with_three.server.faults.clear()
    assert set(kinds(run_pull(store, three).outcomes).values()) == {None}
    crm_with_three.server.forget()
    run_pull(store, three)
    assert asked(crm_with_three) == list(STREAMS)


@pytest.mark.parametrize("status", [404, 409, 500, 503])
def test_a_refusal_or_a_failure_of_one_stream_leaves_out_no_other(
    sqlite_store: Store, three: Settings, crm_with_three: ToySystem, status: int
) -> None:
    crm_with_three.server.faults.answer("/lead", status, times=100)
    found = kinds(run_pull(sqlite_store, three).outcomes)
    assert found["lead"] not in (None, "not_tried")
    assert (found["deal"], found["task"]) == (None, None)


def test_a_system_that_hangs_in_run_after_run_rests(
    sqlite_store: Store, three: Settings, crm_with_three: ToySystem
) -> None:
    crm_with_three.server.faults.hang(".", times=100)
    for _ in range(circuits.AFTER):
        run_pull(sqlite_store, three, systems=["crm"], unattended=True)
    result = run_pull(sqlite_store, three, systems=["crm"], unattended=True)
    assert kinds(result.outcomes) == {"*": "resting"}
