"""Pulling a tap's stream: records, versions, ids, and what a page's cursor covers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.contract import Deletes, Page, RejectedRecord
from connectors.errors import ContractError
from connectors.singer.reading import Reader
from connectors.singer.running import Taps
from tests.connectors.singer.conftest import Stage, entry, line, record, schema, state


def ids(pages: list[Page]) -> list[list[str]]:
    return [[item.source_id for item in page.records] for page in pages]


def held(page: Page) -> Any:
    """The state in a page's cursor."""
    text = page.cursor.get("state")
    return None if text is None else json.loads(text)


def test_a_record_is_the_bytes_that_the_tap_wrote(stage: Stage) -> None:
    at = '"updated_at":"2026-01-01T08:00:00.000001+08:00"'
    body = "{ " + at + ',"id" : 7, "net":1.10, "名":"\\u00e9", "no": 12345678901234567890}'
    stage.plays(schema("id"), {"out": f'{{"type":"RECORD","stream":"orders","record":{body},"version":1}}\n'})
    [page] = stage.pull(stage.singer())
    [found] = page.records
    assert found.body == body.encode()
    assert (found.source_id, found.version) == ("7", 1_767_225_600_000_001)
    assert page.complete


def test_half_a_character_costs_that_character(stage: Stage) -> None:
    stage.plays(schema("id"), {"out": '{"type":"RECORD","stream":"orders","record":{"id":1,"note":"a\\ud83d"}}\n'})
    assert stage.pull(stage.singer())[0].records[0].body == b'{"id":1,"note":"a\\ufffd"}'


@pytest.mark.parametrize(
    ("value", "version"),
    [
        (12, 12),
        ("2026-01-01", 1_767_225_600_000_000),
        ("2026-01-01 00:00:00", 1_767_225_600_000_000),
        ("2026-01-01T00:00:00.123456789Z", 1_767_225_600_123_456),
        ("12", None),
        ("20260101", None),
        ("soon", None),
        ("0001-01-01T00:00:00+23:59", -62_135_683_140_000_000),
        (1.5, None),
        (True, None),
        (None, None),
        (2**63, None),
        ({"at": 1}, None),
    ],
)
def test_the_version_is_the_bookmark_if_it_is_a_time_or_a_whole_number(
    stage: Stage, value: Any, version: int | None
) -> None:
    stage.plays(schema("id"), record(1, updated_at=value))
    assert stage.pull(stage.singer())[0].records[0].version == version


def test_another_field_may_tell_the_version_or_none(stage: Stage) -> None:
    stage.plays(schema("id"), record(1, revision=5))
    assert stage.pull(stage.singer(stream={"cursor_field": "revision"}))[0].records[0].version == 5
    assert stage.pull(stage.singer(stream={"versions": False}))[0].records[0].version is None


def test_the_parts_of_a_key_are_joined_so_that_no_two_keys_are_one_id(stage: Stage) -> None:
    rows = [("a:b", "c"), ("a", "b:c"), ("a%3Ab", "c"), (1, True)]
    stage.plays(schema("shop", "no"), *(record(0, shop=shop, no=no) for shop, no in rows))
    assert ids(stage.pull(stage.singer())) == [["a%3Ab:c", "a:b%3Ac", "a%253Ab:c", "1:true"]]


def test_a_record_whose_key_is_missing_is_rejected_and_the_rest_is_read(stage: Stage) -> None:
    odd: list[dict[str, Any]] = [{"id": None}, {"id": ""}, {"id": {"x": 1}}, {"id": "x" * 501}]
    stage.plays(schema("id"), *(record(1, **fields) for fields in odd), line("RECORD", stream="orders"), record(2))
    [page] = stage.pull(stage.singer())
    assert ids([page]) == [["2"]]
    assert [(item.source_id, item.field) for item in page.rejected] == [("", "id")] * 4 + [("", "")]
    assert "cannot name a record" in page.rejected[0].reason


def test_a_record_with_nan_is_rejected_under_its_id(stage: Stage) -> None:
    stage.plays(
        schema("id"), {"out": '{"type": "RECORD", "stream": "orders", "record": {"id": 3, "x": NaN}}\n'}, record(4)
    )
    [page] = stage.pull(stage.singer())
    assert ids([page]) == [["4"]]
    [refused] = page.rejected
    assert isinstance(refused, RejectedRecord)
    assert (refused.source_id, "NaN" in refused.reason) == ("3", True)


