"""The ``create`` section: values for a record that is to be made, and mistakes in the section."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mappings.engine import MappingError, MappingFileError, StreamMapping, load, unmapped

LEAD = """
version: 1
connector: toy
streams:
  lead:
    entity: lead
    fields:
      contact_name: Name
      company_name: Company
      email: {path: Email, do: [strip, lower]}
      source: {path: Channel, values: {Web: web, Fair: fair, Messe: fair}, write: {fair: Fair}}
    status: {path: Status, values: {Open: new, Done: converted}}
    personal: [contact_name, email]
    create:
      key: Key__c
      fields:
        LastName: {first: [contact_name, company_name], most: 10}
        Company: {field: company_name, default: unknown}
        Email: email
        Status: status
        Channel: source
        Kind: {value: Form}
        Nothing: campaign
"""
INVOICE = """
version: 1
connector: toy
streams:
  invoice:
    entity: invoice
    fields: {number: No, currency: {path: Currency, default: CNY}, net_amount: Net}
    status: {path: Status, values: {Draft: draft}}
    lines:
      path: Lines
      fields: {sku: Code, quantity: Qty, unit_price: Price, discount_rate: {path: Discount, do: [percent]}}
    create:
      key: Ref
      fields: {Net: net_amount, Day: issue_date, Customer: {party: customer}}
      lines:
        into: Items
        fields: {Qty: quantity, Price: unit_price, Discount: discount_rate, Item: {product: own}, Tax: {value: 13}}
"""


def mapping(folder: Path, text: str, old: str = "", new: str = "") -> StreamMapping:
    assert old in text
    (folder / "toy.yaml").write_text(text.replace(old, new) if old else text)
    return next(iter(load(folder / "toy.yaml").streams.values()))


def lead(folder: Path, **row: Any) -> dict[str, Any]:
    return mapping(folder, LEAD).made({"status": "new", **row}, ())


def test_a_field_shows_its_canonical_value_in_the_words_of_the_source(tmp_path: Path) -> None:
    made = lead(tmp_path, contact_name="Li Na", company_name="Acme", email="li@acme.cn", source="fair")
    assert made == {
        "LastName": "Li Na",
        "Company": "Acme",
        "Email": "li@acme.cn",
        "Status": "Open",
        "Channel": "Fair",
        "Kind": "Form",
    }


def test_the_first_field_that_is_there_counts_and_a_default_fills_a_gap(tmp_path: Path) -> None:
    assert lead(tmp_path, company_name="A company with a long name")["LastName"] == "A company "
    assert lead(tmp_path, contact_name="Li")["Company"] == "unknown"


def test_a_value_without_a_word_in_the_source_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match='source: "phone" has no counterpart in Channel; known: fair, web'):
        lead(tmp_path, source="phone")


def test_lines_are_exact_and_rates_are_turned_back(tmp_path: Path) -> None:
    line = {"quantity": Decimal("3"), "unit_price": Decimal("0.1"), "discount_rate": Decimal("0.05"), "product": "77"}
    row = {"net_amount": Decimal("0.29"), "issue_date": "2026-10-01", "party": "c-9"}
    assert mapping(tmp_path, INVOICE).made(row, [line]) == {
        "Net": Decimal("0.29"),
        "Day": "2026-10-01",
        "Customer": "c-9",
        "Items": [{"Qty": Decimal(3), "Price": Decimal("0.1"), "Discount": Decimal("5.00"), "Item": "77", "Tax": 13}],
    }


def test_it_says_which_ids_of_the_target_it_needs(tmp_path: Path) -> None:
    create = mapping(tmp_path, INVOICE).definition.create
    assert create is not None
    assert (create.needs("party"), create.needs("product"), create.names("Net")) == (True, True, ("net_amount",))


def test_the_field_of_the_key_counts_as_mapped(tmp_path: Path) -> None:
    mapping(tmp_path, LEAD)
    assert unmapped(load(tmp_path / "toy.yaml"), "lead", b'{"Key__c": "ltc-1", "Other": 1}') == ["Other"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("key: Key__c", "kee: Key__c", "toy.yaml:15: `kee` is not known in `create` of lead"),
        ("      key: Key__c\n", "", "`create.key` of lead must be a source field"),
        ("Email: email", "Email: e_mail", "toy.yaml:19: `Email` of lead: there is no field `e_mail` here"),
        ("Email: email", "Email: {field: email, value: x}", "toy.yaml:19: `Email` of lead must be a canonical field"),
        ("Email: email", "Key__c: email", "`Key__c` of lead carries the external key and nothing else"),
        ("most: 10", "most: long", "`most` is a number of characters"),
        (", write: {fair: Fair}", "", "several source values stand for `fair`"),
        ("Kind: {value: Form}", "Kind: {value: [Form]}", "a constant is one word or number"),
        ("key: Key__c", "key: Key__c\n      lines: {into: x, fields: {a: b}}", "lead \\(lead\\) has no lines"),
    ],
)
def test_a_mistake_is_told_with_file_line_stream_and_field(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(MappingFileError, match=said):
        mapping(tmp_path, LEAD, old, new)
