"""A small report in the public format, with everything in it that a source system might use to do harm."""

from __future__ import annotations

from typing import Any

HOSTILE = "<script>alert('x')</script>"
FORMULA = '=HYPERLINK("http://evil.example","pay here")'
ESCAPE = "\x1b[31mred\x1b[0m"


def report(**changes: Any) -> dict[str, Any]:
    """Four findings, and two hand-offs in two currencies."""
    return {
        "schema": "ltc-report/1",
        "as_of": "2026-10-31T10:00:00Z",
        "period": "2026-10",
        "locale": "en",
        "timezone": "Asia/Shanghai",
        "base_currency": "CNY",
        "materiality": {"CNY": "25.00"},
        "sign_off": None,
        "tie_outs": [
            tie_out("quote_order", "JPY", ("crm", "quote"), ("erp", "order"), ("300", "300", "0", "0")),
            tie_out(
                "order_delivery", "CNY", ("erp", "order"), ("erp", "delivery"), ("80.00", "60.00", "20.00", "0.00")
            ),
            tie_out(
                "order_invoice", "CNY", ("erp", "order"), ("accounting", "invoice"), ("80.00", "60.00", "20.00", "0.00")
            ),
            tie_out(
                *("invoice_payment", "CNY", ("accounting", "invoice"), ("accounting", "payment")),
                ("67.80", "33.90", "33.90", "0.00"),
            ),
            tie_out("quote_order", "CNY", ("crm", "quote"), ("erp", "order"), ("100.00", "80.00", "20.00", "0.00")),
        ],
        "period_tie_outs": [
            period_tie_out("order_invoice", "CNY", "80.00"),
            period_tie_out("quote_order", "JPY", "300"),
        ],
        "movements": [movement("order_invoice", "left", "CNY", "80.00"), movement("quote_order", "left", "JPY", "300")],
        "adjustments": [
            {
                "kind": "changed",
                "tie_out": "order_invoice",
                "side": "right",
                "currency": "CNY",
                "belongs_to": "2026-09",
                "old_amount": "10.00",
                "new_amount": "7.50",
                "difference": "-2.50",
                "record": record("books", "invoice", "I7", FORMULA, "https://books.example/7"),
            }
        ],
        "settled": [
            {
                "tie_out": "invoice_payment",
                "side": "left",
                "currency": "JPY",
                "belongs_to": "2026-09",
                "amount": "300",
                "record": record("books", "invoice", "I8", "INV-8", None),
            }
        ],
        "receivables": receivables(),
        "cash": cash(),
        "findings": [
            finding("f1", "order_invoice_amount", "billing", "finance", "error", ("20.00", "CNY", "20.00"), 5),
            finding("f2", "payment_duplicate", "collection", "finance", "error", ("1200", "JPY", "57.00"), 91),
            finding("f3", "invoice_overdue", "collection", "finance", "warning", ("1.234", "KWD", None), 40),
            finding("f4", "lead_incomplete", "lead", "marketing", "warning", (None, None, None), 0),
        ],
        "roll_forward": {"opening": 3, "new": 2, "cleared": 1, "closing": 4},
        "periods": [
            {
                "period": "2026-09",
                "revision": 1,
                "status": "approved",
                "closed_by": HOSTILE,
                "closed_at": "2026-10-03T02:00:00Z",
                "close_reason": None,
                "approved_by": "li",
                "approved_at": "2026-10-04T02:00:00Z",
                "reopened_by": None,
                "reopened_at": None,
                "reason": None,
                "records": 9,
                "inputs_hash": "ab" * 32,
                "figures_hash": "cd" * 32,
            }
        ],
        **changes,
    }


