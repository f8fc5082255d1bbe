"""Why a record could not be written is shown on the record itself, once, and goes when it is settled."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from connectors import retry
from mappings.engine import load
from mappings.errors import MappingFileError
from settings.model import Settings
from state import outbox
from state.outbox import FieldChange, Item
from state.store import Store
from sync.job import run_pull, run_push, run_sync
from sync.notes import LONGEST, said
from tests.jobs.toy import ToySystem


@pytest.fixture(autouse=True)
def _no_waiting() -> Any:
    with retry.no_waiting():
        yield


@pytest.fixture
def told(settings: Settings, crm: ToySystem) -> Settings:
    """The CRM shows errors in the field `why`, and takes no delivery state for deal d1."""
    path = settings.path.parent / "crm.yaml"
    path.write_text(path.read_text() + "    errors_to: why\n")
    crm.deaf.add("delivery")
    return settings


def why(crm: ToySystem) -> set[Any]:
    return {record.get("why") for record in crm.streams["deal"].values()}


def notes(crm: ToySystem) -> int:
    return sum("why" in values for _, _, values, _ in crm.writes)


def letters(store: Store) -> list[Item]:
    with store.reading() as connection:
        return outbox.dead_letters(connection)


SAID = (
    "LTC: delivery could not be written: "
    "the source accepted the change of delivery but still shows the old value: check permissions and automation"
)


def test_the_text_of_a_dead_letter_is_shown_once_and_nothing_goes_round(
    store: Store, told: Settings, crm: ToySystem
) -> None:
    for _ in range(6):
        assert run_sync(store, told).status in ("done", "partial")
    assert why(crm) == {SAID}
    assert notes(crm) == 7
    assert len(crm.writes) == 14
    assert len(letters(store)) == 7
    last = run_sync(store, told)
    assert [outcome for outcome in last.outcomes if outcome.direction == "push"] == []
    assert not last.reconciled


def test_it_goes_when_the_dead_letter_is_settled(store: Store, told: Settings, crm: ToySystem, erp: ToySystem) -> None:
    run_sync(store, told)
    run_sync(store, told)
    assert why(crm) == {SAID}
    crm.deaf.clear()
    for number in range(1, 8):
        erp.edit("order", f"o{number}", {"delivery": "returned"})
    for _ in range(3):
        run_sync(store, told)
    assert set(crm.values("deal", "delivery").values()) == {"returned"}
    assert why(crm) == {None}
    assert letters(store) == []
    before = len(crm.writes)
    run_sync(store, told)
    assert len(crm.writes) == before


def test_a_discarded_dead_letter_takes_its_text_along_and_is_not_sent_again(
    store: Store, told: Settings, crm: ToySystem
) -> None:
    run_sync(store, told)
    run_sync(store, told)
    with store.transaction() as connection:
        for item in outbox.dead_letters(connection):
            outbox.discard(connection, item.id, "never mind", "Li Na")
    for _ in range(4):
        run_sync(store, told)
    assert why(crm) == {None}
    assert len(crm.writes) == 21  # refused, noted, cleared


def test_what_somebody_else_wrote_there_stays(store: Store, told: Settings, crm: ToySystem) -> None:
    crm.edit("deal", "d1", {"why": "ask Bob"})
    run_sync(store, told)
    run_sync(store, told)
    crm.edit("deal", "d2", {"why": "mine"})
    crm.edit("deal", "d3", {"why": None})
    for _ in range(4):
        run_sync(store, told)
    shown = crm.values("deal", "why")
    assert (shown["d1"], shown["d2"], shown["d3"], shown["d4"]) == ("ask Bob", "mine", None, SAID)


def test_a_peer_that_rewrites_the_text_is_no_reason_to_write_it_again(
    store: Store, told: Settings, crm: ToySystem
) -> None:
    crm.rewrite["why"] = lambda value: value and f"  {value.upper()} "
    for _ in range(5):
        run_sync(store, told)
    assert notes(crm) == 7


def test_a_field_that_cannot_be_written_is_one_more_dead_letter_and_no_loop(
    store: Store, told: Settings, crm: ToySystem
) -> None:
    crm.deaf.add("why")
    for _ in range(6):
        run_sync(store, told)
    sent = len(crm.writes)
    run_sync(store, told)
    assert len(crm.writes) == sent <= 21
    assert sorted({change.field for item in letters(store) for change in item.changes}) == [
        "delivery_state",
        "error_note",
    ]


def test_it_is_off_unless_the_mapping_names_a_field(store: Store, settings: Settings, crm: ToySystem) -> None:
    crm.deaf.add("delivery")
    for _ in range(3):
        run_sync(store, settings)
    assert why(crm) == {None}


def test_a_text_that_was_written_is_no_news_when_it_is_read_again(store: Store, told: Settings, crm: ToySystem) -> None:
    for _ in range(4):
        run_sync(store, told)
    pulled = run_pull(store, told)
    counts = [outcome.counts for outcome in pulled.outcomes if outcome.system == "crm"]
    assert [(found["new"], found["changed"]) for found in counts] == [(0, 0)]
    with store.reading() as connection:
        rows = connection.execute(text("SELECT counts FROM stream_run WHERE direction = 'push' ORDER BY started_at"))
        assert [("noted" in row[0], "applied" in row[0]) for row in rows] == [(False, False), (True, False)]


def test_a_plan_shows_the_text_and_waits_like_any_other(store: Store, told: Settings, crm: ToySystem) -> None:
    run_sync(store, told)
    (plan,) = run_sync(store, told, push="plan").plans
    assert {change.source_field for item in plan.items for change in item.changes} == {"why"}
    assert notes(crm) == 0
    run_push(store, told, plan_id=plan.id, push="apply")
    assert notes(crm) == 7


def test_the_text_is_short_in_the_language_of_ltc_yaml_and_without_personal_values(told: Settings) -> None:
    path = told.path.parent / "crm.yaml"
    path.write_text(path.read_text() + "    personal: [delivery_state]\n")
    mapping = load(path).stream("deal")
    change = FieldChange("delivery_state", "delivery", None, "Anna", None, "Anna Weber", "r")
    item = Item(
        "crm", "deal", "opportunity", 1, "d1", None, 1, (change,), "k", message="'Anna Weber' is\nno word " + "x" * 999
    )
    chinese = said([item], mapping, "zh-CN")
    assert chinese.startswith("LTC：delivery 未能写入：'•••' is no word xxx")
    assert len(chinese) == LONGEST
    assert chinese.endswith("…")


def test_a_mapping_that_names_no_field_is_refused(told: Settings) -> None:
    path = told.path.parent / "crm.yaml"
    path.write_text(path.read_text().replace("errors_to: why", "errors_to: {field: why}"))
    with pytest.raises(MappingFileError, match="errors_to"):
        load(path)
