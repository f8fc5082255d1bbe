"""The sections of a report in its public format, from what was gathered: amounts as text, instants as ISO 8601."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from reconciliation import money
from reconciliation import receivables as owed
from reconciliation.cash import words as cash_words
from state.clock import from_us

Part = Mapping[str, Any]

_CLOSE = ("period", "revision", "status", "closed_by", "closed_at", "close_reason", "approved_by", "approved_at")
_CLOSE_MORE = ("reopened_by", "reopened_at", "reason", "records", "inputs_hash", "figures_hash")
NOT_DUE = ("not_due_left", "not_due_right")
"""What of either side is unmatched only because its day is still to come."""
_MOVED = ("opening", "documents", "adjustments", "closing", "open_before", "settled", "open_now")


def instant(microseconds: int) -> str:
    """A stored instant as ISO 8601, UTC."""
    return from_us(microseconds).isoformat().replace("+00:00", "Z")


def record(item: Part) -> dict[str, Any]:
    """Where a figure comes from: the record in its own system."""
    return {name: item.get(name) for name in ("system", "entity", "source_id", "number", "url")}


def close(item: Part) -> dict[str, Any]:
    """One close of a period."""
    return {
        name: instant(item[name]) if name.endswith("_at") and item[name] is not None else item[name]
        for name in (*_CLOSE, *_CLOSE_MORE)
    }


def period_tie_out(item: Part) -> dict[str, Any]:
    """A tie-out in a period: its documents, and everything until its end."""
    currency = item["currency"]
    parts = ("left", "right", "matched", "unmatched_left", "unmatched_right", "excluded_left", "excluded_right")
    return {
        **{name: item[name] for name in ("name", "currency", "period")},
        **{side: {name: item[side][name] for name in ("role", "entity")} for side in ("left", "right")},
        "movement": {
            name: _texts(item["movement"][name], currency) for name in (*parts[:3], "across", *parts[3:], "back")
        },
        "to_date": {name: _texts(item["to_date"][name], currency) for name in (*parts, *NOT_DUE)},
    }


def _texts(part: Part, currency: str) -> dict[str, Any]:
    ordered = sorted(part.items(), key=lambda entry: (entry[0].endswith("amount"), entry[0]))
    return {name: money.text(value, currency) if name.endswith("amount") else value for name, value in ordered}


def movement(item: Part) -> dict[str, Any]:
    """From the end of the period before to the end of this one, of one side."""
    head = {name: item[name] for name in ("tie_out", "side", "currency", "period")}
    return {**head, **{name: money.text(item[name], item["currency"]) for name in _MOVED}}


def adjustment(item: Part) -> dict[str, Any]:
    """What changed about a document of a closed period."""
    currency = item["currency"]
    return {
        **{name: item[name] for name in ("kind", "tie_out", "side", "currency")},
        "belongs_to": item["belongs_to"] or None,
        "old_amount": money.text(item["old"], currency),
        "new_amount": money.text(item["new"], currency),
        "difference": money.text(item["new"] - item["old"], currency),
        "record": record(item["record"]),
    }


def settled(item: Part) -> dict[str, Any]:
    """A document of a closed period that agrees only since."""
    return {
        **{name: item[name] for name in ("tie_out", "side", "currency")},
        "belongs_to": item["belongs_to"] or None,
        "amount": money.text(item["amount"], item["currency"]),
        "record": record(item["record"]),
    }


def receivables(items: Sequence[Part], day: date) -> dict[str, Any]:
    """What customers owed at the end of a day, by age: in all, by customer, and document by document."""
    by_customer = owed.ageing([dict(item) for item in items], day)
    totals: dict[str, dict[str, Any]] = {}
    for row in by_customer:
        whole = totals.setdefault(row["currency"], {"currency": row["currency"], **dict.fromkeys(_AGED, 0)})
        for name in _AGED:
            whole[name] += row[name]
    listed = [
        {
            "kind": item["kind"],
            **{name: item[name] for name in ("system", "customer_number", "customer", "currency")},
            **{name: item[name] for name in ("issued_on", "due_on")},
            "overdue_days": owed.overdue(dict(item), day),
            "bucket": owed.bucket(dict(item), day),
            "amount": money.text(item["amount"], item["currency"]),
            "record": record(item["record"]),
        }
        for item in items
    ]
    order = ("currency", "system", "customer_number", "due_on", "issued_on")
    listed.sort(key=lambda item: (*(str(item[name] or "") for name in order), str(item["record"]["source_id"])))
    return {
        "as_at": day.isoformat(),
        "ageing": [_aged(row, ("currency",)) for _, row in sorted(totals.items())],
        "customers": [_aged(row, ("currency", "system", "customer_number", "customer")) for row in by_customer],
        "items": listed,
    }


def cash(items: Sequence[Part], lang: str) -> dict[str, Any]:
    """Receipts that their sources have not applied: totals by currency, and each with what it is matched with."""
    totals: dict[str, dict[str, Any]] = {}
    for item in items:
        empty = {"currency": item["currency"], "receipts": 0, **dict.fromkeys(_CASH, 0)}
        whole = totals.setdefault(item["currency"], empty)
        whole["receipts"] += 1
        whole["amount"] += item["amount"]
        whole["applied"] += sum(entry["spent"] for entry in item["applied"])
        whole["differences"] += sum(entry["amount"] for entry in item["differences"])
        whole["left"] += item["left"]
    order = ("currency", "received_on", "customer_number")
    shown = [receipt(item, lang) for item in items]
    shown.sort(key=lambda item: (*(str(item[name] or "") for name in order), str(item["record"]["source_id"])))
    return {
        "totals": [
            {**row, **{name: money.text(row[name], currency) for name in _CASH}}
            for currency, row in sorted(totals.items())
        ],
        "receipts": shown,
    }


_CASH = ("amount", "applied", "differences", "left")


def receipt(item: Part, lang: str) -> dict[str, Any]:
    """One receipt in the public format, in ``en`` or ``zh``."""
    currency = item["currency"]
    return {
        "record": record(item["record"]),
        "called": item.get("called") or item["record"].get("number") or item["record"].get("source_id"),
        **{name: item[name] for name in ("customer_number", "customer", "currency", "received_on")},
        "payer": item.get("payer"),  # what was frozen earlier has neither
        "amount": money.text(item["amount"], currency),
        "left": money.text(item["left"], currency),
        "class": item["class"],
        "class_text": cash_words.text(cash_words.CLASSES, item["class"], lang),
        "next_step": item["next_step"],
        "action": cash_words.text(cash_words.NEXT_STEPS, item["next_step"], lang),
        "applied": [
            {**_applied(entry), **{name: entry[name] for name in ("rule", "score", "decision", "evidence")}}
            for entry in item["applied"]
        ],
        "differences": _differences(item["differences"], currency, lang),
        "suggestions": [
            {
                **{name: option[name] for name in ("rank", "rule", "score", "evidence")},
                "applied": [_applied(entry) for entry in option["applied"]],
                "differences": _differences(option["differences"], currency, lang),
            }
            for option in item["suggestions"]
        ],
    }


def _applied(entry: Part) -> dict[str, Any]:
    amount = money.text(entry["applied"], entry["currency"])
    return {"record": record(entry["record"]), "amount": amount, "currency": entry["currency"]}


def _differences(entries: Sequence[Part], currency: str, lang: str) -> list[dict[str, Any]]:
    return [
        {
            "kind": entry["kind"],
            "kind_text": cash_words.text(cash_words.DIFFERENCES, entry["kind"], lang),
            "amount": money.text(entry["amount"], currency),
        }
        for entry in entries
    ]


_AGED = ("documents", *owed.BUCKETS, "credits", "total")


def _aged(row: Part, head: Sequence[str]) -> dict[str, Any]:
    amounts = {name: money.text(row[name], row["currency"]) for name in _AGED[1:]}
    return {**{name: row[name] for name in head}, "documents": row["documents"], **amounts}
