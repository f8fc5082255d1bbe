"""What checks and tie-outs need of a mapping is told where it is missing, and so is an amount that stands in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from console import needed
from console.i18n import texts
from mappings.engine import load, shipped
from mappings.model import ENTITIES, LINES, columns
from settings.load import load as settings_of

HEAD = "version: 1\nconnector: files\nstreams:\n  order:\n    entity: order\n    fields:\n      number: no\n"
REST = "      party_ref: {path: c, ref: id}\n      quote_ref: {path: q, ref: no}\n      order_date: d\n"
STATUS = "    status: {path: s, values: {open: confirmed}}\n"


def mapped(folder: Path, fields: str) -> Path:
    path = folder / "orders.yaml"
    path.write_text(HEAD + "      currency: {const: CNY}\n" + fields + REST + STATUS)
    return path


def test_an_order_with_one_amount_lacks_the_one_without_tax(tmp_path: Path) -> None:
    found = needed.missing(load(mapped(tmp_path, "      gross_amount: 金额\n")).stream("order"))
    assert {need.fields: need.means for need in found} == {
        ("net_amount",): "net_amount_of_order",
        ("promised_delivery_date",): "promised_delivery_date",
        ("lines",): "lines",
    }
    found = needed.missing(load(mapped(tmp_path, "")).stream("order"))
    assert [need.means for need in found if need.fields == ("net_amount",)] == ["net_amount"]


@pytest.mark.parametrize(
    ("tie_out", "fields", "told"),
    [
        ("order_invoice", "      gross_amount: 金额\n", [("shop.order", "net_amount", "gross_amount")]),
        ("order_delivery", "      gross_amount: 金额\n", [("shop.order", "net_amount", "gross_amount")]),
        ("quote_order", "      gross_amount: 金额\n", [("shop.order", "net_amount", "")]),
        ("invoice_payment", "      gross_amount: 金额\n", []),
        ("order_invoice", "      net_amount: 金额\n", []),
        ("order_invoice", "", []),
    ],
)
def test_a_tie_out_names_streams_whose_other_amount_stands_in(
    tmp_path: Path, tie_out: str, fields: str, told: list[tuple[str, str, str]]
) -> None:
    mapped(tmp_path, fields)
    config = {"folder": "/srv/in", "streams": {"order": {"pattern": "*.csv", "entity": "order", "key": ["no"]}}}
    system = {"connector": "files", "roles": ["erp"], "mapping": "orders.yaml", "config": config}
    path = tmp_path / "ltc.yaml"
    path.write_text(yaml.safe_dump({"version": 1, "store": "sqlite:///x.db", "systems": {"shop": system}}))
    assert [tuple(item) for item in needed.stand_ins(settings_of(path), tie_out)] == told


def test_what_is_needed_are_fields_that_there_are_and_has_words() -> None:
    words = texts("en").words
    for entity, groups in needed._NEEDED.items():
        known = {column.name for column in columns(ENTITIES[entity])} | {"status"}
        known |= {"lines"} if entity in LINES else set()
        for fields in groups:
            assert set(fields) <= known, entity
            assert f"needed.means.{fields[0]}" in words
    means = {key.removeprefix("needed.means.") for key in words if key.startswith("needed.means.")}
    used = {fields[0] for groups in needed._NEEDED.values() for fields in groups}
    assert {re.sub(r"_(stands_in|of_order)$", "", name) for name in means} == used


def test_the_mappings_that_are_shipped_for_what_is_tied_out_have_what_tie_outs_compare() -> None:
    for name in shipped():
        for stream in load(name).streams.values():
            if stream.entity in ("order", "invoice", "quote"):
                assert [need for need in needed.missing(stream) if need.fields == ("net_amount",)] == [], name
