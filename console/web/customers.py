"""A customer on one page: what every system says of it, what it owes, what documents each has, what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from starlette.responses import Response

from console import cash as shown_cash
from console import same_words
from console.report import figures
from console.web.desk import Reader, Visit
from console.web.links import told
from console.web.numbers import RecordId
from console.web.sides import Field, apart, shown
from mappings.model import ENTITIES, Kind, columns
from reconciliation import money, receivables, report, words
from reconciliation.cash import words as cash_words
from reconciliation.linking import identifiers
from reconciliation.rules import Rules
from reconciliation.same_values import differing
from state import customers
from state.clock import from_us

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from settings.model import Settings
    from state.chains import Identity
    from state.customers import Customer, Document, Documents, Matched
    from state.findings import Finding
    from state.links import Link

router = APIRouter()

FIELDS = (
    *("name", "legal_name", "number", "source_id", "tax_id", "email", "phone", "domain"),
    *("country", "postal_code", "city", "address_line", "payment_terms_days", "credit_limit", "currency", "status"),
    *("source_created_at", "source_updated_at"),
)
"""What systems say of a customer, in the order of the page."""
_KINDS = {column.name: column.kind for column in columns(ENTITIES["party"])}
MOST = 200
"""Documents or findings of a list."""
_OWED = ("invoice", "credit_note", "payment")
_AGED = (*receivables.BUCKETS, "credits", "total")
LATE = receivables.BUCKETS[1:]
"""Of what is owed what is overdue, by days."""


@router.get("/customers/{record}")
def page(visit: Reader, record: RecordId, documents: Annotated[str, Query(max_length=20)] = "") -> Response:
    """A column for each record of the customer; with ``documents``, the newest of this kind below."""
    kind = documents if documents in customers.AMOUNTS else ""
    with visit.desk.store.reading() as connection:
        found = customers.customer(connection, record)
        if found is None:
            raise HTTPException(404)
        added_up = customers.documents(connection, found.records, money_order(visit.desk.settings))
        listed = customers.listed(connection, found.records, kind, MOST + 1) if kind else []
        owed = customers.owed(connection, found.records)
        matched = customers.matched(connection, owed or [], MOST)
        about = customers.found_about(connection, found.records)
    rules = Rules.of(visit.desk.settings)
    return visit.page(
        "customer",
        called=called(found),
        sides=_sides(found),
        fields=_fields(visit, found),
        wrong=[has_wrong_tax_id(found.rows[item.record_id]) for item in found.records],
        aged={name: visit.texts(f"column.due_{name}") for name in _AGED},
        owed=None if owed is None else [_owed(visit, row) for row in owing(owed, rules.today)],
        matched=[_matched(visit, item) for item in matched],
        balances=_balances(visit, owed or []),
        as_at=rules.today,
        ties=[_tie(visit, found, link) for link in found.links],
        suggested=len(found.suggested),
        systems=list(dict.fromkeys(item.system for item in found.records)),
        documents=_documents(visit, added_up),
        received=_received(visit, added_up),
        kind=kind,
        listed=[_document(visit, item) for item in listed[:MOST]],
        more=len(listed) > MOST,
        most=MOST,
        findings=[(item.id, item.severity, *_told(visit, rules, item)) for item in about[:MOST]],
        found=len(about),
        record=record,
    )


def called(found: Customer) -> str:
    """What the customer is called: by the first system that has a name, else by number or id."""
    rows = [found.rows[item.record_id] for item in found.records]
    for name in ("name", "legal_name", "number", "source_id"):
        for row in rows:
            if row.get(name):
                return str(row[name])
    return ""


def has_wrong_tax_id(row: Mapping[str, Any]) -> bool:
    """Whether the check digits of a record's tax id are wrong."""
    return identifiers.has_wrong_check_digits(row.get("tax_id") or "", row.get("country"))


