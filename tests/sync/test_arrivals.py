"""Records that webhooks bring: each landed once, in the order of their versions, sealed while they wait."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from connectors.contract import Arrival, Delivery, Inbound, Notice, RawRecord, StreamSpec, Webhooks
from mappings.engine import Mapping
from state import arrivals, clock, rekey, retention, runs
from state.sealing import Key, Keys
from state.store import Store, open_store
from sync import webhooks
from sync.fetch import fetch_stream
from sync.outcome import StreamOutcome
from tests.sync.conftest import Shop, Toy, order, page

SPEC = StreamSpec("order", "order", webhooks=Webhooks.RECORD)


class Sending(Toy):
    """A toy that sends its orders and shows none: the request's id and records are what the test puts there."""

    def __init__(self, *script: Any) -> None:
        super().__init__(*script)
        self.next = Delivery("")

    def receive(self, request: Inbound) -> Delivery:
        return self.next


class Showing(Sending):
    """A toy that sends its orders, and shows them by id, too."""

    def __init__(self) -> None:
        super().__init__()
        self.shows: dict[str, RawRecord] = {}
        self.asked_for: list[Sequence[str]] = []

    def fetch(self, stream: str, ids: Sequence[str]) -> Iterator[Sequence[RawRecord]]:
        self.asked_for.append(ids)
        yield [self.shows[source_id] for source_id in ids if source_id in self.shows]


class Sent:
    """The shop and what is sent to it."""

    def __init__(self, shop: Shop, toy: Sending | None = None) -> None:
        self.shop = shop
        self.toy = toy or Sending()

    def send(self, delivery: str, *records: RawRecord, notices: Sequence[Notice] = ()) -> webhooks.Received:
        self.toy.next = Delivery(delivery, notices, [Arrival("order", record) for record in records])
        return webhooks.receive(self.shop.store, self.toy, "shop", ["order"], Inbound({}, {}, b""))

    def land(self) -> StreamOutcome:
        return fetch_stream(self.shop.store, self.toy, self.shop.mapping, "shop", SPEC, run_id="f")

    @property
    def waiting(self) -> list[str]:
        with self.shop.store.reading() as connection:
            return [item.record.source_id for item in arrivals.waiting(connection, "shop", "order", 1000)]

    @property
    def amounts(self) -> list[int]:
        return [row[0] for row in self.shop.rows("SELECT net_amount FROM orders WHERE deleted = 0 ORDER BY record_id")]


@pytest.fixture
def sent(shop: Shop) -> Sent:
    return Sent(shop)


def test_what_is_sent_is_kept_at_once_and_landed_later(sent: Sent) -> None:
    assert sent.send("d1", order(1), order(2))[:2] == (True, 2)
    assert sent.waiting == ["1", "2"]
    assert sent.land().counts["new"] == 2
    assert (sent.shop.numbers, sent.waiting) == (["SO-1", "SO-2"], [])
    assert sent.land().counts["pulled"] == 0


def test_a_request_that_is_sent_again_is_kept_once(sent: Sent) -> None:
    assert sent.send("d1", order(1)).new
    assert not sent.send("d1", order(1)).new
    assert sent.waiting == ["1"]
    sent.land()
    assert not sent.send("d1", order(1)).new
    assert sent.waiting == []


def test_the_same_record_in_another_request_changes_nothing(sent: Sent) -> None:
    sent.send("d1", order(1, 10))
    sent.send("d2", order(1, 10))
    outcome = sent.land()
    assert (outcome.counts["new"], outcome.counts["unchanged"]) == (1, 1)
    assert sent.shop.rows("SELECT count(*) FROM landing") == [(1,)]


@pytest.mark.parametrize("together", [True, False])
def test_an_older_version_that_comes_later_changes_nothing(sent: Sent, together: bool) -> None:
    for number, version in enumerate((20, 30, 10)):
        sent.send(f"d{number}", order(1, version, net=f"{version}.00"))
        if not together:
            sent.land()
    sent.land()
    assert sent.amounts == [3000]


def test_without_versions_the_last_that_came_counts(sent: Sent) -> None:
    for number, net in enumerate(("1.00", "2.00", "3.00")):
        sent.send(f"d{number}", order(1, net=net))
    sent.land()
    assert sent.amounts == [300]


def test_what_was_pulled_in_a_later_version_stays(sent: Sent) -> None:
    sent.shop.pull(Sending(page(order(1, 30, net="3.00"))))
    sent.send("d1", order(1, 20, net="2.00"))
    assert sent.land().counts["stale"] == 1
    assert sent.amounts == [300]


def test_what_is_deleted_comes_back_only_in_a_later_version(sent: Sent) -> None:
    sent.shop.pull(Sending(page(order(1, 30))))
    sent.shop.pull(Sending(page(deleted_ids=["1"], at=2)))
    for delivery, version in (("d1", 20), ("d2", 30), ("d3", None)):
        sent.send(delivery, order(1, version))
        assert sent.land().counts["stale"] == 1
        assert sent.shop.numbers == []
    sent.send("d4", order(1, 31))
    assert sent.land().counts["revived"] == 1
    assert sent.shop.numbers == ["SO-1"]


def test_where_records_can_be_read_a_deleted_one_comes_back_only_if_it_is_there(shop: Shop) -> None:
    toy = Showing()
    sent = Sent(shop, toy)
    shop.pull(Sending(page(order(1, 30))))
    shop.pull(Sending(page(deleted_ids=["1"], at=2)))
    sent.send("d1", order(1, 40))
    sent.land()
    assert shop.numbers == []
    toy.shows = {"1": order(1, 50)}
    sent.send("d2", order(1, 41))
    sent.land()
    assert shop.numbers == ["SO-1"]


