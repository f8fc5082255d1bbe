"""Pulling from the real server: nothing is missed at the cursor, whatever people do in Tryton meanwhile."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest

from connectors.contract import Deletes, RawRecord, Window
from connectors.tryton.connector import Tryton
from connectors.tryton.records import records
from sandbox.tryton.client import Client
from sandbox.tryton.server import Tryton as Server

Pull = Callable[..., dict[str, RawRecord]]


def shown(found: dict[str, RawRecord], number: int) -> dict[str, object]:
    value: dict[str, object] = json.loads(found[str(number)].body)
    return value


def now() -> datetime:
    return datetime.now(UTC)


def test_a_first_pull_brings_every_record_of_every_stream(connector: Tryton, pull: Pull, tryton: Server) -> None:
    people = tryton.client()
    for stream, model in (
        ("party", "party.party"),
        ("product", "product.product"),
        ("order", "sale.sale"),
        ("delivery", "stock.shipment.out"),
    ):
        assert sorted(pull(connector, stream), key=int) == [str(number) for number in people.search(model, [])]


def test_one_call_brings_an_order_complete_with_lines_codes_and_currency(connector: Tryton, pull: Pull) -> None:
    order = next(
        value
        for value in map(json.loads, (r.body for r in pull(connector, "order").values()))
        if value["number"] == "SO-00001"
    )
    assert order["currency."]["code"] == "CNY"
    assert [item["product."]["code"] for item in order["line_lines."]] == ["AA-1", "BB-2"]
    assert order["untaxed_amount"] == {"__class__": "Decimal", "decimal": "425.00"}
    assert order["payment_note"] == "paid"


def test_small_pages_bring_records_of_one_stamp_once_each(connect: Callable[..., Tryton]) -> None:
    connector = connect(page_size=2)
    pages = list(connector.pull("order", None, Window(until=now())))
    ids = [record.source_id for page in pages for record in page.records]
    assert len(ids) == 5
    assert len(set(ids)) == 5
    assert [page.complete for page in pages] == [False, False, True]


def test_a_pull_that_was_cut_off_goes_on_behind_its_last_page(connect: Callable[..., Tryton]) -> None:
    connector = connect(page_size=2)
    first = next(iter(connector.pull("order", None, Window(until=now()))))
    rest = list(connect(page_size=2).pull("order", first.cursor, Window(until=now(), since=None)))
    seen = {record.source_id for record in first.records}
    later = {record.source_id for page in rest for record in page.records}
    assert len(seen | later) == 5
    assert rest[-1].complete


def test_a_record_changed_behind_a_cut_off_pull_is_read_again(
    connect: Callable[..., Tryton], pull: Pull, people: Client
) -> None:
    connector = connect(page_size=1, overlap_seconds=0)
    first = next(iter(connector.pull("party", None, Window(until=now()))))
    changed = int(first.records[0].source_id)
    people.write("party.party", [changed], {"name": "changed"})
    pull.cursors["party"] = first.cursor  # type: ignore[attr-defined]
    assert shown(pull(connector, "party"), changed)["name"] == "changed"


def test_a_record_changed_ahead_of_the_page_is_not_lost(
    connect: Callable[..., Tryton], pull: Pull, people: Client
) -> None:
    connector = connect(page_size=1, overlap_seconds=0)
    pages = connector.pull("party", None, Window(until=now()))
    read = [next(pages)]
    waiting = max(people.search("party.party", []))
    people.write("party.party", [waiting], {"name": "changed"})
    read += pages
    seen = {record.source_id: json.loads(record.body)["name"] for page in read for record in page.records}
    pull.cursors["party"] = read[-1].cursor  # type: ignore[attr-defined]
    seen |= {number: json.loads(record.body)["name"] for number, record in pull(connector, "party").items()}
    assert seen[str(waiting)] == "changed"


def test_a_second_pull_with_nothing_new_costs_one_call(connect: Callable[..., Tryton], pull: Pull) -> None:
    connector = connect(overlap_seconds=0)
    pull(connector, "order")
    before = connector.stats.calls
    assert pull(connector, "order") == {}
    assert connector.stats.calls == before + 1


def test_the_overlap_reads_the_same_bytes_again(connector: Tryton, pull: Pull) -> None:
    first = pull(connector, "delivery")
    assert pull(connector, "delivery") == first


@pytest.mark.parametrize(("overlap", "found"), [(0, False), (300, True)])
def test_a_commit_that_becomes_visible_late_is_found_only_through_the_overlap(
    connect: Callable[..., Tryton], pull: Pull, people: Client, tryton: Server, overlap: int, found: bool
) -> None:
    connector = connect(overlap_seconds=overlap)
    slow, fast = people.create("party.party", [{"name": "slow"}, {"name": "fast"}])
    pull(connector, "party")
    with psycopg.connect(tryton.postgres.dsn(tryton.database)) as other:
        other.execute("SELECT 1 FROM party_party WHERE id = %s FOR UPDATE", (slow,))
        writing = threading.Thread(target=lambda: tryton.client().write("party.party", [slow], {"name": "late"}))
        writing.start()
        with psycopg.connect(tryton.postgres.dsn(), autocommit=True) as watcher:
            while not watcher.execute("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchall():
                assert writing.is_alive()
        people.write("party.party", [fast], {"name": "fast 2"})
        assert str(fast) in pull(connector, "party")
        other.rollback()
    writing.join()
    later = pull(connector, "party")
    assert (str(slow) in later and shown(later, slow)["name"] == "late") is found


def test_a_new_order_is_found_though_its_write_date_is_empty(
    connect: Callable[..., Tryton], pull: Pull, people: Client
) -> None:
    connector = connect(overlap_seconds=0)
    pull(connector, "order")
    model = people.read("sale.sale", people.search("sale.sale", [["state", "=", "draft"]]), ["party", "currency"])[0]
    made = people.create_one("sale.sale", party=model["party"], currency=model["currency"])
    assert people.read("sale.sale", [made], ["write_date"])[0]["write_date"] is None
    assert set(pull(connector, "order")) == {str(made)}


def test_a_change_of_a_line_alone_makes_its_order_new(
    connect: Callable[..., Tryton], pull: Pull, people: Client
) -> None:
    connector = connect(overlap_seconds=0)
    draft = people.one("sale.sale", [["state", "=", "draft"]])
    before = pull(connector, "order")[str(draft)]
    line = people.one("sale.line", [["sale", "=", draft]])
    people.write("sale.line", [line], {"quantity": 9.0})
    found = pull(connector, "order")
    assert set(found) == {str(draft)}
    assert found[str(draft)].version == before.version, "Tryton does not move the order's own stamp"
    assert shown(found, draft)["untaxed_amount"] == {"__class__": "Decimal", "decimal": "112.50"}


@pytest.mark.parametrize(
    ("stream", "model", "domain", "values"),
    [
        ("party", "party.address", [["city", "=", "Kobe"]], {"city": "Osaka"}),
        ("party", "party.contact_mechanism", [["value", "=", "b@kitano.example"]], {"value": "c@kitano.example"}),
        ("party", "party.address", [["city", "=", "Kobe"]], {"active": False}),
        ("product", "product.template", [["code", "=", None], ["name", "ilike", "%Valve%"]], {"name": "Ball valve"}),
        ("product", "product.template", [["name", "ilike", "%Valve%"]], {"list_price": Decimal("101")}),
        ("delivery", "stock.move", [["state", "=", "draft"], ["shipment", "!=", None]], {"quantity": 2.0}),
    ],
)
def test_a_change_of_a_part_makes_its_record_new(
    connect: Callable[..., Tryton],
    pull: Pull,
    people: Client,
    stream: str,
    model: str,
    domain: list[object],
    values: dict[str, object],
) -> None:
    connector = connect(overlap_seconds=0)
    before = pull(connector, stream)
    people.write(model, [people.one(model, domain)], values)
    found = pull(connector, stream)
    assert len(found) == 1
    (number,) = found
    assert found[number].body != before[number].body


def test_archived_records_stay_visible_and_say_so(connect: Callable[..., Tryton], pull: Pull, people: Client) -> None:
    connector = connect(overlap_seconds=0)
    pull(connector, "party")
    party = people.one("party.party", [["code", "=", "C2"]])
    people.write("party.party", [party], {"active": False})
    assert shown(pull(connector, "party"), party)["active"] is False
    assert str(party) in pull(connector, "party", full=True)
    assert str(party) in {number for batch in connector.ids("party") for number in batch}


def test_a_deleted_order_is_missing_from_the_ids(connector: Tryton, people: Client) -> None:
    assert {spec.deletes for spec in connector.streams()} == {Deletes.SWEEP}
    before = {number for batch in connector.ids("order") for number in batch}
    draft = people.one("sale.sale", [["state", "=", "draft"]])
    people.call("sale.sale", "delete", [draft])
    after = {number for batch in connector.ids("order") for number in batch}
    assert before - after == {str(draft)}


def test_since_reads_back_further_but_never_skips_what_the_cursor_has_not_covered(
    connect: Callable[..., Tryton], pull: Pull, people: Client
) -> None:
    connector = connect(overlap_seconds=0)
    everything = pull(connector, "order")
    assert pull(connector, "order", since=now() - timedelta(days=1)) == everything
    draft = people.one("sale.sale", [["state", "=", "draft"]])
    people.write("sale.sale", [draft], {"comment": "call first"})
    assert set(pull(connector, "order", since=now() + timedelta(hours=1))) == {str(draft)}


def test_a_row_is_the_same_record_whatever_order_its_keys_come_in() -> None:
    stamp = '{"__class__":"datetime","year":2026,"month":3,"day":2,"hour":0,"minute":0,"second":0,"microsecond":7}'
    one = f'[{{"id":1,"last_modified_at":{stamp},"quantity":0.10000000000000001,"party.":{{"id":2,"code":"é"}}}}]'
    two = f'[{{"party.":{{"code":"\\u00e9","id":2}},"quantity":0.10000000000000001,"last_modified_at":{stamp},"id":1}}]'
    assert records(one.encode()) == records(two.encode())
    assert b"0.10000000000000001" in records(one.encode())[0].body
