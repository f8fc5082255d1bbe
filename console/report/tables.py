"""The report as plain tables, each a list of rows under heads: what CSV, PDF and most sheets of the workbook show."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple

from console.i18n import Texts
from console.pages_named import in_words
from console.report import figures
from console.report.figures import Item, Report
from reconciliation.cash import words as cash_words
from settings.cash import SHIPPED

BUCKETS = ("not_due", "1-30", "31-60", "61-90", "90+")
"""Days after the due date of a receivable."""
MOVED = ("opening", "documents", "adjustments", "closing", "open_before", "settled", "open_now")


class Cell(NamedTuple):
    """One value: a text, a number, or an amount in ``currency``; with the way to where it comes from.

    ``url`` is its address in its own system, ``called`` what its trace is found by.
    """

    value: str | int | Decimal | None
    currency: str | None = None
    url: str | None = None
    called: str | None = None


_Key = tuple[str, str, str]
"""Of what a customer owes: currency, system, number of the customer."""


class Table(NamedTuple):
    """``name`` is that of its file; heads are words, widths characters."""

    name: str
    title: str
    heads: tuple[str, ...]
    widths: tuple[int, ...]
    rows: list[tuple[Cell, ...]]


def tables(report: Report, words: Texts) -> list[Table]:
    """All of them, in the order in which one reads them."""
    makers: tuple[Callable[[Report, Texts], Table], ...] = (
        *(tie_outs, period_tie_outs, movements, adjustments, settled, ageing, receivables, cash),
        *(findings, open_items, sign_offs),
    )
    return [make(report, words) for make in makers]


def _table(
    name: str, words: Texts, columns: Sequence[tuple[str, int]], rows: Iterator[tuple[Cell, ...]], base: str = ""
) -> Table:
    heads = tuple(words(f"column.{key}", currency=base) for key, _ in columns)
    return Table(name, words(f"section.{name}"), heads, tuple(width for _, width in columns), list(rows))


def _money(amount: Any, currency: str | None) -> Cell:
    return Cell(None if amount is None else Decimal(amount), currency or "XXX")


def _record(record: Item) -> Cell:
    if record["source_id"] is None:
        return Cell(None)
    return Cell(figures.label(record), None, figures.link(record), figures.label(record))


_PARTS = tuple(f"{part}{side}" for side in ("left", "right") for part in ("", "matched_", "unmatched_", "excluded_"))


def _of_parts(parts: Item, currency: str) -> Iterator[Cell]:
    """Count and amount of each part of a tie-out, left then right."""
    for name in _PARTS:
        if name.startswith("matched_"):
            side = name.removeprefix("matched_")
            matched = parts["matched"]
            yield Cell(matched.get(f"{side}_count", matched.get("count")))
            yield _money(matched[f"{side}_amount"], currency)
        else:
            yield Cell(parts[name]["count"])
            yield _money(parts[name]["amount"], currency)


def _part_table(name: str, words: Texts, head: Sequence[tuple[str, int]], rows: Iterator[tuple[Cell, ...]]) -> Table:
    columns = [words(f"column.{key}") for key, _ in head]
    widths = [width for _, width in head]
    for part in _PARTS:
        columns += [f"{words(f'column.{part}')}\n{words(f'column.{what}')}" for what in ("count", "amount")]
        widths += [10, 18]
    return Table(name, words(f"section.{name}"), tuple(columns), tuple(widths), list(rows))


def tie_outs(report: Report, words: Texts) -> Table:
    """Tie-outs of all documents."""
    rows = (
        (Cell(words.name("tie_out", item["name"])), Cell(item["currency"]), *_of_parts(item, item["currency"]))
        for item in figures.tie_outs(report)
    )
    return _part_table("tie_outs", words, (("name", 30), ("currency", 10)), rows)


def period_tie_outs(report: Report, words: Texts) -> Table:
    """Tie-outs of the period: its documents, and everything until its end."""
    base = report["base_currency"]
    ordered = sorted(report["period_tie_outs"], key=lambda item: figures.order(item["name"], item["currency"], base))
    rows = (
        (
            *(Cell(words.name("tie_out", item["name"])), Cell(item["currency"]), Cell(words(f"column.{which}"))),
            *_of_parts(item[which], item["currency"]),
        )
        for item in ordered
        for which in ("movement", "to_date")
    )
    return _part_table("period_tie_outs", words, (("name", 30), ("currency", 10), ("which", 22)), rows)


def movements(report: Report, words: Texts) -> Table:
    """From the end of the period before to the end of this one."""
    base = report["base_currency"]
    ordered = sorted(
        report["movements"],
        key=lambda item: (*figures.order(item["tie_out"], item["currency"], base), item["side"]),
    )
    rows = (
        (
            *(Cell(words.name("tie_out", item["tie_out"])), Cell(words(f"column.{item['side']}"))),
            Cell(item["currency"]),
            *(_money(item[name], item["currency"]) for name in MOVED),
        )
        for item in ordered
    )
    heads = ("opening", "of_period", *MOVED[2:])
    columns = (("name", 30), ("side", 10), ("currency", 10), *((name, 18) for name in heads))
    return _table("movements", words, columns, rows)


def adjustments(report: Report, words: Texts) -> Table:
    """What changed about documents of closed periods."""
    rows = (
        (
            *(Cell(words.name("adjustment", item["kind"])), Cell(item["belongs_to"])),
            *_document(item["record"], words),
            *(Cell(words.name("tie_out", item["tie_out"])), Cell(words(f"column.{item['side']}"))),
            Cell(item["currency"]),
            *(_money(item[name], item["currency"]) for name in ("old_amount", "new_amount", "difference")),
        )
        for item in report["adjustments"]
    )
    columns = (
        *(("kind", 16), ("belongs_to", 12), ("entity", 14), ("system", 14), ("number", 24), ("name", 26)),
        *(("side", 10), ("currency", 10), ("old_amount", 18), ("new_amount", 18), ("difference", 18)),
    )
    return _table("adjustments", words, columns, rows)


def settled(report: Report, words: Texts) -> Table:
    """Documents of closed periods that agree only since."""
    rows = (
        (
            Cell(item["belongs_to"]),
            *_document(item["record"], words),
            *(Cell(words.name("tie_out", item["tie_out"])), Cell(words(f"column.{item['side']}"))),
            *(Cell(item["currency"]), _money(item["amount"], item["currency"])),
        )
        for item in report["settled"]
    )
    columns = (
        *(("belongs_to", 12), ("entity", 14), ("system", 14), ("number", 24), ("name", 26)),
        *(("side", 10), ("currency", 10), ("amount", 18)),
    )
    return _table("settled", words, columns, rows)


def _document(record: Item, words: Texts) -> tuple[Cell, Cell, Cell]:
    return Cell(words.name("entity", record["entity"] or "–")), Cell(record["system"]), _record(record)


Rates = Mapping[str, Decimal]
"""What one unit of a currency is in the base currency."""
NO_RATES: Rates = MappingProxyType({})


def worth(amount: str, currency: str, report: Report, rates: Rates) -> Decimal | None:
    """An amount in the base currency; ``None`` without a rate."""
    base = report["base_currency"]
    rate = Decimal(1) if currency == base else rates.get(currency)
    return None if rate is None else round(Decimal(amount) * rate, figures.decimals(base))


def owing(report: Report, rates: Rates = NO_RATES) -> list[Item]:
    """The customers with what each owes: the most money in the base currency first, then currencies without a rate."""
    by = ("system", "customer_number", "customer")
    return sorted(
        report["receivables"]["customers"],
        key=lambda item: (*_most(item, "total", report, rates), *(item[name] or "" for name in by)),
    )


def _most(item: Item, name: str, report: Report, rates: Rates) -> tuple[Any, ...]:
    found = worth(item[name], item["currency"], report, rates)
    return found is None, -(found or 0), item["currency"], -Decimal(item[name])


def matched(report: Report) -> dict[_Key, Decimal]:
    """What of each customer's documents receipts are matched with that their source has not applied."""
    whose = {figures.address(item["record"]): key(item) for item in report["receivables"]["items"]}
    found: dict[_Key, Decimal] = {}
    for entry in (entry for receipt in report["cash"]["receipts"] for entry in receipt["applied"]):
        customer = whose.get(figures.address(entry["record"]))
        if customer is not None:
            found[customer] = found.get(customer, Decimal(0)) + Decimal(entry["amount"])
    return found


