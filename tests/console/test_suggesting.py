"""Proposals for streams that are read together: references that find somebody, amounts with a currency."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
import yaml

from console import mapping_change, mapping_edit
from console.i18n import texts
from console.suggesting import Read, as_dict, because, for_the_rest, of_either, of_streams, show, text_of
from mappings.engine import load
from mappings.suggest import Proposal, suggest
from state.lookup import Sample

if TYPE_CHECKING:
    from console.context import App

CUSTOMERS = {
    id: {"customer_no": number, "name": "ACME", "credit_limit": 100} for id, number in (("K-1", "7"), ("K-2", "8"))
}


def proposed(customer: str, quote: str = "") -> dict[str, Proposal]:
    order = {"order_no": "SO-1", "customer_no": customer, "quote_no": quote}
    quotes = {"Q1": {"number": "A-1"}, "Q2": {"number": "A-2"}}
    read = {
        "customers": Read("party", CUSTOMERS),
        "quotes": Read("quote", quotes),
        "orders": Read("order", {"O1": order}),
    }
    return {item.field: item for item in of_streams(read)[2].fields}


def test_a_customer_is_referred_to_by_the_id_since_a_number_leads_nowhere() -> None:
    assert proposed("K-1")["party_ref"].ref == "id"
    assert proposed("7")["party_ref"].ref == "id"


@pytest.mark.parametrize(("quote", "ref"), [("A-1", "no"), ("Q2", "id")])
def test_another_record_is_referred_to_by_what_finds_it_among_those_that_were_read(quote: str, ref: str) -> None:
    assert proposed("K-1", quote)["quote_ref"].ref == ref


def made(tmp_path: Path, record: dict[str, Any]) -> Any:
    found = of_streams({"customers": Read("party", {"K-1": record})})
    (tmp_path / "shop.yaml").write_text(text_of("shop", found, "CNY", texts("en")))
    return load(tmp_path / "shop.yaml").stream("customers")


def test_amounts_without_a_currency_are_proposed_with_the_base_currency_and_go_through(tmp_path: Path) -> None:
    stream = made(tmp_path, CUSTOMERS["K-1"])
    assert stream.definition.fields["credit_limit"].sources == ("credit_limit",)
    assert stream.map("shop", "K-1", b'{"name": "ACME", "credit_limit": 100}').row
    assert "currency: {const: CNY}  # no field is sure to say it" in (tmp_path / "shop.yaml").read_text()


def test_amounts_with_a_field_for_the_currency_take_it(tmp_path: Path) -> None:
    stream = made(tmp_path, {**CUSTOMERS["K-1"], "currency": "EUR"})
    assert stream.definition.fields["currency"].sources == ("currency",)
    assert "const" not in (tmp_path / "shop.yaml").read_text()


def test_amounts_that_only_lines_have_get_the_base_currency_and_are_shown_with_their_list(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = {"order_no": "S-1", "rows": [{"sku": "A", "qty": 2, "net amount": "20.00"}]}
    found = of_streams({"orders": Read("order", {"1": record})})
    (tmp_path / "shop.yaml").write_text(text_of("shop", found, "CNY", texts("en")))
    stream = load(tmp_path / "shop.yaml").stream("orders")
    assert stream.map("shop", "1", json.dumps(record).encode()).row
    assert stream.definition.lines is not None
    assert stream.definition.lines.path == "rows"
    (told,) = (item for item in as_dict(found[0])["lines"]["fields"] if item["field"] == "quantity")
    assert (told["path"], told["sure"]) == ("qty", True)
    show(cast("App", SimpleNamespace(texts=texts("en"))), found)
    assert "rows.*.qty" in capsys.readouterr().out


def test_a_suggested_amount_is_taken_with_its_currency(tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(
        "version: 1\nconnector: shop\nstreams:\n  customers:\n    entity: party\n    fields: {name: name}\n"
    )
    amount, currency = Proposal("credit_limit", "limit", 99, ""), Proposal("currency", "cur", 70, "")
    now = load(file).stream("customers")

    def after(*found: Proposal) -> Any:
        text = mapping_change.taken(file.read_text(), file.name, "customers", now, found, ["credit_limit"], "CNY")
        (tmp_path / "then.yaml").write_text(text)
        return load(tmp_path / "then.yaml").stream("customers")

    assert after(amount).definition.fields["currency"].const == "CNY"
    assert after(amount, currency).definition.fields["currency"].sources == ("cur",)


def test_why_a_field_is_proposed_is_told_in_words_of_both_languages() -> None:
    records = [{"下单日期": "2026-10-01", "发货日期": "2026-10-02", "x": "a@b.example"}]
    found = {item.field: item for item in suggest("s", "order", records).fields}
    lead = suggest("s", "lead", records).fields[-1]
    said = [because(texts("en"), item) for item in (found["order_date"], found["promised_delivery_date"], lead)]
    assert said == [
        "the column's name, its values look like days",
        "its name, which may mean another field as well, its values look like days",
        "the name says nothing, but all its values look like e-mail addresses",
    ]
    assert because(texts("zh-CN"), found["order_date"]) == "列名相符，取值像日期"


def test_the_comments_of_a_proposed_mapping_are_in_the_language_of_who_asks(tmp_path: Path) -> None:
    records = {
        f"O{n}": {"number": f"S{n}", "status": word, "total": "5", "旁注": "x"}
        for n, word in enumerate(("draft", "甲"))
    }
    found = of_streams({"orders": Read("order", records)})
    told = {locale: text_of("shop", found, "CNY", texts(locale)) for locale in ("en", "zh-CN")}
    comments = {locale: [line.strip() for line in text.splitlines() if "# " in line] for locale, text in told.items()}
    assert "# Source fields that resemble no field of order: 旁注" in comments["en"]
    assert "# 与 order 的标准字段都不相近的来源字段：旁注" in comments["zh-CN"]
    assert any(
        line.startswith("# order 可用的状态：draft、") or "可用的状态：draft" in line for line in comments["zh-CN"]
    )
    assert "# 请把每个 ? 换成该词所指的状态，再去掉这些行前面的 #。系统不作猜测。" in comments["zh-CN"]
    assert "currency: {const: CNY}  # 没有字段确定给出它" in comments["zh-CN"]
    words = [
        word
        for line in comments["zh-CN"]
        for word in ("knows", "Say what", "proposed", "is sure", "fields")
        if word in line
    ]
    assert words == []
    (tmp_path / "shop.yaml").write_text(told["zh-CN"])
    assert load(tmp_path / "shop.yaml").stream("orders").entity == "order"


def test_an_amount_whose_name_does_not_say_whether_tax_is_in_it_is_proposed_for_both_fields(tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(
        "version: 1\nconnector: files\nstreams:\n  orders:\n    entity: order\n    fields:\n      number: 单号\n"
    )
    mapping = load(file)

    def amounts(**record: str) -> list[tuple[str, str]]:
        body = json.dumps({"单号": "S1", **record}).encode()
        found = for_the_rest(mapping, "orders", [Sample("S1", body)])
        assert of_either(found) == (["金额"] if "金额" in record else [])
        return sorted((item.field, item.path) for item in found)

    assert amounts(金额="100.00") == [("gross_amount", "金额"), ("net_amount", "金额")]
    assert amounts(含税金额="100.00") == [("gross_amount", "含税金额")]
    assert amounts(金额="100.00", 税额="13.00") == [
        ("gross_amount", "金额"),
        ("net_amount", "金额"),
        ("tax_amount", "税额"),
    ]


@pytest.mark.parametrize("locale", ["en", "zh-CN"])
def test_what_a_proposal_left_open_goes_from_the_file_once_it_is_decided(locale: str) -> None:
    words = ("draft", "已发货")
    records = {f"O{n}": {"单号": f"S{n}", "金额": "5", "状态": word, "旁注": "x"} for n, word in enumerate(words)}
    read = {"orders": Read("order", records), "more": Read("order", records)}
    before = text_of("files", of_streams(read), "CNY", texts(locale))
    assert before.count("# status:") == before.count("# gross_amount:") == 2
    table = {"draft": "draft", "已发货": "in_progress"}
    after = mapping_edit.with_status(before, "f", "orders", {"path": "状态"}, table, {})
    after = mapping_edit.with_field(after, "f", "orders", "net_amount", "金额")
    first, _, second = after.partition("  more:")
    own, _, other = before.partition("  more:")
    assert second == other, "of another stream nothing is decided"
    assert [line for line in first.splitlines() if line.lstrip().startswith("#")] == [
        line for line in own.splitlines() if "旁注" in line
    ]
    assert yaml.safe_load(after)["streams"]["orders"]["status"] == {"path": "状态", "values": table}
    mine = before.replace("    # status:\n", "    # my note\n    # status:\n", 1)
    kept = mapping_edit.with_status(mine, "f", "orders", {"path": "状态"}, table, {})
    assert "# my note" in kept, "what people wrote stays"
