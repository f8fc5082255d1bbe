"""Creating draft sales in a real Tryton: each once, by the key in its comment; nothing that is there is changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest

from connectors.contract import NewRecord, Outcome, PushResult, RawRecord
from connectors.errors import AuthError
from connectors.tryton.connector import Tryton
from sandbox.tryton.client import Client

Pull = Callable[..., dict[str, RawRecord]]
KEYS = [f"ltc-{number:024x}" for number in range(60)]


def draft(people: Client, key: str = KEYS[0], lines: list[dict[str, Any]] | None = None, **values: Any) -> NewRecord:
    product = people.one("product.product", [["code", "=", "AA-1"]])
    line = {"product": str(product), "quantity": Decimal(3), "unit_price": Decimal("11.40"), "description": "Gauge"}
    given = {
        "party": str(people.one("party.party", [["name", "like", "Kitano%"]])),
        "reference": "Q-77",
        "currency": "CNY",
        "sale_date": "2026-03-30",
        "lines": [{**line, **more} for more in lines or [{}]],
        "key": key,
        **values,
    }
    return NewRecord(key, given, f"idem-{key}")


def create(connector: Tryton, *new: NewRecord) -> list[PushResult]:
    return list(connector.create("order", new))


def made(people: Client) -> list[dict[str, Any]]:
    ids = people.search("sale.sale", [["reference", "=", "Q-77"]])
    fields = ["state", "comment", "currency", "invoice_address", "shipment_address", "untaxed_amount", "lines", "party"]
    return people.read("sale.sale", ids, fields)


class Lost:
    """Breaks the connector's creates on their way there or back."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.before = self.after = False
        send = httpx.HTTPTransport.handle_request

        def handle(transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
            creates = b"model.sale.sale.create" in request.read()
            if creates and self.before:
                raise httpx.ReadTimeout("lost", request=request)
            response = send(transport, request)
            if creates and self.after:
                response.read()
                raise httpx.ReadTimeout("lost", request=request)
            return response

        monkeypatch.setattr(httpx.HTTPTransport, "handle_request", handle)


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> Lost:
    return Lost(monkeypatch)


def test_a_draft_is_made_as_tryton_itself_fills_it_in(connector: Tryton, people: Client, pull: Pull) -> None:
    (result,) = create(connector, draft(people, lines=[{}, {"discount_rate": Decimal("0.1"), "quantity": Decimal(4)}]))
    assert (result.outcome, result.key) == (Outcome.APPLIED, KEYS[0])
    (sale,) = made(people)
    assert (sale["id"], sale["state"]) == (int(result.source_id), "draft")
    assert sale["comment"] == f"[LTC Sync] key: {KEYS[0]}"
    assert sale["invoice_address"]
    assert sale["shipment_address"]
    lines = people.read("sale.line", sale["lines"], ["quantity", "unit_price", "description", "unit"])
    assert [(line["quantity"], line["unit_price"]) for line in lines] == [
        (3.0, Decimal("11.4000")),
        (4.0, Decimal("10.2600")),
    ]
    assert all(line["unit"] for line in lines)
    assert sale["untaxed_amount"] == Decimal("75.24")
    assert pull(connector, "order")[result.source_id] == result.record


def test_a_sale_in_another_currency_keeps_the_quotes_price(connector: Tryton, people: Client) -> None:
    (result,) = create(connector, draft(people, currency="JPY", lines=[{"unit_price": Decimal(1500)}]))
    assert result.outcome is Outcome.APPLIED
    assert result.record is not None
    shown = json.loads(result.record.body)
    assert shown["currency."]["code"] == "JPY"
    assert shown["line_lines."][0]["unit_price"]["decimal"] == "1500.0000"


def test_a_draft_can_be_confirmed_by_a_person(connector: Tryton, people: Client) -> None:
    (result,) = create(connector, draft(people))
    people.press("sale.sale", "quote", [int(result.source_id)])
    (sale,) = made(people)
    assert sale["state"] == "quotation"


def test_what_is_there_is_found_and_neither_made_again_nor_changed(connector: Tryton, people: Client) -> None:
    (first,) = create(connector, draft(people))
    people.write("sale.sale", [int(first.source_id)], {"comment": f"Call first.\n[LTC Sync] key: {KEYS[0]}\nGate 4"})
    (again,) = create(connector, draft(people))
    assert (again.outcome, again.source_id) == (Outcome.UNCHANGED, first.source_id)
    assert [sale["comment"] for sale in made(people)] == [f"Call first.\n[LTC Sync] key: {KEYS[0]}\nGate 4"]


def test_a_payment_state_written_back_later_leaves_the_key_alone(connector: Tryton, people: Client) -> None:
    from connectors.contract import Change

    (first,) = create(connector, draft(people))
    change = Change(first.source_id, {"payment_note": "unpaid"}, {"payment_note": None}, "key")
    (written,) = connector.push("order", [change])
    assert written.outcome is Outcome.APPLIED
    assert list(connector.find("order", [KEYS[0]])) == [KEYS[0]]


def test_a_cancelled_sale_is_not_made_again(connector: Tryton, people: Client) -> None:
    (first,) = create(connector, draft(people))
    people.press("sale.sale", "cancel", [int(first.source_id)])
    (again,) = create(connector, draft(people))
    assert (again.outcome, again.source_id) == (Outcome.UNCHANGED, first.source_id)


def test_find_tells_the_sales_of_many_keys_and_no_others(connector: Tryton, people: Client) -> None:
    create(connector, *(draft(people, key) for key in KEYS[:3]))
    assert sorted(connector.find("order", KEYS)) == KEYS[:3]
    assert connector.find("order", [KEYS[0][:-1]]) == {}


@pytest.mark.parametrize("arrived", [False, True])
def test_a_lost_answer_is_settled_by_looking_and_nothing_is_made_twice(
    connector: Tryton, people: Client, lost: Lost, arrived: bool
) -> None:
    lost.before, lost.after = not arrived, arrived
    (result,) = create(connector, draft(people))
    assert result.outcome is (Outcome.APPLIED if arrived else Outcome.UNKNOWN)
    assert len(made(people)) == int(arrived)
    lost.before = lost.after = False
    (again,) = create(connector, draft(people))
    assert again.outcome is (Outcome.UNCHANGED if arrived else Outcome.APPLIED)
    assert len(made(people)) == 1


def test_what_cannot_be_made_is_rejected_with_a_reason_and_the_others_are_made(
    connector: Tryton, people: Client
) -> None:
    results = create(
        connector,
        draft(people, KEYS[0], party=""),
        draft(people, KEYS[1], currency="XXX"),
        draft(people, KEYS[2], lines=[{"unit_price": None}]),
        draft(people, KEYS[3], lines=[{"discount_rate": Decimal("0.333333")}]),
        draft(people, KEYS[4], party="999999"),
        draft(people, KEYS[5], lines=[{"quantity": Decimal("2.5")}]),
        draft(people, KEYS[6]),
    )
    assert [result.outcome for result in results] == [*[Outcome.REJECTED] * 6, Outcome.APPLIED]
    said = [result.message for result in results]
    assert "No party of Tryton" in said[0]
    assert "no currency XXX" in said[1]
    assert "has no price" in said[2]
    assert "four decimals" in said[3]
    assert said[4]
    assert "number of digits" in said[5]
    assert len(made(people)) == 1


def test_a_session_that_has_run_out_is_renewed_and_the_sale_is_made_once(connector: Tryton, people: Client) -> None:
    connector.find("order", KEYS[:1])
    connector._rpc._token = "bm9ib2R5OjE6eA=="
    (result,) = create(connector, draft(people))
    assert result.outcome is Outcome.APPLIED
    assert len(made(people)) == 1


def test_a_wrong_password_stops(connect: Callable[..., Tryton], people: Client) -> None:
    with pytest.raises(AuthError):
        create(connect(user="nobody-here", password="wrong"), draft(people))


def test_check_tells_that_drafts_can_be_created(connector: Tryton) -> None:
    line = next(line for line in connector.check() if line.stream == "order")
    assert "drafts can be created" in line.detail