def tie_out(
    name: str, currency: str, left: tuple[str, str], right: tuple[str, str], amounts: tuple[str, str, str, str]
) -> dict[str, Any]:
    """Amounts: left, matched, open left, open right; one document each where there is money."""
    whole, matched, open_left, open_right = amounts

    def part(amount: str) -> dict[str, Any]:
        return {"count": int(float(amount) > 0), "amount": amount}

    nothing = {"count": 0, "amount": "0" if currency == "JPY" else "0.00"}
    agreed = part(matched)
    sides = [
        {"role": role, "entity": entity, "count": agreed["count"] + part(rest)["count"], "amount": amount}
        for (role, entity), rest, amount in ((left, open_left, whole), (right, open_right, matched))
    ]
    return {
        "name": name,
        "currency": currency,
        "left": sides[0],
        "right": sides[1],
        "matched": {"count": agreed["count"], "left_amount": matched, "right_amount": matched},
        "unmatched_left": part(open_left),
        "unmatched_right": part(open_right),
        "not_due_left": nothing,
        "not_due_right": nothing,
        "excluded_left": nothing,
        "excluded_right": nothing,
        "foots": True,
    }


def cash() -> dict[str, Any]:
    """One receipt that settles a document but for a fee, and one that nobody can place."""
    total = {"receipts": 1, "applied": "100.00", "differences": "-0.10", "left": "0.00"}
    unknown = {"receipts": 1, "applied": "0", "differences": "0", "left": "500"}
    bill = {"record": record("books", "invoice", "I7", FORMULA, None), "amount": "100.00", "currency": "CNY"}
    other = {"record": record("books", "invoice", "I8", "INV-8", None), "amount": "500", "currency": "JPY"}
    nothing: dict[str, Any] = {"applied": [], "differences": [], "suggestions": []}
    words = dict.fromkeys(("class", "class_text", "next_step", "action"))
    evidence: dict[str, Any] = {"score": 900, "decision": "auto", "evidence": {}}
    return {
        "totals": [{"currency": "CNY", "amount": "99.90", **total}, {"currency": "JPY", "amount": "500", **unknown}],
        "receipts": [
            {
                **words,
                "record": record("bank", "payment", "T1", "BK1", None),
                "customer_number": "C1",
                "customer": HOSTILE,
                "currency": "CNY",
                "received_on": "2026-10-30",
                "amount": "99.90",
                "left": "0.00",
                "applied": [{**bill, "rule": "bank_fee", **evidence}],
                "differences": [{"kind": "bank_fee", "kind_text": "bank fee", "amount": "-0.10"}],
                "suggestions": [],
            },
            {
                **nothing,
                "record": record("bank", "payment", "T2", FORMULA, None),
                "customer_number": None,
                "customer": None,
                "currency": "JPY",
                "received_on": "2026-10-31",
                "amount": "500",
                "left": "500",
                "class": "to_decide",
                "class_text": "To be decided",
                "next_step": "choose",
                "action": "Choose among the suggestions.",
                "suggestions": [
                    {
                        "rank": 1,
                        "rule": "amount_only",
                        "score": 250,
                        "evidence": {},
                        "applied": [other],
                        "differences": [],
                    }
                ],
            },
        ],
    }


def empty() -> dict[str, Any]:
    """A report before there was anything."""
    lists = ("tie_outs", "period_tie_outs", "movements", "adjustments", "settled", "findings", "periods")
    return report(
        **{name: [] for name in lists},
        receivables={"as_at": "2026-10-31", "ageing": [], "customers": [], "items": []},
        cash={"totals": [], "receipts": []},
    )


def period_tie_out(name: str, currency: str, amount: str) -> dict[str, Any]:
    """One document on each side, in the period and until its end."""
    nothing = {"count": 0, "amount": "0" if currency == "JPY" else "0.00"}
    one = {"count": 1, "amount": amount}
    sides: dict[str, Any] = {"left": one, "right": one}
    sides |= {f"{part}_{side}": nothing for part in ("unmatched", "excluded") for side in ("left", "right")}
    agreed = {"left_count": 1, "right_count": 1, "left_amount": amount, "right_amount": amount}
    none = {"left_count": 0, "right_count": 0, "left_amount": nothing["amount"], "right_amount": nothing["amount"]}
    both = {"count": 1, "left_amount": amount, "right_amount": amount}
    roles = ({"role": "erp", "entity": "order"}, {"role": "accounting", "entity": "invoice"})
    head = {"name": name, "currency": currency, "period": "2026-10", "left": roles[0], "right": roles[1]}
    back = {"left_amount": none["left_amount"], "right_amount": none["right_amount"]}
    waits = dict.fromkeys(("not_due_left", "not_due_right"), sides["unmatched_left"])
    movement = {**sides, "matched": agreed, "across": none, "back": back}
    return {**head, "movement": movement, "to_date": {**sides, "matched": both, **waits}}