class Unapplied(NamedTuple):
    """Of receipts among credits, in their currency: what is matched here and only not booked, and what is loose."""

    matched: Decimal
    loose: Decimal


def unapplied(report: Report) -> dict[_Key, Unapplied]:
    """By whose money it is, what the receipts among credits come to; what a person said it is counts as matched."""
    used = _used(report)
    found: dict[_Key, Unapplied] = {}
    for item in report["receivables"]["items"]:
        if item["kind"] == "payment":
            whole, before = -Decimal(item["amount"]), found.get(key(item), Unapplied(Decimal(0), Decimal(0)))
            matched = min(used.get(figures.address(item["record"]), Decimal(0)), whole)
            found[key(item)] = Unapplied(before.matched + matched, before.loose + whole - matched)
    return found


def _used(report: Report) -> dict[Any, Decimal]:
    """How much of each receipt cash application uses."""
    receipts = report["cash"]["receipts"]
    return {figures.address(item["record"]): Decimal(item["amount"]) - Decimal(item["left"]) for item in receipts}


def key(item: Item) -> _Key:
    """Whose money it is, and in which currency."""
    return item["currency"], item["system"], item["customer_number"] or ""


def _nobody(report: Report, words: Texts) -> dict[_Key, str]:
    """What stands in the place of a customer where none is given: it is mostly money of which nobody knows whose.

    Of money it is said how much is matched here and only not booked, and how much is loose.
    """
    kinds: dict[_Key, set[str]] = {}
    for item in report["receivables"]["items"]:
        if not item["customer"] and not item["customer_number"]:
            kinds.setdefault(key(item), set()).add(item["kind"])
    money = unapplied(report)
    return {
        customer: _split(customer, money[customer], words) if found == {"payment"} else words("owed.nobody")
        for customer, found in kinds.items()
    }


