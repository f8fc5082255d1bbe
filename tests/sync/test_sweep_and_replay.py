"""Finding deletions, and mapping again what is stored."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from connectors.errors import TransientError
from mappings.engine import Mapping
from state import remap, sourcecounts
from state.store import Store
from sync.outcome import StreamOutcome
from sync.replay import replay
from sync.sweep import sweep_stream
from tests.sync.conftest import SPEC, RejectedRecord, Shop, Toy, order, page


def sweep(shop: Shop, *listing: list[str] | Exception, force: bool = False) -> StreamOutcome:
    toy = Toy()
    toy.listing = listing
    return sweep_stream(shop.store, toy, shop.mapping, "shop", SPEC, run_id="s", force=force)


def filled(shop: Shop, count: int) -> list[str]:
    shop.pull(Toy(page(*(order(number) for number in range(count)))))
    return [str(number) for number in range(count)]


def test_what_the_listing_lacks_is_deleted(shop: Shop) -> None:
    filled(shop, 4)
    outcome = sweep(shop, ["0"], ["2", "3", "3", "not pulled yet"])
    assert (outcome.ok, outcome.counts) == (True, {"listed": 5, "deleted": 1, "calls": 0})
    assert shop.numbers == ["SO-0", "SO-2", "SO-3"]
    assert sweep(shop, ["0", "2", "3"]).counts["deleted"] == 0


def counted(shop: Shop) -> list[tuple[int, int, int]]:
    """What was listed, what we know of that by now, and what we hold beyond it."""
    with shop.store.reading() as connection:
        rows = connection.exec_driver_sql(sourcecounts.COMPARED).mappings()
        return [(row["counted"], row["held"], row["surplus"]) for row in rows]


def test_what_a_listing_comes_to_is_kept_beside_what_we_know_of_it(shop: Shop) -> None:
    filled(shop, 4)
    sweep(shop, ["0"], ["2", "3", "3", "not pulled yet"])
    assert counted(shop) == [(4, 3, 0)]
    shop.pull(Toy(page(order(7))))
    assert counted(shop) == [(4, 4, 0)]
    sweep(shop, ["0", "1", "2", "3", "7"])
    assert counted(shop) == [(5, 5, 0)]


def test_what_is_held_against_a_listing_that_is_not_believed_is_a_surplus(shop: Shop) -> None:
    ids = filled(shop, 30)
    sweep(shop, ids[21:])
    assert counted(shop) == [(9, 30, 21)]


def test_an_unfinished_listing_counts_nothing(shop: Shop) -> None:
    filled(shop, 2)
    sweep(shop, ["0"], TransientError("The shop is down."))
    assert counted(shop) == []


def test_an_unfinished_listing_deletes_nothing(shop: Shop) -> None:
    filled(shop, 4)
    outcome = sweep(shop, ["0"], TransientError("The shop is down."))
    assert outcome.error is not None
    assert (outcome.status, outcome.error.kind) == ("failed", "transient")
    assert len(shop.numbers) == 4


@pytest.mark.parametrize(
    ("held", "missing", "believed"),
    [(30, 20, True), (30, 21, False), (1000, 50, True), (1000, 51, False), (20, 20, True)],
)
def test_a_mass_deletion_is_not_believed(shop: Shop, held: int, missing: int, believed: bool) -> None:
    ids = filled(shop, held)
    outcome = sweep(shop, ids[missing:])
    assert outcome.ok is believed
    assert len(shop.numbers) == (held - missing if believed else held)
    if not believed:
        assert outcome.error is not None
        assert f"{missing} of the {held}" in outcome.error.message
        assert "--force" in outcome.error.remedy
        assert sweep(shop, ids[missing:], force=True).counts["deleted"] == missing


def test_a_record_that_is_listed_again_comes_back_with_the_next_pull(shop: Shop) -> None:
    filled(shop, 2)
    sweep(shop, ["0"])
    assert shop.pull(Toy(page(order(1)))).counts["revived"] == 1
    assert shop.numbers == ["SO-0", "SO-1"]


def test_a_record_without_an_id_is_not_taken_for_deleted(shop: Shop) -> None:
    shop.pull(Toy(page(order(1), rejected=[RejectedRecord("", b"{}", "id", "has no id")])))
    assert sweep(shop, ["1"]).counts["deleted"] == 0


def test_replay_maps_everything_again_from_what_is_stored(
    shop: Shop, written_mapping: Callable[..., Mapping], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remap, "_BATCH", 2)
    shop.pull(Toy(page(*(order(number) for number in range(5)), order(5, state="weird"))))
    shop.pull(Toy(page(order(1, net="99.00"), deleted_ids=["2"])))
    changed = written_mapping("number: number", "number: {template: 'X-{number}'}")
    versions = shop.rows("SELECT * FROM landing")
    outcomes = replay(shop.store, changed, "shop", run_id="p")
    assert [outcome.status for outcome in outcomes] == ["done"]
    assert shop.rows("SELECT number, net_amount, deleted FROM orders ORDER BY record_id") == [
        ("X-SO-0", 0, 0),
        ("X-SO-1", 9900, 0),
        ("X-SO-2", 200, 1),
        ("X-SO-3", 300, 0),
        ("X-SO-4", 400, 0),
    ]
    assert shop.rows("SELECT * FROM landing") == versions
    assert shop.rows("SELECT count(*) FROM order_lines") == [(10,)]


def test_replay_mends_quarantine_and_refuses_what_no_longer_maps(
    shop: Shop, written_mapping: Callable[..., Mapping]
) -> None:
    shop.pull(Toy(page(order(1, state="weird"), order(2))))
    changed = written_mapping("{open: confirmed, done: completed}", "{weird: draft}")
    counts = replay(shop.store, changed, "shop", run_id="p")[0].counts
    assert (counts["pulled"], counts["rejected"]) == (2, 1)
    assert shop.rows("SELECT source_id FROM quarantine") == [("2",)]
    assert shop.rows("SELECT source_id, state FROM record ORDER BY id") == [("1", 0), ("2", 1)]


def test_replay_moves_a_stream_to_another_entity(shop: Shop, written_mapping: Callable[..., Mapping]) -> None:
    shop.pull(Toy(page(order(1), order(2))))
    shop.mapping = written_mapping(
        "entity: order\n    fields: {number: number, currency: {const: CNY}, net_amount: net}\n"
        "    status: {path: state, values: {open: confirmed, done: completed}}",
        "entity: quote\n    fields: {number: number, currency: {const: CNY}, net_amount: net}\n"
        "    status: {path: state, values: {open: sent, done: accepted}}",
    )
    outcome = shop.pull(Toy(page()))
    assert outcome.error is not None
    assert "ltc replay" in outcome.error.remedy
    assert replay(shop.store, shop.mapping, "shop", run_id="p")[0].ok
    assert shop.rows("SELECT count(*) FROM orders") == [(0,)]
    assert shop.rows("SELECT count(*) FROM order_lines") == [(0,)]
    assert shop.rows("SELECT number, status FROM quotes ORDER BY number") == [("SO-1", "sent"), ("SO-2", "sent")]
    assert shop.pull(Toy(page())).ok


def test_replaying_twice_gives_the_same(store: Store, shop: Shop) -> None:
    shop.pull(Toy(page(order(1), order(2, state="weird"))))
    state = [shop.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in ("orders", "order_lines", "record")]
    for _ in range(2):
        replay(store, shop.mapping, "shop", run_id="p")
    assert [shop.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in ("orders", "order_lines", "record")] == state
