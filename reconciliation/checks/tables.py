"""What the query of a check can look at: the tables that stay as they are from version to version."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from mappings.model import ENTITIES, LINES, TABLES
from reconciliation import facts, frame, shown
from reconciliation.checks.trial import empty_store
from reconciliation.linking import link
from reconciliation.rules import ROLES, Rules

_LINKS = {
    "lead_opportunity": ("leads and the opportunities they became", "线索与其转化的商机"),
    "opportunity_quote": ("opportunities and their quotes", "商机与报价单"),
    "opportunity_order": ("opportunities and their orders", "商机与订单"),
    "quote_order": ("quotes and their orders", "报价单与订单"),
    "order_delivery": ("orders and their deliveries", "订单与发货单"),
    "order_invoice": ("orders and their invoices", "订单与发票"),
    "invoice_payment": ("invoices and the payments that name them", "发票与对应收款"),
    "order_payment": ("orders and the payments of their invoices", "订单与收款"),
    "payment_payout": ("payments and the payouts that hold them", "收款与结算"),
    "twins": ("records of two systems that are one", "两个系统中的同一记录"),
}
_DERIVED = {
    "systems": ("the systems and their roles", "系统及其角色"),
    "coverage": ("until when each stream has been read", "各数据流的读取时点"),
    "source_counts": ("what each source counts, and what we hold", "各来源的计数与本地数量"),
    "quarantined": ("records that could not be understood", "被隔离的记录"),
    "out_of_order": ("statuses that changed against their order", "违反顺序的状态变更"),
    "party_of": (
        "the customer of each document; `cluster` is one for all his records",
        "各单据的客户；同一客户 `cluster` 相同",
    ),
    "order_states": ("what is delivered, billed and paid of each order", "各订单的交付、开票、收款情况"),
    "open_invoices": ("invoices that are sent and not settled", "已开出未结清的发票"),
    "invoice_settled": ("what settled each invoice", "各发票的结清金额"),
    "payment_left_out": ("payments that another system shows too; they count there", "已在另一系统计入的收款"),
    "won_opportunities": ("won opportunities with their accepted quotes", "赢单商机及已接受报价"),
    "crm_leads": ("leads of the CRM with their age", "CRM 线索及时效"),
    "form_leads": ("leads of forms, copies together", "表单线索（合并重复）"),
    "quote_items": ("lines of quotes, amounts in minor units", "报价明细（最小货币单位）"),
    "order_items": ("lines of orders, amounts in minor units", "订单明细（最小货币单位）"),
    "invoice_items": ("lines of invoices, amounts in minor units", "发票明细（最小货币单位）"),
    "subjects": ("every record in one shape", "所有记录的统一视图"),
    "rates": ("rates of ltc.yaml to the base currency", "折算为本位币的汇率"),
    "found": ("what the checks before this one have found", "此前检查发现的记录"),
}


class Table(NamedTuple):
    """``about`` is by language, ``columns`` name → type of DuckDB."""

    about: dict[str, str]
    columns: dict[str, str]


def tables() -> dict[str, Table]:
    """By name: the canonical records and their lines, the links between them, and what is derived from them."""
    about = {TABLES[entity]: (f"canonical records: {entity}", f"规范记录：{entity}") for entity in ENTITIES}
    about |= {LINES[entity].table: (f"lines: {entity}", f"明细：{entity}") for entity in LINES}
    about |= {**_LINKS, **_DERIVED}
    rules = Rules(
        roles={role: (role,) for role in ROLES},
        timezone="UTC",
        base_currency="CNY",
        locale="en",
        as_of=datetime(2026, 10, 31, tzinfo=UTC),
    )
    columns: dict[str, dict[str, str]] = {}
    with empty_store() as store, frame.load(store, rules, links=False) as loaded:
        link(loaded, store, "trial")
        facts.prepare(loaded)
        shown.prepare(loaded)
        for name, column, kind in loaded.rows(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal ORDER BY column_index"
        ):
            columns.setdefault(name, {})[column] = kind
    return {
        name: Table({"en": said[0], "zh": said[1]}, columns[name]) for name, said in about.items() if name in columns
    }
