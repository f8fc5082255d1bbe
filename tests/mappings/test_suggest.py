"""``mappings.suggest``: what it proposes, and how often that is what the shipped mappings say of the same names."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mappings import engine, paths
from mappings.model import ENTITIES, Kind, columns
from mappings.suggest import SURE, Suggestion, suggest, words
from mappings.suggested import written

ORDERS: list[dict[str, Any]] = [
    {
        "orderNo": f"SO-{number}",
        "customer": {"id": number, "name": "Nordwind"},
        "state": state,
        "totalAmount": Decimal("12.50"),
        "currencyCode": "EUR",
        "orderedOn": "2026-10-01",
        "modifiedMs": 1_790_000_000_000 + number,
        "flag": True,
    }
    for number, state in enumerate(["confirmed", "cancelled", "draft"])
]
CHINESE: list[dict[str, Any]] = [
    {"订单编号": "S1", "下单日期": "2026-10-01", "价税合计": "100.00", "币种": "CNY", "状态": "已确认", "备注": "急"},
    {"订单编号": "S2", "下单日期": "2026-10-02", "价税合计": "50.00", "币种": "CNY", "状态": "已取消", "备注": ""},
]


def by_field(found: Suggestion) -> dict[str, str]:
    return {item.field: item.path for item in found.fields}


def test_fields_are_found_by_names_in_camel_case_and_by_what_they_hold() -> None:
    found = suggest("order", "order", ORDERS)
    proposed = by_field(found)
    assert proposed["number"] == "orderNo"
    assert proposed["gross_amount"] == "totalAmount"
    assert proposed["currency"] == "currencyCode"
    assert proposed["order_date"] == "orderedOn"
    assert next(item.do for item in found.fields if item.field == "source_updated_at") == ("epoch_ms",)
    assert "flag" in found.left


def test_chinese_names_are_understood() -> None:
    found = suggest("order", "order", CHINESE)
    assert by_field(found) == {
        "number": "订单编号",
        "order_date": "下单日期",
        "gross_amount": "价税合计",
        "currency": "币种",
    }
    assert found.status is not None
    assert found.status.values == {"已取消": "cancelled", "已确认": "confirmed"}


def test_german_names_are_understood() -> None:
    party = {
        "Kundennr": "K-1",
        "Firma": "Müller GmbH",
        "Telefon": "+49 711 123456",
        "USt-ID": "DE811111118",
        "Straße": "Hauptstraße 1",
        "PLZ": "70173",
        "Ort": "Stuttgart",
        "Land": "DE",
        "Geändert": "2026-09-01 10:12:00",
    }
    assert by_field(suggest("kunden", "party", [party])) == {
        "number": "Kundennr",
        "source_updated_at": "Geändert",
        "name": "Firma",
        "tax_id": "USt-ID",
        "phone": "Telefon",
        "country": "Land",
        "city": "Ort",
        "postal_code": "PLZ",
        "address_line": "Straße",
    }
    assert by_field(suggest("kunden", "party", [{"Name": "Huber"}])) == {"name": "Name"}
    order = {"Auftrag": "A-1", "Kunde": "K-1", "Datum": "2026-09-05", "Betrag": "1.250,00", "Währung": "EUR"}
    found = suggest("auftraege", "order", [order])
    assert by_field(found) == {
        "number": "Auftrag",
        "currency": "Währung",
        "party_ref": "Kunde",
        "order_date": "Datum",
        "gross_amount": "Betrag",
    }
    assert {item.field: item.do for item in found.fields}["gross_amount"] == ("decimal_comma",)
    found = suggest("orders", "order", [{"Order": "A-1", "Amount": "1,250.00", "Currency": "EUR"}])
    assert {item.field: item.do for item in found.fields}["gross_amount"] == ("decimal_point",)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Rechnungsdatum", ("invoice", "date")),
        ("Auftragsnummer", ("order", "number")),
        ("A\u0308nderungsdatum", ("updated", "date")),
        ("NETTOBETRAG", ("net", "amount")),
        ("report", ("report",)),
    ],
)
def test_german_compounds_are_cut_into_words_that_are_known(name: str, meant: tuple[str, ...]) -> None:
    assert words(name) == meant


def test_days_in_other_forms_propose_what_reads_them() -> None:
    def chosen(**values: str) -> dict[str, tuple[str, ...]]:
        found = suggest("rechnungen", "invoice", [values] * 3).fields
        return {item.field: item.do for item in found if item.field in ("issue_date", "source_updated_at")}

    german = chosen(Rechnungsdatum="03.11.2026", geändert="03.11.2026 10:00")
    assert german == {"issue_date": ("day_first",), "source_updated_at": ("day_first", "local_instant")}
    assert chosen(日期="2026/11/3") == {"issue_date": ("year_first",)}
    assert chosen(invoice_date="11/23/2026") == {"issue_date": ("month_first",)}
    assert chosen(invoice_date="2026-11-23") == {"issue_date": ()}


def test_values_alone_propose_an_address_a_currency_and_a_date_but_never_surely() -> None:
    records = [{"x1": f"a{n}@b.example", "x2": "CHF", "x3": f"2026-10-0{n}", "x4": "red"} for n in range(1, 4)]
    lead, order = suggest("lead", "lead", records), suggest("order", "order", records)
    assert by_field(lead) == {"currency": "x2", "email": "x1"}
    assert by_field(order) == {"currency": "x2", "order_date": "x3"}
    assert not any(item.sure for item in (*lead.fields, *order.fields))
    two = [{**item, "x5": item["x3"]} for item in records]
    assert by_field(suggest("order", "order", two)) == {"currency": "x2"}


@pytest.mark.parametrize(
    ("name", "words", "do"),
    [
        ("币种", ["人民币", "美元", "CNY"], ("currency_name",)),
        ("Währung", ["Euro", "US-Dollar"], ("currency_name",)),
        ("Currency", ["eur", "usd"], ("currency_name",)),
        ("币种", ["CNY", "USD"], ()),
    ],
)
def test_currencies_as_words_propose_what_reads_them(name: str, words: list[str], do: tuple[str, ...]) -> None:
    (found,) = suggest("order", "order", [{name: word} for word in words]).fields
    assert (found.field, found.path, found.do, found.sure) == ("currency", name, do, True)
    assert suggest("order", "order", [{name: "¥"}, {name: "$"}]).fields == ()


def test_currencies_as_words_are_known_by_their_values_but_not_by_words_that_only_look_like_codes() -> None:
    (found,) = suggest("order", "order", [{"x1": "人民币", "x2": "all"}, {"x1": "美元", "x2": "try"}]).fields
    assert (found.field, found.path, found.do, found.sure) == ("currency", "x1", ("currency_name",), False)


def test_names_with_dots_inside_are_proposed_and_written_in_quotes(tmp_path: Path) -> None:
    record = {"Order No.": "S-1", "Total incl. VAT": "119.00", "Cust. Ref. X": "K", "cust": {"Curr. code": "EUR"}}
    found = suggest("order", "order", [record])
    proposed = by_field(found)
    assert proposed["gross_amount"] == '"Total incl. VAT"'
    assert proposed["currency"] == 'cust."Curr. code"'
    (tmp_path / "acme.yaml").write_text(written("acme", [found]))
    mapping = engine.load(tmp_path / "acme.yaml")
    values = {item.name: item.value for item in engine.explain(mapping, "order", json.dumps(record).encode())}
    assert (values["number"], values["gross_amount"], values["currency"]) == ("S-1", 11900, "EUR")
    left = engine.unmapped(mapping, "order", json.dumps(record).encode())
    assert left == ['"Cust. Ref. X"']


LINED: list[dict[str, Any]] = [
    {
        "订单编号": f"S{number}",
        "币种": "CNY",
        "跟进": [{"时间": "2026-10-01", "备注": "急"}],
        "详情": {
            "明细.行": [
                {"行号": 5, "物料编码": "A-1", "品名": "螺丝", "数量": "3", "单价": "1.50", "税率": 13, "规格": "M4"},
                {"行号": 5, "物料编码": "B-2", "品名": "螺母", "数量": "1", "单价": "2.00", "税率": 6, "规格": "M4"},
            ]
        },
    }
    for number in (1, 2)
]


def test_lines_are_found_in_the_list_that_looks_like_lines_and_can_be_used(tmp_path: Path) -> None:
    found = suggest("order", "order", LINED)
    assert found.lines is not None
    assert found.lines.path == '详情."明细.行"'
    assert {item.field: item.path for item in found.lines.fields} == {
        "sku": "物料编码",
        "description": "品名",
        "quantity": "数量",
        "unit_price": "单价",
        "tax_rate": "税率",
    }
    (tmp_path / "acme.yaml").write_text(written("acme", [found]))
    mapping = engine.load(tmp_path / "acme.yaml")
    body = json.dumps(LINED[0]).encode()
    values = {item.name: item.value for item in engine.explain(mapping, "order", body)}
    assert (values["lines.1.sku"], values["lines.2.quantity"], values["lines.1.tax_rate"]) == ("A-1", "1", "0.13")
    assert len(mapping.stream("order").map("shop", "1", body).lines) == 2


def test_a_list_that_does_not_look_like_lines_and_records_without_lines_propose_none() -> None:
    assert suggest("order", "order", [{"no": "1", "tags": [{"name": "a"}], "log": ["x"]}]).lines is None
    assert suggest("lead", "lead", [{"items": [{"quantity": 1, "unit price": 2}]}]).lines is None
    assert suggest("payment", "payment", [{"items": [{"quantity": 1, "unit price": 2}]}]).lines is None


@pytest.mark.parametrize(("rate", "do"), [("0.13", ()), ("13", ("percent",))])
def test_a_rate_of_lines_is_a_fraction_or_per_cent_by_its_values(rate: str, do: tuple[str, ...]) -> None:
    lines = suggest("order", "order", [{"items": [{"qty": 1, "tax rate": rate}, {"qty": 2, "tax rate": "0"}]}]).lines
    assert lines is not None
    assert {item.field: item.do for item in lines.fields} == {"quantity": (), "tax_rate": do}


def test_an_amount_that_may_be_with_tax_or_without_is_for_a_person_to_decide() -> None:
    for name in ("金额", "amount"):
        (found,) = suggest("order", "order", [{name: "100.50"}, {name: "7"}]).fields
        assert (found.field, found.sure) == ("gross_amount", False)
    both = suggest("order", "order", [{"amount": "100.50", "total": "119.60", "cur": "EUR"}]).fields
    assert {found.field: found.path for found in both} == {"gross_amount": "total", "currency": "cur"}


def test_values_that_a_field_cannot_take_rule_it_out() -> None:
    records = [{"email": "none of your business", "currency": "shells", "total": "much"}]
    assert by_field(suggest("lead", "lead", records)) == {}


def test_a_status_is_proposed_only_where_the_word_itself_is_one() -> None:
    found = suggest("order", "order", [{"id": 1, "status": word} for word in ("confirmed", "WIP", "Cancelled")])
    assert found.status is not None
    assert found.status.values == {"Cancelled": "cancelled", "WIP": None, "confirmed": "confirmed"}
    text = written("acme", [found])
    assert "    # status:" in text
    assert "    #     WIP: ?" in text


def test_a_name_is_never_surely_a_reference_and_words_that_need_a_table_are_never_sure() -> None:
    found = suggest("order", "order", [{"customer": "Nordwind GmbH", "pay_state": "OPEN"}])
    assert [(item.field, item.sure) for item in found.fields] == [("party_ref", False), ("payment_state", False)]
    assert by_field(suggest("order", "order", [{"customer name": "Nordwind GmbH"}])) == {}
    assert "      # payment_state: pay_state" in written("acme", [found])


def test_a_time_without_a_zone_is_never_surely_in_the_systems_zone() -> None:
    records = [{"updatedAt": f"2026-10-0{day}T09:30:00"} for day in range(1, 4)]
    (naive,) = suggest("order", "order", records).fields
    (zoned,) = suggest("order", "order", [{"updatedAt": f"{item['updatedAt']}+08:00"} for item in records]).fields
    assert (naive.path, naive.do, naive.sure) == ("updatedAt", ("local_instant",), False)
    assert zoned.sure


def test_what_is_written_is_a_mapping_that_can_be_used(tmp_path: Path) -> None:
    text = written("acme", [suggest("order", "order", ORDERS)])
    (tmp_path / "acme.yaml").write_text(text)
    mapping = engine.load(tmp_path / "acme.yaml").stream("order")
    row = mapping.map(
        "shop", "1", b'{"orderNo": "SO-1", "totalAmount": 12.50, "currencyCode": "EUR", "state": "draft"}'
    )
    assert row.skipped is False
    assert "%" in text


def test_the_same_records_give_the_same_proposal_in_whatever_order_their_fields_stand() -> None:
    turned = [dict(reversed(record.items())) for record in ORDERS]
    assert suggest("order", "order", ORDERS).fields == suggest("order", "order", turned).fields


@pytest.mark.parametrize("name", ["orderNo", "order_no", "OrderNumber", "order-number", "订单编号", "Order_Number__c"])
def test_one_name_in_many_spellings_is_one(name: str) -> None:
    assert words(name) == ("order", "number")


_VALUES: dict[Kind, Any] = {
    Kind.MONEY: "10.00",
    Kind.NUMBER: "3",
    Kind.INTEGER: 3,
    Kind.DAY: "2026-10-01",
    Kind.INSTANT: "2026-10-01T08:00:00Z",
    Kind.FLAG: True,
}
_TEXTS = {"currency": "EUR", "country": "DE", "email": "a@b.example", "phone": "+49 30 123456", "domain": "b.example"}


def _shipped() -> list[tuple[str, str, dict[str, str], dict[str, Any]]]:
    """Stream by stream of the shipped mappings: entity, field → path, and a record with plausible values there."""
    found = []
    for name in engine.shipped():
        for stream in engine.load(name).streams.values():
            kinds = {column.name: column.kind for column in columns(ENTITIES[stream.entity])}
            wanted: dict[str, str] = {}
            record: dict[str, Any] = {}
            for field, item in stream.definition.fields.items():
                if item.how != "path" or len(item.sources) != 1 or field not in kinds:
                    continue
                path = item.sources[0]
                steps = paths.parse(path)
                if path in wanted.values() or path.startswith("@") or not paths.is_plain(steps):
                    continue
                wanted[field] = path
                here = record
                for step in steps[:-1]:
                    here = here.setdefault(str(step), {})
                    if not isinstance(here, dict):
                        break
                else:
                    here[str(steps[-1])] = _TEXTS.get(field) or _VALUES.get(kinds[field], "X-1")
            found.append((f"{name}.{stream.name}", stream.entity, wanted, record))
    return found


def test_most_of_what_the_shipped_mappings_say_is_proposed_and_what_is_sure_is_seldom_wrong() -> None:
    asked = right = sure = wrong = 0
    misses: list[str] = []
    for name, entity, wanted, record in _shipped():
        found = suggest(name, entity, [record])
        proposed = by_field(found)
        asked += len(wanted)
        right += sum(proposed.get(field) == path for field, path in wanted.items())
        misses += [
            f"{name} {field}: {path} not {proposed.get(field)}"
            for field, path in wanted.items()
            if proposed.get(field) != path
        ]
        certain = {item.field: item.path for item in found.fields if item.confidence >= SURE}
        sure += len(certain)
        wrong += sum(wanted.get(field) != path for field, path in certain.items())
    assert asked > 200
    assert right / asked >= 0.8, misses
    assert wrong / sure <= 0.08, misses