def test_a_hint_and_a_record_in_one_request_are_both_taken(shop: Shop) -> None:
    toy = Showing()
    toy.shows = {"2": order(2)}
    sent = Sent(shop, toy)
    shop.pull(Sending(page(order(1, 10))))
    assert sent.send("d1", order(1, 20, net="7.00"), notices=[Notice("order", "2")]).noted == 2
    sent.land()
    assert sent.amounts == [700, 200]
    assert toy.asked_for == [["2"]]


def test_where_records_can_be_read_a_new_one_is_read_since_it_may_be_deleted_by_now(shop: Shop) -> None:
    toy = Showing()
    sent = Sent(shop, toy)
    sent.send("d1", order(1, 10))
    sent.send("d2", order(2, 10))
    toy.shows = {"2": order(2, 20, net="9.00")}
    sent.land()
    assert (shop.numbers, sent.amounts, sent.waiting) == (["SO-2"], [900], [])


def test_a_record_that_cannot_be_understood_goes_to_quarantine(sent: Sent) -> None:
    sent.send("d1", RawRecord("1", b'{"state": "unheard of"}'), RawRecord("2", b"{"), order(3))
    assert sent.land().counts["rejected"] == 2
    assert (sent.shop.numbers, sent.waiting) == (["SO-3"], [])


@pytest.mark.parametrize("source_id", ["", "a\0b", "x" * 300])
def test_a_record_without_a_usable_id_is_not_lost(sent: Sent, source_id: str) -> None:
    sent.send("d1", RawRecord(source_id, order(1).body))
    sent.land()
    assert sent.shop.numbers == ["SO-1"]


def test_many_records_are_landed_in_batches_and_none_is_left(sent: Sent) -> None:
    for number in range(250):
        sent.send(f"d{number}", order(number))
    assert sent.land().counts["new"] == 250
    assert sent.waiting == []


def test_what_cannot_be_landed_now_waits(sent: Sent) -> None:
    sent.send("d1", order(1))
    with sent.shop.store.transaction() as connection:
        lease = runs.acquire(connection, "stream shop.order")
    outcome = sent.land()
    assert (outcome.status, outcome.error and outcome.error.kind) == ("failed", "busy")
    assert sent.waiting == ["1"]
    with sent.shop.store.transaction() as connection:
        lease.release(connection)
    sent.land()
    assert sent.shop.numbers == ["SO-1"]


def test_what_nothing_was_made_of_goes_with_old_versions(sent: Sent) -> None:
    sent.send("d1", order(1))
    began = clock.now_us()
    for days, gone in ((399, 0), (401, 1)):
        with clock.simulated(partial(int, (began + days * 86_400_000_000) * 1000)):  # nanoseconds
            assert retention.prune(sent.shop.store, retention.Policy()).arrivals == gone
    assert sent.waiting == []


def test_fifty_requests_at_once_each_sent_twice_are_kept_once(
    store: Store, written_mapping: Callable[..., Mapping]
) -> None:
    shop = Shop(store, written_mapping())
    senders = [Sent(shop) for _ in range(100)]
    with ThreadPoolExecutor(50) as pool:
        taken = list(pool.map(lambda n: senders[n].send(f"d{n % 50}", order(n % 50)).new, range(100)))
    assert taken.count(True) == 50
    assert senders[0].land().counts["new"] == 50
    assert len(shop.numbers) == 50


SECRET = "do not show this"


def _keys(*seeds: int) -> Keys:
    made = [Key.parse(base64.b64encode(bytes(range(seed, seed + 32))).decode()) for seed in seeds]
    return Keys(made[0] if made else None, made[1:])


def _bodies(store: Store) -> bytes:
    with store.reading() as connection:
        return b"".join(connection.exec_driver_sql("SELECT body FROM arrival").scalars())


def test_what_waits_is_sealed_and_a_new_key_takes_it_along(
    tmp_path: Path, written_mapping: Callable[..., Mapping]
) -> None:
    url, mapping = f"sqlite:///{tmp_path / 'sealed.db'}", written_mapping()
    with open_store(url) as store:
        plain = Sent(Shop(store, mapping))
        plain.send("d1", order(1))
        assert not _bodies(store).startswith(b"\xe5")
    with open_store(url, keys=_keys(1)) as store:
        rekey.rekey(store, "test", lambda _: None)
        Sent(Shop(store, mapping)).send("d2", order(2, note=SECRET))
        assert _bodies(store).count(_keys(1).current.head) == 2  # type: ignore[union-attr]
        assert SECRET.encode() not in _bodies(store)
    with open_store(url, keys=_keys(2, 1)) as store:
        assert rekey.rekey(store, "test", lambda _: None).retired == [_keys(1).current.id]  # type: ignore[union-attr]
    with open_store(url, keys=_keys(2)) as store:
        sent = Sent(Shop(store, mapping))
        assert sent.land().counts["new"] == 2
        assert sent.shop.numbers == ["SO-1", "SO-2"]


def test_a_body_that_was_put_to_another_record_is_not_taken(
    tmp_path: Path, written_mapping: Callable[..., Mapping]
) -> None:
    with open_store(f"sqlite:///{tmp_path / 'sealed.db'}", keys=_keys(1)) as store:
        sent = Sent(Shop(store, written_mapping()))
        sent.send("d1", order(1), order(2))
        with store.transaction() as connection:
            connection.exec_driver_sql("UPDATE arrival SET body = (SELECT body FROM arrival WHERE source_id = '1')")
        outcome = sent.land()
        assert (outcome.status, outcome.error and outcome.error.kind) == ("failed", "store")
        assert sent.shop.numbers == []
