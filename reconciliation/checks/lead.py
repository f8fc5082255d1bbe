"""Marketing hands leads to sales: nothing lost, nothing twice, nothing unusable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciliation.checks.registry import check


@check(
    "lead_incomplete",
    stage="lead",
    department="marketing",
    severity="warning",
    title=("Incomplete lead", "线索信息不完整"),
    fires=(
        "a marketing lead has no company name, or neither e-mail nor phone",
        "市场线索没有公司名称，或既无邮箱也无电话",
    ),
    silent=(
        "the person was erased",
        "该人的信息已按要求清除",
    ),
    sentence=(
        "Lead {lead}, received {received_on}, cannot be worked on: {missing} is missing.",
        "{received_on} 收到的线索 {lead} 无法跟进：缺少{missing}。",
    ),
    action=(
        "Complete the lead in the marketing system, or mark it as disqualified.",
        "请在市场系统中补全该线索，或将其标记为无效。",
    ),
    needs="marketing.lead",
)
def lead_incomplete(_: Mapping[str, Any]) -> str:
    """No company name, or neither e-mail nor phone; not where a person was erased."""
    return """
        SELECT [record_id] AS keys, [record_id] AS records, NULL::BIGINT AS amount, NULL AS currency,
            received_on AS since, struct_pack(lead := label, received_on := received_on, missing_words :=
                CASE WHEN NOT has_company AND NOT reachable THEN ['company', 'contact']
                     WHEN NOT has_company THEN ['company'] ELSE ['contact'] END) AS params
        FROM form_leads WHERE NOT is_complete AND record_id NOT IN (SELECT record_id FROM erased)
        """


@check(
    "lead_duplicate",
    stage="lead",
    department="marketing",
    severity="warning",
    title=("Duplicate lead", "重复线索"),
    fires=(
        "two or more live marketing leads share a normalised e-mail or phone; one finding per group",
        "两条或以上有效的市场线索邮箱或电话相同（规范化后）；每组一个问题",
    ),
    sentence=(
        "{count} leads are the same person: {leads}. The first, {lead}, was received {received_on}.",
        "{count} 条线索为同一联系人：{leads}。最早的 {lead} 于 {received_on} 收到。",
    ),
    action=(
        "Keep the oldest lead, mark the others as disqualified, and tell whoever works on them.",
        "请保留最早的线索，将其余线索标记为无效，并通知跟进人员。",
    ),
    needs="marketing.lead",
)
def lead_duplicate(_: Mapping[str, Any]) -> str:
    """Live marketing leads that share an e-mail or a phone; the oldest of a group is its identity."""
    return """
        SELECT [first(record_id ORDER BY age)] AS keys, list(record_id ORDER BY age) AS records, NULL::BIGINT AS amount,
            NULL AS currency, max(received_on) AS since,
            struct_pack(lead := first(label ORDER BY age), leads := list(label ORDER BY age),
                count := count(*), received_on := min(received_on)) AS params
        FROM form_leads WHERE group_id IS NOT NULL GROUP BY group_id
        """


@check(
    "lead_not_in_crm",
    stage="lead",
    department="marketing",
    severity="error",
    title=("Lead not in the CRM", "线索未进入 CRM"),
    fires=(
        "a marketing lead has no CRM lead linked {hours} after it was received",
        "市场线索收到 {hours} 小时后仍无关联的 CRM 线索",
    ),
    silent=(
        (
            "of a duplicate's copies only the oldest is looked for, and any copy's link will do; incomplete "
            "and disqualified leads are not looked for"
        ),
        "重复线索只看最早一条，任一副本已关联即可；不完整或无效的线索不计",
    ),
    sentence=(
        "Lead {lead} ({company}) came in on {received_on} and is not in the CRM.",
        "线索 {lead}（{company}）于 {received_on} 收到，至今未进入 CRM。",
    ),
    action=(
        "Create the lead in the CRM and assign it, or mark it as disqualified in the marketing system.",
        "请在 CRM 中创建并分配该线索，或在市场系统中将其标记为无效。",
    ),
    needs="marketing.lead crm.lead",
    hours=48,
)
def lead_not_in_crm(parameters: Mapping[str, Any]) -> str:
    """Not linked in time; of a duplicate's copies only the oldest is looked for, and any copy's link will do."""
    return f"""
        SELECT [record_id] AS keys, [record_id] AS records, NULL::BIGINT AS amount, NULL AS currency,
            received_on AS since, struct_pack(lead := label, company := company, received_on := received_on) AS params
        FROM form_leads
        WHERE is_complete AND age = 1 AND NOT group_in_crm
          AND received_at + INTERVAL {int(parameters["hours"])} HOUR <= getvariable('as_of')
        """