def _split(customer: _Key, money: Unapplied, words: Texts) -> str:
    """Receipts of no customer: how much of them is matched, how much is loose."""
    matched, loose = (figures.money(amount, customer[0]) for amount in money)
    return words("owed.unallocated", matched=matched, loose=loose)


def _customer(item: Item, nobody: Mapping[_Key, str]) -> Cell:
    name = item["customer"]
    return Cell(name or nobody.get(key(item)), None, None, name or item["customer_number"] or None)


def _whose(item: Item, nobody: Mapping[_Key, str], used: Mapping[Any, Decimal], words: Texts) -> Cell:
    """As ``_customer``; of one receipt of no customer whether all of it is matched."""
    if item["kind"] == "payment" and not item["customer"] and not item["customer_number"]:
        is_matched = used.get(figures.address(item["record"]), Decimal(0)) >= -Decimal(item["amount"])
        return Cell(words("owed.matched" if is_matched else "owed.loose"))
    return _customer(item, nobody)


def ageing(report: Report, words: Texts, rates: Rates = NO_RATES) -> Table:
    """What each customer owes, by age."""
    aged = (*BUCKETS, "credits", "total")
    nobody = _nobody(report, words)
    rows = (
        (
            *(Cell(number), _customer(item, nobody), Cell(item["customer_number"]), Cell(item["system"])),
            *(Cell(item["currency"]), Cell(item["documents"])),
            *(_money(item[name], item["currency"]) for name in aged),
        )
        for number, item in enumerate(owing(report, rates), 1)
    )
    columns = (
        *(("line", 6), ("customer", 34), ("customer_number", 18), ("system", 14), ("currency", 10)),
        *(("documents", 11), *((f"due_{name}", 16) for name in aged)),
    )
    return _table("receivables_ageing", words, columns, rows)


def receivables(report: Report, words: Texts, rates: Rates = NO_RATES) -> Table:
    """What customers owe, document by document, the most money first; ``line`` is the customer's in the ageing."""
    customers = {key(item): number for number, item in enumerate(owing(report, rates), 1)}
    nobody, used = _nobody(report, words), _used(report)
    items = sorted(report["receivables"]["items"], key=lambda item: _most(item, "amount", report, rates))
    rows = (
        (
            *(Cell(customers[key(item)]), _whose(item, nobody, used, words), Cell(words.name("owed", item["kind"]))),
            _record(item["record"]),
            *(Cell(item["issued_on"]), Cell(item["due_on"]), Cell(item["overdue_days"])),
            *(Cell(words(f"column.due_{item['bucket']}")), Cell(item["currency"])),
            _money(item["amount"], item["currency"]),
        )
        for item in items
    )
    columns = (
        *(("line", 6), ("customer", 34), ("kind", 14), ("number", 24), ("issued_on", 12), ("due_date", 12)),
        *(("overdue_days", 11), ("bucket", 14), ("currency", 10), ("amount", 18)),
    )
    return _table("receivables", words, columns, rows)