def test_the_configured_key_wins_over_the_taps(stage: Stage) -> None:
    stage.plays(schema("id"), record(1, number="SO-1"))
    assert ids(stage.pull(stage.singer(stream={"key": ["number"]}))) == [["SO-1"]]


def test_a_stream_without_primary_key_is_refused_unless_a_key_is_configured(stage: Stage) -> None:
    bare = entry("orders")
    bare["metadata"] = []
    stage.discovers(bare)
    stage.plays(schema(), record(1))
    with pytest.raises(ContractError, match="has no primary key") as caught:
        stage.pull(stage.singer())
    assert "`key`" in caught.value.remedy
    assert ids(stage.pull(stage.singer(stream={"key": ["id"]}))) == [["1"]]


def test_records_without_a_schema_go_by_the_catalogs_key(stage: Stage) -> None:
    stage.plays(record(1))
    assert ids(stage.pull(stage.singer())) == [["1"]]


def test_types_are_read_in_any_case_and_unknown_ones_passed_over(stage: Stage) -> None:
    stage.plays(
        line("schema", stream="orders", key_properties=["id"], schema={}),
        line("ACTIVATE_VERSION", stream="orders", version=1),
        line("WEATHER", sky="blue"),
        {"out": "\n  \n"},
        line("record", stream="orders", record={"id": 1}),
        line("state", value={"a": 1}),
    )
    [page] = stage.pull(stage.singer())
    assert (ids([page]), held(page)) == ([["1"]], {"a": 1})


def test_records_of_other_streams_are_left_out(stage: Stage) -> None:
    stage.plays(record(9, stream="customers"), schema("id"), record(1))
    assert ids(stage.pull(stage.singer())) == [["1"]]


def test_a_stream_sent_under_another_name_does_not_look_like_one_without_news(stage: Stage) -> None:
    stage.plays(schema("id", stream="public-orders"), record(1, stream="public-orders"))
    with pytest.raises(ContractError, match="sent public-orders, and nothing of orders") as caught:
        stage.pull(stage.singer())
    assert "sent_as" in caught.value.remedy
    assert ids(stage.pull(stage.singer(stream={"sent_as": "public-orders"}))) == [["1"]]


def test_a_page_has_a_thousand_records_and_the_last_state_before_its_end(stage: Stage) -> None:
    def rows(count: int) -> dict[str, Any]:
        return {"times": count, "out": '{"type": "RECORD", "stream": "orders", "record": {"id": "%d"}}\n'}

    stage.plays(schema("id"), rows(400), state({"at": 1}), rows(1700), state({"at": 2}), rows(3))
    pages = stage.pull(stage.singer())
    assert [len(page.records) for page in pages] == [1000, 1000, 103]
    assert [held(page) for page in pages] == [{"at": 1}, {"at": 1}, {"at": 2}]
    assert [page.complete for page in pages] == [False, False, True]


def test_a_page_is_bounded_in_bytes_as_well(stage: Stage) -> None:
    big = '{"type": "RECORD", "stream": "orders", "record": {"id": "%d", "note": "' + "x" * 6_000_000 + '"}}\n'
    stage.plays(schema("id"), {"times": 4, "out": big})
    assert [len(page.records) for page in stage.pull(stage.singer())] == [3, 1]


def test_a_slow_taps_records_are_handed_on_at_a_state(stage: Stage) -> None:
    stage.plays(schema("id"), record(1), state({"at": 1}), record(2), state({"at": 2}), record(3))
    singer = stage.singer()
    stream = singer.config.streams["order"]
    run = Taps(singer.config, singer.stats).start(stream)
    pages = list(Reader(run, stream, {}, page_seconds=0).pages())
    assert ids(pages) == [["1"], ["2"], ["3"]]
    assert [held(page) for page in pages] == [{"at": 1}, {"at": 2}, {"at": 2}]


def test_the_state_goes_back_to_the_tap_to_the_digit(stage: Stage) -> None:
    value = '{"bookmarks": {"orders": {"at": 1.10, "no": 12345678901234567.123}}}'
    stage.plays(schema("id"), record(1), {"out": f'{{"type": "STATE", "value": {value}}}\n'})
    singer = stage.singer()
    [page] = stage.pull(singer)
    assert page.cursor["state"] == value
    stored = json.loads(json.dumps(page.cursor))
    stage.plays(schema("id"))
    [again] = stage.pull(singer, stored)
    assert (again.records, again.complete, again.cursor) == ([], True, stored)
    assert stage.runs[-1]["state"] == json.loads(value)


