"""Webhooks: each request once, what they tell of is read, and nothing that they say is believed unseen."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import pytest

from connectors.contract import Delivery, Inbound, Notice, RawRecord, StreamSpec
from connectors.errors import TransientError, WebhookRefused
from mappings.engine import Mapping as RecordMapping
from state import clock, notices, retention
from state.store import Store
from sync import webhooks
from sync.fetch import fetch_stream
from sync.outcome import StreamOutcome
from sync.sweep import sweep_stream
from tests.sync.conftest import SPEC, Shop, Toy, order, page

KEY = b"secret"


class Telling(Toy):
    """A toy that tells of its orders; ``shows`` is what reads by id show."""

    def __init__(self, *script: Any) -> None:
        super().__init__(*script)
        self.shows: dict[str, RawRecord] = {}
        self.fetched: list[Sequence[str]] = []
        self.down = False
        self.meanwhile: Callable[[], object] = lambda: None
        """What happens after it has been read and before that is kept."""

    def receive(self, request: Inbound) -> Delivery:
        signed = hmac.new(KEY, request.body, "sha256").hexdigest()
        if not hmac.compare_digest(request.headers.get("x-signature", ""), signed):
            raise WebhookRefused("The signature is wrong.")
        told = json.loads(request.body)
        return Delivery(told["id"], [Notice(*item) for item in told["about"]])

    def fetch(self, stream: str, ids: Sequence[str]) -> Iterator[Sequence[RawRecord]]:
        self.fetched.append(ids)
        if self.down:
            raise TransientError("It is down.")
        yield [self.shows[source_id] for source_id in ids if source_id in self.shows]
        self.meanwhile()


class Hooked:
    """The shop with its webhooks."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.toy = Telling()

    def tell(self, delivery: str, *about: Any) -> webhooks.Received:
        body = json.dumps({"id": delivery, "about": about}).encode()
        signed = {"x-signature": hmac.new(KEY, body, "sha256").hexdigest()}
        return webhooks.receive(self.shop.store, self.toy, "shop", ["order"], Inbound(signed, {}, body))

    def fetch(self, spec: StreamSpec = SPEC) -> StreamOutcome:
        return fetch_stream(self.shop.store, self.toy, self.shop.mapping, "shop", spec, run_id="f")

    def waiting(self) -> list[str]:
        with self.shop.store.reading() as connection:
            return [item.source_id for item in notices.waiting(connection, "shop", "order", "", 1000)]


@pytest.fixture
def hooked(shop: Shop) -> Hooked:
    return Hooked(shop)


def test_what_a_webhook_tells_of_is_read_and_is_then_done(hooked: Hooked) -> None:
    hooked.toy.shows = {"1": order(1), "2": order(2)}
    assert hooked.tell("d1", ["order", "1"], ["order", "2"])[:2] == (True, 2)
    outcome = hooked.fetch()
    assert outcome.counts["new"] == 2
    assert hooked.shop.numbers == ["SO-1", "SO-2"]
    assert hooked.waiting() == []
    assert hooked.fetch().counts["pulled"] == 0


def test_a_request_is_taken_in_once_however_often_it_comes(hooked: Hooked) -> None:
    hooked.toy.shows = {"1": order(1)}
    assert hooked.tell("d1", ["order", "1"]).new
    hooked.fetch()
    assert hooked.tell("d1", ["order", "1"])[:2] == (False, 0)
    assert hooked.waiting() == []


def test_a_forged_request_leaves_no_trace(hooked: Hooked) -> None:
    body = json.dumps({"id": "d1", "about": [["order", "1"]]}).encode()
    for signed in ({}, {"x-signature": "0" * 64}):
        with pytest.raises(WebhookRefused):
            webhooks.receive(hooked.shop.store, hooked.toy, "shop", ["order"], Inbound(signed, {}, body))
    assert hooked.waiting() == []
    assert hooked.shop.rows("SELECT * FROM delivery") == []


@pytest.mark.parametrize("delivery", ["", "x" * 256, "a\0b"])
def test_a_request_without_a_usable_id_is_refused(hooked: Hooked, delivery: str) -> None:
    with pytest.raises(WebhookRefused):
        hooked.tell(delivery, ["order", "1"])


def test_streams_that_are_not_synced_and_ids_that_are_none_are_passed_over(hooked: Hooked) -> None:
    assert hooked.tell("d1", ["secrets", "1"], ["order", ""], ["order", "a\0"], ["order", "7"])[:2] == (True, 1)
    assert hooked.waiting() == ["7"]


def test_many_notices_are_read_in_batches(hooked: Hooked) -> None:
    hooked.toy.shows = {str(number): order(number) for number in range(250)}
    for number in range(250):
        hooked.tell(f"d{number}", ["order", str(number)])
    assert hooked.fetch().counts["new"] == 250
    assert [len(ids) for ids in hooked.toy.fetched] == [100, 100, 50]


def test_what_cannot_be_read_now_is_read_later(hooked: Hooked) -> None:
    hooked.toy.shows = {"1": order(1)}
    hooked.tell("d1", ["order", "1"])
    hooked.toy.down = True
    outcome = hooked.fetch()
    assert (outcome.status, outcome.error and outcome.error.kind) == ("failed", "transient")
    assert hooked.waiting() == ["1"]
    hooked.toy.down = False
    assert hooked.fetch().counts["new"] == 1