_KINDS = {str(rule["name"]): str(rule["kind"]) for rule in SHIPPED}
CASH = ("amount", "applied", "differences", "left")
"""Of a receipt: amount = applied + differences + left."""


def cash_totals(report: Report, words: Texts) -> Table:
    """What came in and settles nothing in its source yet, by currency: how much of it the rules apply."""
    rows = (
        (
            *(Cell(item["currency"]), Cell(item["receipts"])),
            *(_money(item[name], item["currency"]) for name in CASH),
        )
        for item in report["cash"]["totals"]
    )
    columns = (("currency", 10), ("receipts", 11), *((name, 18) for name in _CASH_HEADS))
    return _table("cash_totals", words, columns, rows)


CASH_IN_SHORT = (0, 1, 3, 4, 5, 8, 9, 10, 11)
"""Columns of the receipts that say it without the sums between."""
_CASH_HEADS = ("amount", "applied", "differences", "unapplied")


def cash(report: Report, words: Texts) -> Table:
    """Receipts: what each settles and by which rule, or what it may settle, what is left, and what to do about that."""
    rows = (_receipt(item, words) for item in report["cash"]["receipts"])
    columns = (
        *(("received_on", 12), ("customer", 30), ("system", 12), ("number", 24), ("currency", 10)),
        *((name, 16) for name in _CASH_HEADS),
        *(("settles", 50), ("class", 24), ("next_step", 44)),
    )
    return _table("cash", words, columns, rows)


def _receipt(item: Item, words: Texts) -> tuple[Cell, ...]:
    currency = item["currency"]
    amount, left = Decimal(item["amount"]), Decimal(item["left"])
    differences = sum((Decimal(entry["amount"]) for entry in item["differences"]), Decimal(0))
    said = [_settled_by(entry) + words("joined.aside", text=_applied_by(entry, words)) for entry in item["applied"]]
    said += [
        words.pair(entry["kind_text"], figures.money(Decimal(entry["amount"]), currency))
        for entry in item["differences"]
    ]
    for option in item["suggestions"]:
        documents = " + ".join(_settled_by(entry) for entry in option["applied"])
        said.append(words("report.maybe", what=documents, rule=_because(option["rule"], words)))
    record, payer = item["record"], item.get("payer")  # reports that were made earlier have neither this nor a name
    whose = item["customer"] or (words("matching.payer_only", payer=payer) if payer else None)
    called = item.get("called") or figures.label(record)
    return (
        *(Cell(item["received_on"]), Cell(whose, None, None, item["customer"])),
        *(Cell(record["system"]), Cell(called, None, figures.link(record), figures.label(record))),
        *(Cell(currency), _money(amount, currency), _money(amount - differences - left, currency)),
        *(_money(differences, currency), _money(left, currency), Cell("\n".join(said) or None)),
        *(Cell(item["class_text"]), Cell(item["action"])),
    )


def _applied_by(entry: Item, words: Texts) -> str:
    """Why a receipt settles something; of what a person decided, who that was, as far as the figures know it."""
    if entry["decision"] == "pinned":
        return words("matching.by_person", who=entry["evidence"].get("decided_by") or words("cash.word.person"))
    return _because(entry["rule"], words)


def _because(rule: str, words: Texts) -> str:
    """Why a rule matched; of a rule that somebody has named, its name."""
    kind = _KINDS.get(rule, rule)
    said = cash_words.text(cash_words.KINDS, kind, "zh" if words.locale == "zh-CN" else "en") or rule
    return said.rstrip(".。") if kind in cash_words.KINDS else rule


def _settled_by(entry: Item) -> str:
    amount = figures.money(Decimal(entry["amount"]), entry["currency"])
    return f"{figures.label(entry['record'])} {amount}"


