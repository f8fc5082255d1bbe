"""Exports of what the last reconciliation found, row by row: as JSON lines or CSV, with little memory however long.

A row is what the report and the commands show of the same thing. CSV has a column for each value; lists and evidence
are JSON in their cell, and a text that a spreadsheet might take for a formula has an apostrophe before it.
"""

from __future__ import annotations

import csv
import io
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from console import linked
from console.output import json_text
from state import chains, exports, lookup

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from console.i18n import Texts
    from settings.model import Settings
    from state.findings import Finding

Row = dict[str, Any]

_RECORD = ("system", "entity", "source_id", "number", "url")
_REMOVED = "system_removed"
"""Whether the system of a record, or of one of several, is not in ltc.yaml any more."""
_END = ("system", "stream", "source_id", "number", _REMOVED)
COLUMNS = {
    "findings": (
        *("id", "check", "title", "stage", "department", "severity", "status", "since", "age_days", "first_seen"),
        *("amount", "currency", "base_amount", "material", "explanation", "action", "owner", "assignee", "due_on"),
        *("overdue", "reason", "approver", "waived_until", "customer", "records", "system_removed"),
    ),
    "list": (
        *("id", "title", "severity_text", "stage_text", "department_text", "status_text", "customer", "records"),
        *("explanation", "action", "amount", "currency", "base_amount", "material", "since", "first_seen"),
        *("age_days", "owner", "assignee", "due_on", "overdue", "reason", "approver", "waived_until"),
        *("comments", "attachments"),
        *("check", "severity", "stage", "department", "status", "system_removed"),
    ),
    "audit": ("number", "at", "zone", "actor", "action_text", "detail_text", "code"),
    "links": (
        "kind",
        *(f"{side}.{name}" for side in ("left", "right") for name in _END),
        *("method", "score", "decision", "decided_by", "decided_at", "evidence"),
    ),
    "receipts": (
        *(f"record.{name}" for name in (*_RECORD, _REMOVED)),
        *("customer_number", "customer", "received_on", "currency", "amount", "left", "class", "class_text"),
        *("next_step", "action", "applied", "differences", "suggestions"),
    ),
}
"""The columns of CSV: names of values, ``left.system`` for one inside another."""


_AMOUNT = re.compile(r"-[0-9]+(\.[0-9]+)?")
"""What begins like a formula and is none."""


def rows(connection: Connection, settings: Settings, what: str, locale: str, everything: bool = False) -> Iterator[Row]:
    """Rows of ``findings``, ``links`` or ``receipts``; with ``everything`` resolved findings, too."""
    made: dict[str, Callable[[], Iterator[Row]]] = {
        "findings": lambda: _findings(connection, settings, locale, everything),
        "links": lambda: _links(connection, settings),
        "receipts": lambda: _receipts(connection, settings, locale),
    }
    return made[what]()


def _findings(connection: Connection, settings: Settings, locale: str, everything: bool) -> Iterator[Row]:
    from state.findings import STANDING

    for some in exports.findings(connection, (*STANDING, "resolved") if everything else STANDING):
        yield from of_findings(some, settings, locale)


def of_findings(
    some: Iterable[Finding], settings: Settings, locale: str, said: Mapping[str, list[Row]] | None = None
) -> Iterator[Row]:
    """The rows of these findings; with what was ``said`` about them (``handling.said``) comments and files, too."""
    from reconciliation import report, words
    from reconciliation.rules import Rules

    rules, lang = Rules.of(settings, None), words.language(locale)
    names = COLUMNS["findings"] if said is None else (*COLUMNS["findings"], "comments", "attachments")
    for item in some:
        shown = report.shown(item, rules, lang, (said or {}).get(item.id, ()))
        shown["records"] = [_marked(record, settings) for record in shown["records"]]
        shown[_REMOVED] = any(record[_REMOVED] for record in shown["records"])
        yield {name: shown[name] for name in names}