def _sides(found: Customer) -> list[dict[str, Any]]:
    return [
        {
            "system": item.system,
            "url": figures.link({"url": found.rows[item.record_id].get("url")}),
            "deleted": bool(found.rows[item.record_id]["deleted"]),
        }
        for item in found.records
    ]


def _fields(visit: Visit, found: Customer) -> list[Field]:
    """What each system says and whether that differs; fields that no system fills are left out."""
    rows = [{**found.rows[item.record_id], "entity": "party"} for item in found.records]
    differ = differing(rows)
    told = ((name, [shown(row, name, _KINDS.get(name, Kind.TEXT), visit) for row in rows]) for name in FIELDS)
    return [
        Field(name, values, name in differ, apart(rows, name, visit) if name in differ else [""] * len(rows))
        for name, values in told
        if any(values)
    ]


def owing(items: Sequence[dict[str, Any]], today: date) -> list[dict[str, Any]]:
    """What is open by currency and customer of a system, as ``receivables.ageing``; what of it is overdue, and since
    how many days at most; what of it receipts are matched with that no source has allocated, and what is owed once
    that is booked."""
    late: dict[tuple[str, str, str], int] = {}
    matched: dict[tuple[str, str, str], int] = {}
    booked: dict[tuple[str, str, str], int] = {}
    rows = receivables.ageing(items, today)
    for item in items:
        key = (item["currency"], item["system"], item["customer_number"] or "")
        late[key] = max(late.get(key, 0), receivables.overdue(item, today))
        settled = sum(amount for _, amount in item.get("matched", ()))
        matched[key] = matched.get(key, 0) + settled
        booked[key] = booked.get(key, 0) + item["amount"] - settled + item.get("spent", 0)
    return [
        {
            **row,
            "overdue": sum(row[name] for name in LATE),
            "overdue_days": late[key],
            "matched": matched[key],
            "booked": booked[key],
        }
        for row in rows
        for key in [(row["currency"], row["system"], row["customer_number"])]
    ]


def _owed(visit: Visit, row: dict[str, Any]) -> dict[str, Any]:
    currency = row["currency"]
    told = {name: _money(row[name], currency) for name in ("total", "overdue")}
    said = "customer.owes" if row["overdue"] else "customer.owes_in_time"
    return {
        **{name: row[name] for name in ("system", "customer_number", "currency", "documents")},
        "said": visit.texts(said, days=f"{row['overdue_days']:,}", **told),
        "matched": _less(visit, row) if row["matched"] else "",
        "amounts": [figures.money(money.text(row[name], currency), currency) for name in (*_AGED, "matched")],
        "late": bool(row["overdue"]),
    }


def _less(visit: Visit, row: dict[str, Any]) -> str:
    """What of it is matched, and what is owed once that is booked."""
    told = {name: _money(row[name], row["currency"]) for name in ("matched", "booked")}
    return visit.texts("customer.matched", **told)


def _matched(visit: Visit, found: Matched) -> dict[str, Any]:
    """An open document with the receipt that settles it, how one knows, and what explains the rest."""
    item, receipt, applied = found
    by = applied["evidence"].get("decided_by")
    differences = [one for one in receipt["differences"] if one["item"] in (applied["item"], None)]
    return {
        "document": shown_cash.called(item["record"]),
        "open": _money(item["amount"], item["currency"]),
        "applied": _money(applied["applied"], applied["currency"]),
        "receipt": shown_cash.called(receipt["record"]),
        "system": receipt["record"].get("system") or "",
        "received_on": receipt["received_on"] or "",
        "how": visit.texts("matching.by_person", who=by)
        if by
        else shown_cash.because(visit.desk.settings, visit.texts, applied["rule"], {}),
        "rest": [
            visit.texts.pair(
                cash_words.text(cash_words.DIFFERENCES, one["kind"], visit.lang) or "",
                _money(one["amount"], receipt["currency"]),
            )
            for one in differences
        ],
    }


