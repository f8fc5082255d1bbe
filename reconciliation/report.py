"""The report in its public format ``ltc-report/1`` (``docs/report-schema.json``): plain data, amounts as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from reconciliation import checks, gathering, money, sections, words
from reconciliation.engine import tie_out_as_text
from reconciliation.gathering import Moment
from reconciliation.rules import Rules
from reconciliation.sections import instant
from state import figures, findings, stamps, tieouts
from state.clock import from_us, now_us, to_us
from state.findings import Finding
from state.periods import PeriodError
from state.store import Store

if TYPE_CHECKING:
    from settings.model import Settings

SCHEMA = "ltc-report/1"

NONE: Mapping[str, Mapping[str, Any]] = MappingProxyType({})
_MOVED = ("opening", "new", "reopened", "cleared", "closing")
_RANK = {severity: rank for rank, severity in enumerate(("error", "warning", "info"))}


def build(
    store: Store,
    settings: Settings,
    as_of: datetime | None = None,
    locale: str | None = None,
    period: str | None = None,
    revision: int | None = None,
) -> dict[str, Any]:
    """The report of what stands open, in the language of ``locale`` (default: the settings').

    With ``as_of`` it is the report that was made at that instant, to the byte; where something of it may have been
    pruned since, ``pruned_before`` says so. ``period`` (``YYYY-MM``, default that of the day) is the one of which
    documents and movements are shown; of a closed one everything is as its close froze it, with ``revision`` as that
    close of it did, though it was reopened since; then ``sign_off`` says by whom, when and why. Raises ``StoreError``,
    ``PeriodError``, and ``DoesNotFootError`` instead of giving out figures that do not add up.
    """
    rules = Rules.of(settings, as_of)
    if as_of is not None:
        moment = Moment(to_us(rules.as_of), period, latest=False)
    else:
        at = rules.fixed_at if rules.fixed_at is not None else stamps.present(store)
        moment = Moment(at, period, revision=revision)
    with store.reading() as connection:
        if as_of is not None and moment.at > max(now_us(), stamps.newest(connection)):
            what = "That instant has not come yet."
            raise PeriodError(what, "Name one that has passed: --as-of 2026-10-31.", "not_come")
        parts = gathering.gather(connection, rules, moment)
    return render(parts, locale or parts["basis"]["locale"])


def made_by(store: Store, as_of: datetime | None) -> str | None:
    """The version of ltc that found what was known at an instant; another one may say it in other words."""
    at = None if as_of is None else to_us(as_of)
    with store.reading() as connection:
        found = figures.standing(connection, "basis", at).get("")
    return None if found is None else str(found["version"])


def render(parts: dict[str, Any], locale: str) -> dict[str, Any]:
    """Gathered parts in the public format, in a language."""
    basis, today = parts["basis"], gathering.day_of(parts)
    found = [as_dict(item, basis, today, words.language(locale)) for item in parts["finding"]]
    return {**outline(parts, locale), "findings": sorted(found, key=sort_key)}


def outline(parts: dict[str, Any], locale: str) -> dict[str, Any]:
    """Gathered parts in the public format but for the findings, in a language."""
    lang = words.language(locale)
    basis, head = parts["basis"], parts["head"]
    signed = parts.get("sign_off")
    return {
        "schema": SCHEMA,
        "as_of": instant(parts["as_of"]),
        **({"pruned_before": instant(head["pruned_before"])} if "pruned_before" in head else {}),
        **({"company": basis["company"]} if basis.get("company") else {}),  # older figures do not tell it
        "period": head["period"],
        "locale": "zh-CN" if lang == "zh" else "en",
        "timezone": basis["timezone"],
        "base_currency": basis["base_currency"],
        "materiality": dict(sorted(basis["materiality"].items())),
        "sign_off": None if signed is None else sections.close(signed),
        "tie_outs": [_tie_out(item) for item in parts["tie_out"]],
        "period_tie_outs": [sections.period_tie_out(item) for item in parts["period"]],
        "movements": [sections.movement(item) for item in parts["movement"]],
        "adjustments": [sections.adjustment(item) for item in parts["adjustment"]],
        "settled": [sections.settled(item) for item in parts["settled"]],
        "receivables": sections.receivables(parts["receivable"], date.fromisoformat(head["owed_at"])),
        "cash": sections.cash(parts["cash"], lang),
        "findings": [],
        "roll_forward": {name: parts["roll_forward"][name] for name in _MOVED},
        "periods": [sections.close(item) for item in parts["close"]],
    }


def explain(finding: Finding, locale: str, own: Mapping[str, Mapping[str, Any]] = NONE) -> dict[str, str]:
    """A finding in words: title, explanation and action. ``own`` has the words of the checks of the site's own."""
    lang = words.language(locale)
    check = checks.get(finding.check_id)
    texts = check.words() if check else own.get(finding.check_id)
    if texts is None:  # stored by another version of ltc, or its file is gone
        return {"title": finding.check_id, "explanation": finding.check_id, "action": ""}
    said = words.say(texts["sentence"][lang], finding.params, finding.currency, lang)
    return {"title": texts["title"][lang], "explanation": said, "action": texts["action"][lang]}


def shown(item: Finding, rules: Rules, lang: str, said: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """A finding as in the report, in ``en`` or ``zh``, as of today."""
    basis = {name: getattr(rules, name) for name in ("timezone", "base_currency", "materiality", "owners")}
    basis["own_checks"] = rules.own_words()
    return _public(item, said, basis, rules.today, lang)


def as_dict(values: dict[str, Any], basis: dict[str, Any], today: date, lang: str) -> dict[str, Any]:
    """A gathered finding in the public format."""
    item = findings.of_state({name: value for name, value in values.items() if name != "said"})
    return _public(item, values["said"], basis, today, lang)


def _public(
    item: Finding, said: Sequence[dict[str, Any]], basis: dict[str, Any], today: date, lang: str
) -> dict[str, Any]:
    return {
        "id": item.id,
        "check": item.check_id,
        "stage": item.stage,
        "department": item.department,
        "severity": item.severity,
        "status": item.status,
        "first_seen": instant(item.first_seen_at),
        "since": item.since,
        "age_days": _age(item, basis, today),
        "amount": money.text(item.amount, item.currency),
        "currency": item.currency,
        "base_amount": money.text(item.base_amount, basis["base_currency"]),
        "material": _is_material(item, basis),
        "customer": item.customer,
        "records": [sections.record(asdict(record)) for record in item.records],
        **explain(item, lang, basis["own_checks"]),
        "owner": item.assignee or basis["owners"].get(item.department),
        "assignee": item.assignee,
        "due_on": item.due_on,
        "overdue": item.due_on is not None and item.due_on < today.isoformat() and item.status != "waived",
        "reason": item.reason,
        "approver": item.approver,
        "waived_until": item.waived_until,
        "comments": [
            {"at": instant(entry["at"]), "by": entry["by"], "text": entry["text"]} for entry in said if "text" in entry
        ],
        "attachments": [
            {"at": instant(entry["at"]), **{name: entry[name] for name in ("by", "name", "size", "sha256")}}
            for entry in said
            if "sha256" in entry
        ],
    }


def _is_material(item: Finding, basis: dict[str, Any]) -> bool:
    """Whether it is not below the amount that ltc.yaml names; what has no amount is."""
    limits = basis["materiality"]
    if item.amount is not None and item.currency in limits:
        return abs(Decimal(money.text(item.amount, item.currency) or 0)) >= Decimal(limits[item.currency])
    if item.base_amount is not None and "base" in limits:
        return abs(Decimal(money.text(item.base_amount, basis["base_currency"]) or 0)) >= Decimal(limits["base"])
    return True


def _age(item: Finding, basis: dict[str, Any], today: date) -> int:
    """Days since the fault began by the data, or since it was first seen where the data does not tell."""
    if item.since:
        began = date.fromisoformat(item.since)
    else:
        began = from_us(item.first_seen_at).astimezone(ZoneInfo(basis["timezone"])).date()
    return max((today - began).days, 0)


def _tie_out(item: tieouts.TieOut) -> dict[str, Any]:
    order = ("name", "currency", "left", "right", "matched", "unmatched_left", "unmatched_right")
    data = tie_out_as_text(item)
    return {key: data[key] for key in (*order, *sections.NOT_DUE, "excluded_left", "excluded_right", "foots")}


def sort_key(item: dict[str, Any]) -> tuple[Any, ...]:
    """Sort key of findings as in the report: errors first, then by stage and check, the largest amounts first."""
    base = item["base_amount"]
    return (_RANK[item["severity"]], item["stage"], item["check"], -float(base) if base else 0.0, item["id"])
