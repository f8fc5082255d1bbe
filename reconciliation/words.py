"""Sentences about findings in either language: parameters of a check become words, money and dates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from mappings.states import STATES
from mappings.statuses import STATUSES
from reconciliation import money
from reconciliation.cash.words import DIFFERENCES, text

LANGUAGES = ("en", "zh")

_STATES = {name: zh for known in STATES.values() for name, zh in known.items()}
_WORDS = {
    "company": ("the company name", "公司名称"),
    "contact": ("an e-mail or phone number", "邮箱或电话"),
    "delivered": ("delivered", "已交付"),
    "invoiced": ("invoiced", "已开票"),
    "paid": ("paid", "已收款"),
    "quote": ("quote", "报价单"),
    "no_rate": ("two currencies without a rate", "两种币种（无汇率）"),
    "purchase_order": ("purchase order number", "客户采购单号"),
}
_ENTITIES = {
    "party": ("Customer", "客户"),
    "product": ("Product", "产品"),
    "lead": ("Lead", "线索"),
    "opportunity": ("Opportunity", "商机"),
    "quote": ("Quote", "报价单"),
    "order": ("Order", "订单"),
    "delivery": ("Delivery", "发货单"),
    "invoice": ("Invoice", "发票"),
    "payment": ("Payment", "收款"),
    "payout": ("Payout", "结算"),
    "service_case": ("Service case", "服务工单"),
    "stream": ("Stream", "数据流"),
}
_KINDS = {
    "invoice": {
        "credit_note": ("Credit note", "红字发票"),
        "debit_note": ("Debit note", "借项通知单"),
        "proforma": ("Pro forma invoice", "形式发票"),
        "deposit": ("Deposit invoice", "预收款发票"),
    },
    "payment": {
        "refund": ("Refund", "退款"),
        "chargeback": ("Chargeback", "拒付"),
        "advance": ("Advance", "预收款"),
        "overpayment": ("Overpayment", "多付款"),
        "write_off": ("Write-off", "坏账核销"),
    },
}
_DIFFERENCES = {
    "currency": ("currency {quoted} quoted, {ordered} ordered", "币种：报价 {quoted}，订单 {ordered}"),
    "quantity": ("{sku}: quantity {quoted} quoted, {ordered} ordered", "{sku} 数量：报价 {quoted}，订单 {ordered}"),
    "price": ("{sku}: price {quoted} quoted, {ordered} ordered", "{sku} 单价：报价 {quoted}，订单 {ordered}"),
    "unit": ("{sku}: unit {quoted} quoted, {ordered} ordered", "{sku} 计量单位：报价 {quoted}，订单 {ordered}"),
    "discount": (
        "{sku}: discount {quoted} % quoted, {ordered} % ordered",
        "{sku} 折扣：报价 {quoted} %，订单 {ordered} %",
    ),
    "tax": ("{sku}: tax {quoted} quoted, {ordered} ordered", "{sku} 税额：报价 {quoted}，订单 {ordered}"),
    "missing": ("{sku}: quoted ({quoted}) but not ordered", "{sku}：报价中有（{quoted}），订单中无"),
    "added": ("{sku}: ordered ({ordered}) but not quoted", "{sku}：订单中有（{ordered}），报价中无"),
    "billed_quantity": (
        "{sku}: quantity {ordered} ordered, {billed} billed",
        "{sku} 数量：订单 {ordered}，发票 {billed}",
    ),
    "billed_unit": ("{sku}: unit {ordered} ordered, {billed} billed", "{sku} 计量单位：订单 {ordered}，发票 {billed}"),
    "billed_price": ("{sku}: price {ordered} ordered, {billed} billed", "{sku} 单价：订单 {ordered}，发票 {billed}"),
    "billed_discount": (
        "{sku}: discount {ordered} % ordered, {billed} % billed",
        "{sku} 折扣：订单 {ordered} %，发票 {billed} %",
    ),
    "billed_tax": ("{sku}: tax {ordered} ordered, {billed} billed", "{sku} 税额：订单 {ordered}，发票 {billed}"),
    "billed_missing": ("{sku}: ordered ({ordered}) but not billed", "{sku}：订单中有（{ordered}），发票中无"),
    "billed_added": ("{sku}: billed ({billed}) but not ordered", "{sku}：发票中有（{billed}），订单中无"),
    "delivered_quantity": (
        "{sku}: {ordered} ordered, {delivered} delivered",
        "{sku}：订货 {ordered}，交付 {delivered}",
    ),
    "delivered_added": ("{sku}: not ordered, {delivered} delivered", "{sku}：未订货，交付 {delivered}"),
}
_FIELD = re.compile(r"\{(\w+)\}")
_STATUS_WORDS: dict[str, dict[str, str]] = {
    entity: {name: status.zh for name, status in known.items()} for entity, known in STATUSES.items()
}


def language(locale: str) -> str:
    """``zh`` for Chinese locales, else ``en``."""
    return "zh" if locale.lower().startswith("zh") else "en"


def say(template: str, params: Mapping[str, Any], currency: str | None, lang: str) -> str:
    """Fill a sentence of a check with its finding's parameters.

    ``{x}`` takes ``x``, or ``x_words`` (known words; without any ``x_money``), ``x_lines`` (differences of lines) or
    ``x_of`` (a status, behind the entity that it is of); behind the list ``x`` come ``x_kinds`` (what money is that
    settles nothing). A name that ends in ``_money`` is minor units of the finding's currency or of ``…_currency``;
    ``_status``, ``_state`` and ``entity_name`` are translated; lists are joined. Raises ``KeyError`` for a name the
    parameters do not have.
    """
    return _FIELD.sub(lambda match: _value(match.group(1), params, currency, lang), template)


def names(template: str) -> set[str]:
    """The parameters a sentence uses."""
    return set(_FIELD.findall(template))


def entity(name: str, lang: str) -> str:
    """What an entity is called."""
    return _pick(_ENTITIES.get(name, (name, name)), lang)


def document(name: str, kind: str | None, lang: str) -> str:
    """What an entity of this kind is called: of an invoice that takes money back, a credit note."""
    return _pick(_KINDS.get(name, {}).get(kind or "", _ENTITIES.get(name, (name, name))), lang)


def status(of: str, name: str | None, lang: str) -> str:
    """What a status of an entity is called."""
    if name is None:
        return "–"
    return _STATUS_WORDS.get(of, {}).get(name, name) if lang == "zh" else name.replace("_", " ")


def state(name: str | None, lang: str) -> str:
    """What a delivery, billing, payment or approval state is called."""
    if name is None:
        return "–"
    return _STATES.get(name, name) if lang == "zh" else name.replace("_", " ")


def amount(minor: int | None, currency: str | None) -> str:
    """Money for people: ``CNY 12,345.60``."""
    plain = money.text(minor, currency)
    if plain is None:
        return "–"
    return f"{currency or ''} {Decimal(plain):,}".strip()


def coded() -> dict[str, tuple[str, str]]:
    """What parameters say by a code, as findings are found by it (``state.finding_terms``): code → English, Chinese."""
    found = {f"word={name}": pair for name, pair in _WORDS.items()}
    found |= {f"entity={name}": pair for name, pair in _ENTITIES.items()}
    found |= {f"kind={name}": pair for name, pair in DIFFERENCES.items()}
    found |= {f"state={name}": (name.replace("_", " "), zh) for name, zh in _STATES.items()}
    for of, known in _STATUS_WORDS.items():
        found |= {f"{of}={name}": (name.replace("_", " "), zh) for name, zh in known.items()}
    lines = {name: tuple(_FIELD.sub(" ", text) for text in pair) for name, pair in _DIFFERENCES.items()}
    return found | {f"line={name}": (en, zh) for name, (en, zh) in lines.items()}


def _value(name: str, params: Mapping[str, Any], currency: str | None, lang: str) -> str:
    separator = "、" if lang == "zh" else ", "
    if params.get(f"{name}_words"):
        joined = separator.join(_pick(_WORDS[word], lang) for word in params[f"{name}_words"])
        return joined if lang == "zh" else joined.replace(", ", " and ")
    if f"{name}_lines" in params:
        lines = [_pick(_DIFFERENCES[item["what"]], lang).format(**item) for item in params[f"{name}_lines"]]
        return ("；" if lang == "zh" else "; ").join(lines)
    if f"{name}_of" in params:
        entity_name, known = params[f"{name}_of"]
        return status(entity_name, known, lang)
    if name not in params and f"{name}_money" in params:
        name = f"{name}_money"
    value = params[name]
    if name.endswith("_money"):
        return amount(value, params.get(f"{name}_currency", currency))
    if name.endswith("_status"):
        return status(name.removesuffix("_status"), value, lang)
    if name.endswith("_state"):
        return state(value, lang)
    if name == "entity_name":
        return entity(value, lang)
    if f"{name}_kinds" in params:
        value = [*value, *(text(DIFFERENCES, kind, lang) for kind in params[f"{name}_kinds"])]
    if isinstance(value, list):
        return separator.join(str(item) for item in value)
    return "–" if value is None else str(value)


def _pick(texts: tuple[str, str], lang: str) -> str:
    return texts[LANGUAGES.index(lang)]
