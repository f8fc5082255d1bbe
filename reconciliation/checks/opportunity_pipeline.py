"""What the pipeline shows is alive, dated, valued and there once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciliation.checks.registry import check
from reconciliation.hops import ACCEPTED, RUNNING

_OPEN = "crm AND NOT deleted AND status IN ('open', 'on_hold')"
_RESTS = f"""{{0}}record_id NOT IN (
            SELECT l.opportunity_id FROM opportunity_order l JOIN orders o ON o.record_id = l.order_id
            WHERE o.erp AND NOT o.deleted AND o.status IN {RUNNING})"""
"""No order runs: one that does is told of by ``status_opportunity_order``."""
_HEAD = "[record_id] AS keys, [record_id] AS records, expected_amount AS amount, currency"
_LABEL = "label(number, name, source_id)"


@check(
    "opportunity_close_date_past",
    stage="opportunity",
    department="sales",
    severity="warning",
    title=("Expected close date is past", "预计成交日期已过"),
    fires=(
        "an opportunity is open or on hold and its expected close date was more than {days} days ago",
        "商机进行中或暂停，而预计成交日期已过 {days} 天以上",
    ),
    silent=("its order runs (`status_opportunity_order`)", "其订单已在执行（`status_opportunity_order`）"),
    sentence=(
        "Opportunity {opportunity} ({amount_money}) was expected to close on {expected_on} and is still open.",
        "商机 {opportunity}（{amount_money}）预计于 {expected_on} 成交，目前仍未关闭。",
    ),
    action=(
        "Close the opportunity, or give it a date that is meant.",
        "请关闭该商机，或更新为真实的预计日期。",
    ),
    needs="crm.opportunity",
    days=14,
)
def opportunity_close_date_past(parameters: Mapping[str, Any]) -> str:
    """A forecast by month counts on that date."""
    return f"""
        SELECT {_HEAD}, expected_close_date AS since, struct_pack(opportunity := {_LABEL},
            amount_money := expected_amount, expected_on := expected_close_date) AS params
        FROM opportunities
        WHERE {_OPEN} AND getvariable('today') - expected_close_date > {int(parameters["days"])}
          AND {_RESTS.format("")}
        """


@check(
    "opportunity_stale",
    stage="opportunity",
    department="sales",
    severity="warning",
    title=("Opportunity lies idle", "商机长期无进展"),
    fires=(
        "an open opportunity was last changed more than {days} days ago",
        "进行中的商机超过 {days} 天没有变动",
    ),
    silent=(
        "it has `opportunity_close_date_past`, or its order runs (`status_opportunity_order`)",
        "已有 `opportunity_close_date_past`，或其订单已在执行（`status_opportunity_order`）",
    ),
    sentence=(
        "Opportunity {opportunity} ({amount_money}) is open and was last changed on {touched_on}.",
        "商机 {opportunity}（{amount_money}）进行中，最后一次变动在 {touched_on}。",
    ),
    action=(
        "Ask the customer where the deal stands, and update or close the opportunity.",
        "请向客户确认进展，并更新或关闭该商机。",
    ),
    needs="crm.opportunity",
    days=120,
)
def opportunity_stale(parameters: Mapping[str, Any]) -> str:
    """One that is on hold rests on purpose."""
    return f"""
        SELECT {_HEAD}, touched_on AS since, struct_pack(opportunity := {_LABEL}, amount_money := expected_amount,
            touched_on := touched_on) AS params
        FROM (SELECT *, local_day(coalesce(source_updated_at, source_created_at)) AS touched_on FROM opportunities)
        WHERE {_OPEN} AND status = 'open' AND getvariable('today') - touched_on > {int(parameters["days"])}
          AND {_RESTS.format("")}
          AND record_id NOT IN (SELECT record_id FROM found WHERE check_id = 'opportunity_close_date_past')
        """


@check(
    "opportunity_without_amount",
    stage="opportunity",
    department="sales",
    severity="warning",
    title=("Opportunity without amount", "商机无金额"),
    fires=(
        (
            "an open opportunity has been proposed or is negotiated, or a quote for it was sent, and it has no amount "
            "or 0"
        ),
        "进行中的商机已报价或在谈判（或其报价单已发送），但没有金额或金额为 0",
    ),
    silent=("its order runs (`status_opportunity_order`)", "其订单已在执行（`status_opportunity_order`）"),
    sentence=(
        "Opportunity {opportunity} has come as far as an offer and shows no amount; its quotes come to {quoted_money}.",
        "商机 {opportunity} 已进入报价阶段但没有金额；其报价合计 {quoted_money}。",
    ),
    action=(
        "Enter the expected amount in the CRM, so that the forecast counts it.",
        "请在 CRM 中填写预计金额，以便计入预测。",
    ),
    needs="crm.opportunity crm.quote",
)
def opportunity_without_amount(_: Mapping[str, Any]) -> str:
    """The money at stake is what its quotes offer, where they do."""
    return f"""
        WITH offered AS (
            SELECT oq.opportunity_id, max(q.net_amount) AS net, any_value(q.currency ORDER BY q.net_amount DESC)
                AS currency
            FROM opportunity_quote oq JOIN quotes q ON q.record_id = oq.quote_id
            WHERE NOT q.deleted AND q.status IN ('sent', 'accepted', 'ordered') GROUP BY ALL
        )
        SELECT [record_id] AS keys, [record_id] AS records, q.net AS amount, coalesce(q.currency, p.currency)
            AS currency, local_day(source_updated_at) AS since,
            struct_pack(opportunity := {_LABEL}, quoted_money := q.net) AS params
        FROM opportunities p LEFT JOIN offered q ON q.opportunity_id = p.record_id
        WHERE {_OPEN} AND coalesce(expected_amount, 0) = 0
          AND (stage IN ('propose', 'negotiate', 'close') OR q.opportunity_id IS NOT NULL)
          AND {_RESTS.format("")}
        """


@check(
    "opportunity_duplicate",
    stage="opportunity",
    department="sales",
    severity="warning",
    title=("Duplicate opportunity", "商机重复"),
    fires=(
        (
            "two or more open opportunities of one customer have the same amount and currency, and were entered within "
            "{days} days; one finding per group"
        ),
        "同一客户的两个或以上进行中商机金额和币种相同，且在 {days} 天内录入；每组一个问题",
    ),
    sentence=(
        "{count} open opportunities of one customer are over {each_money} each: {opportunities}.",
        "同一客户有 {count} 个进行中的商机，金额均为 {each_money}：{opportunities}。",
    ),
    action=(
        "Find out whether it is one deal; keep one opportunity and close the others.",
        "请核实是否为同一笔交易；保留一个，关闭其余商机。",
    ),
    needs="crm.opportunity",
    days=30,
)
def opportunity_duplicate(parameters: Mapping[str, Any]) -> str:
    """The amount is what the pipeline shows too much."""
    return f"""
        WITH alike AS (
            SELECT p.record_id, p.number, p.name, p.source_id, p.currency, p.expected_amount, o.cluster, p.system,
                local_day(p.source_created_at) AS made_on
            FROM opportunities p JOIN party_of o USING (record_id)
            WHERE {_OPEN} AND p.expected_amount > 0
              AND {_RESTS.format("p.")}
        )
        SELECT [first(record_id ORDER BY made_on, record_id)] AS keys, list(record_id ORDER BY made_on, record_id)
            AS records, (expected_amount * (count(*) - 1))::BIGINT AS amount, currency, max(made_on) AS since,
            struct_pack(count := count(*), each_money := expected_amount,
                opportunities := list({_LABEL} ORDER BY made_on, record_id)) AS params
        FROM alike GROUP BY system, cluster, currency, expected_amount
        HAVING count(*) > 1 AND coalesce(max(made_on) - min(made_on), 0) <= {int(parameters["days"])}
        """


@check(
    "status_opportunity_quote",
    stage="opportunity",
    department="sales",
    severity="warning",
    title=("Quote accepted, opportunity lost", "报价已接受而商机输单"),
    fires=(
        "an opportunity is lost or cancelled and one of its quotes is accepted",
        "商机已输单或取消，但其中有报价已被接受",
    ),
    silent=("its order runs (`status_opportunity_order`)", "其订单已在执行（`status_opportunity_order`）"),
    sentence=(
        "Opportunity {opportunity} is {opportunity_status}, yet the customer accepted quote {quotes} ({amount_money}).",
        "商机 {opportunity} 为“{opportunity_status}”，但客户已接受报价单 {quotes}（{amount_money}）。",
    ),
    action=(
        "Find out which is true: set the opportunity to won, or the quote to cancelled.",
        "请核实实际情况：将商机改为赢单，或取消该报价。",
    ),
    needs="crm.opportunity crm.quote",
)
def status_opportunity_quote(_: Mapping[str, Any]) -> str:
    """The money is that of the accepted quotes."""
    return f"""
        SELECT [p.record_id] AS keys, list_concat([p.record_id],
            list(q.record_id ORDER BY q.system, q.source_id)) AS records,
            CASE WHEN count(DISTINCT q.currency) <= 1 THEN sum(q.net_amount) END::BIGINT AS amount,
            any_value(q.currency ORDER BY q.system, q.source_id) AS currency, local_day(p.closed_at) AS since,
            struct_pack(opportunity := label(p.number, p.name, p.source_id), opportunity_status := p.status,
                quotes := list(label(q.number, NULL, q.source_id) ORDER BY q.system, q.source_id), amount_money :=
                    CASE WHEN count(DISTINCT q.currency) <= 1 THEN sum(q.net_amount) END::BIGINT) AS params
        FROM opportunities p JOIN opportunity_quote oq ON oq.opportunity_id = p.record_id
        JOIN quotes q ON q.record_id = oq.quote_id
        WHERE p.crm AND NOT p.deleted AND p.status IN ('lost', 'cancelled') AND NOT q.deleted
          AND q.status IN {ACCEPTED} AND {_RESTS.format("p.")}
        GROUP BY p.record_id, p.number, p.name, p.source_id, p.status, p.closed_at
        """
