"""A customer is the same in every system, and there once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciliation.checks.registry import check
from reconciliation.hops import RUNNING

# Pairs of living records of one customer in two systems, each pair once.
_PAIRS = """
    SELECT least(t.record_id, t.twin_id) AS a_id, greatest(t.record_id, t.twin_id) AS b_id FROM twins t
    WHERE t.entity = 'party' AND t.record_id < t.twin_id"""


def _bare(side: str) -> str:
    """A tax id without spaces, punctuation, case and a country in front."""
    return f"regexp_replace(key_tax_id({side}.tax_id), '^[A-Z]{{2}}([0-9])', '\\1')"


def _differing(what: str, words: str) -> str:
    """Customers whose linked records differ: ``what`` is true of a pair (``a``, ``b``), ``words`` shows each side."""
    return f"""
        WITH pairs AS ({_PAIRS}),
        wrong AS (
            SELECT a.record_id AS a_id, b.record_id AS b_id, a.system || ': ' || {words.format("a")} AS one,
                b.system || ': ' || {words.format("b")} AS other
            FROM pairs JOIN parties a ON a.record_id = a_id JOIN parties b ON b.record_id = b_id
            WHERE NOT a.deleted AND NOT b.deleted AND a.system <> b.system
              AND a.status IS DISTINCT FROM 'merged' AND b.status IS DISTINCT FROM 'merged' AND ({what})
        ),
        shown AS (
            SELECT k.cluster, list_sort(list_distinct(flatten(list([w.a_id, w.b_id])))) AS ids,
                list_sort(list_distinct(flatten(list([w.one, w.other])))) AS variants
            FROM wrong w JOIN parties p ON p.record_id = w.a_id
            JOIN party_key k ON k.system = p.system AND k.party_ref = 'id:' || p.source_id GROUP BY ALL
        )
        SELECT [ids[1]] AS keys, ids AS records, NULL::BIGINT AS amount, NULL AS currency, NULL::DATE AS since,
            struct_pack(customer := s.label, variants := variants) AS params
        FROM shown JOIN party_subjects s ON s.record_id = ids[1]
        """


@check(
    "party_tax_id_differs",
    stage="master_data",
    department="finance",
    severity="error",
    title=("Tax id differs", "税号不一致"),
    fires=(
        (
            "two linked records of one customer have different tax ids, without spaces, punctuation, case "
            "and a country in front"
        ),
        "同一客户的两条关联记录税号不同（忽略空格、标点、大小写及国家前缀）",
    ),
    sentence=(
        "The tax ids of {customer} differ: {variants}.",
        "客户 {customer} 的税号不一致：{variants}。",
    ),
    action=(
        (
            "Find out which one is right and correct the other; a wrong one makes invoices invalid. If they "
            "are two customers, cut the link."
        ),
        "请核实并更正错误的税号；错误税号会使发票无效。如为两个客户，请切断关联。",
    ),
    needs="",
)
def party_tax_id_differs(_: Mapping[str, Any]) -> str:
    """Only where both systems have one."""
    return _differing(f"{_bare('a')} <> {_bare('b')}", "{0}.tax_id")


@check(
    "party_address_differs",
    stage="master_data",
    department="finance",
    severity="warning",
    title=("Billing address differs", "开票地址不一致"),
    fires=(
        "two linked records of one customer have different countries, or different postal codes in one country",
        "同一客户的两条关联记录国家不同，或同一国家内邮编不同",
    ),
    sentence=(
        "The addresses of {customer} differ: {variants}.",
        "客户 {customer} 的地址不一致：{variants}。",
    ),
    action=(
        "Ask the customer where bills go to, and correct the other system.",
        "请与客户确认开票地址，并更正另一系统。",
    ),
    needs="",
)
def party_address_differs(_: Mapping[str, Any]) -> str:
    """Cities and streets are written in too many ways to compare."""
    postal = "compact({0}.postal_code)"
    one, other = postal.format("a"), postal.format("b")
    return _differing(
        f"upper(a.country) <> upper(b.country) OR (upper(a.country) = upper(b.country) AND {one} <> {other} "
        f"AND {one} <> '' AND {other} <> '')",
        "concat_ws(' ', {0}.country, {0}.postal_code, {0}.city)",
    )


@check(
    "party_terms_differ",
    stage="master_data",
    department="finance",
    severity="warning",
    title=("Payment terms differ", "付款条件不一致"),
    fires=(
        "two linked records of one customer have different days to pay",
        "同一客户的两条关联记录付款天数不同",
    ),
    sentence=(
        "The days to pay of {customer} differ: {variants}.",
        "客户 {customer} 的付款天数不一致：{variants}。",
    ),
    action=(
        "Enter the terms that were agreed with the customer in both systems.",
        "请在两个系统中填写与客户约定的付款条件。",
    ),
    needs="",
)
def party_terms_differ(_: Mapping[str, Any]) -> str:
    """Only terms that are a number of days can be compared."""
    return _differing("a.payment_terms_days <> b.payment_terms_days", "{0}.payment_terms_days::VARCHAR")


@check(
    "party_duplicate",
    stage="master_data",
    department="sales_operations",
    severity="warning",
    title=("Duplicate customer", "客户重复"),
    fires=(
        "two or more, at most {most}, active customers of one system have the same tax id; one finding per group",
        "同一系统中两个或以上（不超过 {most} 个）有效客户税号相同；每组一个问题",
    ),
    sentence=(
        "{system} has {count} customers with the tax id {tax_id}: {customers}.",
        "{system} 中有 {count} 个客户税号均为 {tax_id}：{customers}。",
    ),
    action=(
        "Merge them, so that what one customer ordered and owes stands in one place.",
        "请合并这些客户，使同一客户的订单和欠款集中在一处。",
    ),
    needs="",
    most=5,
)
def party_duplicate(parameters: Mapping[str, Any]) -> str:
    """A tax id that many share is a tax group, or none."""
    return f"""
        SELECT [first(p.record_id ORDER BY p.system, p.source_id)] AS keys,
            list(p.record_id ORDER BY p.system, p.source_id) AS records,
            NULL::BIGINT AS amount, NULL AS currency, NULL::DATE AS since,
            struct_pack(system := p.system, count := count(*), tax_id := p.tax_key,
                customers := list(label(p.name, p.number, p.source_id) ORDER BY p.system, p.source_id)) AS params
        FROM (SELECT *, {_bare("parties")} AS tax_key FROM parties) p
        WHERE NOT p.deleted AND coalesce(p.status, 'active') = 'active' AND p.tax_key IS NOT NULL
        GROUP BY p.system, p.tax_key HAVING count(*) BETWEEN 2 AND {int(parameters["most"])}
        """


@check(
    "party_archived_in_use",
    stage="master_data",
    department="sales_operations",
    severity="warning",
    title=("Archived customer in use", "已归档客户仍在使用"),
    fires=(
        "a customer is archived or merged and has a running order or an open invoice in that system",
        "客户已归档或合并，但在该系统中仍有执行中的订单或未付发票",
    ),
    sentence=(
        "Customer {customer} is {party_status} in {system} and has {documents} ({amount_money}).",
        "客户 {customer} 在 {system} 中为“{party_status}”，但仍有 {documents}（{amount_money}）。",
    ),
    action=(
        "Bring the customer back, or move the documents to the one that it was merged into.",
        "请恢复该客户，或将单据转到合并后的客户。",
    ),
    needs="",
)
def party_archived_in_use(_: Mapping[str, Any]) -> str:
    """What is delivered and paid may stay with it."""
    return f"""
        WITH used AS (
            SELECT o.record_id, o.system, o.source_id, o.net_amount AS amount, o.currency,
                label(o.number, NULL, o.source_id) AS label
            FROM orders o WHERE o.erp AND NOT o.deleted AND o.status IN {RUNNING} AND o.status <> 'completed'
            UNION ALL
            SELECT i.record_id, i.system, i.source_id, i.still_open, i.currency, label(i.number, NULL, i.source_id)
            FROM open_invoices i WHERE i.still_open > tolerance(i.gross_amount, i.currency)
        )
        SELECT [p.record_id] AS keys, list_concat([p.record_id],
            list(u.record_id ORDER BY u.system, u.source_id)) AS records,
            CASE WHEN count(DISTINCT u.currency) <= 1 THEN sum(u.amount) END::BIGINT AS amount,
            any_value(u.currency ORDER BY u.system, u.source_id) AS currency, NULL::DATE AS since,
            struct_pack(customer := label(p.name, p.number, p.source_id), party_status := p.status,
                system := p.system, documents := list(u.label ORDER BY u.system, u.source_id),
                amount_money := CASE WHEN count(DISTINCT u.currency) <= 1 THEN sum(u.amount) END::BIGINT) AS params
        FROM parties p JOIN party_of d ON d.party_id = p.record_id JOIN used u ON u.record_id = d.record_id
        WHERE NOT p.deleted AND p.status IN ('archived', 'merged')
        GROUP BY p.record_id, p.name, p.number, p.source_id, p.status, p.system
        """
