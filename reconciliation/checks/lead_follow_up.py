"""Sales works on the leads that it was given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciliation.checks.registry import check

_PLAIN = "[record_id] AS keys, [record_id] AS records, NULL::BIGINT AS amount, NULL AS currency"


@check(
    "lead_without_owner",
    stage="lead",
    department="sales",
    severity="warning",
    title=("Lead without owner", "线索无负责人"),
    fires=(
        "an open CRM lead has no owner {hours} hours after it was received, in a CRM where most leads have one",
        "CRM 中未关闭的线索收到 {hours} 小时后仍无负责人（该 CRM 的多数线索有负责人）",
    ),
    sentence=(
        "Lead {lead}, received {received_on}, belongs to nobody.",
        "{received_on} 收到的线索 {lead} 没有负责人。",
    ),
    action=("Assign the lead to somebody in the CRM.", "请在 CRM 中为该线索指定负责人。"),
    needs="crm.lead",
    hours=24,
)
def lead_without_owner(parameters: Mapping[str, Any]) -> str:
    """A CRM that keeps no owners, or whose mapping does not read them, is left alone."""
    return f"""
        SELECT {_PLAIN}, received_on AS since, struct_pack(lead := label, received_on := received_on) AS params
        FROM crm_leads
        WHERE is_open AND coalesce(trim(owner_ref), '') = ''
          AND received_at + INTERVAL {int(parameters["hours"])} HOUR <= getvariable('as_of')
          AND system IN (SELECT system FROM crm_leads GROUP BY system HAVING count(owner_ref) * 2 > count(*))
        """


@check(
    "lead_uncontacted",
    stage="lead",
    department="sales",
    severity="warning",
    title=("Lead not contacted in time", "线索未按时联系"),
    fires=(
        "a CRM lead is still new {hours} hours after it was received; 0: no limit is set",
        "CRM 线索收到 {hours} 小时后仍为新线索；0 表示未设时限",
    ),
    silent=("the lead has `lead_without_owner`", "该线索已有 `lead_without_owner`"),
    sentence=(
        "Lead {lead}, received {received_on}, is still new: nobody has contacted it.",
        "{received_on} 收到的线索 {lead} 仍为新线索，尚无人联系。",
    ),
    action=(
        "Contact the lead, or mark it as disqualified.",
        "请联系该线索，或将其标记为无效。",
    ),
    needs="crm.lead",
    hours=0,
)
def lead_uncontacted(parameters: Mapping[str, Any]) -> str:
    """How fast a first contact must be is the company's own agreement."""
    hours = int(parameters["hours"])
    return f"""
        SELECT {_PLAIN}, received_on AS since, struct_pack(lead := label, received_on := received_on) AS params
        FROM crm_leads
        WHERE {hours} > 0 AND status = 'new' AND received_at + INTERVAL {hours} HOUR <= getvariable('as_of')
          AND record_id NOT IN (SELECT record_id FROM found WHERE check_id = 'lead_without_owner')
        """


@check(
    "lead_stale",
    stage="lead",
    department="sales",
    severity="warning",
    title=("Lead lies idle", "线索长期未跟进"),
    fires=(
        "an open CRM lead was last changed more than {days} days ago",
        "CRM 中未关闭的线索超过 {days} 天没有变动",
    ),
    silent=(
        "the lead has `lead_without_owner` or `lead_uncontacted`",
        "该线索已有 `lead_without_owner` 或 `lead_uncontacted`",
    ),
    sentence=(
        "Lead {lead} is {lead_status} and was last changed on {touched_on}.",
        "线索 {lead} 状态为“{lead_status}”，最后一次变动在 {touched_on}。",
    ),
    action=(
        "Go on with the lead, park it, or mark it as disqualified.",
        "请继续跟进、转入培育或将其标记为无效。",
    ),
    needs="crm.lead",
    days=90,
)
def lead_stale(parameters: Mapping[str, Any]) -> str:
    """Of whatever open status; a lead that nobody has owned or called is told of as such."""
    return f"""
        SELECT {_PLAIN}, touched_on AS since,
            struct_pack(lead := label, lead_status := status, touched_on := touched_on) AS params
        FROM crm_leads
        WHERE is_open AND getvariable('today') - touched_on > {int(parameters["days"])}
          AND record_id NOT IN (
              SELECT record_id FROM found WHERE check_id IN ('lead_without_owner', 'lead_uncontacted'))
        """