def for_reading(row: Row, settings: Settings, words: Texts) -> Row:
    """A row of findings for people: codes in words beside them, days of the business zone, records as text."""
    spoken = {f"{name}_text": words.name(name, row[name]) for name in ("severity", "stage", "department", "status")}
    seen = datetime.fromisoformat(row["first_seen"]).astimezone(settings.business_day_zone)
    records = "; ".join(_told(row["records"], words))
    told = {
        "comments": "; ".join(f"{item['by']}: {item['text']}" for item in row.get("comments", ())),
        "attachments": "; ".join(item["name"] for item in row.get("attachments", ())),
    }
    return {**row, **spoken, **told, "first_seen": f"{seen:%Y-%m-%d}", "records": records}


def _told(records: list[Row], words: Texts) -> list[str]:
    """Records by kind, system and number; those that would read alike by the id in their system, too."""
    called = [
        f"{words.name('entity', record['entity'])} {record['system']} {record['number'] or record['source_id']}"
        for record in records
    ]
    return [
        f"{text} ({record['source_id']})" if called.count(text) > 1 else text
        for text, record in zip(called, records, strict=True)
    ]


def _links(connection: Connection, settings: Settings) -> Iterator[Row]:
    for some in exports.links(connection):
        ends = chains.identities(connection, {end for link in some for end in (link.left_id, link.right_id)})
        numbers = lookup.numbers(connection, ends.values())
        for link in some:
            told = linked.as_dict(link, ends, numbers)
            yield {**told, **{side: _marked(told[side], settings) for side in ("left", "right")}}


def _receipts(connection: Connection, settings: Settings, locale: str) -> Iterator[Row]:
    from reconciliation import sections, words

    lang = words.language(locale)
    for some in exports.receipts(connection):
        for figure in some:
            told = sections.receipt(figure, lang)
            yield {**told, "record": _marked(told["record"], settings)}


def is_removed(settings: Settings, system: str | None) -> bool:
    """Whether a system is not in ltc.yaml any more; what is of none is not removed."""
    return system is not None and system not in settings.systems


def _marked(record: Row, settings: Settings) -> Row:
    return {**record, _REMOVED: is_removed(settings, record.get("system"))}


def as_json(found: Iterator[Row], _what: str) -> Iterator[str]:
    """One line of JSON for each row."""
    return (f"{json_text(row)}\n" for row in found)


def as_csv(found: Iterator[Row], what: str, words: Texts | None = None) -> Iterator[str]:
    """A head, and one line for each row; with ``words`` the head is for people."""
    from console.report.book import is_risky

    columns = COLUMNS[what]
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    heads = (words.name("export.column", column) if words else column.replace(".", "_") for column in columns)
    writer.writerow(heads)
    yield out.getvalue()
    for row in found:
        out.seek(0)
        out.truncate()
        cells = (_cell(_value(row, column)) for column in columns)
        writer.writerow(f"'{cell}" if is_risky(cell) and not _AMOUNT.fullmatch(cell) else cell for cell in cells)
        yield out.getvalue()


FORMS: dict[str, Callable[[Iterator[Row], str], Iterator[str]]] = {"jsonl": as_json, "csv": as_csv}


def _value(row: Row, column: str) -> Any:
    first, _, inner = column.partition(".")
    return row.get(first, {}).get(inner) if inner else row.get(first)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        return json_text(value) if value else ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, (str, int, float)) else json_text(value).strip('"')


@contextmanager
def replacing(path: Path, form: str) -> Iterator[IO[str]]:
    """A file to write; it takes the place of ``path`` when the block is done, and is gone if it fails.

    CSV begins with a mark, so that spreadsheets read Chinese right. Raises ``OSError``.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    written = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8-sig" if form == "csv" else "utf-8", newline="") as file:
            yield file
        written.replace(path)
    except BaseException:
        written.unlink(missing_ok=True)
        raise