def test_what_is_told_again_while_it_is_read_is_read_again(hooked: Hooked) -> None:
    hooked.toy.shows = {"1": order(1)}
    hooked.tell("d1", ["order", "1"])

    def edited() -> None:
        hooked.toy.shows = {"1": order(1, net="9.00")}
        hooked.tell("d2", ["order", "1"])
        hooked.toy.meanwhile = lambda: None

    hooked.toy.meanwhile = edited
    hooked.fetch()
    assert hooked.waiting() == ["1"]
    hooked.fetch()
    assert hooked.shop.rows("SELECT net_amount FROM orders") == [(900,)]


def test_a_record_that_is_not_shown_is_deleted_only_if_that_was_told(hooked: Hooked) -> None:
    hooked.shop.pull(Telling(page(order(1), order(2))))
    hooked.tell("d1", ["order", "1"], ["order", "2", True])
    assert hooked.fetch().counts["deleted"] == 1
    assert hooked.shop.numbers == ["SO-1"]


def test_a_deletion_told_late_is_not_believed_of_what_has_come_back(hooked: Hooked) -> None:
    hooked.shop.pull(Telling(page(order(1, 30))))
    hooked.tell("d1", ["order", "1", True, 20])
    hooked.fetch()
    assert hooked.shop.numbers == ["SO-1"]
    hooked.tell("d2", ["order", "1", True, 40])
    hooked.fetch()
    assert hooked.shop.numbers == []


def test_of_two_deletions_the_later_one_counts(hooked: Hooked) -> None:
    hooked.shop.pull(Telling(page(order(1, 30))))
    hooked.tell("d1", ["order", "1", True, 40])
    hooked.tell("d2", ["order", "1", True, 20])
    hooked.tell("d3", ["order", "1"])
    hooked.fetch()
    assert hooked.shop.numbers == []


def test_an_older_state_than_the_held_one_is_not_taken(hooked: Hooked) -> None:
    hooked.shop.pull(Telling(page(order(1, 30, net="3.00"))))
    hooked.toy.shows = {"1": order(1, 20, net="2.00")}
    hooked.tell("d1", ["order", "1"])
    assert hooked.fetch().counts["stale"] == 1
    assert hooked.shop.rows("SELECT net_amount FROM orders") == [(300,)]


def test_a_read_that_may_lag_brings_back_neither_what_is_deleted_nor_what_is_unknown(hooked: Hooked) -> None:
    lags = StreamSpec("order", "order", fetch_lags=True)
    hooked.shop.pull(Telling(page(order(1, 30))))
    hooked.shop.pull(Telling(page(deleted_ids=["1"], at=2)))
    assert hooked.shop.numbers == []
    hooked.toy.shows = {"1": order(1, 30), "2": order(2, 31)}
    hooked.tell("d1", ["order", "1"], ["order", "2"])
    hooked.fetch(lags)
    assert hooked.shop.numbers == []
    hooked.toy.shows = {"1": order(1, 50)}
    hooked.tell("d2", ["order", "1"])
    hooked.fetch(lags)
    assert hooked.shop.numbers == []
    hooked.shop.pull(Telling(page(order(1, 50), at=3)))
    hooked.toy.shows = {"1": order(1, 60, net="6.00")}
    hooked.tell("d3", ["order", "1"])
    hooked.fetch(lags)
    assert hooked.shop.rows("SELECT net_amount FROM orders") == [(600,)]


def test_a_list_that_does_not_show_yet_what_was_read_by_its_id_deletes_nothing(hooked: Hooked) -> None:
    hooked.toy.shows = {"1": order(1)}
    hooked.tell("d1", ["order", "1"])
    hooked.fetch()
    hooked.toy.listing = [[]]
    outcome = sweep_stream(hooked.shop.store, hooked.toy, hooked.shop.mapping, "shop", SPEC, run_id="s")
    assert (outcome.status, outcome.counts["deleted"]) == ("done", 0)
    assert hooked.shop.numbers == ["SO-1"]


def test_a_record_that_cannot_be_understood_goes_to_quarantine_and_is_done(hooked: Hooked) -> None:
    hooked.toy.shows = {"1": order(1, state="unheard of")}
    hooked.tell("d1", ["order", "1"])
    assert hooked.fetch().counts["rejected"] == 1
    assert hooked.waiting() == []


def test_requests_are_forgotten_when_no_source_sends_them_again(hooked: Hooked) -> None:
    hooked.tell("d1", ["order", "1"])
    began = clock.now_us()
    for days, gone in ((29, 0), (31, 1)):
        later = (began + days * 86_400_000_000) * 1000
        with clock.simulated(partial(int, later)):  # nanoseconds
            assert retention.prune(hooked.shop.store, retention.Policy()).deliveries == gone
    assert hooked.waiting() == ["1"]


def test_two_stores_of_one_database_take_one_request_in_once(
    store: Store, written_mapping: Callable[..., RecordMapping]
) -> None:
    first, second = Hooked(Shop(store, written_mapping())), Hooked(Shop(store, written_mapping()))
    assert [first.tell("d1", ["order", "1"]).new, second.tell("d1", ["order", "1"]).new] == [True, False]
