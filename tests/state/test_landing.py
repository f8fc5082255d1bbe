"""Landing pages of records."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import NamedTuple

import pytest

from mappings.engine import StreamMapping
from mappings.statuses import is_out_of_order
from state import landing, remap
from state.failures import StoreError
from state.landing import Origin, RecordState, load_body
from tests.state.conftest import Orders, Record, order

HEADS = "SELECT source_id, version, seq, state FROM record ORDER BY source_id"
VERSIONS = "SELECT record_id, seq, version, origin, last_seen_at IS NULL FROM landing ORDER BY record_id, seq"
ROWS = "SELECT source_id, number, status, net_amount, deleted FROM orders ORDER BY source_id"
LINES = "SELECT record_id, line_no, sku, quantity FROM order_lines ORDER BY record_id, line_no"
QUARANTINE = "SELECT source_id, field, value, reason, attempts FROM quarantine ORDER BY source_id"


class Refused(NamedTuple):
    source_id: str
    body: bytes
    field: str
    reason: str


def test_a_new_record_is_kept_raw_and_mapped(orders: Orders) -> None:
    counts = orders.land(order("1", 5), order("2", 6))
    assert (counts.pulled, counts.new) == (2, 2)
    assert orders.rows(HEADS) == [("1", 5, 1, 0), ("2", 6, 1, 0)]
    assert orders.rows(ROWS) == [("1", "SO-1", "confirmed", 1000, 0), ("2", "SO-2", "confirmed", 1000, 0)]
    assert [line[1:] for line in orders.rows(LINES)] == [(1, "A", "2"), (1, "A", "2")]
    with orders.store.reading() as connection:
        assert load_body(connection, 1) == order("1").body


def test_the_same_bytes_again_write_nothing(orders: Orders) -> None:
    orders.land(order("1", 5))
    before = orders.rows(VERSIONS)
    counts = orders.land(order("1", 5))
    assert (counts.unchanged, counts.written) == (1, 0)
    assert orders.rows(VERSIONS) == before


def test_a_changed_record_gets_a_new_version_and_its_row_and_lines_are_replaced(orders: Orders) -> None:
    orders.land(order("1", 5, lines=[{"sku": "A", "qty": 1}, {"sku": "B", "qty": 1}]))
    counts = orders.land(order("1", 6, state="done", lines=[{"sku": "C", "qty": 3}]))
    assert counts.changed == 1
    assert orders.rows(VERSIONS) == [(1, 1, 5, 0, False), (1, 2, 6, 0, True)]
    assert orders.rows(ROWS) == [("1", "SO-1", "completed", 1000, 0)]
    assert orders.rows(LINES) == [(1, 1, "C", "3")]
    with orders.store.reading() as connection:
        assert json.loads(load_body(connection, 1, 1))["state"] == "open"


def test_an_older_version_is_never_applied(orders: Orders) -> None:
    orders.land(order("1", 9, state="done"))
    counts = orders.land(order("1", 8, state="open"))
    assert (counts.stale, counts.written) == (1, 0)
    assert orders.rows(ROWS)[0][2] == "completed"


def test_another_body_of_equal_version_is_applied(orders: Orders) -> None:
    orders.land(order("1", 9))
    assert orders.land(order("1", 9, state="done")).changed == 1


def test_the_same_bytes_with_a_higher_version_only_raise_the_version(orders: Orders) -> None:
    orders.land(order("1", 5))
    assert orders.land(order("1", 7)).unchanged == 1
    assert orders.rows(HEADS) == [("1", 7, 1, 0)]
    assert orders.land(order("1", 6, state="done")).stale == 1


def test_several_versions_in_one_page_all_land_and_the_newest_is_mapped(orders: Orders) -> None:
    counts = orders.land(order("1", 7, state="done"), order("2", 1), order("1", 5), order("1", 6, net="11.00"))
    assert (counts.pulled, counts.new, counts.changed) == (4, 2, 2)
    assert [row for row in orders.rows(VERSIONS) if row[0] == 1] == [
        (1, 1, 5, 0, False),
        (1, 2, 6, 0, False),
        (1, 3, 7, 0, True),
    ]
    assert orders.rows(ROWS)[0] == ("1", "SO-1", "completed", 1000, 0)


def test_without_versions_the_last_of_a_page_wins(orders: Orders) -> None:
    orders.land(order("1", state="done"), order("1"))
    assert orders.rows(ROWS)[0][2] == "confirmed"


def test_a_record_that_cannot_be_mapped_goes_to_quarantine_and_keeps_its_last_good_row(orders: Orders) -> None:
    orders.land(order("1", 5))
    counts = orders.land(order("1", 6, state="weird"))
    assert (counts.changed, counts.rejected) == (1, 1)
    assert orders.rows(HEADS) == [("1", 6, 2, RecordState.REJECTED)]
    assert orders.rows(ROWS)[0][2] == "confirmed"
    reason = "is not a status the mapping knows: open, done"
    assert orders.rows(QUARANTINE) == [("1", "status", '"weird"', reason, 1)]


def test_a_mended_record_leaves_quarantine(orders: Orders) -> None:
    orders.land(order("1", 5, state="weird"))
    orders.land(order("1", 6, state="stranger"))
    assert orders.rows(QUARANTINE)[0][4] == 2
    orders.land(order("1", 7))
    assert orders.rows(QUARANTINE) == []
    assert orders.rows(HEADS) == [("1", 7, 3, RecordState.LIVE)]
    assert len(orders.rows(LINES)) == 1


def test_a_record_the_mapping_skips_is_recognised_again_but_has_no_row(orders: Orders) -> None:
    counts = orders.land(order("1", kind="internal"))
    assert (counts.new, counts.skipped) == (1, 1)
    assert orders.land(order("1", kind="internal")).unchanged == 1
    assert orders.rows(ROWS) == []


def test_a_record_that_becomes_none_of_our_business_loses_its_row(orders: Orders) -> None:
    orders.land(order("1", 1))
    orders.land(order("1", 2, kind="internal"))
    assert (orders.rows(ROWS), orders.rows(LINES)) == ([], [])


def test_a_deletion_is_a_tombstone(orders: Orders) -> None:
    orders.land(order("1", 5), order("2", 5))
    counts = orders.land(deleted_ids=["1", "1", "unheard-of"])
    assert counts.deleted == 1
    assert orders.rows(HEADS)[0] == ("1", 5, 2, RecordState.DELETED)
    assert orders.rows(ROWS) == [("1", "SO-1", "confirmed", 1000, 1), ("2", "SO-2", "confirmed", 1000, 0)]
    assert orders.rows(VERSIONS)[1] == (1, 2, 5, Origin.DELETION, True)
    assert orders.land(deleted_ids=["1"]).deleted == 0
    with orders.store.reading() as connection:
        assert load_body(connection, 1) == order("1").body
        assert load_body(connection, 1, 2) == b""


def test_a_deleted_record_that_comes_back_is_revived(orders: Orders) -> None:
    orders.land(order("1", 5))
    orders.land(deleted_ids=["1"])
    assert orders.land(order("1", 4)).stale == 1
    assert orders.land(order("1", 5)).revived == 1
    assert orders.rows(ROWS) == [("1", "SO-1", "confirmed", 1000, 0)]


def test_a_deleted_record_that_comes_back_unusable_is_shown_alive_as_it_was(orders: Orders) -> None:
    orders.land(order("1", 5))
    orders.land(deleted_ids=["1"])
    orders.land(order("1", 6, state="weird"))
    assert orders.rows(ROWS) == [("1", "SO-1", "confirmed", 1000, 0)]


def test_our_own_write_read_back_is_no_news_to_the_next_pull(orders: Orders) -> None:
    orders.land(order("1", 5))
    with orders.store.transaction() as connection:
        written = [order("1", 6, state="done")]
        counts = landing.land_written(connection, orders.stream, orders.mapper, written, run_id="push")
    assert counts.changed == 1
    assert orders.rows(VERSIONS)[1][3] == Origin.WRITTEN
    assert orders.rows(ROWS)[0][2] == "completed"
    assert orders.land(order("1", 6, state="done")).unchanged == 1


def test_what_the_connector_refused_is_quarantined_with_its_reason(orders: Orders) -> None:
    refused = [Refused("9", b"{broken", "id", "is not JSON"), Refused("", b"{}", "id", "has no id")]
    counts = orders.land(order("1"), rejected=refused)
    assert (counts.pulled, counts.rejected) == (3, 2)
    assert [row[1:4] for row in orders.rows(QUARANTINE)] == [
        ("id", "<7 bytes>", "is not JSON"),
        ("id", "<2 bytes>", "has no id"),
    ]
    assert orders.land(rejected=refused).unchanged == 2


@pytest.mark.parametrize("body", [b"{", b"[]", b'"text"', b"\xff\xfe", b'{"number": "\\u0000", "state": "open"}', b""])
def test_a_malformed_body_is_one_rejected_record_and_the_others_land(orders: Orders, body: bytes) -> None:
    counts = orders.land(order("1"), Record("2", body), order("3"))
    assert (counts.new, counts.rejected) == (3, 1)
    assert [row[0] for row in orders.rows(ROWS)] == ["1", "3"]
    assert orders.rows(QUARANTINE)[0][0] == "2"


def test_an_id_that_no_database_can_hold_does_not_stop_the_page(orders: Orders) -> None:
    assert orders.land(Record("a\0b", order("1").body), order("2")).new == 2
    assert orders.land(Record("a\0b", order("1").body)).unchanged == 1


def test_a_page_of_more_ids_than_a_statement_takes_lands(orders: Orders) -> None:
    many = [order(str(number), 1) for number in range(31_000)]
    assert orders.land(*many).new == 31_000
    assert orders.land(*many).unchanged == 31_000


def test_a_failed_page_leaves_nothing_behind(orders: Orders) -> None:
    def fail_after_landing() -> None:
        with orders.store.transaction() as connection:
            landing.apply(connection, orders.stream, orders.mapper, [order("1")], run_id="r1")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        fail_after_landing()
    assert orders.rows(HEADS) == []
    assert orders.land(order("1")).new == 1


def test_a_stream_whose_mapping_names_another_entity_asks_for_a_replay(orders: Orders) -> None:
    with pytest.raises(StoreError, match=r"ltc replay --system shop --stream order"), orders.store.transaction() as c:
        landing.stream_id(c, "shop", "order", "quote")


def test_quarantine_is_retried_with_a_mended_mapping(
    orders: Orders, change_mapping: Callable[[str, str], StreamMapping]
) -> None:
    orders.land(order("1", 5, state="weird"), order("2", 5, state="stranger"))
    mended = change_mapping("done: completed", "done: completed, weird: draft")
    with orders.store.transaction() as connection:
        batches = remap.refused_by_another_mapping(connection, orders.stream, mended.fingerprint)
        counts = [remap.remap(connection, orders.stream, mended, batch, run_id="r2") for batch in batches]
        again = list(remap.refused_by_another_mapping(connection, orders.stream, mended.fingerprint))
    assert [(count.pulled, count.rejected) for count in counts] == [(2, 1)]
    assert again == []
    assert orders.rows(ROWS) == [("1", "SO-1", "draft", 1000, 0)]
    assert [(row[0], row[4]) for row in orders.rows(QUARANTINE)] == [("2", 2)]
    assert [row[3] for row in orders.rows(HEADS)] == [RecordState.LIVE, RecordState.REJECTED]


JUMPS = "SELECT record_id, was, became FROM out_of_order ORDER BY record_id"


def test_a_status_that_goes_back_against_its_order_is_noted(orders: Orders) -> None:
    orders.land(order("1", 1, state="done"), order("2", 1), order("3", 1, state="done"))
    orders.land(order("1", 2), order("2", 2, state="done"), order("3", 2, state="done", net="11.00"))
    assert orders.rows(JUMPS) == [(1, "completed", "confirmed")]


def test_a_status_of_our_own_writing_is_in_order(orders: Orders) -> None:
    orders.land(order("1", 1, state="done"))
    with orders.store.transaction() as connection:
        landing.land_written(connection, orders.stream, orders.mapper, [order("1", 2)], run_id="push")
    assert orders.rows(JUMPS) == []


@pytest.mark.parametrize(
    ("entity", "was", "became", "wrong"),
    [
        ("order", "draft", "completed", False),  # what came between was not seen
        ("order", "completed", "in_progress", False),  # reopened
        ("order", "completed", "draft", True),
        ("order", "cancelled", "completed", True),
        ("invoice", "void", "paid", True),
        ("invoice", "paid", "issued", False),
        ("opportunity", "lost", "open", False),
        ("opportunity", "lost", "won", True),
        ("lead", "converted", "working", True),
        ("lead", "working", "a word of tomorrow", False),
    ],
)
def test_which_changes_of_a_status_are_out_of_order(entity: str, was: str, became: str, wrong: bool) -> None:
    assert is_out_of_order(entity, was, became) is wrong
