"""Records that look different: what is told, what is held back, what stops, and how a person goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from mappings.engine import Mapping
from state import audit, landing, quarantine, shapes
from state.runs import LeaseHeld, lease
from state.shapes import Drift, Kind, Status
from sync.drift import Guard, accept
from sync.fetch import fetch_stream
from sync.outcome import StreamOutcome
from sync.replay import replay_stream
from tests.sync.conftest import SPEC, RawRecord, Shop, Toy, order, page

MANY = range(1, 61)


@pytest.fixture
def read(shop: Shop) -> Shop:
    """A shop whose sixty orders have been read: enough to know how an order looks."""
    assert shop.pull(Toy(page(*(plain(n) for n in MANY)))).ok
    return shop


def plain(number: int, *without: str, **fields: Any) -> RawRecord:
    """An order with a customer, less some of its fields."""
    whole = json.loads(order(number, **{"customer": {"id": f"C{number}", "vip": True}, **fields}).body)
    return RawRecord(str(number), json.dumps({key: whole[key] for key in whole if key not in without}).encode())


def told(outcome: StreamOutcome) -> list[tuple[str, str, str]]:
    return [(item.path, item.kind.value, item.status.value) for item in outcome.drift]


def nets(shop: Shop, *numbers: int) -> list[Any]:
    """The net amounts, in cents, that the canonical rows show."""
    found = dict(shop.rows("SELECT source_id, net_amount FROM orders"))
    return [found.get(str(number)) for number in numbers]


def held(shop: Shop) -> list[str]:
    return sorted((row[0] for row in shop.rows("SELECT source_id FROM quarantine")), key=int)


def accept_in(shop: Shop, path: str | None = None) -> list[Drift]:
    with shop.store.reading() as connection:
        stream = shapes.known_stream(connection, "shop", "order")
    assert stream is not None
    return accept(shop.store, stream, path, actor="Li Na", reason="agreed")


def changed(numbers: Sequence[int], *without: str, **fields: Any) -> list[RawRecord]:
    return [plain(number, *without, note=f"edited {number}", **fields) for number in numbers]


# -- new fields


def test_the_first_pull_tells_of_nothing(read: Shop) -> None:
    assert read.rows("SELECT * FROM drift") == []
    assert held(read) == []


def test_a_new_field_is_told_once_and_stops_nothing(read: Shop) -> None:
    first = read.pull(Toy(page(plain(61, colour="red"), plain(62, colour="blue"))))
    assert (first.ok, told(first), first.counts["drift"]) == (True, [("colour", "new", "noted")], 1)
    again = read.pull(Toy(page(plain(63, colour="green"))))
    assert (told(again), "drift" in again.counts) == ([], False)
    assert "SO-61" in read.numbers
    assert held(read) == []


def test_a_new_object_is_told_once_and_not_field_by_field(read: Shop) -> None:
    outcome = read.pull(Toy(page(plain(61, address={"city": "Lyon", "lines": [{"text": "x"}]}))))
    assert told(outcome) == [("address", "new", "noted")]
    assert told(read.pull(Toy(page(plain(62, address={"city": "Lyon", "lines": [{"text": "y"}]}))))) == []


def test_a_new_field_is_found_in_the_last_record_of_a_large_page(read: Shop) -> None:
    records = [*(plain(n) for n in range(100, 499)), plain(499, colour="red")]
    assert told(read.pull(Toy(page(*records)))) == [("colour", "new", "noted")]


def test_a_new_field_with_a_dot_in_its_name_is_told_like_any_other(read: Shop) -> None:
    assert told(read.pull(Toy(page(plain(61, **{"custom.colour": "red"}))))) == [("custom.colour", "new", "noted")]
    assert told(read.pull(Toy(page(plain(62, **{"custom.colour": "red"}))))) == []


def test_a_record_that_is_skipped_may_look_as_it_likes(shop: Shop, written_mapping: Callable[..., Mapping]) -> None:
    shop.mapping = written_mapping("    fields:", "    skip: {path: kind, in: [test]}\n    fields:")
    shop.pull(Toy(page(*(plain(n, kind="sale") for n in MANY))))
    shop.pull(Toy(page(plain(61, net=61, kind="sale"))))
    odd = [plain(n, "lines", net=n, kind="test", colour="red") for n in range(100, 150)]
    for policy in ("evolve", "quarantine"):
        outcome = shop.pull(Toy(page(*odd)), drift=policy)
        assert (told(outcome), held(shop)) == ([], ["61"])


def test_keys_that_are_data_are_no_new_fields(read: Shop) -> None:
    tables = [{f"item {n}-{m}": 1 for m in range(5)} for n in range(100)]
    read.pull(Toy(page(*(plain(100 + n, stock=table) for n, table in enumerate(tables)))))
    outcome = read.pull(Toy(page(plain(300, stock={"item 999": 1}, people={"li@example.com": 1}))))
    assert told(outcome) == [("people", "new", "noted")]
    assert "example.com" not in str(read.rows("SELECT * FROM shape, drift"))


def test_a_field_that_only_some_records_have_is_normal(read: Shop) -> None:
    for start in range(100, 200, 10):
        outcome = read.pull(Toy(page(*(plain(n, *(["net"] if n % 8 == 0 else [])) for n in range(start, start + 10)))))
        assert told(outcome) == []
    assert held(read) == []


def test_with_quarantine_a_record_with_a_new_field_waits_until_it_is_accepted(read: Shop) -> None:
    outcome = read.pull(Toy(page(plain(61, colour="red"), plain(62))), drift="quarantine")
    assert (outcome.ok, told(outcome), outcome.counts["rejected"]) == (True, [("colour", "new", "open")], 1)
    assert held(read) == ["61"]
    assert "SO-62" in read.numbers
    with read.store.reading() as connection:
        (waiting,) = quarantine.listing(connection)
    assert waiting.field == "colour"
    assert "did not have: `ltc drift accept shop order colour`" in waiting.reason
    assert "red" not in waiting.value + waiting.reason
    assert [item.path for item in accept_in(read)] == ["colour"]
    assert read.pull(Toy(page()), drift="quarantine").counts["released"] == 1
    assert "SO-61" in read.numbers
    assert read.pull(Toy(page(plain(63, colour="green"))), drift="quarantine").counts["rejected"] == 0


def test_what_is_in_a_new_object_is_accepted_with_it(read: Shop) -> None:
    read.pull(Toy(page(plain(61, address={"city": "Lyon"}))), drift="quarantine")
    accept_in(read, "address")
    outcome = read.pull(Toy(page(plain(62, address={"city": "Leeds"}))), drift="quarantine")
    assert (told(outcome), held(read)) == ([], [])


def test_a_frozen_stream_stops_before_anything_of_the_page_is_kept(read: Shop) -> None:
    before = read.cursor
    outcome = read.pull(Toy(page(plain(61), plain(62, colour="red"), at=5)), drift="freeze")
    assert outcome.error is not None
    assert (outcome.status, outcome.error.kind) == ("failed", "contract")
    assert "`colour` is new" in outcome.error.message
    assert "ltc drift accept shop order" in outcome.error.remedy
    assert told(outcome) == [("colour", "new", "open")]
    assert (read.cursor, "SO-61" in read.numbers) == (before, False)
    again = read.pull(Toy(page(plain(61), plain(62, colour="red"), at=5)), drift="freeze")
    assert (again.ok, told(again)) == (False, [])
    accept_in(read)
    assert read.pull(Toy(page(plain(61), plain(62, colour="red"), at=5)), drift="freeze").ok
    assert read.numbers[-2:] == ["SO-61", "SO-62"]


def test_a_frozen_stream_goes_on_when_the_source_is_as_before(read: Shop) -> None:
    assert not read.pull(Toy(page(plain(61, colour="red"))), drift="freeze").ok
    assert read.pull(Toy(page(plain(61))), drift="freeze").ok


# -- fields that vanish


def test_a_mapped_field_that_vanishes_empties_no_record(read: Shop) -> None:
    outcome = read.pull(Toy(page(*changed(MANY, "net"))))
    assert outcome.ok
    assert told(outcome) == [("note", "new", "noted"), ("net", "vanished", "open")]
    assert outcome.drift[1].fields == ("net_amount",)
    assert held(read) == [str(number) for number in MANY]
    assert nets(read, 1, 60) == [100, 6000]
    with read.store.reading() as connection:
        waiting = quarantine.listing(connection)[0]
        body = landing.load_body(connection, read.rows("SELECT id FROM record WHERE source_id = '1'")[0][0])
    assert (waiting.field, waiting.value) == ("net_amount", "nothing")
    assert "`net`" in waiting.reason
    assert "shop.order" in waiting.reason
    assert b"edited 1" in body


def test_the_lines_of_a_document_are_not_lost_with_their_key(read: Shop) -> None:
    read.pull(Toy(page(*changed(MANY, "lines"))))
    assert read.rows("SELECT count(*) FROM order_lines") == [(120,)]
    assert len(held(read)) == 60


def test_a_field_that_vanishes_little_by_little_is_noticed_and_what_was_lost_is_put_back(read: Shop) -> None:
    for number in range(1, 20):
        outcome = read.pull(Toy(page(*changed([number], "net"))))
        assert told(outcome) == ([("note", "new", "noted")] if number == 1 else [])
    assert nets(read, 1, 19) == [None, None]
    assert told(read.pull(Toy(page(*changed([20], "net"))))) == [("net", "vanished", "open")]
    assert held(read) == [str(number) for number in range(1, 21)]
    assert nets(read, 1, 19, 20) == [100, 1900, 2000]


def test_one_record_edited_again_and_again_is_no_proof(read: Shop) -> None:
    for turn in range(30):
        outcome = read.pull(Toy(page(plain(1, "net", note=f"turn {turn}"))))
    assert (outcome.counts["rejected"], nets(read, 1)) == (0, [None])


def test_one_record_that_still_has_it_proves_that_it_is_there(read: Shop) -> None:
    read.pull(Toy(page(*changed(range(1, 16), "net"))))
    read.pull(Toy(page(*changed([16]))))
    read.pull(Toy(page(*changed(range(17, 32), "net"))))
    assert held(read) == []


def test_one_record_that_still_has_it_proves_that_within_a_page_as_well(read: Shop) -> None:
    read.pull(Toy(page(*changed(range(1, 16), "net"))))
    read.pull(Toy(page(*changed([16]), *changed(range(17, 32), "net"))))
    assert held(read) == []


def test_new_records_without_it_are_held_and_others_go_on(read: Shop) -> None:
    outcome = read.pull(Toy(page(plain(99), *(plain(number, "net") for number in range(100, 125)))))
    assert (told(outcome), outcome.counts["rejected"]) == ([("net", "vanished", "open")], 25)
    assert read.numbers[-1] == "SO-99"
    later = read.pull(Toy(page(plain(300, "net"), plain(301))))
    assert later.counts["rejected"] == 1
    assert "SO-301" in read.numbers
    assert "SO-300" not in read.numbers


def test_a_value_that_is_null_in_new_records_is_normal(read: Shop) -> None:
    assert told(read.pull(Toy(page(*(plain(n, net=None) for n in range(100, 150)))))) == []
    assert held(read) == []


def test_a_value_that_becomes_null_in_all_records_is_not_lost(read: Shop) -> None:
    outcome = read.pull(Toy(page(*changed(range(1, 31), net=None))))
    assert told(outcome)[-1] == ("net", "vanished", "open")
    assert nets(read, 1, 30) == [100, 3000]


def test_a_record_held_back_stays_so_when_it_is_edited_and_leaves_when_it_has_the_field_again(read: Shop) -> None:
    read.pull(Toy(page(*changed(MANY, "net"))))
    read.pull(Toy(page(plain(1, "net", note="edited again"), plain(2, net="7.77"))))
    assert held(read)[:2] == ["1", "3"]
    assert nets(read, 1, 2) == [100, 777]


def test_a_mended_mapping_frees_what_was_held_back(read: Shop, written_mapping: Callable[..., Mapping]) -> None:
    read.pull(Toy(page(*changed(MANY, "net", worth="8.00"))))
    assert len(held(read)) == 60
    read.mapping = written_mapping("net_amount: net", "net_amount: worth")
    assert read.pull(Toy(page())).counts["released"] == 60
    assert (held(read), nets(read, 1, 60)) == ([], [800, 800])


def test_a_mapping_that_knows_both_names_holds_nothing_back(
    shop: Shop, written_mapping: Callable[..., Mapping]
) -> None:
    shop.mapping = written_mapping("net_amount: net", "net_amount: {first: [net, worth]}")
    shop.pull(Toy(page(*(plain(n) for n in MANY))))
    outcome = shop.pull(Toy(page(*changed(MANY, "net", worth="8.00"))))
    assert told(outcome) == [("note", "new", "noted")]
    assert nets(shop, 1) == [800]


def test_accepting_a_vanished_field_lets_it_be_empty_for_good(read: Shop) -> None:
    read.pull(Toy(page(*changed(MANY, "net"))))
    assert [(item.path, item.kind.value) for item in accept_in(read, "net")] == [("net", "vanished")]
    assert read.pull(Toy(page())).counts["released"] == 60
    assert (held(read), nets(read, 1, 60)) == ([], [None, None])
    assert told(read.pull(Toy(page(*(plain(n, "net") for n in range(100, 150)))))) == []
    read.pull(Toy(page(*(plain(n) for n in range(200, 300)))))
    read.pull(Toy(page(*changed(range(200, 300), "net"))))
    assert held(read) == []
    with read.store.reading() as connection:
        entry = audit.entries(connection)[-1]
    assert (entry.actor, entry.action, entry.detail["reason"]) == ("Li Na", "drift accepted", "agreed")


def test_a_replay_does_not_empty_what_is_held_back_and_touches_no_other(read: Shop) -> None:
    read.pull(Toy(page(plain(200, "net"))))
    read.pull(Toy(page(*changed(MANY, "net"))))
    outcome = replay_stream(read.store, read.mapping, "shop", "order", run_id="replay")
    assert (outcome.ok, outcome.counts["rejected"]) == (True, 60)
    assert (len(held(read)), nets(read, 1, 200)) == (60, [100, None])
    accept_in(read)
    assert replay_stream(read.store, read.mapping, "shop", "order", run_id="replay 2").counts["rejected"] == 0
    assert held(read) == []


def test_a_frozen_stream_stops_where_a_field_has_vanished(read: Shop) -> None:
    outcome = read.pull(Toy(page(*changed(range(1, 31), "net"))), drift="freeze")
    assert outcome.error is not None
    assert "`net` is gone" in outcome.error.message
    assert (held(read), nets(read, 1)) == ([], [100])
    accept_in(read)
    assert read.pull(Toy(page(*changed(range(1, 31), "net"))), drift="freeze").ok
    assert nets(read, 1) == [None]


def test_what_decides_whether_a_record_is_skipped_must_not_vanish_either(
    shop: Shop, written_mapping: Callable[..., Mapping]
) -> None:
    shop.mapping = written_mapping("    fields:", "    skip: {path: kind, not_in: [sale]}\n    fields:")
    shop.pull(Toy(page(*(plain(n, kind="sale") for n in MANY))))
    outcome = shop.pull(Toy(page(*changed(MANY))))
    assert ("kind", "vanished", "open") in told(outcome)
    assert len(shop.numbers) == 60


def test_a_read_back_after_a_write_empties_nothing_either(read: Shop) -> None:
    read.pull(Toy(page(*changed(range(1, 31), "net"))))
    with read.store.transaction() as connection:
        stream = landing.open_stream(connection, "shop", "order", "order")
        guard = Guard(read.mapping.stream("order"), stream, "push")
        guard.land(connection, [plain(40, "net", note="written")], origin=landing.Origin.WRITTEN)
    assert "40" in held(read)
    assert nets(read, 40) == [4000]


# -- fields of another type


@pytest.mark.parametrize(
    ("fields", "path", "before", "after"),
    [
        ({"net": 61}, "net", "text", "number"),
        ({"net": {"amount": "61"}}, "net", "text", "object"),
        ({"lines": {"sku": "A"}}, "lines", "list", "object"),
        ({"lines": [{"sku": 5}]}, "lines[].sku", "text", "number"),
    ],
)
def test_a_mapped_field_of_another_type_holds_back_the_records_that_have_it(
    read: Shop, fields: dict[str, Any], path: str, before: str, after: str
) -> None:
    outcome = read.pull(Toy(page(plain(61, **fields), plain(62))))
    (found,) = outcome.drift
    assert (found.path, found.kind, found.before, found.type) == (path, Kind.RETYPED, before, after)
    assert held(read) == ["61"]
    assert "SO-62" in read.numbers
    later = read.pull(Toy(page(plain(63, **fields))))
    assert (told(later), later.counts["rejected"]) == ([], 1)


def test_another_type_that_is_accepted_is_mapped(read: Shop) -> None:
    read.pull(Toy(page(plain(61, net=61))))
    accept_in(read, "net")
    read.pull(Toy(page(plain(62, net=62))))
    assert (held(read), nets(read, 61, 62)) == ([], [6100, 6200])


@pytest.mark.parametrize("nothing", [None, False, "", [], {}])
def test_what_stands_for_nothing_is_no_other_type(read: Shop, nothing: Any) -> None:
    outcome = read.pull(Toy(page(plain(61, lines=nothing))))
    assert told(outcome) == []


def test_another_type_where_nothing_is_mapped_is_only_told(read: Shop) -> None:
    outcome = read.pull(Toy(page(plain(61, customer={"id": 61}))))
    assert (told(outcome), held(read)) == ([("customer.id", "retyped", "noted")], [])
    assert told(read.pull(Toy(page(plain(62, customer={"id": 62}))))) == []


def test_a_handful_of_records_proves_no_type(shop: Shop) -> None:
    shop.pull(Toy(page(*(plain(n) for n in range(1, 40)))))
    assert told(shop.pull(Toy(page(plain(61, net=61))))) == []
    assert nets(shop, 61) == [6100]


def test_a_frozen_stream_stops_at_another_type(read: Shop) -> None:
    outcome = read.pull(Toy(page(plain(61, net=61))), drift="freeze")
    assert outcome.error is not None
    assert "`net` was text and is number" in outcome.error.message
    assert "SO-61" not in read.numbers


# -- around it


def test_a_run_without_news_asks_and_writes_nothing_about_shapes(read: Shop) -> None:
    before = read.rows("SELECT * FROM shape")
    statements: list[str] = []
    from sqlalchemy import event

    event.listen(read.store.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    assert read.pull(Toy(page(plain(1)))).counts["unchanged"] == 1
    assert [text for text in statements if "shape" in text or "drift" in text] == []
    assert read.rows("SELECT * FROM shape") == before


def test_what_a_page_taught_is_lost_with_the_page(read: Shop) -> None:
    before = read.rows("SELECT known, watched FROM shape")
    outcome = read.pull(Toy(page(plain(61), complete=False), page(plain(62, colour="red")), ZeroDivisionError))
    assert outcome.ok
    assert read.rows("SELECT known, watched FROM shape") != before
    assert not read.pull(Toy(page(plain(63, size="L"))), drift="freeze").ok
    with read.store.reading() as connection:
        known = shapes.load(connection, 1).known
    assert "colour" in known
    assert "size" not in known


def test_nobody_accepts_while_a_pull_is_at_work(read: Shop) -> None:
    with lease(read.store, "stream shop.order", "another:1:1/x"), pytest.raises(LeaseHeld):
        accept_in(read)


def test_records_that_webhooks_tell_of_are_watched_as_well(read: Shop) -> None:
    from connectors.contract import Notice
    from state import notices

    class Told(Toy):
        def fetch(self, stream: str, ids: Sequence[str]) -> Any:
            yield [plain(int(source_id), net=5) for source_id in ids]

    with read.store.transaction() as connection:
        notices.note(connection, "shop", [Notice("order", "1")])
    outcome = fetch_stream(read.store, Told(), read.mapping, "shop", SPEC, run_id="f")
    assert (told(outcome), nets(read, 1)) == ([("net", "retyped", "open")], [100])


def test_what_was_accepted_is_listed_only_when_asked_for(read: Shop) -> None:
    read.pull(Toy(page(plain(61, colour="red"))))
    accept_in(read)
    with read.store.reading() as connection:
        assert shapes.listing(connection) == []
        (found,) = shapes.listing(connection, system="shop", stream="order", accepted=True)
    assert (found.drift.status, found.decided_by, found.reason) == (Status.ACCEPTED, "Li Na", "agreed")
