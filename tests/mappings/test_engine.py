"""Mapping records."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mappings.engine import Mapping, MappingError, StreamMapping, explain, load, shipped, unmapped
from mappings.model import ENTITIES, LINES, columns
from tests.mappings.conftest import refusal, row

ORDER = r"""
  order:
    entity: order
    skip: {path: Type, in: [Internal, Test]}
    fields:
      number: number
      currency: {path: currency, default: CNY}
      party_ref: {path: customer.id, ref: id}
      quote_ref: {path: reference, match: 'Q-\d+', ref: no}
      order_date: created_at
      source_updated_at: updated_at
      net_amount: totals.net
      customer_po_number: po
      payment_state: {path: pay, values: {P: paid, U: unpaid}}
    status:
      path: state
      values: {new: draft, open: confirmed, done: completed, closed: completed}
      write: {completed: done}
      refine:
        - {from: confirmed, when: {path: shipped, above: 0}, to: in_progress}
    required: [number]
    personal: [customer_po_number]
    lines:
      path: lines
      skip: {path: type, in: [comment]}
      fields: {sku: product.sku, quantity: qty, unit_price: price, net_amount: amount, description: text}
    write: {status: state, payment_state: pay, order_date: {field: created_at}}
"""
RECORD: dict[str, Any] = {
    "number": "SO-1",
    "state": "open",
    "shipped": 0,
    "reference": "your Q-77, please",
    "customer": {"id": 12, "rating": "A"},
    "created_at": "2026-01-02T03:04:05Z",
    "updated_at": "2026-01-02T03:04:05+08:00",
    "totals": {"net": "12.30"},
    "pay": "P",
    "lines": [
        {"product": {"sku": "A"}, "qty": 2.50, "price": "3.10", "amount": 7, "colour": "red"},
        {"type": "comment", "text": "thank you"},
        {"product": {"sku": "B"}, "qty": "1", "price": 5, "amount": 5.0},
    ],
}


@pytest.fixture
def order(loaded: Callable[[str], Mapping]) -> StreamMapping:
    return loaded(ORDER).stream("order")


def raw(**changes: Any) -> bytes:
    return json.dumps({**RECORD, **changes}).encode()


def test_a_record_becomes_its_canonical_row_and_lines(order: StreamMapping) -> None:
    mapped = order.map("erp", "7", raw())
    found = {name: value for name, value in row(order, mapped).items() if value is not None}
    assert found == {
        "system": "erp",
        "source_id": "7",
        "number": "SO-1",
        "status": "confirmed",
        "source_status": "open",
        "currency": "CNY",
        "source_updated_at": 1767294245000000,
        "quote_ref": "no:Q-77",
        "party_ref": "id:12",
        "order_date": "2026-01-02",
        "net_amount": 1230,
        "payment_state": "paid",
    }
    names = [column.name for column in columns(LINES["order"].model)]
    lines = [dict(zip(names, line, strict=True)) for line in mapped.lines]
    assert [(line["line_no"], line["sku"], line["quantity"], line["net_amount"]) for line in lines] == [
        (1, "A", "2.5", 700),
        (2, "B", "1", 500),
    ]


def test_a_skipped_record_has_no_row(order: StreamMapping) -> None:
    assert order.map("erp", "7", raw(Type="Internal")).skipped
    assert not order.map("erp", "7", raw(Type="Customer")).skipped


def test_a_status_is_refined_by_another_field(order: StreamMapping) -> None:
    assert row(order, order.map("erp", "7", raw(shipped=1)))["status"] == "in_progress"
    assert row(order, order.map("erp", "7", raw(shipped=1, state="done")))["status"] == "completed"


@pytest.mark.parametrize(
    ("changes", "field", "value", "reason"),
    [
        ({"state": "weird"}, "status", '"weird"', "is not a status the mapping knows: new, open, done, closed"),
        ({"state": None}, "status", "nothing", "is not a status the mapping knows: new, open, done, closed"),
        ({"totals": {"net": "12.305"}}, "net_amount", '"12.305"', "has more than 2 decimals"),
        ({"totals": {"net": "a lot"}}, "net_amount", '"a lot"', "is not a decimal number"),
        ({"currency": "XYZ"}, "currency", '"XYZ"', "is not a currency code of ISO 4217"),
        ({"created_at": "2026-02-30"}, "order_date", '"2026-02-30"', "is not a day of the calendar"),
        ({"updated_at": "2026-01-02T03:04:05"}, "source_updated_at", '"2026-01-02T03:04:05"', "without a time zone"),
        ({"number": None}, "number", "nothing", "is there, but number is required"),
        ({"pay": "maybe"}, "payment_state", '"maybe"', "is not one of the known values: P, U"),
        ({"lines": "none"}, "lines", "<str of 4>", "is not a list of objects"),
        ({"lines": [{"qty": "x"}]}, "lines.1.quantity", '"x"', "is not a decimal number"),
        ({"po": {"a": 1}}, "customer_po_number", "<dict of 1>", "is a list or an object where text is expected"),
    ],
)
def test_what_cannot_be_mapped_names_field_value_and_reason(
    order: StreamMapping, changes: dict[str, Any], field: str, value: str, reason: str
) -> None:
    error = refusal(lambda: order.map("erp", "7", raw(**changes)))
    assert (error.field, error.value) == (field, value)
    assert reason in error.reason


def test_a_personal_value_is_never_shown(loaded: Callable[[str], Mapping]) -> None:
    text = """
  s:
    entity: lead
    fields: {received_at: when, email: {path: mail, values: {a: b}}}
    personal: [email, received_at]
