"""The report in its public format ``ltc-report/1`` (``docs/report-schema.json``): plain data, amounts as text."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from reconciliation import checks, money, words
from reconciliation.engine import tie_out_as_text
from reconciliation.rules import Rules
from reconciliation.tieouts import DoesNotFootError, foots
from state import findings, news, pruned, tieouts
from state.clock import from_us, to_us
from state.findings import Finding
from state.store import Store

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from settings.model import Settings

SCHEMA = "ltc-report/1"

_RANK = {severity: rank for rank, severity in enumerate(("error", "warning", "info"))}


def build(store: Store, settings: Settings, as_of: datetime | None = None, locale: str | None = None) -> dict[str, Any]:
    """The report of what stands open, in the language of ``locale`` (default: the settings').

    With ``as_of`` the findings are those that were outstanding then; where some of them may have been pruned since,
    ``pruned_before`` says so. Raises ``StoreError``, and ``DoesNotFootError``
    instead of giving out figures that do not add up.
    """
    rules = Rules.of(settings, as_of)
    lang = words.language(locale or rules.locale)
    with store.reading() as connection:
        figures = tieouts.latest(connection)
        at = None if as_of is None else to_us(rules.as_of)
        found = findings.listing(connection, as_of=at, with_urls=True)
        roll_forward = findings.roll_forward(connection, _last_run(connection))
        gone = None if at is None else pruned.removed(connection, "findings")
    broken = [item for item in figures if not foots(item)]
    if broken:
        raise DoesNotFootError(f"The tie-out {broken[0]['name']} in {broken[0]['currency']} does not add up.")
    shown = [as_dict(item, rules, lang) for item in found]
    return {
        "schema": SCHEMA,
        "as_of": _instant(to_us(rules.as_of)),
        **(
            {"pruned_before": _instant(gone.before)} if gone is not None and at is not None and at < gone.before else {}
        ),
        "period": f"{rules.today:%Y-%m}",
        "locale": "zh-CN" if lang == "zh" else "en",
        "timezone": rules.timezone,
        "base_currency": rules.base_currency,
        "tie_outs": [_tie_out(item) for item in figures],
        "findings": sorted(shown, key=sort_key),
        "roll_forward": roll_forward,
    }


def explain(finding: Finding, locale: str) -> dict[str, str]:
    """A finding in words: title, explanation and action."""
    lang = words.language(locale)
    check = checks.get(finding.check_id)
    if check is None:  # stored by another version of ltc
        return {"title": finding.check_id, "explanation": finding.check_id, "action": ""}
    said = words.say(check.sentence[lang], finding.params, finding.currency, lang)
    return {"title": check.title[lang], "explanation": said, "action": check.action[lang]}


def _last_run(connection: Connection) -> str | None:
    """The last run that reconciled; ids ascend with time. The run in progress has left no summary yet."""
    mark = news.last(connection)
    known = (mark[1].get("reconcile_run") if mark else None, findings.last_run(connection))
    return max((run_id for run_id in known if run_id), default=None)


def as_dict(item: Finding, rules: Rules, lang: str) -> dict[str, Any]:
    """A finding as in the report, in ``en`` or ``zh``."""
    return {
        "id": item.id,
        "check": item.check_id,
        "stage": item.stage,
        "department": item.department,
        "severity": item.severity,
        "status": item.status,
        "first_seen": _instant(item.first_seen_at),
        "since": item.since,
        "age_days": _age(item, rules),
        "amount": money.text(item.amount, item.currency),
        "currency": item.currency,
        "base_amount": money.text(item.base_amount, rules.base_currency),
        "records": [
            {
                "system": record.system,
                "entity": record.entity,
                "source_id": record.source_id,
                "number": record.number,
                "url": record.url,
            }
            for record in item.records
        ],
        **explain(item, lang),
        "assignee": item.assignee,
        "reason": item.reason,
        "approver": item.approver,
        "waived_until": item.waived_until,
    }


def _age(item: Finding, rules: Rules) -> int:
    """Days since the fault began by the data, or since it was first seen where the data does not tell."""
    if item.since:
        began = date.fromisoformat(item.since)
    else:
        began = from_us(item.first_seen_at).astimezone(ZoneInfo(rules.timezone)).date()
    return max((rules.today - began).days, 0)


def _tie_out(item: tieouts.TieOut) -> dict[str, Any]:
    order = ("name", "currency", "left", "right", "matched", "unmatched_left", "unmatched_right")
    data = tie_out_as_text(item)
    return {key: data[key] for key in (*order, "excluded_left", "excluded_right", "foots")}


def sort_key(item: dict[str, Any]) -> tuple[Any, ...]:
    """Sort key of findings as in the report: errors first, then by stage and check, the largest amounts first."""
    base = item["base_amount"]
    return (_RANK[item["severity"]], item["stage"], item["check"], -float(base) if base else 0.0, item["id"])


def _instant(microseconds: int) -> str:
    return from_us(microseconds).isoformat().replace("+00:00", "Z")
