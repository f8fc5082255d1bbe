"""What is kept of how records look, and holding records back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mappings.engine import StreamMapping
from mappings.errors import MappingError
from mappings.outline import MOST_CHILDREN, crowded, is_empty, outline, values
from state import landing, shapes
from state.shapes import Drift, Kind, Loss, Shape, Status, Watched
from tests.state.conftest import Orders, order

GONE = MappingError("net_amount", "nothing", "is at `net` any more")


def test_a_shape_is_read_as_it_was_kept(orders: Orders) -> None:
    kept = Shape({"net": {"text", "number"}, "客户.名称": set()}, {"net": Watched(60, 58, 3, {7: 2, 9: 0})})
    with orders.store.transaction() as connection:
        shapes.save(connection, orders.stream.id, Shape({"old": {"list"}}))
        shapes.save(connection, orders.stream.id, kept)
    with orders.store.reading() as connection:
        assert shapes.load(connection, orders.stream.id) == kept
        assert shapes.load(connection, 99) == Shape()


def test_a_change_is_noted_once(orders: Orders) -> None:
    new = Drift("colour", Kind.NEW, "text", status=Status.NOTED)
    again = Drift("colour", Kind.NEW, "number", status=Status.OPEN)
    gone = Drift("net", Kind.VANISHED, "", "text", ("net_amount",))
    other = [Drift("net", Kind.RETYPED, name, "text", ("net_amount",)) for name in ("number", "object")]
    with orders.store.transaction() as connection:
        assert shapes.note(connection, orders.stream.id, [new, gone], "r1") == [new, gone]
        assert shapes.note(connection, orders.stream.id, [again, gone, *other], "r2") == other
    with orders.store.reading() as connection:
        found = [(item.drift, item.run_id) for item in shapes.listing(connection)]
        assert sorted(found, key=str) == sorted([(new, "r1"), (gone, "r1"), *((item, "r2") for item in other)], key=str)
        assert shapes.listing(connection, system="elsewhere") == []


def test_accepting_one_field_leaves_the_others(orders: Orders) -> None:
    gone, retyped = Drift("net", Kind.VANISHED, "", "text"), Drift("number", Kind.RETYPED, "number", "text")
    with orders.store.transaction() as connection:
        shapes.save(connection, orders.stream.id, Shape({"number": {"text"}}, {"net": Watched(9, 9, 1, {1: 1})}))
        shapes.note(connection, orders.stream.id, [gone, retyped], "r1")
        assert shapes.accept(connection, orders.stream, "number", "Li Na", "") == [retyped]
        shape = shapes.load(connection, orders.stream.id)
        assert shape.known["number"] == {"text", "number"}
        assert [item.path for item in shape.open(Kind.VANISHED)] == ["net"]
        assert shape.watched["net"].lost == {1: 1}
        assert shapes.accept(connection, orders.stream, "nothing", "Li Na", "") == []
        assert shapes.accept(connection, orders.stream, None, "Li Na", "") == [gone]


def test_a_record_that_is_held_back_shows_its_last_version_that_could_be_mapped(orders: Orders) -> None:
    orders.land(order("1", net="10.00"))
    orders.land(order("1", net="20.00", state="unknown"))
    orders.land(order("1", net=None, lines=[]))
    with orders.store.transaction() as connection:
        record = landing.heads(connection, orders.stream.id, ["1"])["1"]
        shapes.hold(connection, orders.stream, orders.mapper, [Loss(record.id, "1", 2, GONE)], "r2")
    assert orders.rows("SELECT net_amount FROM orders") == [(1000,)]
    assert orders.rows("SELECT sku FROM order_lines") == [("A",)]
    assert orders.rows("SELECT state FROM record") == [(1,)]
    assert orders.rows("SELECT field, reason, run_id FROM quarantine") == [("net_amount", "is at `net` any more", "r2")]


def test_a_new_record_that_is_held_back_shows_nothing(orders: Orders) -> None:
    orders.land(order("1", net=None))
    with orders.store.transaction() as connection:
        record = landing.heads(connection, orders.stream.id, ["1"])["1"]
        shapes.hold(connection, orders.stream, orders.mapper, [Loss(record.id, "1", 0, GONE)], "r1")
    assert orders.rows("SELECT * FROM orders") == []
    assert orders.rows("SELECT * FROM order_lines") == []
    assert landing_body(orders, record.id) == order("1", net=None).body


def landing_body(orders: Orders, record_id: int) -> bytes:
    with orders.store.reading() as connection:
        return landing.load_body(connection, record_id)


def test_the_version_before_a_deletion_is_the_one_that_counts(orders: Orders) -> None:
    orders.land(order("1"), deleted_ids=["1"])
    with orders.store.reading() as connection:
        assert shapes.base_of(connection, 1, 2) == (1, order("1").body)
        assert shapes.base_of(connection, 1, 0) == (0, b"")
        assert shapes.base_of(connection, 5, 3) == (0, b"")


# -- paths and types


def test_an_outline_has_every_path_with_its_types() -> None:
    record = {"a": [{"b": 1}, {"b": None, "c": "x"}], "d": {"e": {"f": True}}, "g": "", "h": [], "i": None}
    assert outline(record) == {
        "a": {"list"},
        "a[]": {"object"},
        "a[].b": {"number"},
        "a[].c": {"text"},
        "d": {"object"},
        "d.e": {"object"},
        "d.e.f": {"bool"},
        "g": set(),
        "h": set(),
        "i": set(),
    }


def test_keys_that_are_data_are_not_told_apart() -> None:
    many = {f"key {n}": 1 for n in range(MOST_CHILDREN + 1)}
    assert outline({"t": many}) == {"t": {"object"}, "t.*": {"number"}}
    assert outline({"2026": 1, "li@example.com": 2, "@type": "x", "k" * 65: 3}) == {"*": {"number"}, "@type": {"text"}}
    known = [f"t.{n}" for n in range(MOST_CHILDREN)]
    assert outline({"t": {"another": 1}}, crowded(known)) == {"t": {"object"}, "t.*": {"number"}}


def test_an_outline_of_something_deep_ends() -> None:
    record: dict[str, object] = {}
    for _ in range(200):
        record = {"a": record, "b": [[[1]]]}
    assert len(outline(record)) < 100


@pytest.mark.parametrize("nothing", [None, False, "", [], {}])
def test_some_values_say_nothing(nothing: object) -> None:
    assert is_empty(nothing)
    assert not is_empty(0)


def test_values_are_found_by_their_path() -> None:
    record = {"a": [{"b": 1}, {"b": None}, 5, {"b": [2]}], "c": {"d": "x"}}
    assert values(record, "a[].b") == [1, [2]]
    assert values(record, "c.d") == ["x"]
    assert values(record, "c[].d") == values(record, "x.y") == []
    assert values({"Total incl. VAT": "x", "n": {"a.b": [{"c": 1}]}}, "Total incl. VAT") == ["x"]
    assert values({"n": {"a.b": [{"c": 1}]}}, "n.a.b[].c") == [1]


# -- what a mapping reads


def test_a_footprint_names_what_is_read_and_what_depends_on_it(mapper: StreamMapping) -> None:
    footprint = mapper.footprint
    assert set(footprint.paths) == {
        *("number", "currency", "net", "updated", "state", "kind", "lines", "lines[].sku", "lines[].qty"),
    }
    assert footprint.names(footprint.paths.index("lines")) == ["lines", "lines.sku", "lines.quantity"]
    assert [footprint.paths[place] for place in footprint.skips] == ["kind"]


def test_a_signature_tells_missing_from_null_and_lines_apart(mapper: StreamMapping) -> None:
    footprint = mapper.footprint

    def at(path: str, record: dict[str, object]) -> set[str]:
        types = dict(footprint.types(footprint.signature(record)))
        return {kind.__name__ for kind in types[footprint.paths.index(path)]}

    assert at("net", {}) == {"Absent"}
    assert at("net", {"net": None}) == {"NoneType"}
    assert at("lines[].sku", {"lines": [{"sku": "A"}, {"qty": 1}, "odd"]}) == {"str", "Absent"}
    assert at("lines[].sku", {"lines": {"sku": 1}}) == {"int"}
    assert at("lines[].sku", {"lines": "odd"}) == set()


def test_what_is_below_a_null_is_empty_and_what_is_below_nothing_is_missing(
    change_mapping: Callable[[str, str], StreamMapping],
) -> None:
    footprint = change_mapping("net_amount: net", "net_amount: totals.net").footprint
    place = footprint.paths.index("totals.net")
    found = [
        footprint.signature(record)[place].__name__ for record in ({}, {"totals": None}, {"totals": {"net": None}})
    ]
    assert found == ["Absent", "NoneType", "NoneType"]
    assert footprint.signature({"totals": [1]})[place].__name__ == "Absent"
