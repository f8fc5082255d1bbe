"""What payers write: the text of a receipt from its habit, in the language of its market, with what spoils it."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

from bench.matching import numbers
from bench.matching.chance import Chance
from bench.matching.model import Item, Receipt
from bench.matching.rates import Profile

_BEFORE = {
    "dach": ("", "", "Rechnung ", "RG ", "RgNr. ", "Re.-Nr. ", "Rech. ", "SVWZ+", "Zahlung Rechnung "),
    "uk": ("", "", "Invoice ", "INV ", "Inv no ", "Payment for ", "/INV/"),
    "us": ("", "", "Invoice ", "INV# ", "Inv ", "PMT ", "REF*IV*"),
    "cn": ("", "货款", "货款 发票号", "发票号:", "付货款 ", "支付发票", "附言:", "发票号码"),
}
_OF_ORDER = {
    "dach": ("Bestellung ", "Best. ", "Auftrag ", ""),
    "uk": ("PO ", "Order ", ""),
    "us": ("PO# ", "Order ", ""),
}
_OF_ORDER["cn"] = ("订单号", "合同号:", "合同", "采购订单")
_BY_MACHINE = {"numbers": ("", "Payment ", "Invoice "), "order": ("", "Order ", "#"), "purchase_order": ("",)}
_OF_DELIVERY = {"dach": ("Lieferschein ", "LS "), "uk": ("Delivery ",), "us": ("BOL ",), "cn": ("送货单",)}
_OF_CUSTOMER = {
    "dach": ("Kd.Nr. ", "Kundennummer "),
    "uk": ("Account ", "A/C "),
    "us": ("Cust ", "Acct "),
    "cn": ("客户号",),
}
_WORDS = {
    "dach": ("Rechnung", "offene Rechnungen", "Zahlung", "Danke"),
    "uk": ("Invoice", "Payment", "Outstanding balance"),
    "us": ("Payment", "Invoices", "ACH PMT"),
    "cn": ("货款", "往来款", "付款", "转账"),
}
_OF_TAIL = {"dach": "RG ...", "uk": "inv ", "us": "inv ", "cn": "发票尾号"}
_MONTH = {"dach": "Rechnungen {m:02d}/2025", "uk": "Invoices {m:02d}/25", "us": "{m}/25 invoices", "cn": "{m}月货款"}
_BETWEEN = (", ", " ", "/", "+", ";", " , ", " und ", "、")
_NOISE = {
    "dach": ("Zahllauf {d}", "Beleg {d}", "Tel 0{d}", "EREF+{d}", "MREF+{d}"),
    "uk": ("REF {d}", "Batch {d}", "Tel 0{d}", "ROC/{d}"),
    "us": ("TRN*1*{d}", "ID:{d}", "Batch {d}"),
    "cn": ("流水{d}", "凭证号{d}", "经办{d}"),
}
_CREDIT = {"dach": "abzgl. Gutschrift {d}", "uk": "less credit {d}", "us": "less CM {d}", "cn": "扣退货{d}"}
_LINE = {"dach": 140, "uk": 70, "us": 80, "cn": 60}
"""The most that the payment carries: SEPA 140 characters; elsewhere shorter fields."""
_CUTS = (27, 35)
_LONG = 20
"""Digits of a Chinese invoice number (数电票), of which half the people write the last 8."""


def write(receipt: Receipt, market: str, chance: Chance, profile: Profile) -> str:
    """The text of a receipt whose items have their numbers."""
    items = receipt.named if receipt.named is not None else [row.item for row in receipt.rows]
    machine = "by_machine" in receipt.events
    text = _told(receipt, items, market, chance, profile, machine)
    if receipt.extra == "missing_credit":
        text = f"{text} {_CREDIT[market].format(d=chance.digits(6))}"
    elif receipt.extra:
        text = f"{text} {receipt.extra}"
    if machine:
        return text.strip()
    if receipt.habit != "nothing" and chance.happens(profile.noise):
        noise = chance.pick(_NOISE[market]).format(d=chance.digits(chance.between(5, 9)))
        text = f"{noise} {text}" if chance.happens(0.3) else f"{text} {noise}"
    limit = _LINE[market]
    if len(text) > limit:
        receipt.events.append("too_long")
    if chance.happens(profile.cut_text):
        limit = chance.pick(_CUTS)
        receipt.events.append("cut_text")
    return text[:limit].strip()


def _told(receipt: Receipt, items: list[Item], market: str, chance: Chance, profile: Profile, machine: bool) -> str:
    habit = receipt.habit
    payer = receipt.payer
    if habit in ("numbers", "instruction", "wrong_number"):
        return _numbers(receipt, [item.number for item in items], market, chance, profile, machine)
    if habit == "tail":
        length = chance.between(4, 5)
        tails = [numbers.digits_only(item.number)[-length:] for item in items]
        return _OF_TAIL[market] + chance.pick(_BETWEEN).join(tails)
    if habit in ("order", "purchase_order", "delivery"):
        names = dict.fromkeys(_reference(item, habit) for item in items)
        if not items:
            names = {f"SO{chance.digits(7)}": None}
        before = _OF_DELIVERY if habit == "delivery" else _OF_ORDER
        written = [name if machine else _by_hand(receipt, name, chance, profile) for name in names]
        said = chance.pick(_BY_MACHINE[habit] if machine else before[market])
        return said + chance.pick(_BETWEEN).join(written)
    if habit == "period":
        months = dict.fromkeys(date.fromordinal(item.issued).month for item in items)
        return " ".join(_MONTH[market].format(m=month) for month in months)
    if habit == "customer_number" and payer is not None:
        return chance.pick(_OF_CUSTOMER[market]) + payer.customer_number
    if habit == "name" and payer is not None:
        return chance.pick((payer.name, chance.pick(_WORDS[market])))
    return ""


def _reference(item: Item, habit: str) -> str:
    """What a payer of that habit knows an item by; its number where there is nothing else."""
    if habit == "purchase_order" and item.purchase_order:
        return item.purchase_order
    if habit == "delivery" and item.delivery is not None:
        return item.delivery.number
    if habit != "delivery" and item.order is not None:
        return item.order.number
    return item.number


def _numbers(receipt: Receipt, given: list[str], market: str, chance: Chance, profile: Profile, machine: bool) -> str:
    if machine:
        return chance.pick(_BY_MACHINE["numbers"]) + ", ".join(given)
    before = chance.pick(_BEFORE[market])
    given = sorted(given)
    if len(given) > 2 and _in_sequence(given) and chance.happens(0.4):
        receipt.events.append("range")
        until = given[-1] if chance.happens(0.5) else given[-1][-3:]
        return before + given[0] + chance.pick(("-", " - ", " bis " if market == "dach" else " to ", "至")) + until
    if len(given) > 5 and chance.happens(0.3):
        receipt.events.append("list_broken_off")
        given = given[: chance.between(2, 4)]
        return (
            before
            + ", ".join(given)
            + chance.pick((" etc", " ...", " u.a." if market == "dach" else " and others", "等"))
        )
    written = [_by_hand(receipt, number, chance, profile) for number in given]
    if len(written) > 2 and chance.happens(0.15):
        receipt.events.append("tails_after_first")
        written[1:] = [number[-4:] for number in written[1:]]
    return before + chance.pick(_BETWEEN).join(written)


def _in_sequence(given: list[str]) -> bool:
    return all(numbers.following(first, second) for first, second in pairwise(given))


def _by_hand(receipt: Receipt, number: str, chance: Chance, profile: Profile) -> str:
    """A number as a person writes it or a machine reads it."""
    if len(number) == _LONG and chance.happens(0.5):
        receipt.events.append("last_8_digits")
        number = number[-8:]
    if chance.happens(profile.prefix_dropped):
        number = numbers.digits_only(number)
    if chance.happens(profile.typing_error):
        receipt.events.append("typing_error")
        number = numbers.mistyped(chance, number)
    if chance.happens(profile.ocr_error):
        receipt.events.append("ocr_error")
        number = numbers.misread(chance, number)
    if chance.happens(profile.split_number):
        receipt.events.append("split_number")
        number = numbers.split(chance, number)
    return number
