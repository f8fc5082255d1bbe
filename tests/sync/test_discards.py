"""Records in quarantine that somebody has discarded: what leaves them be, and what brings them back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mappings.engine import Mapping
from state import audit, discards, measures, quarantine, queries, schema, shapes
from state.quarantine import Refused
from state.shapes import Drift, Kind, Status
from sync.drift import accept
from sync.replay import replay
from tests.sync.conftest import RejectedRecord, Shop, Toy, order, page

DISCARDED = "SELECT source_id, discarded_by, discard_reason FROM quarantine WHERE discarded_at IS NOT NULL"


@pytest.fixture
def discarded(shop: Shop) -> Shop:
    """Of two orders in states that nobody mapped, the first has been discarded; a third could be mapped."""
    shop.pull(Toy(page(order(1, state="weird"), order(2, state="stranger"), order(3))))
    discard(shop, "1")
    return shop


def discard(shop: Shop, source_id: str) -> list[Refused]:
    with shop.store.transaction() as connection:
        found = quarantine.named(connection, "shop", "order", [source_id])
        return discards.discard(connection, [item.record_id for item in found], " A test order ", "Li Na")


def listed(shop: Shop, *, off: bool = False) -> list[str]:
    with shop.store.reading() as connection:
        return sorted(item.source_id for item in quarantine.listing(connection, discarded=off))


def test_a_discarded_record_is_off_the_list_and_every_count_and_nothing_of_it_is_lost(discarded: Shop) -> None:
    assert (listed(discarded), listed(discarded, off=True)) == (["2"], ["1"])
    assert discarded.rows(DISCARDED) == [("1", "Li Na", "A test order")]
    with discarded.store.reading() as connection:
        assert (quarantine.count(connection), quarantine.count(connection, discarded=True)) == (1, 1)
        assert quarantine.counts(connection, ["shop"]) == {"shop": 1}
        assert measures.quarantined(connection) == {("shop", "order"): 1}
        states = {key[2]: count for key, count in measures.records(connection).items()}
        assert states == {"held": 1, "quarantined": 1, "discarded": 1}
        (stream,) = queries.streams(connection)
        assert (stream.held, stream.quarantined, stream.discarded) == (1, 1, 1)
        (uncounted,) = queries.streams(connection, {})
        assert uncounted.quarantined == 0
    assert discarded.rows("SELECT count(*) FROM landing") == [(3,)]
    assert discarded.rows("SELECT state FROM record WHERE source_id = '1'") == [(1,)]


def test_it_stays_discarded_when_it_is_read_again_as_it_was(discarded: Shop) -> None:
    discarded.pull(Toy(page(order(1, state="weird"), order(2, state="stranger"), order(3))), full=True)
    discarded.pull(Toy(page(order(1, 7, state="weird"))))  # the same, with a version
    replay(discarded.store, discarded.mapping, "shop", run_id="p")
    assert (listed(discarded), listed(discarded, off=True)) == (["2"], ["1"])
    assert discarded.rows("SELECT attempts FROM quarantine WHERE source_id = '1'") == [(2,)]


def test_it_is_back_on_the_list_once_its_source_changes_it(discarded: Shop) -> None:
    discarded.pull(Toy(page(order(1, state="weird", net="7.00"))))
    assert (listed(discarded), listed(discarded, off=True)) == (["1", "2"], [])


def test_it_leaves_quarantine_once_its_source_mends_or_deletes_it(discarded: Shop) -> None:
    discard(discarded, "2")
    discarded.pull(Toy(page(order(1), deleted_ids=["2"])))
    assert (listed(discarded), listed(discarded, off=True)) == ([], [])
    assert discarded.numbers == ["SO-1", "SO-3"]


def test_another_mapping_understands_it_or_brings_it_back(
    discarded: Shop, written_mapping: Callable[..., Mapping]
) -> None:
    discard(discarded, "2")
    discarded.mapping = written_mapping("done: completed", "done: completed, weird: draft")
    discarded.pull(Toy(page()))
    assert discarded.numbers == ["SO-1", "SO-3"]
    assert (listed(discarded), listed(discarded, off=True)) == (["2"], [])
    discard(discarded, "2")
    discarded.pull(Toy(page()))  # with the same mapping it is left alone
    assert listed(discarded, off=True) == ["2"]


def test_what_the_connector_could_not_read_is_back_once_it_is_another(shop: Shop) -> None:
    shop.pull(Toy(page(rejected=[RejectedRecord("9", b"{", "", "is cut off")])))
    discard(shop, "9")
    shop.pull(Toy(page(rejected=[RejectedRecord("9", b"{", "", "is cut off")])), full=True)
    assert listed(shop, off=True) == ["9"]
    shop.pull(Toy(page(rejected=[RejectedRecord("9", b"{{", "", "is cut off")])))
    assert (listed(shop), listed(shop, off=True)) == (["9"], [])


def test_to_accept_how_records_look_now_does_not_bring_back_what_the_mapping_refuses_as_before(discarded: Shop) -> None:
    with discarded.store.transaction() as connection:
        stream = shapes.known_stream(connection, "shop", "order")
        assert stream is not None
        shapes.note(connection, stream.id, [Drift("net", Kind.RETYPED, "int", status=Status.OPEN)], "r1")
    accept(discarded.store, stream, None, actor="Li Na", reason="agreed")
    discarded.pull(Toy(page()))
    assert (listed(discarded), listed(discarded, off=True)) == (["2"], ["1"])


def test_who_discarded_what_and_why_and_who_put_it_back_is_in_the_audit(discarded: Shop) -> None:
    assert discard(discarded, "1") == []  # it is discarded already
    with discarded.store.transaction() as connection:
        (item,) = quarantine.listing(connection, discarded=True)
        assert len(discards.put_back(connection, [item.record_id], "Wang Wei", "It is an order")) == 1
        assert discards.put_back(connection, [item.record_id], "Wang Wei") == []
        rows = [entry for entry in audit.entries(connection) if entry.action.startswith("quarantine ")]
    named = {"system": "shop", "stream": "order", "source_id": "1"}
    assert sorted((row.actor, row.action, *row.detail.items()) for row in rows) == [
        ("Li Na", discards.DISCARDED, *sorted({**named, "reason": "A test order"}.items())),
        ("Wang Wei", discards.PUT_BACK, *sorted({**named, "reason": "It is an order"}.items())),
    ]
    assert (listed(discarded), listed(discarded, off=True)) == (["1", "2"], [])


def test_nothing_is_discarded_without_a_reason(shop: Shop) -> None:
    shop.pull(Toy(page(order(1, state="weird"))))
    with pytest.raises(ValueError, match="with a reason"), shop.store.transaction() as connection:
        discards.discard(connection, [1], "  ", "Li Na")
    assert listed(shop) == ["1"]


def test_nothing_of_a_discard_is_left_on_a_record_that_came_back(shop: Shop) -> None:
    shop.pull(Toy(page(order(1, state="weird"))))
    discard(shop, "1")
    names = [name for name in schema.quarantine.c.keys() if name.startswith("discard")]  # noqa: SIM118
    before = shop.rows(f"SELECT {', '.join(names)} FROM quarantine")[0]
    shop.pull(Toy(page(order(1, state="weird", net="2.00"))))
    after = shop.rows(f"SELECT {', '.join(names)} FROM quarantine")[0]
    assert (len(before), None in before, set(after)) == (4, False, {None})
