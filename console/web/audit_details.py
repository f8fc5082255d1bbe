"""Details of the audit in words: instants as dates, hashes shortened, and what was found as one sentence."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from console import audited
from console.records import without_personal
from console.web import audit_decided
from console.web.access import Right
from console.web.audit_decided import Part
from state.clock import from_us
from state.news import PRUNED
from state.pauses import WHOLE

if TYPE_CHECKING:
    from console.web.audit_decided import Known
    from console.web.desk import Visit
    from state.audit import Entry

_TESTED, _MATCHED = "connector tested", "first matching accepted"
_LEADS_TO = {"run": "/runs/", "finding": "/findings/"}
"""What of a detail has a page of its own."""
_OF_A_CHANGE = ("change", "before", "after", "undoes")
"""What of a change of the settings leads to its page."""
_OF_A_RUN = {"kind": "summary.kind", "because": "operating.because"}
"""What of a run's start or end has words of its own, and where they are."""
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*")
_HASH = re.compile(r"[0-9a-f]{32,}")
_WORDS = ("result", "choice", "systems", "systems before")
"""Details whose values are words of the audit's own."""
_WORDS_IN = {"drift ": "kind", "member turned ": "why"}
"""The same of actions that begin so."""
_NAMED = {"roles": "account.role", "roles before": "account.role", "scopes": "account.scope", "field": "field"}
"""Details whose values have words elsewhere, and where those are."""
_NAMED_IN = {"link ": {"kind": "links.kind"}, "period ": {"was": "period.status"}}
_NAMED_IN |= {begin: {"fields": "field"} for begin in ("overwritten ", "dead letter ")}
"""The same of actions that begin so; the fields of a quarantined record are those of its source."""
_WHOLE_OF = {"stream": WHOLE}
"""What a detail holds for all there are of it."""
_SHORT, _MOST, _LONGEST = 10, 10, 300
_A_MICROSECOND_AGE = 10**15
"""No count is as large; microseconds of any day since 2001 are larger."""


def told(visit: Visit, item: Entry, known: Known) -> list[Part]:
    """The detail of an entry, part by part; ``known`` are the records that the entries of the page name."""
    detail = without_personal(audited.limited(item, visit.may_touch))
    if item.action == _TESTED and "grade" in detail:
        return [_tested(visit, detail)]
    change = detail.get("change") if item.action == "settings changed" else None
    if item.action == _MATCHED:
        return [_of_entity(visit, name, value) for name, value in detail.items()]
    parts: list[Part] = []
    for name, value in audit_decided.ordered(detail).items():
        called = _name(visit, _called(item.action, name))
        if item.action in audited.OF_RUNS and name == "systems" and not value:
            continue  # of none that who looks may see, or of no system at all
        if change is not None and name in ("before", "after") and not visit.may(Right.ADMINISTER):
            continue  # digests of the file, which say something only to who can see its history
        if item.action in audited.OF_RUNS and name in _OF_A_RUN:
            parts.append(Part(called, visit.texts.name(_OF_A_RUN[name], str(value)), ""))
            continue
        decided = audit_decided.told(visit, item.action, name, value, detail, known)
        values = decided or [(_value(visit, item.action, name, value), _address(visit, name, value, change))]
        parts += [Part("" if n else called, *one) for n, one in enumerate(values)]
    return parts


def _called(action: str, name: str) -> str:
    """A link has two sides; of anything else, "left" is what remains. Runs have a kind of their own."""
    if action in audited.OF_RUNS and name == "kind":
        return "run kind"
    return f"link {name}" if action.startswith("link ") and name in ("left", "right") else name


def _of_entity(visit: Visit, name: str, value: Any) -> Part:
    """A part of an accepted matching: the system, or how the records of one kind were matched."""
    if not isinstance(value, dict):
        return Part(_name(visit, name), _value(visit, _MATCHED, name, value), "")
    counts = {key: f"{value.get(key, 0):,}" for key in ("records", "linked")}
    said = [visit.texts("audit.told.matched", **counts)]
    methods = value.get("methods") or {}
    told = [f"{visit.texts.name('links.method', one)} {count:,}" for one, count in methods.items()]
    if told:
        said.append(visit.texts.pair(visit.texts("audit.told.matched_by"), visit.texts.clauses(told)))
    return Part(visit.texts.name("entity", name), visit.texts.clauses(said), "")