def test_a_state_before_the_records_covers_none_of_them(stage: Stage) -> None:
    """The Singer SDK sends the state it was given before anything else."""
    stage.plays(state({"at": 1}), schema("id"), record(1), {"exit": 1})
    pages, _ = stage.attempt(stage.singer())
    assert (ids(pages), held(pages[-1])) == ([["1"]], {"at": 1})


def test_the_first_pull_and_a_full_one_give_the_tap_no_state(stage: Stage) -> None:
    stage.plays(schema("id"), record(1), state({"at": 1}))
    singer = stage.singer()
    [page] = stage.pull(singer)
    stage.pull(singer, page.cursor, full=True)
    stage.pull(singer, page.cursor)
    syncs = [run for run in stage.runs if "--discover" not in run["argv"]]
    assert [run["state"] for run in syncs] == [None, None, {"at": 1}]


def test_a_state_of_null_is_no_state(stage: Stage) -> None:
    stage.plays(schema("id"), record(1), state(None))
    singer = stage.singer()
    [page] = stage.pull(singer)
    stage.pull(singer, page.cursor)
    assert stage.runs[-1]["state"] is None


def test_a_state_of_another_stream_or_way_of_reading_is_not_used(stage: Stage) -> None:
    stage.plays(schema("id"), state({"at": 1}))
    [page] = stage.pull(stage.singer())
    stage.pull(stage.singer(stream={"replication_method": "FULL_TABLE"}), page.cursor)
    assert stage.runs[-1]["state"] is None
    stage.pull(stage.singer(stream={"stream": "customers", "sent_as": "orders"}), page.cursor)
    assert stage.runs[-1]["state"] is None


def test_since_is_told_to_the_tap_and_leaves_the_cursor_where_it_was(stage: Stage) -> None:
    stage.plays(schema("id"), record(1), state({"at": 9}))
    singer = stage.singer(start_date_setting="start_date")
    old = {"stream": "orders", "state": '{"at": 1}'}
    [page] = stage.pull(singer, old, since=datetime(2026, 1, 2, 3, tzinfo=UTC))
    assert page.cursor == old
    assert (stage.runs[-1]["config"]["start_date"], stage.runs[-1]["state"]) == ("2026-01-02T03:00:00Z", None)


def test_since_is_refused_where_the_tap_cannot_be_told(stage: Stage) -> None:
    with pytest.raises(ContractError, match="cannot be told where to begin") as caught:
        stage.pull(stage.singer(), since=datetime(2026, 1, 2, tzinfo=UTC))
    assert "start_date_setting" in caught.value.remedy


def test_a_record_marked_as_deleted_is_a_deleted_id(stage: Stage) -> None:
    stage.plays(
        schema("id"),
        record(1),
        record(2, _sdc_deleted_at=None),
        record(1, _sdc_deleted_at="2026-01-01T00:00:00Z"),
        record(3, _sdc_deleted_at="2026-01-01T00:00:00Z"),
        record(3),
    )
    singer = stage.singer(stream={"deletes": "tombstones"})
    [page] = stage.pull(singer)
    assert (ids([page]), page.deleted_ids) == ([["1", "2", "3"]], ("1",))
    assert singer.streams()[0].deletes is Deletes.TOMBSTONES


def test_a_sweep_lists_the_ids_of_a_whole_run(stage: Stage) -> None:
    stage.plays(
        schema("id"), record(1), record(2, id=None), record(3, _sdc_deleted_at="2026-01-01"), record(4), state(1)
    )
    singer = stage.singer(stream={"deletes": "sweep"})
    assert [list(batch) for batch in singer.ids("order")] == [["1", "4"]]
    assert stage.runs[-1]["state"] is None
    stage.plays(schema("id"), record(1), {"exit": 1})
    with pytest.raises(ContractError):
        list(singer.ids("order"))


def test_batches_in_files_are_refused_rather_than_lost(stage: Stage) -> None:
    stage.plays(schema("id"), line("BATCH", stream="orders", encoding={"format": "jsonl"}, manifest=["file:///x"]))
    with pytest.raises(ContractError, match="BATCH") as caught:
        stage.pull(stage.singer())
    assert "batch_config" in caught.value.remedy


def test_a_thousand_equal_timestamps_are_all_read(stage: Stage) -> None:
    row = '{"type": "RECORD", "stream": "orders", "record": {"id": "%d", "updated_at": "2026-01-01T00:00:00Z"}}\n'
    stage.plays(schema("id"), {"times": 1500, "out": row}, state({"at": 1}))
    pages = stage.pull(stage.singer())
    assert len({item.source_id for page in pages for item in page.records}) == 1500
