"""How often things happen in the three profiles, each with the reason for its figure.

``python -m bench.matching.rates`` prints the table of README.md.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

NAMES = ("clean", "typical", "ugly")

SOURCES = {
    "aite": "Aite for NACHA, Remittance Practices Study: 14 % of remittances travel with the payment "
    "(finextra.com/pressarticle/46048)",
    "afp": "AFP, as cited by HighRadius: one team in four applies more than 60 % of its cash untouched",
    "atradius": "Atradius Payment Practices Barometer 2025: 47 % of B2B invoices in Western Europe are paid late",
    "teba": "teba-kreditbank.de/blog/skonto-paradoxon: nearly 25 % of B2B customers take early-payment discount; "
    "usual are 2 to 3 %",
    "capgemini": "Capgemini, Duplicate Payments Recovery: 0.1 to 0.5 % of payments are made twice; "
    "accountancytoday.co.uk 2020: about 0.5 % of invoices",
    "crf": "Credit Research Foundation, as cited by HighRadius: deductions of 5 to 20 % of revenue, most agreed; "
    "timebusinessnews.com: 3 to 6 % of receivables",
    "verhoeff": "Verhoeff 1969, as cited by N. Wagner: of wrong digits 60 to 95 % are one digit, 10 to 20 % a swap, "
    "10 to 20 % one omitted or added",
    "gocardless": "GoCardless, 52 million UK debits: 2.9 % fail; with retries 0.5 %",
    "visa": "Visa and Mastercard watch merchants from 0.9 and 1 % disputes; usual are 0.3 to 0.9 % "
    "(bestforecommerce.com); a dispute costs 15",
    "returns": "8 to 30 % of online orders come back, by category (bestforecommerce.com); Shopify 2024: 16.9 %",
    "swift": "ohmyfin.org and paymentbrief.com: SHA is the default, each correspondent keeps 5 to 25",
    "tds": "Indian Income Tax Act 194C and 194J: 1 to 10 % withheld by the customer; treaties with China: 10 %",
    "ours": "our estimate; no public figure found",
}


class Rate(NamedTuple):
    """One figure in the three profiles, what it is a share of, and why."""

    clean: float
    typical: float
    ugly: float
    of: str
    why: str
    source: str


def _rate(clean: float, typical: float, ugly: float, of: str, why: str, source: str = "ours") -> Any:
    return field(metadata={"rate": Rate(clean, typical, ugly, of, why, source)})


@dataclass(frozen=True)
class Profile:
    """The rates of one profile; every one is a share between 0 and 1."""

    share_consumer: float = _rate(0.45, 0.40, 0.35, "receipts", "shop orders; many cost the same")
    share_subscription: float = _rate(0.20, 0.20, 0.15, "receipts", "equal amounts every month")
    share_trade: float = _rate(0.33, 0.36, 0.44, "receipts", "companies on account, widely spread amounts")
    share_project: float = _rate(0.02, 0.04, 0.06, "receipts", "deposit, stages and final invoice of one order")

    text_numbers: float = _rate(0.86, 0.56, 0.34, "payers by transfer", "name all invoice numbers they pay", "aite")
    text_tail: float = _rate(0.01, 0.05, 0.09, "payers by transfer", "name only the last digits (发票尾号)")
    text_purchase_order: float = _rate(0.05, 0.10, 0.12, "payers by transfer", "name their own order number")
    text_order: float = _rate(0.05, 0.06, 0.05, "payers by transfer", "name our order number")
    text_delivery: float = _rate(0.00, 0.02, 0.03, "payers by transfer", "name the delivery note")
    text_period: float = _rate(0.01, 0.04, 0.06, "payers by transfer", "name the month only (3月货款)")
    text_customer_number: float = _rate(0.01, 0.05, 0.08, "payers by transfer", "name their customer number only")
    text_name: float = _rate(0.01, 0.06, 0.11, "payers by transfer", "write a name or a word only (货款)")
    text_nothing: float = _rate(0.00, 0.06, 0.12, "payers by transfer", "write nothing", "aite")
    habit_lapse: float = _rate(0.00, 0.05, 0.12, "transfers", "for once written as another payer would")

    typing_error: float = _rate(0.001, 0.012, 0.04, "numbers typed by people", "kinds of error as found", "verhoeff")
    ocr_error: float = _rate(0.0, 0.005, 0.03, "numbers typed by people", "cheques and forms read by machine: 0/O, 1/I")
    split_number: float = _rate(0.00, 0.03, 0.08, "numbers typed by people", "a blank or line break within, as in :86:")
    prefix_dropped: float = _rate(0.03, 0.12, 0.22, "numbers typed by people", "only its digits are written")
    cut_text: float = _rate(0.00, 0.02, 0.06, "transfers", "the bank passes on the first 27 or 35 characters only")
    noise: float = _rate(
        0.05, 0.20, 0.35, "transfers", "other numbers in the text: payment run, telephone, own document"
    )
    wrong_number: float = _rate(0.0, 0.003, 0.010, "transfers of one invoice", "last month's number left in the form")

    in_blocks: float = _rate(0.08, 0.12, 0.15, "trade payers", "billed once a week, an invoice for each delivery")
    in_runs: float = _rate(0.40, 0.50, 0.55, "trade payers", "pay all that is due on one day in one payment")
    late: float = _rate(0.25, 0.47, 0.60, "trade payers", "pay after the due date as a rule", "atradius")
    unpaid: float = _rate(0.005, 0.020, 0.050, "trade invoices", "not paid within the year", "atradius")
    discount_offered: float = _rate(0.25, 0.30, 0.30, "trade payers", "2 % in 10 or 3 % in 14 days", "teba")
    discount_taken: float = _rate(
        0.80, 0.80, 0.80, "trade payers offered discount", "so a quarter of all take it", "teba"
    )
    discount_late: float = _rate(0.00, 0.05, 0.15, "discounts taken", "deducted after its date")
    rolling: float = _rate(0.00, 0.02, 0.06, "trade payers", "pay round sums on account, oldest first (滚动付款)")

    partial_payment: float = _rate(
        0.005, 0.015, 0.040, "trade payments", "a part now, 65 % the rest later; from 100, without discount"
    )
    instalments: float = _rate(0.001, 0.003, 0.006, "trade payments of one invoice", "3 to 6 parts with a surcharge")
    short_payment: float = _rate(0.004, 0.025, 0.060, "trade payments", "a deduction without a document", "crf")
    missing_credit: float = _rate(0.000, 0.005, 0.012, "trade payments", "deduct a credit that was never issued", "crf")
    rounding: float = _rate(0.003, 0.012, 0.030, "trade payments", "cents dropped or a cent off")
    overpayment: float = _rate(0.002, 0.006, 0.015, "trade payments", "an amount too large, digits swapped")
    late_interest: float = _rate(0.000, 0.002, 0.005, "late trade payments", "default interest paid along")
    credit_note: float = _rate(0.010, 0.030, 0.060, "trade invoices", "returned or allowed in part")
    credit_netted: float = _rate(
        0.80, 0.75, 0.75, "credit notes", "deducted from a later payment; the others are refunded"
    )
    debit_note: float = _rate(0.002, 0.008, 0.015, "trade invoices", "dunning fee or price correction")
    deposit_on_account: float = _rate(0.000, 0.003, 0.008, "trade payments", "an advance before any invoice")
    twin_invoice: float = _rate(0.001, 0.004, 0.010, "trade invoices", "a second one, equal but for its number")
    repeated_amount: float = _rate(0.10, 0.15, 0.20, "trade invoices", "the amount of an earlier one of the customer")
    opened_before: float = _rate(
        0.000, 0.008, 0.020, "trade invoices", "paid in part before the year, so open < amount"
    )

    withholding: float = _rate(0.000, 0.015, 0.030, "trade payers", "2, 5, 6 or 10 % withheld every time", "tds")
    fx: float = _rate(0.000, 0.020, 0.050, "trade payers", "pay in another currency, up to 1 % off the day's rate")
    bank_fee: float = _rate(0.010, 0.030, 0.060, "trade payers", "abroad, charges shared: 5 to 35 missing", "swift")
    by_parent: float = _rate(0.03, 0.05, 0.07, "trade payers", "a group whose parent pays for 2 to 5 subsidiaries")
    by_factor: float = _rate(0.005, 0.010, 0.020, "trade payers", "a factor pays, less 0.5 to 1.5 %")
    by_person: float = _rate(0.000, 0.015, 0.040, "trade payers", "paid from a private account (个人账户代付)")
    relation_known: float = _rate(1.00, 0.70, 0.40, "those of the three above", "the relation is in the data")
    bank_party_known: float = _rate(0.98, 0.85, 0.65, "payers by transfer", "their account is known")
    processor_party_known: float = _rate(1.00, 0.95, 0.85, "payers by processor", "guest orders are not linked")
    name_altered: float = _rate(
        0.20, 0.45, 0.70, "payers by transfer", "capitals, cut at 27 or 35, no umlauts, no legal form"
    )
    recorded: float = _rate(0.10, 0.10, 0.10, "transfers", "already in the accounting system, unallocated")

    duplicate: float = _rate(0.001, 0.003, 0.006, "payments that name what they pay", "paid twice", "capgemini")
    duplicate_refunded: float = _rate(0.50, 0.40, 0.30, "duplicates", "sent back; the others stay as credit")
    chargeback: float = _rate(0.001, 0.004, 0.009, "card payments", "taken back by the card holder's bank", "visa")
    debit_return: float = _rate(0.005, 0.015, 0.029, "direct debits", "returned by the debtor's bank", "gocardless")
    paid_again: float = _rate(0.60, 0.60, 0.50, "chargebacks and returns", "the customer pays after all")
    consumer_return: float = _rate(
        0.03, 0.08, 0.15, "consumer invoices", "credit note and refund, in whole or part", "returns"
    )
    consumer_transfer: float = _rate(0.10, 0.20, 0.30, "consumer payments", "by transfer, the others by processor")

    stranger: float = _rate(0.010, 0.030, 0.060, "receipts", "interest, payouts, tax, other business, wrong account")
    lookalike: float = _rate(0.02, 0.05, 0.10, "those of strangers", "the amount of an open invoice by chance or habit")


def profile(name: str) -> Profile:
    """The profile of that name. Raises ``KeyError`` for another one."""
    place = NAMES.index(name) if name in NAMES else None
    if place is None:
        raise KeyError(f"No profile {name!r}; there are {', '.join(NAMES)}.")
    return Profile(**{item.name: item.metadata["rate"][place] for item in fields(Profile)})


def table() -> str:
    """The rates as a table of Markdown, with their sources below."""
    lines = ["| rate | clean | typical | ugly | share of | what and why | source |", "| --- " * 7 + "|"]
    lines[1] = "| --- | --: | --: | --: | --- | --- | --- |"
    for item in fields(Profile):
        rate: Rate = item.metadata["rate"]
        figures = " | ".join(f"{100 * value:g} %" for value in rate[:3])
        lines.append(f"| `{item.name}` | {figures} | {rate.of} | {rate.why} | {rate.source} |")
    return "\n".join([*lines, "", *(f"- **{name}**: {text}." for name, text in SOURCES.items())]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table())