def movement(tie_out: str, side: str, currency: str, amount: str) -> dict[str, Any]:
    """One new document that agrees."""
    none = "0" if currency == "JPY" else "0.00"
    head = {"tie_out": tie_out, "side": side, "currency": currency, "period": "2026-10"}
    whole = {"opening": none, "documents": amount, "adjustments": none, "closing": amount}
    return {**head, **whole, "open_before": none, "settled": amount, "open_now": none}


def receivables() -> dict[str, Any]:
    """Two customers in two currencies: one overdue, one with a credit."""
    none = {"CNY": "0.00", "JPY": "0"}

    def aged(currency: str, documents: int, **amounts: str) -> dict[str, Any]:
        names = ("not_due", "1-30", "31-60", "61-90", "90+", "credits", "total")
        return {"currency": currency, "documents": documents, **dict.fromkeys(names, none[currency]), **amounts}

    def item(kind: str, number: str, amount: str, currency: str, bucket: str, days: int) -> dict[str, Any]:
        who = {"system": "books", "customer_number": "C1" if currency == "CNY" else "C2", "customer": FORMULA}
        head = {"kind": kind, **who, "currency": currency, "issued_on": "2026-09-01", "due_on": "2026-10-01"}
        found = record("books", "invoice", number, number, f"https://books.example/{number}")
        return {**head, "overdue_days": days, "bucket": bucket, "amount": amount, "record": found}

    first = {"system": "books", "customer_number": "C1", "customer": FORMULA}
    one = aged("CNY", 2, **{"1-30": "100.10", "credits": "-0.20", "total": "99.90"})
    two = aged("JPY", 1, **{"90+": "500", "total": "500"})
    return {
        "as_at": "2026-10-31",
        "ageing": [one, two],
        "customers": [{**one, **first}, {**two, **first, "customer_number": "C2"}],
        "items": [
            item("invoice", "I1", "100.10", "CNY", "1-30", 30),
            item("payment", "P1", "-0.20", "CNY", "credits", 0),
            item("invoice", "I2", "500", "JPY", "90+", 100),
        ],
    }


def finding(
    id: str, check: str, stage: str, department: str, severity: str, money: tuple[Any, Any, Any], age: int
) -> dict[str, Any]:
    """Money: amount, currency, amount in the base currency."""
    amount, currency, base = money
    return {
        "id": id,
        "check": check,
        "stage": stage,
        "department": department,
        "severity": severity,
        "status": "open",
        "first_seen": "2026-10-20T10:00:00Z",
        "since": "2026-10-20",
        "age_days": age,
        "amount": amount,
        "currency": currency,
        "base_amount": base,
        "records": [
            record("erp", "order", "7", "SO-7", "https://erp.example/sale/7?a=1&b=2"),
            record("crm", "quote", "Q7", FORMULA, "javascript:alert(1)"),
            record("crm", "opportunity", "O7", None, None),
        ],
        "title": f"{check} {HOSTILE}",
        "explanation": f"{FORMULA} {HOSTILE} {ESCAPE}",
        "action": "+1 call the customer",
        "material": severity == "error",
        "owner": "@lin",
        "assignee": "@lin",
        "due_on": "2026-10-25",
        "overdue": severity == "error",
        "reason": None,
        "approver": None,
        "waived_until": None,
        "comments": [{"at": "2026-10-21T02:00:00Z", "by": "wang", "text": HOSTILE}],
        "attachments": [
            {"at": "2026-10-21T02:00:00Z", "by": "wang", "name": "letter.pdf", "size": 9, "sha256": "ef" * 32}
        ],
    }


def record(system: str, entity: str, source_id: str, number: str | None, url: str | None) -> dict[str, Any]:
    """A record of a finding."""
    return {"system": system, "entity": entity, "source_id": source_id, "number": number, "url": url}