def _balances(visit: Visit, items: Sequence[dict[str, Any]]) -> dict[str, list[tuple[str, list[tuple[str, str]]]]]:
    """By system and currency what is open, and what it is made of: invoices, less notes and money that settle none."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    for item in items:
        kinds = found.setdefault(item["system"], {}).setdefault(item["currency"], {})
        kinds[item["kind"]] = kinds.get(item["kind"], 0) + item["amount"]
    return {
        system: [
            (
                _money(sum(kinds.values()), currency),
                [(visit.texts.name("owed", kind), _money(kinds[kind], currency)) for kind in _OWED if kind in kinds],
            )
            for currency, kinds in sorted(currencies.items())
        ]
        for system, currencies in found.items()
    }


def _tie(visit: Visit, found: Customer, link: Link) -> dict[str, Any]:
    ends: dict[int, Identity] = {item.record_id: item for item in found.records}
    named = [_named(found, ends[id]) for id in (link.left_id, link.right_id)]
    same = same_words.of_link(link, found.rows)
    return {
        "between": named,
        **told(visit, link, same),
        "by": link.decided_by if link.decision == "confirmed" else None,
    }


def _named(found: Customer, item: Identity) -> str:
    return f"{item.system} {found.rows[item.record_id].get('number') or item.source_id}"


def _documents(visit: Visit, found: Sequence[Documents]) -> list[dict[str, Any]]:
    """A row for each kind of document, in it what each system has."""
    kinds: dict[tuple[str, str], dict[str, list[Documents]]] = {}
    for item in found:
        called_ = words.document(item.entity, item.kind, visit.lang)
        kinds.setdefault((item.entity, called_), {}).setdefault(item.system, []).append(item)
    return [
        {"entity": entity, "called": called_, "systems": {name: _cell(some) for name, some in of.items()}}
        for (entity, called_), of in kinds.items()
    ]


def money_order(settings: Settings) -> list[str]:
    """The systems in the order in which they stand for money that several of them have."""
    return [name for role in ("accounting", "payments", "bank") for name in settings.systems_with(role)]


def _received(visit: Visit, found: Sequence[Documents]) -> list[str]:
    """What came in of the customer in all, by currency; of one that has paid nothing that it is nothing."""
    sums = customers.received(found) or {visit.desk.settings.base_currency: (0, 0)}
    return [
        visit.texts(
            "customer.received_less" if back else "customer.received",
            came=_money(came, currency),
            back=_money(back, currency),
        )
        for currency, (came, back) in sorted(sums.items())
    ]


def _cell(found: Sequence[Documents]) -> dict[str, Any]:
    return {
        "count": sum(item.count for item in found),
        "ended": sum(item.ended for item in found),
        "amounts": [_money(item.amount, item.currency) for item in found if item.amount is not None],
        "open": [_money(item.open, item.currency) for item in found if item.open],
        "again": [_money(item.again, item.currency) for item in found if item.again],
    }


def _money(units: int, currency: str | None) -> str:
    return f"{figures.money(money.text(units, currency), currency)} {currency or ''}".strip()


def _document(visit: Visit, item: Document) -> dict[str, Any]:
    day = item.day
    if isinstance(day, int):
        day = f"{from_us(day).astimezone(visit.desk.settings.business_day_zone):%Y-%m-%d}"
    return {
        "called": words.document(item.entity, item.kind, visit.lang),
        "number": item.number or item.source_id,
        "system": item.system,
        "day": day or "",
        "status": words.status(item.entity, item.status, visit.lang),
        "amount": "" if item.amount is None else _money(item.amount, item.currency),
        "url": figures.link({"url": item.url}),
    }


def _told(visit: Visit, rules: Rules, item: Finding) -> tuple[str, str]:
    said = report.explain(item, visit.texts.locale, rules.own_words())
    return said["title"], said["explanation"]
