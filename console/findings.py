"""Findings on the terminal: in the words of the report, with their records and their history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from console.context import App
from console.output import say, table
from console.records import printable

if TYPE_CHECKING:
    from console.i18n import Texts
    from reconciliation.rules import Rules
    from state.findings import Event, Finding

SHORT = 12
"""So many characters of an id are shown."""

Said = dict[str, list[dict[str, Any]]]
"""What people said about findings, as ``state.handling.said`` has it."""


def in_words(app: App, found: list[Finding], said: Said, *, ordered: bool = True) -> list[dict[str, Any]]:
    """As in the report, and in its order."""
    from reconciliation import report, words
    from reconciliation.rules import Rules

    rules: Rules = Rules.of(app.settings)
    lang = words.language(app.locale)
    shown = [report.shown(item, rules, lang, said.get(item.id, ())) for item in found]
    return sorted(shown, key=report.sort_key) if ordered else shown


def row(app: App, item: dict[str, Any]) -> tuple[Any, ...]:
    """One line of the list."""
    from decimal import Decimal

    return (
        item["id"][:SHORT],
        app.texts.name("findings.severity", item["severity"]),
        app.texts.name("summary.stage", item["stage"]),
        app.texts.name("summary.department", item["department"]),
        app.texts.name("findings.status", item["status"]),
        item["age_days"],
        item["due_on"],
        None if item["amount"] is None else Decimal(item["amount"]),
        item["currency"],
        item["explanation"],
    )


def by_department(app: App, listed: list[dict[str, Any]]) -> None:
    """How many of these findings each department has, and how much money of each currency they are about."""
    from decimal import Decimal

    counts: dict[str, int] = {}
    sums: dict[tuple[str, str], Decimal] = {}
    for item in listed:
        counts[item["department"]] = counts.get(item["department"], 0) + 1
        if item["amount"] is not None:
            key = item["department"], item["currency"]
            sums[key] = sums.get(key, Decimal(0)) + Decimal(item["amount"])
    rows = [
        (
            app.texts.name("summary.department", name),
            count,
            app.texts.listed(f"{currency} {amount:,}" for (of, currency), amount in sorted(sums.items()) if of == name),
        )
        for name, count in sorted(counts.items())
    ]
    table([app.texts(f"findings.departments.{name}") for name in ("department", "count", "money")], rows)


def with_history(app: App, found: Finding, said: Said, history: list[Event]) -> dict[str, Any]:
    """As in the report, with everything that happened to it."""
    from state.clock import from_us

    [shown] = in_words(app, [found], said)
    names = ("event", "actor", "detail")
    events = [
        {"at": from_us(item.at), **{name: getattr(item, name) for name in names}, "run": item.run_id}
        for item in history
    ]
    return {**shown, "history": events}


def show(app: App, found: Finding, said: Said, history: list[Event]) -> None:
    """All of one finding."""
    [shown] = in_words(app, [found], said)
    texts = app.texts
    severity, status = texts.name("findings.severity", found.severity), texts.name("findings.status", found.status)
    say(f"{found.id}  {severity} · {status} · {shown['title']} ({found.check_id})")
    say(printable(shown["explanation"]))
    if shown["action"]:
        say(f"  → {shown['action']}")
    say()
    for name in ("stage", "department"):
        say(f"{texts(f'findings.columns.{name}')}: {texts(f'summary.{name}.{shown[name]}')}")
    if shown["amount"] is not None:
        from decimal import Decimal

        own, base = Decimal(shown["amount"]), shown["base_amount"]
        in_base = f" ({app.settings.base_currency} {Decimal(base):,})" if base is not None else ""
        say(f"{texts('findings.columns.amount')}: {shown['currency'] or ''} {own:,}{in_base}")
    for name in ("since", "first_seen", "age_days", "owner", "due_on", "reason", "approver", "waived_until"):
        if shown[name] is not None:
            say(printable(f"{texts(f'findings.fields.{name}')}: {shown[name]}"))
    _show_records(app, shown["records"])
    _show_history(app, history)


def _show_records(app: App, records: list[dict[str, Any]]) -> None:
    say()
    names = ("system", "entity", "number", "source_id", "url")
    rows = [tuple(record[name] for name in names) for record in records]
    table([app.texts(f"findings.records.{name}") for name in names], rows)


def told(detail: Mapping[str, Any], texts: Texts) -> list[tuple[str, Any]]:
    """What a history says of an event, part by part: its name and its value in words."""
    return [
        (texts.name("findings.fields", name), texts.name("findings.because", value) if name == "because" else value)
        for name, value in detail.items()
        if not isinstance(value, dict | list)
    ]


def _show_history(app: App, history: list[Event]) -> None:
    from state.clock import from_us

    say()
    zone = app.settings.business_day_zone
    for item in history:
        about = app.texts.listed(app.texts.pair(name, value) for name, value in told(item.detail, app.texts))
        at = f"{from_us(item.done_at).astimezone(zone):%Y-%m-%d %H:%M}"
        say(f"{at}  {app.texts(f'findings.event.{item.event}')}  {item.actor}{f'  {about}' if about else ''}")
