"""Movements on our accounts that settle no item: interest, payouts, tax, other business, the wrong account."""

from __future__ import annotations

from bench.matching import names
from bench.matching.chance import Weights
from bench.matching.model import Receipt
from bench.matching.office import END, FIRST, LEVEL, Office

_KINDS = Weights(
    {
        "payout": 0.30,
        "wrong_account": 0.16,
        "bank_charge": 0.12,
        "interest": 0.08,
        "tax_refund": 0.06,
        "insurance": 0.06,
        "supplier_refund": 0.12,
        "intercompany": 0.10,
    }
)
_TEXTS = {
    "payout": ("PAYOUT po_1N{digits}", "STRIPE {digits}", "微信支付结算款 {digits}", "ADYEN BATCH {short}"),
    "wrong_account": (
        "RG {digits}",
        "Invoice {short}",
        "INV {digits}",
        "货款 {digits}",
        "Rechnung {short} Kd {digits}",
        "",
    ),
    "bank_charge": ("Account fee", "Kontoführung {short}", "账户管理费", "Entgeltabschluss"),
    "interest": ("Interest Q{quarter}", "Zinsabschluss", "结息"),
    "tax_refund": ("VAT refund {short}", "USt-Erstattung StNr {digits}", "增值税退税"),
    "insurance": ("Claim {digits}", "Schaden-Nr. {digits}", "理赔款 {digits}"),
    "supplier_refund": ("Credit note {short}", "Gutschrift {digits}", "退货款 {digits}"),
    "intercompany": ("Transfer", "Umbuchung", "内部往来", "Cash pool {short}"),
}
_SPREAD = {"payout": 800_000, "bank_charge": 1_500, "interest": 4_000, "intercompany": 5_000_000}


def add(office: Office, count: int) -> None:
    """That many movements; some have by chance or habit the amount of an open invoice."""
    chance = office.chance
    candidates = [item for item in office.items if item.kind == "invoice"]
    for _ in range(count):
        kind = chance.draw(_KINDS)
        amount = max(1, round(chance.spread(_SPREAD.get(kind, 60_000), 1.2))) * LEVEL[office.market]
        made = Receipt(
            "bank", None, _name(office, kind), "", office.currency, 0, chance.between(FIRST, END), "stranger"
        )
        if kind == "bank_charge":
            amount = -amount
        elif kind not in ("payout", "interest") and candidates and chance.happens(office.profile.lookalike):
            item = chance.pick(candidates)
            amount, made.day = item.open, min(END, item.issued + chance.between(1, 40))
            made.events.append("lookalike")
        made.kind, made.segment, made.gross, made.rest = kind, "stranger", amount, amount
        if made.name:
            made.account = names.account(chance, office.market)
        text = chance.pick([text for text in _TEXTS[kind] if text.isascii() or office.market in ("dach", "cn")])
        made.text = text.format(digits=chance.digits(9), short=chance.digits(5), quarter=chance.between(1, 4))
        office.receipts.append(made)


def _name(office: Office, kind: str) -> str:
    chance = office.chance
    if kind in ("wrong_account", "supplier_refund", "insurance"):
        return names.company(chance, office.market)
    return ""