def findings(report: Report, words: Texts) -> Table:
    """What does not tie out."""
    base = report["base_currency"]
    columns = (
        *(("severity", 10), ("stage", 13), ("department", 17), ("check", 28), ("what", 60), ("action", 50)),
        *(("records", 30), ("customer", 30), ("amount", 16), ("currency", 10), ("base_amount", 18), ("material", 10)),
        *(("age_days", 10), ("since", 12), ("first_seen", 12), ("status", 11), ("owner", 16), ("due_on", 12)),
        *(("overdue", 10), ("reason", 30), ("approver", 16), ("waived_until", 12), ("comments", 40)),
        *(("attachments", 30), ("id", 24)),
    )
    rows = (_finding(item, words, base) for item in report["findings"])
    return _table("findings", words, columns, rows, base)


def _finding(item: Item, words: Texts, base: str) -> tuple[Cell, ...]:
    yes = {True: words("report.adds_up"), False: words("report.does_not")}
    said = "\n".join(f"{note['at'][:10]} {words.pair(note['by'], note['text'])}" for note in item.get("comments", ()))
    files = "\n".join(
        file["name"] + words("joined.aside", text=file["sha256"][:12]) for file in item.get("attachments", ())
    )
    return (
        *(Cell(words.name("severity", item["severity"])), Cell(words.name("stage", item["stage"]))),
        *(Cell(words.name("department", item["department"])), Cell(item.get("title") or item["check"])),
        *(Cell(item["explanation"]), Cell(in_words(item["action"] or "", words) or None)),
        Cell("\n".join(figures.label(record) for record in item["records"])),
        Cell(item.get("customer"), None, None, item.get("customer")),
        *(_money(item["amount"], item["currency"]), Cell(item["currency"] or "")),
        *(_money(item["base_amount"], base), Cell(yes[item.get("material", True)])),
        *(Cell(item["age_days"]), Cell(item.get("since")), Cell(item["first_seen"][:10])),
        *(Cell(words.name("status", item["status"])), Cell(item.get("owner")), Cell(item.get("due_on"))),
        Cell(yes[True] if item.get("overdue") else None),
        *(Cell(item.get(name)) for name in ("reason", "approver", "waived_until")),
        *(Cell(said or None), Cell(files or None), Cell(item["id"])),
    )


def open_items(report: Report, words: Texts) -> Table:
    """One row for every record that a finding is about, with the way to it."""
    rows = (
        (
            *(Cell(figures.label(record), None, figures.link(record)), Cell(words.name("entity", record["entity"]))),
            *(Cell(record["system"]), Cell(record["source_id"]), Cell(item.get("title") or item["check"])),
            *(Cell(words.name("severity", item["severity"])), Cell(words.name("department", item["department"]))),
            *(_money(item["amount"], item["currency"]), Cell(item["currency"] or "")),
            *(Cell(item["age_days"]), Cell(item["id"])),
        )
        for item in report["findings"]
        for record in item["records"]
    )
    columns = (
        *(("number", 34), ("entity", 14), ("system", 14), ("source_id", 38), ("check", 28), ("severity", 10)),
        *(("department", 17), ("amount", 16), ("currency", 10), ("age_days", 10), ("id", 24)),
    )
    return _table("open_items", words, columns, rows)


def sign_offs(report: Report, words: Texts) -> Table:
    """Who closed, approved and reopened which period, with the hashes."""
    rows = (
        (
            *(Cell(item["period"]), Cell(item["revision"]), Cell(words.name("period.status", item["status"]))),
            *(Cell(signed(report, item, name)) for name in ("closed", "approved", "reopened")),
            *(
                Cell(item["close_reason"]),
                Cell(item["reason"]),
                Cell(item["records"]),
                Cell(item["inputs_hash"]),
                Cell(item["figures_hash"]),
            ),
        )
        for item in report["periods"]
    )
    columns = (
        *(("period", 10), ("revision", 10), ("status", 22), ("closed", 30), ("approved", 30), ("reopened", 30)),
        *(("close_reason", 40), ("reason", 40), ("took_part", 12), ("inputs_hash", 68), ("figures_hash", 68)),
    )
    return _table("sign_offs", words, columns, rows)


def shown_closes(report: Report) -> list[Item]:
    """The closes of the report's period, and those of other periods that were reopened: that stays visible."""
    return [item for item in report["periods"] if item["period"] == report["period"] or item["reopened_at"]]


def signed(report: Report, close: Item, what: str) -> str | None:
    """Who did that with a period, and when, in the report's time zone."""
    if close[f"{what}_at"] is None:
        return None
    at = figures.local_time({"timezone": report.get("timezone"), "as_of": close[f"{what}_at"]})
    return f"{close[f'{what}_by']}, {at}"
