"""Cash application in words, English and Chinese: classes of what is left, next steps, rules, kinds of differences."""

from __future__ import annotations

from collections.abc import Mapping

CLASSES: Mapping[str, tuple[str, str]] = {
    "duplicate?": ("Perhaps paid twice", "疑似重复付款"),
    "overpayment": ("Overpayment", "多付款"),
    "advance": ("Advance", "预收款"),
    "already_settled": ("What it names is settled", "所述单据已结清"),
    "to_decide": ("To be decided", "待人工选择"),
    "money_out": ("Money out without what it takes back", "无对应原款项的付出款"),
    "other_currency": ("Only items in another currency", "仅有其他币种的未清项"),
    "unknown_payer": ("Unknown payer", "付款人不明"),
    "payer_unlisted": ("The payer is no known customer", "付款人不是已知客户"),
    "nothing_open": ("Customer owes nothing", "客户无未清项"),
    "no_match": ("Fits nothing", "无匹配"),
    "taken_by_decision": (
        "Its invoice was given to another receipt by a decision",
        "对应单据已由人工决定归入另一笔收款",
    ),
    "decision_outdated": ("Decision no longer fits", "原人工决定已不适用"),
    "left_by_decision": ("Left over by a decision", "人工决定后的余额"),
}
NEXT_STEPS: Mapping[str, tuple[str, str]] = {
    "ask_payer": ("Ask the payer what it is for.", "请向付款人确认款项用途。"),
    "refund_or_keep": ("Refund it, or keep it as a credit of the customer.", "请退款，或作为客户余额保留。"),
    "keep_for_invoice": ("Keep it as a deposit until the invoice is issued.", "请作为预收款保留，待开票后核销。"),
    "choose": ("Choose one of the suggestions.", "请从建议中选择。"),
    "find_reversed": (
        "Find the payment or credit note that it takes back or pays out.",
        "请查找其冲回的收款或对应的红字发票。",
    ),
    "give_rate": ("Give a dated rate, or match it by hand.", "请补充当日汇率，或人工核销。"),
    "find_payer": ("Find out who paid.", "请查明付款人。"),
    "find_customer": ("Find out which customer that is.", "请查明该付款人对应哪一客户。"),
    "pay_back": (
        "Pay the second one back, or set it off with the customer's consent.",
        "请退还第二笔款项，或经客户同意后抵扣。",
    ),
    "check_decision": (
        "Check that decision at the matching desk; take it back if this money pays the invoice.",
        "请在“收款核销”页核对该决定；如单据应由本笔收款结清，请撤销该决定。",
    ),
    "decide_rest": (
        "Say what the rest settles, or what it is: a deposit, or to be refunded.",
        "请说明余额核销哪些单据，或属于预收款、待退款。",
    ),
    "decide_again": ("Decide again: receipt or items have changed since.", "收款或未清项已变化，请重新决定。"),
}
KINDS: Mapping[str, tuple[str, str]] = {
    "reference": ("It names what it pays, to the cent.", "附言写明单据，金额一致。"),
    "account": ("Whose account it is.", "依账户识别付款人。"),
    "rounding": ("It names what it pays; the rest is rounding.", "附言写明单据，差额为尾差。"),
    "discount": ("It names what it pays, less early-payment discount.", "附言写明单据，已扣现金折扣。"),
    "fee": ("It names what it pays, less a fee or a little.", "附言写明单据，少付手续费或小额。"),
    "withholding_tax": ("It names what it pays, less withholding tax.", "附言写明单据，已代扣税款。"),
    "withheld": (
        "The payer owes just this amount less the tax that he always withholds.",
        "付款人有一笔未清项，扣除其惯常代扣的税款后恰为此金额。",
    ),
    "surcharge": ("It names what it pays, with interest.", "附言写明单据，另付利息。"),
    "credit_note": ("What it names and other items come to it.", "所述单据与其他单据合计一致。"),
    "some_of_named": ("Some items of the order that it names come to it.", "所述订单的部分单据合计一致。"),
    "reversal": ("It takes back an earlier receipt.", "冲回先前收款。"),
    "currency": ("It names what it pays, in another currency.", "附言写明单据，币种不同。"),
    "instalment": ("An instalment of what it names.", "所述单据的一期款。"),
    "ending": (
        "It has the last digits of a number, and just this amount is open under it.",
        "附言含单据号尾数，且该单据未清金额恰为此数。",
    ),
    "namesake": ("Of the customers of the payer's name one owes just this amount.", "同名客户中仅一户恰欠此金额。"),
    "party_amount": ("The payer owes just this amount.", "付款人恰有此金额的未清项。"),
    "period": ("All of the month that it names.", "所述月份的全部单据。"),
    "partial": ("A part of what it names.", "所述单据的部分款。"),
    "overpayment": ("More than what it names.", "超过所述单据金额。"),
    "balance": ("All that was owed or due.", "当时全部欠款或到期款。"),
    "on_account": ("On account: the oldest debts first.", "未指明用途，先抵最早债务。"),
    "amount_only": ("Something of just this amount is open.", "有未清项恰为此金额。"),
    "subset_sum": ("Several items come to just this amount.", "数张单据合计恰为此金额。"),
}
"""Kind of rule → why it matched."""
DIFFERENCES: Mapping[str, tuple[str, str]] = {
    "rounding": ("rounding", "尾差"),
    "discount": ("early-payment discount", "现金折扣"),
    "fee": ("fee", "手续费"),
    "withholding_tax": ("withholding tax", "代扣税"),
    "fx": ("exchange", "汇兑差额"),
    "short_payment": ("short payment", "少付"),
    "surcharge": ("surcharge", "附加费或利息"),
    "overpayment": ("overpayment", "多付款"),
    "deposit": ("deposit", "预收款"),
    "refund": ("refund", "退款"),
    "to_refund": ("to be refunded", "待退款"),
    "no_sale": ("no payment of a customer", "非客户款项"),
}


def text(words: Mapping[str, tuple[str, str]], name: str | None, lang: str) -> str | None:
    """What something is called in ``en`` or ``zh``; the name itself if newer data brings one we do not know."""
    if name is None:
        return None
    return words[name][lang == "zh"] if name in words else name
