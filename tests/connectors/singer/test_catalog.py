"""Which streams a tap has, and the catalog that selects one of them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors import registry
from connectors.contract import Deletes
from connectors.errors import ContractError
from connectors.singer.config import SingerConfig
from tests.connectors.singer.conftest import SECRET, Stage, entry, record, schema, state
from tests.connectors.singer.test_pull import ids


def selected(stage: Stage) -> dict[str, Any]:
    """Stream → what the catalog of the last run says of it and of its fields."""
    return {
        item["tap_stream_id"]: {
            ".".join(found["breadcrumb"][1:]): found["metadata"].get("selected") for found in item["metadata"]
        }
        for item in stage.runs[-1]["catalog"]["streams"]
    }


def test_only_the_stream_that_is_pulled_is_selected_with_all_its_fields(stage: Stage) -> None:
    orders = entry("orders", "id", "note", "never", "costly", "picked")
    about = {
        "never": {"inclusion": "unsupported"},
        "costly": {"selected-by-default": False},
        "picked": {"selected": False},
    }
    for name, metadata in about.items():
        orders["metadata"].append({"breadcrumb": ["properties", name], "metadata": metadata})
    stage.discovers(entry("customers", selected=True), orders)
    stage.plays(schema("id"))
    stage.pull(stage.singer())
    fields = {"id": True, "note": True, "never": False, "costly": None, "picked": False}
    assert selected(stage) == {"customers": {"": False}, "orders": {"": True, **fields}}


def test_chosen_fields_are_selected_with_key_and_cursor(stage: Stage) -> None:
    stage.discovers(entry("orders", "id", "updated_at", "note", "amount", **{"valid-replication-keys": ["updated_at"]}))
    stage.plays(schema("id"))
    stage.pull(stage.singer(stream={"fields": ["amount"]}))
    assert selected(stage)["orders"] == {"": True, "id": True, "updated_at": True, "note": False, "amount": True}
    with pytest.raises(ContractError, match="has no field amuont") as caught:
        stage.pull(stage.singer(stream={"fields": ["amuont"]}))
    assert caught.value.remedy == "Did you mean amount?"


def test_replication_is_overridden_where_taps_of_either_kind_read_it(stage: Stage) -> None:
    stage.plays(schema("id"))
    stage.pull(stage.singer(stream={"replication_method": "INCREMENTAL", "replication_key": "changed"}))
    [orders] = [item for item in stage.runs[-1]["catalog"]["streams"] if item["tap_stream_id"] == "orders"]
    assert (orders["replication_method"], orders["replication_key"]) == ("INCREMENTAL", "changed")
    root = orders["metadata"][0]["metadata"]
    assert (root["replication-method"], root["replication-key"]) == ("INCREMENTAL", "changed")


def test_parents_are_read_too_and_their_records_left_out(stage: Stage) -> None:
    stage.plays(schema("id", stream="customers"), record(5, stream="customers"))
    [page] = stage.pull(stage.singer(stream={"parents": ["customers"]}))
    assert (page.records, page.complete) == ([], True)
    assert selected(stage)["customers"][""] is True
    assert selected(stage)["customers"].get("id") is None


def test_the_tap_is_asked_for_its_catalog_once(stage: Stage) -> None:
    stage.plays(schema("id"), record(1))
    singer = stage.singer()
    stage.pull(singer)
    stage.pull(singer)
    assert ["--discover" in run["argv"] for run in stage.runs] == [True, False, False]


def test_a_catalog_file_saves_asking(stage: Stage, tmp_path: Path) -> None:
    path = tmp_path / "catalog.json"
    path.write_text(json.dumps({"streams": [entry("orders")]}))
    stage.plays(schema("id"), record(1))
    assert ids(stage.pull(stage.singer(catalog=str(path)))) == [["1"]]
    assert len(stage.runs) == 1
    with pytest.raises(ContractError, match="cannot be read"):
        stage.pull(stage.singer(catalog=str(tmp_path / "none.json")))


def test_old_taps_get_their_catalog_as_properties_and_others_none(stage: Stage) -> None:
    stage.plays(schema("id"), record(1))
    stage.pull(stage.singer(catalog_argument="properties"))
    assert "--properties" in stage.runs[-1]["argv"]
    [orders, customers] = stage.runs[-1]["catalog"]["streams"]
    assert (orders["schema"]["selected"], customers["schema"]["selected"]) == (True, False)
    assert orders["schema"]["properties"]["note"]["selected"] is True
    assert ids(stage.pull(stage.singer(catalog_argument="none"))) == [["1"]]
    assert stage.runs[-1]["catalog"] is None


def test_check_tells_which_streams_can_be_read(stage: Stage) -> None:
    stage.plays(schema("id"), record(1), {"hang": True})
    [line] = stage.singer().check()
    assert (line.ok, line.detail, line.can_read, line.can_write) == (True, "readable, by id", True, False)


def test_check_names_the_streams_that_are_like_a_missing_one(stage: Stage) -> None:
    [line] = stage.singer(stream={"stream": "order"}).check()
    assert (line.ok, line.detail, line.remedy) == (False, "The tap has no stream order.", "Did you mean orders?")
    [line] = stage.singer(stream={"stream": "invoices"}).check()
    assert line.remedy == "It has: orders, customers."


def test_check_says_what_to_do_about_a_tap_that_is_not_there_or_cannot_run(stage: Stage, tmp_path: Path) -> None:
    [line] = stage.singer(executable="tap-of-nobody").check()
    assert line.detail == "There is no program tap-of-nobody on PATH."
    assert "environment of its own" in line.remedy
    tap = tmp_path / "tap-x"
    tap.write_text("#!/nowhere/python\n")
    [line] = stage.singer(executable=str(tap)).check()
    assert line.remedy == f"Make it executable: chmod +x {tap}"
    tap.chmod(0o700)
    [line] = stage.singer(executable=str(tap)).check()
    assert "cannot be started" in line.detail
    assert "installed anew" in line.remedy


def test_check_tells_of_missing_permission_a_missing_key_and_of_nothing_to_read(stage: Stage) -> None:
    stage.plays(schema("id"), {"err": "HTTPError: 403 Client Error: Forbidden\n", "exit": 1})
    [line] = stage.singer().check()
    assert (line.ok, line.can_read) == (False, False)
    assert "permission" in line.remedy
    stage.plays(schema("id"), record(1, id=None))
    [line] = stage.singer().check()
    assert (line.ok, "cannot name a record" in line.detail) == (False, True)
    stage.plays(schema("id"), state({}))
    [line] = stage.singer().check()
    assert (line.ok, line.detail) == (True, "readable, but it holds no records")


def test_check_does_not_call_a_slow_source_broken(stage: Stage) -> None:
    stage.plays({"hang": True})
    [line] = stage.singer(timeout_seconds=1).check()
    assert (line.ok, line.can_read) == (True, None)
    assert "wrote nothing for 1 seconds" in line.detail


def test_streams_are_those_of_the_settings(stage: Stage) -> None:
    singer = stage.singer(stream={"cursor_field": "changed", "deletes": "sweep"})
    [spec] = singer.streams()
    assert (spec.name, spec.entity, spec.cursor_field, spec.deletes) == ("order", "order", "changed", Deletes.SWEEP)
    assert spec.writable == ()
    assert registry.load("singer").Config is SingerConfig


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"executable": "bin/tap"}, "absolute path"),
        ({"config_file": "/tmp/x.json"}, "either config or config_file"),
        ({"catalog": "/x.json", "catalog_argument": "none"}, "cannot be given one"),
        ({"streams": {}}, "at least 1"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], reason: str) -> None:
    usual = {
        "executable": sys.executable,
        "config": {"token": SECRET},
        "streams": {"order": {"stream": "orders", "entity": "order"}},
    }
    with pytest.raises(ValidationError, match=reason):
        SingerConfig.model_validate({**usual, **settings})
    assert SECRET not in repr(SingerConfig.model_validate(usual))