def _worded(visit: Visit, action: str, name: str, value: str) -> str:
    """A value in words where it is one of ours, else as it is."""
    if name in _WORDS or any(action.startswith(begin) and name == key for begin, key in _WORDS_IN.items()):
        return visit.texts.name("audit.value", value)
    named = next((names[name] for begin, names in _NAMED_IN.items() if action.startswith(begin) and name in names), "")
    group = named or _NAMED.get(name, "")
    return visit.texts.name(group, value) if group else value


def _tested(visit: Visit, detail: dict[str, Any]) -> Part:
    said = {name: detail.get(name) or 0 for name in ("grade", "passed", "applicable")}
    connector = str(detail.get("connector", ""))
    text = visit.texts("audit.told.tested", connector=connector, **{**said, "grade": detail["grade"] or "–"})
    address = f"/kit/{quote(connector, safe='')}" if connector and visit.may(Right.ADMINISTER) else ""
    return Part(_name(visit, "result"), text, address)


def _address(visit: Visit, name: str, value: Any, change: Any) -> str:
    if name in _LEADS_TO and isinstance(value, str):
        return f"{_LEADS_TO[name]}{quote(value, safe='')}"
    if isinstance(change, int) and name in _OF_A_CHANGE and value is not None and visit.may(Right.ADMINISTER):
        return f"/settings/history/{value if name == 'undoes' else change}"
    return ""


def _name(visit: Visit, name: str) -> str:
    return visit.texts.name("audit.detail", name)


def _value(visit: Visit, action: str, name: str, value: Any) -> str:
    if value is None or value in ("", [], {}):
        return "–"
    if isinstance(value, bool):
        return visit.texts(f"audit.told.{'yes' if value else 'no'}")
    if action.startswith("link ") and name in ("left", "right"):
        return str(value)  # a record that is gone, by its id
    if isinstance(value, int):
        return _at(visit, from_us(value)) if value > _A_MICROSECOND_AGE else f"{value:,}"
    if isinstance(value, dict):
        pruned = action == PRUNED  # counts by kind, which have names of their own, most of them none
        pairs = [
            f"{visit.texts.name('prune.kind', key) if pruned else _name(visit, key)} {_value(visit, action, key, one)}"
            for key, one in without_personal(value).items()
            if one or not pruned
        ]
        return _cut(visit, pairs) if pairs else "–"
    if isinstance(value, list) and value and all(isinstance(one, list) for one in value):
        return _cut(visit, [" ".join(map(str, _flat(one))) for one in value])
    if isinstance(value, list):
        return _cut(visit, [_value(visit, action, name, one) for one in value])
    return _text(visit, action, name, str(value))


def _text(visit: Visit, action: str, name: str, value: str) -> str:
    if _HASH.fullmatch(value):
        return f"{value[:_SHORT]}…"
    if _INSTANT.fullmatch(value):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return value
        return _at(visit, moment) if moment.tzinfo is not None else value
    if value == _WHOLE_OF.get(name):
        return visit.texts("audit.value.all")
    if name == "exceeds":
        return visit.plain(value).replace("`", "")  # a detail is plain text, which may be cut
    return _worded(visit, action, name, value)


def _flat(values: list[Any]) -> list[Any]:
    return [part for one in values for part in (_flat(one) if isinstance(one, list) else [one])]


def _cut(visit: Visit, parts: list[str]) -> str:
    """They in a row; of many the first ones, and how many more there are."""
    text = visit.texts.listed(parts[:_MOST])
    if len(parts) > _MOST:
        text = visit.texts("audit.told.more", text=text, count=f"{len(parts) - _MOST:,}")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _at(visit: Visit, moment: datetime) -> str:
    return f"{moment.astimezone(visit.desk.settings.business_day_zone):%Y-%m-%d %H:%M}"
