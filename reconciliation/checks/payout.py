"""What a processor pays out adds up, holds every payment, and costs what it usually costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciliation.checks.registry import check
from reconciliation.frame import quoted
from reconciliation.payouts import statements_reach


@check(
    "payout_does_not_add_up",
    stage="payout",
    department="finance",
    severity="error",
    title=("Payout does not add up", "结算金额不符"),
    fires=(
        "what a payout is made of (charges − fees − refunds − disputes ± all else) does not come to its amount",
        "结算的组成（收款 − 手续费 − 退款 − 争议 ± 其他）与结算金额不一致",
    ),
    sentence=(
        "Payout {payout} is {paid_money}, but its parts come to {net_money}: charges {gross_money}, fees {fees_money}, "
        "refunds {refunds_money}, disputes {disputes_money}, other {other_money}; {rest_money} are not explained.",
        "结算 {payout} 为 {paid_money}，但各组成合计 {net_money}：收款 {gross_money}，手续费 {fees_money}，"
        "退款 {refunds_money}，争议 {disputes_money}，其他 {other_money}；差额 {rest_money} 无法解释。",
    ),
    action=(
        "Compare it with the processor's own report of this payout, and ask the processor what is missing.",
        "请与支付机构的该笔结算明细核对，并向其查询缺少的项目。",
    ),
    needs="payments.payout",
)
def payout_does_not_add_up(_: Mapping[str, Any]) -> str:
    """The lines of a payout are known and come to another amount."""
    return """
        SELECT [s.payout_id] AS keys, [s.payout_id] AS records, abs(s.rest) AS amount, s.currency,
            s.arrival_date AS since,
            struct_pack(payout := o.label, paid_money := s.amount, net_money := s.net, gross_money := s.gross,
                fees_money := s.fees, refunds_money := s.refunds, disputes_money := s.disputes,
                other_money := s.other, rest_money := s.rest) AS params
        FROM payout_sums s JOIN payout_subjects o ON o.record_id = s.payout_id
        WHERE s.is_known AND NOT agree(s.amount, s.net, s.currency)
        """


@check(
    "payout_not_in_bank",
    stage="payout",
    department="finance",
    severity="error",
    title=("Payout not in the bank", "结算款未到账"),
    fires=(
        "{days} or more after the day on which a payout should have arrived, no line of the bank's is linked to it, "
        "though statements in its currency go beyond that day",
        "结算应到账日 {days} 天后，银行对账单中仍无对应流水，且该币种的对账单已覆盖该日",
    ),
    sentence=(
        "Payout {payout} of {amount_money} should have arrived on {arrival_on}; no line of the bank's shows it.",
        "结算 {payout}（{amount_money}）应于 {arrival_on} 到账，银行对账单中没有对应流水。",
    ),
    action=(
        "Ask the bank with the payout's trace id; if the line is there under another text, confirm the link.",
        "请凭结算的追踪号向银行查询；如流水已存在但摘要不同，请确认关联。",
    ),
    needs="payments.payout bank.payment",
    days=3,
)
def payout_not_in_bank(parameters: Mapping[str, Any]) -> str:
    """Due at the bank for some days, and no line of a statement that would show it."""
    return f"""
        SELECT [a.payout_id] AS keys, [a.payout_id] AS records, a.amount, a.currency, a.arrival_date AS since,
            struct_pack(payout := o.label, amount_money := a.amount, arrival_on := a.arrival_date) AS params
        FROM payout_arrived a JOIN payout_subjects o ON o.record_id = a.payout_id
        WHERE a.state = 'open' AND getvariable('today') - a.arrival_date >= {int(parameters["days"])}
          AND {statements_reach("a.currency", "a.arrival_date")}
        """


@check(
    "payout_bank_amount",
    stage="payout",
    department="finance",
    severity="error",
    title=("Payout ≠ bank", "结算金额 ≠ 到账金额"),
    fires=(
        "the bank's lines for a payout come to another amount than the payout, or are in another currency",
        "银行到账金额与结算金额不一致，或币种不同",
    ),
    sentence=(
        "Payout {payout} is {paid_money}; the bank shows {arrived_money} for it.",
        "结算 {payout} 为 {paid_money}，银行到账 {arrived_money}。",
    ),
    action=(
        "Find out what the bank kept or converted, and book the difference; cut the link if the line is another's.",
        "请查明银行扣费或换汇情况并入账差额；如流水不属于该结算，请解除关联。",
    ),
    needs="payments.payout bank.payment",
)
def payout_bank_amount(_: Mapping[str, Any]) -> str:
    """Payouts that share a line are compared together with it."""
    return """
        WITH sent AS (SELECT position, currency, sum(amount)::BIGINT AS amount, min(arrival_date) AS arrival_date,
                list(payout_id ORDER BY payout_id) AS ids FROM payout_arrived WHERE state = 'at_bank' GROUP BY ALL),
        arrived AS (SELECT position, p.currency, list(p.record_id ORDER BY p.system, p.source_id) AS ids,
                sum(CASE WHEN p.direction = 'out' THEN -p.amount ELSE p.amount END)::BIGINT AS amount
            FROM (SELECT DISTINCT a.position, r.payment_id FROM payout_receipt r
                JOIN payout_arrived a USING (payout_id)) r
            JOIN payments p ON p.record_id = r.payment_id WHERE NOT p.deleted GROUP BY ALL)
        SELECT s.ids AS keys, list_concat(s.ids, b.ids) AS records,
            CASE WHEN s.currency IS NOT DISTINCT FROM b.currency THEN abs(s.amount - b.amount) ELSE s.amount END
                AS amount, s.currency, s.arrival_date AS since,
            struct_pack(payout := o.label, paid_money := s.amount, arrived_money := b.amount,
                arrived_money_currency := b.currency) AS params
        FROM sent s JOIN arrived b USING (position) JOIN payout_subjects o ON o.record_id = s.ids[1]
        WHERE s.currency IS DISTINCT FROM b.currency OR NOT agree(s.amount, b.amount, s.currency)
        """


@check(
    "payment_not_paid_out",
    stage="payout",
    department="finance",
    severity="warning",
    title=("Payment not paid out", "收款未结算"),
    fires=(
        "a payment was received at a processor {days} or more ago and is in no payout; not where a later payout of its "
        "currency does not tell what is in it",
        "支付机构收款已满 {days} 天仍不在任何结算中；若其后有同币种、无法得知明细的结算，则不产生问题",
    ),
    sentence=(
        "Payment {payment} of {amount_money} was received on {received_on} and is in no payout.",
        "{received_on} 的收款 {payment}（{amount_money}）不在任何结算中。",
    ),
    action=(
        "Look at the processor whether payouts are paused or the payment is held in reserve.",
        "请在支付机构后台查看结算是否暂停，或该款项是否被暂扣。",
    ),
    needs="payments.payment payments.payout",
    days=10,
)
def payment_not_paid_out(_: Mapping[str, Any]) -> str:
    """Received for some days and in no payout, though every later payout tells what is in it."""
    return """
        SELECT [s.payment_id] AS keys, [s.payment_id] AS records, s.amount, s.currency, p.received_on AS since,
            struct_pack(payment := l.label, amount_money := s.amount, received_on := p.received_on) AS params
        FROM payment_paid_out s JOIN payments p ON p.record_id = s.payment_id
        JOIN payment_labels l USING (payment_id)
        WHERE s.state = 'open' AND s.amount > 0
        """


@check(
    "fee_unexpected",
    stage="payout",
    department="finance",
    severity="warning",
    title=("Unexpected fee", "手续费异常"),
    fires=(
        "a processor's fee for a payment is off by {percent} percent or more, and by {at_least} minor units or more, "
        "from what is expected: the basis points of the amount that your contract says for the method, {basis_points}, "
        "plus so many minor units of a currency, {fixed}; without them what {payments} or more payments of the method "
        "and currency usually cost, where no more than {rare} in a hundred of them are off",
        "支付机构手续费与预期相差 {percent}% 以上且不少于 {at_least} 个最小货币单位；预期为合同约定的费率"
        "（万分之几，按支付方式：{basis_points}）加固定费用（最小货币单位：{fixed}），未设置时取同一支付方式和币种"
        " {payments} 笔以上收款的通常费用，且异常者不超过 {rare}%",
    ),
    sentence=(
        "Payment {payment} of {paid_money} ({method}) cost {fee_money}; {expected_money} would be usual.",
        "收款 {payment}（{paid_money}，{method}）的手续费为 {fee_money}，通常应为 {expected_money}。",
    ),
    action=(
        "Ask the processor which tariff it applied, and have what was charged too much given back.",
        "请向支付机构核实所用费率，多收部分要求退回。",
    ),
    needs="payments.payment",
    percent=50,
    at_least=100,
    payments=100,
    rare=1,
    basis_points={"card": 0},
    fixed={"USD": 0},
)
def fee_unexpected(parameters: Mapping[str, Any]) -> str:
    """Far from what the method costs by contract, or else usually.

    The usual fee is a resistant line (Tukey's, through the medians of the lower and the upper third by amount), moved
    to the median of what is left: a rate and a fixed part, which a few odd fees do not bend. All in whole numbers.
    """
    rates = {name: int(rate) for name, rate in parameters["basis_points"].items() if rate}
    fixed = {code: int(units) for code, units in parameters["fixed"].items() if units}
    rate = " ".join(f"WHEN method = {quoted(name)} THEN {points}" for name, points in sorted(rates.items()))
    extra = " ".join(f"WHEN currency = {quoted(code)} THEN {units}" for code, units in sorted(fixed.items()))
    group = "PARTITION BY system, method, currency"
    return f"""
        WITH paid AS (
            SELECT record_id, system, coalesce(method, 'other') AS method, currency, amount, fee_amount AS fee,
                received_on FROM payments WHERE payments AND NOT deleted AND status = 'received' AND amount > 0
              AND coalesce(direction, 'in') = 'in' AND coalesce(kind, 'payment') = 'payment' AND fee_amount IS NOT NULL
        ),
        thirds AS (
            SELECT *, ntile(3) OVER ({group} ORDER BY amount, record_id) AS third, count(*) OVER ({group}) AS n
            FROM paid
        ),
        line AS (
            SELECT system, method, currency, quantile_disc(amount, 0.5) FILTER (WHERE third = 1) AS low,
                quantile_disc(amount, 0.5) FILTER (WHERE third = 3) AS high,
                quantile_disc(fee, 0.5) FILTER (WHERE third = 1) AS low_fee,
                quantile_disc(fee, 0.5) FILTER (WHERE third = 3) AS high_fee
            FROM thirds WHERE n >= {max(int(parameters["payments"]), 3)} GROUP BY ALL
        ),
        straight AS (
            SELECT t.*, l.low_fee + CASE WHEN l.high > l.low THEN (((t.amount - l.low)::HUGEINT
                * (l.high_fee - l.low_fee) * 2 + l.high - l.low) // ((l.high - l.low) * 2))::BIGINT ELSE 0 END
                    AS on_line
            FROM thirds t JOIN line l USING (system, method, currency)
        ),
        usual AS (
            SELECT record_id, n, system, method, currency,
                on_line + quantile_disc(fee - on_line, 0.5) OVER ({group}) AS expected FROM straight
        ),
        agreed AS (
            SELECT *, CASE {rate or "WHEN false THEN 0"} END AS points, CASE {extra or "WHEN false THEN 0"} ELSE 0 END
                AS extra FROM paid
        ),
        compared AS (
            SELECT p.*, p.points IS NOT NULL AS by_contract, u.n, CASE WHEN p.points IS NOT NULL
                THEN ((p.amount::HUGEINT * p.points * 2 + 10000) // 20000)::BIGINT + p.extra ELSE u.expected END
                    AS expected
            FROM agreed p LEFT JOIN usual u ON u.record_id = p.record_id
            WHERE p.points IS NOT NULL OR u.record_id IS NOT NULL
        ),
        off AS (
            SELECT *, count(*) OVER ({group}, fee > expected) AS alike FROM compared
            WHERE abs(fee - expected) >= {int(parameters["at_least"])}
              AND abs(fee - expected) * 100 >= {int(parameters["percent"])} * greatest(abs(expected), 1)
        )
        SELECT [o.record_id] AS keys, [o.record_id] AS records, abs(o.fee - o.expected) AS amount, o.currency,
            o.received_on AS since,
            struct_pack(payment := l.label, paid_money := o.amount, method := replace(o.method, '_', ' '),
                fee_money := o.fee, expected_money := o.expected) AS params
        FROM off o JOIN payment_labels l ON l.payment_id = o.record_id
        WHERE o.by_contract OR o.alike * 100 <= {int(parameters["rare"])} * o.n
        """