@check(
    "lead_without_opportunity",
    stage="lead",
    department="sales",
    severity="warning",
    title=("Qualified lead without opportunity", "合格线索无商机"),
    fires=(
        (
            "a CRM lead has been qualified by sales, or converted, for {days} days, and neither it nor "
            "its customer has "
            "an opportunity"
        ),
        "CRM 线索成为销售合格或已转化满 {days} 天，而该线索及其客户均无商机",
    ),
    sentence=(
        "Lead {lead} is {lead_status} since {touched_on}; there is no opportunity for it.",
        "线索 {lead} 自 {touched_on} 起为“{lead_status}”，但没有对应的商机。",
    ),
    action=(
        "Open the opportunity in the CRM and link the lead to it, or say why there is none.",
        "请在 CRM 中建立商机并关联该线索，或说明原因。",
    ),
    needs="crm.lead crm.opportunity",
    days=14,
)
def lead_without_opportunity(parameters: Mapping[str, Any]) -> str:
    """A lead may be converted into a customer whose opportunity was there already."""
    return f"""
        SELECT {_PLAIN}, touched_on AS since,
            struct_pack(lead := label, lead_status := status, touched_on := touched_on) AS params
        FROM crm_leads l
        WHERE status IN ('sales_qualified', 'converted')
          AND getvariable('today') - touched_on >= {int(parameters["days"])}
          AND record_id NOT IN (SELECT lead_id FROM lead_opportunity)
          AND NOT EXISTS (FROM party_key k JOIN party_of o ON o.cluster = k.cluster
                          JOIN opportunities p ON p.record_id = o.record_id
                          WHERE k.system = l.system AND k.party_ref = l.party_ref AND NOT p.deleted)
        """


@check(
    "lead_duplicate_in_crm",
    stage="lead",
    department="sales",
    severity="warning",
    title=("Duplicate lead in the CRM", "CRM 中线索重复"),
    fires=(
        "two or more open leads of one CRM share a normalised e-mail or phone; one finding per group",
        "同一 CRM 中两条或以上未关闭的线索邮箱或电话相同（规范化后）；每组一个问题",
    ),
    silent=(
        "the forms that they come from are a `lead_duplicate`",
        "其来源表单已属于 `lead_duplicate`",
    ),
    sentence=(
        "{count} open leads in the CRM are the same person: {leads}.",
        "CRM 中有 {count} 条未关闭的线索为同一联系人：{leads}。",
    ),
    action=(
        "Merge the leads in the CRM, so that one person is called by one seller.",
        "请在 CRM 中合并这些线索，由一名销售跟进同一联系人。",
    ),
    needs="crm.lead",
)
def lead_duplicate_in_crm(_: Mapping[str, Any]) -> str:
    """The first by when it was received is the group's identity."""
    return """
        SELECT [first(record_id ORDER BY received_at, record_id)] AS keys,
            list(record_id ORDER BY received_at, record_id) AS records, NULL::BIGINT AS amount, NULL AS currency,
            max(received_on) AS since,
            struct_pack(count := count(*), leads := list(label ORDER BY received_at, record_id)) AS params
        FROM crm_leads l
        WHERE group_id IS NOT NULL AND is_open
          AND NOT EXISTS (FROM twins t JOIN found f ON f.record_id = t.twin_id
                          WHERE t.record_id = l.record_id AND f.check_id = 'lead_duplicate')
        GROUP BY group_id HAVING count(*) > 1
        """
