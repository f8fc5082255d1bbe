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
        "findings": [
            finding("f1", "order_invoice_amount", "billing", "finance", "error", ("20.00", "CNY", "20.00"), 5),
            finding("f2", "payment_duplicate", "collection", "finance", "error", ("1200", "JPY", "57.00"), 91),
            finding("f3", "invoice_overdue", "collection", "finance", "warning", ("1.234", "KWD", None), 40),
            finding("f4", "lead_incomplete", "lead", "marketing", "warning", (None, None, None), 0),
        ],
        "roll_forward": {"opening": 3, "new": 2, "cleared": 1, "closing": 4},
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
        "excluded_left": nothing,
        "excluded_right": nothing,
        "foots": True,
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
        "assignee": "@lin",
        "reason": None,
        "approver": None,
        "waived_until": None,
    }


def record(system: str, entity: str, source_id: str, number: str | None, url: str | None) -> dict[str, Any]:
    """A record of a finding."""
    return {"system": system, "entity": entity, "source_id": source_id, "number": number, "url": url}