"""
    mapping = loaded(text).stream("s")
    for record in ({"when": "wang.fang"}, {"mail": "wang.fang"}):
        error = refusal(lambda record=record: mapping.map("m", "1", json.dumps(record).encode()))  # type: ignore[misc]
        assert "wang" not in str(error)
        assert error.value == "<str of 9>"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"null", b"\xff", b'{"a": "\\ud800"}', b"1"])
def test_what_is_no_json_object_is_refused_politely(order: StreamMapping, body: bytes) -> None:
    error = refusal(lambda: order.map("erp", "7", body))
    assert error.field == ""
    assert "JSON" in error.reason


def test_a_nul_character_is_refused(order: StreamMapping) -> None:
    assert "NUL" in refusal(lambda: order.map("erp", "7", raw(number="a\0b"))).reason


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(changes=st.dictionaries(st.sampled_from([*RECORD, "Type", "po", "currency"]), json_values, max_size=4))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_json_either_maps_to_storable_values_or_is_refused(order: StreamMapping, changes: dict[str, Any]) -> None:
    try:
        mapped = order.map("erp", "7", raw(**changes))
    except MappingError:
        return
    for values in (mapped.row, *mapped.lines):
        for item in values:
            assert item is None or type(item) in (str, int)
            assert not isinstance(item, int) or -(2**63) <= item < 2**63


def test_an_amount_never_goes_through_float(order: StreamMapping) -> None:
    body = raw(totals={"net": "NET"}).replace(b'"NET"', b"90071992547409.93")
    assert row(order, order.map("erp", "7", body))["net_amount"] == 9007199254740993


def test_explain_shows_every_field_with_its_source(loaded: Callable[[str], Mapping]) -> None:
    found = {item.name: item for item in explain(loaded(ORDER), "order", raw(pay="maybe"))}
    assert (found["net_amount"].value, found["net_amount"].path) == (1230, "totals.net")
    assert (found["status"].value, found["status"].path) == ("confirmed", "state")
    assert (found["lines.2.sku"].value, found["lines.2.sku"].path) == ("B", "lines.product.sku")
    assert found["payment_state"].error == "is not one of the known values: P, U"


def test_fields_that_nothing_maps_are_listed(loaded: Callable[[str], Mapping]) -> None:
    assert unmapped(loaded(ORDER), "order", raw(extra={"deep": 1}, empty="", none=None)) == [
        "customer.rating",
        "lines.*.colour",
        "extra.deep",
    ]


def test_the_table_is_read_backwards(order: StreamMapping) -> None:
    assert order.reverse("status", "completed") == ("state", "done")
    assert order.reverse("status", "draft") == ("state", "new")
    assert order.reverse("payment_state", "unpaid") == ("pay", "U")
    assert order.reverse("order_date", "2026-01-02") == ("created_at", "2026-01-02")
    assert order.writable == {"status": "state", "payment_state": "pay", "order_date": "created_at"}
    assert order.source_value("payment_state", RECORD) == "P"
    with pytest.raises(KeyError):
        order.reverse("number", "x")
    assert "no counterpart" in refusal(lambda: order.reverse("status", "cancelled")).reason


def test_every_status_written_is_read_as_the_same_status(order: StreamMapping) -> None:
    assert order.definition.status is not None
    for status in order.definition.status.reverse:
        field, source = order.reverse("status", status)
        assert row(order, order.map("erp", "7", raw(**{field: source})))["status"] == status


def test_the_fingerprint_follows_the_meaning_not_the_layout(loaded: Callable[[str], Mapping]) -> None:
    before = loaded(ORDER).stream("order").fingerprint
    assert loaded("\n# a comment\n" + ORDER).stream("order").fingerprint == before
    assert loaded(ORDER.replace("po\n", "po_number\n")).stream("order").fingerprint != before
    assert loaded(ORDER.replace("new: draft", "new: submitted")).stream("order").fingerprint != before


def test_an_extending_file_overrides_entries_and_adds_to_tables(
    loaded: Callable[[str], Mapping], written: Callable[..., Path]
) -> None:
    loaded(ORDER)
    site = written(
        "version: 1\nextends: test.yaml\nstreams:\n  order:\n    fields:\n      number: {path: our_number}\n"
        "      quote_ref: null\n    status:\n      values: {stopped: cancelled}\n",
        "site.yaml",
    )
    mapping = load(site).stream("order")
    found = row(mapping, mapping.map("erp", "7", raw(our_number="X-1", state="stopped")))
    assert (found["number"], found["status"], found["quote_ref"]) == ("X-1", "cancelled", None)
    assert found["party_ref"] == "id:12"


def test_a_stream_without_mapping_says_how_to_get_one(loaded: Callable[[str], Mapping]) -> None:
    with pytest.raises(Exception, match="no mapping for the stream `invoice`"):
        loaded(ORDER).stream("invoice")


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_mapping_compiles_and_reverses(name: str) -> None:
    for mapping in load(name).streams.values():
        assert mapping.entity in ENTITIES
        assert mapping.compiled.record is not None
        assert refusal(lambda mapping=mapping: mapping.map("s", "1", b"[]")).reason  # type: ignore[misc]


def test_decimals_of_the_source_survive_to_the_row(order: StreamMapping) -> None:
    body = raw(lines=[{"qty": "0.3333333333333333333333", "amount": 0}])
    assert Decimal(order.map("erp", "7", body).lines[0][5]) == Decimal("0.3333333333333333333333")
