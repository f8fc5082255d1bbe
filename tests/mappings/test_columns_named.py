"""Suggestions for realistic headers in Chinese, English and German: what each column is, and what none of them is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from mappings import paths
from mappings.columns_named import meant, plain
from mappings.model import ENTITIES, LINES, columns
from mappings.suggest import Suggestion, suggest

_DAY, _AMOUNT, _NUMBER = "2026-10-01", "113.00", "A-1"

Headers = Mapping[str, tuple[str | None, Any]]
"""Header → the field that it is (``None``: none of the entity's), and a value under it."""

SURE: dict[str, tuple[str, Headers]] = {
    "orders of a Chinese ERP system": (
        "order",
        {
            "订单编号": ("number", _NUMBER),
            "客户编码": ("party_ref", "C001"),
            "客户名称": (None, "北风电子有限公司"),
            "下单日期": ("order_date", "2026/10/1"),
            "交货日期": ("promised_delivery_date", "2026/10/11"),
            "未税金额": ("net_amount", "100.00"),
            "税额": ("tax_amount", "13.00"),
            "含税金额（元）": ("gross_amount", _AMOUNT),
            "币种": ("currency", "CNY"),
            "业务员": ("owner_ref", "王芳"),
            "客户采购单号": ("customer_po_number", "PO-7"),
            "数量": (None, "3"),
            "单价": (None, "33.33"),
            "折扣": (None, "0.95"),
            "产品编码": (None, "P-1"),
            "规格": (None, "10x10"),
            "备注": (None, "急"),
            "审核日期": (None, _DAY),
            "修改时间": (None, "昨天"),
        },
    ),
    "orders in traditional characters": (
        "order",
        {
            "訂單編號": ("number", _NUMBER),
            "客戶代碼": ("party_ref", "C001"),
            "訂單日期": ("order_date", "2026/10/1"),
            "預交日": ("promised_delivery_date", "2026/10/11"),
            "未稅金額": ("net_amount", "100.00"),
            "營業稅額": ("tax_amount", "5.00"),
            "含稅總計": ("gross_amount", "105.00"),
            "幣別": ("currency", "TWD"),
            "業務人員": ("owner_ref", "陳美玲"),
            "備註": (None, "x"),
        },
    ),
    "orders in English": (
        "order",
        {
            "Order No.": ("number", _NUMBER),
            "Customer No.": ("party_ref", "C001"),
            "Customer Name": (None, "Nordwind Ltd"),
            "Order Date": ("order_date", _DAY),
            "Delivery Date": ("promised_delivery_date", "2026-10-11"),
            "Invoice Date": (None, "2026-10-12"),
            "Net Amount": ("net_amount", "100.00"),
            "VAT Amount": ("tax_amount", "13.00"),
            "Total (incl VAT)": ("gross_amount", _AMOUNT),
            "Amount Due": (None, "1.00"),
            "Currency": ("currency", "EUR"),
            "Sales Rep": ("owner_ref", "Jo"),
            "Your Reference": ("customer_po_number", "PO-7"),
            "Unit Price": (None, "1"),
        },
    ),
    "orders in German": (
        "order",
        {
            "Auftragsnummer": ("number", _NUMBER),
            "Kunden-Nr.": ("party_ref", "C001"),
            "Auftragsdatum": ("order_date", "01.10.2026"),
            "Liefertermin": ("promised_delivery_date", "11.10.2026"),
            "Rechnungsdatum": (None, "12.10.2026"),
            "Nettobetrag": ("net_amount", "100,00"),
            "MwSt-Betrag": ("tax_amount", "19,00"),
            "Bruttobetrag": ("gross_amount", "119,00"),
            "Währung": ("currency", "EUR"),
            "Sachbearbeiter": ("owner_ref", "Huber"),
            "Einzelpreis": (None, "1,00"),
        },
    ),
    "invoices of a Chinese ERP system": (
        "invoice",
        {
            "发票号码": ("number", "24317000000123456789"),
            "发票代码": (None, "031001900211"),
            "销售订单号": ("order_refs", "SO-1"),
            "客户编码": ("party_ref", "C001"),
            "开票日期": ("issue_date", _DAY),
            "到期日": ("due_date", "2026-10-31"),
            "订单日期": (None, "2026-09-01"),
            "付款日期": (None, "2026-10-30"),
            "金额": (None, ""),
            "不含税金额": ("net_amount", "100.00"),
            "税额": ("tax_amount", "13.00"),
            "税率": (None, "0.13"),
            "价税合计": ("gross_amount", _AMOUNT),
            "未收金额": ("open_amount", "13.00"),
            "已收金额": (None, "100.00"),
            "纳税人识别号": (None, "91310000MA1K"),
        },
    ),
    "invoices in German": (
        "invoice",
        {
            "Rechnungsnummer": ("number", _NUMBER),
            "Auftragsnummer": ("order_refs", "SO-1"),
            "Rechnungsdatum": ("issue_date", "01.10.2026"),
            "Fälligkeitsdatum": ("due_date", "31.10.2026"),
            "Leistungsdatum": (None, "01.09.2026"),
            "Skonto": (None, "2,00"),
            "Offener Betrag": ("open_amount", "119,00"),
            "Gesamtbetrag": ("gross_amount", "119,00"),
        },
    ),
    "receipts of a Chinese accounting system": (
        "payment",
        {
            "收款单号": ("number", _NUMBER),
            "收款日期": ("received_on", "2026年10月1日"),
            "开票日期": (None, "2026年9月1日"),
            "客户编号": ("party_ref", "C001"),
            "付款人": ("payer_name", "北风电子有限公司"),
            "收款金额": ("amount", "100.00"),
            "手续费": ("fee_amount", "1.00"),
            "发票金额": (None, _AMOUNT),
            "发票号码": ("invoice_ref", "INV-1"),
            "附言": ("reference_text", "货款"),
            "对方账号": (None, "6222 0000"),
        },
    ),
    "customers in Chinese": (
        "party",
        {
            "客户编号": ("number", "C001"),
            "客户名称": ("name", "北风电子有限公司"),
            "统一社会信用代码": ("tax_id", "91310000MA1K"),
            "联系人": (None, "王芳"),
            "手机": ("phone", "13800000000"),
            "邮箱": ("email", "a@b.example"),
            "地址": ("address_line", "南京西路1号"),
            "账期": ("payment_terms_days", "30"),
            "信用额度": ("credit_limit", "50000"),
            "负责人": ("owner_ref", "李"),
            "开户行": (None, "银行"),
        },
    ),
    "products in Chinese": (
        "product",
        {
            "物料编码": ("sku", "P-1"),
            "物料名称": ("name", "轴承"),
            "规格": (None, "10x10"),
            "单位": ("unit", "个"),
            "单价": ("list_price", "3.50"),
            "成本价": (None, "2.50"),
        },
    ),
    "leads of a Chinese form": (
        "lead",
        {
            "姓名": ("contact_name", "王芳"),
            "公司名称": ("company_name", "北风电子有限公司"),
            "手机号": ("phone", "13800000000"),
            "电子邮箱": ("email", "a@b.example"),
            "来源渠道": ("source", "展会"),
            "提交时间": ("received_at", "2026-10-01T10:00:00+08:00"),
            "下次跟进时间": (None, "2026-10-09T10:00:00+08:00"),
        },
    ),
    "deliveries in Chinese": (
        "delivery",
        {
            "发货单号": ("number", "DN-1"),
            "订单号": ("order_refs", "SO-1"),
            "计划发货日期": ("planned_date", _DAY),
            "发货日期": ("shipped_on", _DAY),
            "签收日期": ("delivered_on", _DAY),
            "下单日期": (None, "2026-09-01"),
            "快递单号": ("tracking_number", "SF1"),
        },
    ),
    "opportunities in Chinese": (
        "opportunity",
        {
            "商机名称": ("name", "新厂项目"),
            "客户编码": ("party_ref", "C001"),
            "预计成交金额": ("expected_amount", "5000.00"),
            "预计成交日期": ("expected_close_date", _DAY),
            "赢率": ("probability", "60"),
            "下次跟进时间": (None, _DAY),
        },
    ),
}


def _suggested(name: str) -> tuple[Suggestion, dict[str, str]]:
    entity, headers = SURE[name]
    found = suggest("s", entity, [{header: value for header, (_, value) in headers.items()}] * 3)
    return found, {item.path: item.field for item in found.fields}


@pytest.mark.parametrize("name", SURE)
def test_realistic_headers_are_proposed_surely_and_their_look_alikes_not_at_all(name: str) -> None:
    found, proposed = _suggested(name)
    wanted = {header: field for header, (field, _) in SURE[name][1].items()}
    assert {header: proposed.get(header) for header in wanted} == wanted
    assert [item.path for item in found.fields if not item.sure] == []


def test_a_shipping_date_of_an_order_and_a_bare_amount_are_for_a_person_to_decide() -> None:
    found = suggest("s", "order", [{"发货日期": _DAY, "金额": "5.00"}] * 3)
    assert [(item.field, item.path, item.sure) for item in found.fields] == [
        ("promised_delivery_date", "发货日期", False),
        ("gross_amount", "金额", False),
    ]


def test_the_status_of_a_document_is_found_and_no_state_of_its_approval_or_delivery() -> None:
    for header in ("状态", "订单状态", "單據狀態", "Auftragsstatus", "Order Status"):
        found = suggest("s", "order", [{header: "已确认", "审批状态": "x", "发货状态": "y"}]).status
        assert found is not None
        assert found.path == header
    assert suggest("s", "order", [{"发货状态": "y"}]).status is None


def test_a_name_is_known_without_case_spaces_brackets_and_in_traditional_characters() -> None:
    assert plain("含稅金額（元）") == plain(" 含税金额 ") == "含税金额"
    assert plain("USt-IdNr.") == plain("ust idnr")
    assert plain("(备注)") != ""


def test_every_listed_field_is_one_of_its_entity() -> None:
    from mappings import columns_named

    for entity in (*ENTITIES, "line"):
        models = [ENTITIES[entity]] if entity in ENTITIES else [item.model for item in LINES.values()]
        known = {column.name for model in models for column in columns(model)}
        named = {field for fields in columns_named._listed(entity).values() for field in fields}
        assert named <= known, entity
        assert named


def test_the_names_of_lines_are_known() -> None:
    expected = {"数量": "quantity", "单价": "unit_price", "物料编码": "sku", "Menge": "quantity", "规格": None}
    assert {name: next(iter(meant("line", name) or ()), None) for name in expected} == expected


def test_a_column_whose_name_ends_in_a_full_stop_is_found_again_by_its_path() -> None:
    record = {"Order No.": "SO-1"}
    (path,) = paths.leaves(record)
    assert paths.walk(record, paths.parse(path)) == "SO-1"
