"""Showing payment states in Tryton's orders: people's text stays, and nobody's change is overwritten."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from connectors.contract import Change, Outcome, PushResult, RawRecord
from connectors.tryton import push as pushing
from connectors.tryton.connector import Tryton
from connectors.tryton.note import read_note, write_note
from sandbox.tryton.client import Client
from sandbox.tryton.server import Tryton as Server

Pull = Callable[..., dict[str, RawRecord]]


def change(number: int, state: str | None, expected: str | None = None) -> Change:
    return Change(str(number), {"payment_note": state}, {"payment_note": expected}, f"key-{number}")


def sale(people: Client, number: str) -> int:
    return people.one("sale.sale", [["number", "=", number]])


def comment(people: Client, order: int) -> Any:
    return people.read("sale.sale", [order], ["comment"])[0]["comment"]


def push(connector: Tryton, *changes: Change) -> list[PushResult]:
    return list(connector.push("order", list(changes)))


@pytest.mark.parametrize("number", ["SO-00001", "SO-00002", "SO-00003", "SO-00004"])
def test_the_state_is_shown_in_an_order_of_any_state_beside_peoples_text(
    connector: Tryton, people: Client, number: str
) -> None:
    order = sale(people, number)
    people.write("sale.sale", [order], {"comment": "Deliver to gate 4.\n请先打电话。"})
    (result,) = push(connector, change(order, "partly_paid"))
    assert result.outcome is Outcome.APPLIED
    assert comment(people, order) == "Deliver to gate 4.\n请先打电话。\n[LTC Sync] payment: partly_paid"
    assert result.record is not None
    assert json.loads(result.record.body)["payment_note"] == "partly_paid"


def test_our_own_write_read_back_is_the_record_we_were_given(connector: Tryton, people: Client, pull: Pull) -> None:
    order = sale(people, "SO-00003")
    (result,) = push(connector, change(order, "unpaid"))
    assert pull(connector, "order")[str(order)] == result.record


def test_a_state_that_is_shown_already_is_not_written(connector: Tryton, people: Client) -> None:
    order = sale(people, "SO-00001")
    before = people.read("sale.sale", [order], ["write_date"])
    (result,) = push(connector, change(order, "paid", "unpaid"))
    assert result.outcome is Outcome.UNCHANGED
    assert people.read("sale.sale", [order], ["write_date"]) == before


def test_a_state_that_somebody_else_changed_is_a_conflict(connector: Tryton, people: Client) -> None:
    order = sale(people, "SO-00001")
    (result,) = push(connector, change(order, "refunded", "unpaid"))
    assert result.outcome is Outcome.CONFLICT
    assert comment(people, order) == "[LTC Sync] payment: paid"


def test_an_order_that_is_gone_is_rejected_and_an_unknown_field_too(connector: Tryton) -> None:
    odd = Change("1", {"state": "done"}, {}, "key")
    assert [result.outcome for result in push(connector, change(99999, "paid"), odd)] == [Outcome.REJECTED] * 2


def test_a_text_that_somebody_saves_in_between_is_kept_and_only_that_order_conflicts(
    connector: Tryton, people: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    touched, free = sale(people, "SO-00002"), sale(people, "SO-00003")
    read = pushing._read

    def read_then_somebody_writes(*params: Any) -> dict[str, RawRecord]:
        found = read(*params)
        monkeypatch.setattr(pushing, "_read", read)
        people.write("sale.sale", [touched], {"comment": "do not ship"})
        return found

    monkeypatch.setattr(pushing, "_read", read_then_somebody_writes)
    results = push(connector, change(touched, "paid"), change(free, "paid"))
    assert [result.outcome for result in results] == [Outcome.CONFLICT, Outcome.APPLIED]
    assert comment(people, touched) == "do not ship"
    assert comment(people, free) == "[LTC Sync] payment: paid"


def test_a_lost_answer_is_read_back_and_never_sent_blindly_again(
    connect: Callable[..., Tryton], people: Client, tryton: Server
) -> None:
    connector = connect(timeout_seconds=1.5)
    order = sale(people, "SO-00003")
    push(connector, change(order, None))  # log in before the clock ticks
    with psycopg.connect(tryton.postgres.dsn(tryton.database)) as other:
        other.execute("SELECT 1 FROM sale_sale WHERE id = %s FOR UPDATE", (order,))
        (lost,) = push(connector, change(order, "paid"))
        assert lost.outcome is Outcome.UNKNOWN
        other.rollback()
    while not comment(people, order):  # the write that we gave up on arrives
        pass
    (again,) = push(connector, change(order, "paid"))
    assert again.outcome is Outcome.UNCHANGED
    assert comment(people, order) == "[LTC Sync] payment: paid"


def test_many_orders_take_three_calls(connector: Tryton, people: Client) -> None:
    orders = people.search("sale.sale", [["number", "in", ["SO-00002", "SO-00003", "SO-00004"]]])
    push(connector, change(orders[0], None))
    before = connector.stats.calls
    results = push(connector, *(change(order, "unpaid") for order in orders))
    assert [result.source_id for result in results] == [str(order) for order in orders]
    assert {result.outcome for result in results} == {Outcome.APPLIED}
    assert connector.stats.calls == before + 3


@pytest.mark.parametrize(
    ("text", "state", "expected"),
    [
        (None, "paid", "[LTC Sync] payment: paid"),
        ("a\r\nb", "paid", "a\r\nb\n[LTC Sync] payment: paid"),
        ("a\r\n[LTC Sync] payment: unpaid\r\nb", "paid", "a\r\n[LTC Sync] payment: paid\r\nb"),
        ("a\n[LTC Sync] payment: paid", None, "a"),
        ("[LTC Sync] payment: paid\nb", "", "b"),
        ("b", None, "b"),
    ],
)
def test_the_line_is_set_in_place_and_all_other_text_stays(text: str | None, state: str | None, expected: str) -> None:
    written = write_note(text, state)
    assert written == expected
    assert read_note(written) == (state or None)
