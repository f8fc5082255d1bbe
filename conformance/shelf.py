"""The grades as they were produced: ``conformance/grades.json``, and the tables that show them.

A table stands between two marks in a page, and is written by ``ltc connectors test --all --write-grades`` alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from conformance import catalogue
from conformance.grades import Grade
from conformance.runner import Result, Status

ROOT = Path(__file__).resolve().parents[1]
GRADES = Path(__file__).with_name("grades.json")
CHECKS = ROOT / "docs" / "connectors" / "conformance.md"
PAGES = (ROOT / "README.md", ROOT / "docs" / "connectors" / "README.md")
BEGIN, END = "<!-- grades: written by `ltc connectors test --all --write-grades` -->", "<!-- end of grades -->"
_LIST_BEGIN, _LIST_END = "<!-- checks: written by the same command -->", "<!-- end of checks -->"

Grades = dict[str, dict[str, Any]]


def as_dict(made: Grade, results: Sequence[Result]) -> dict[str, Any]:
    """What is kept of one connector's run: nothing that differs from run to run."""
    absent = [result.check.name for result in results if result.status is Status.NOT_APPLICABLE]
    return {
        "grade": made.letter,
        "passed": made.passed,
        "applicable": made.applicable,
        "failed": list(made.failed),
        "grave": list(made.grave),
        "not_applicable": absent,
    }


def read() -> Grades:
    """The grades that were produced last; none if there are none."""
    if not GRADES.exists():
        return {}
    found: Grades = json.loads(GRADES.read_text(encoding="utf-8"))
    return found


def write(grades: Mapping[str, dict[str, Any]]) -> list[Path]:
    """Keep the grades of these connectors beside those of others, and bring the tables up to date; what was written."""
    kept = dict(sorted({**read(), **grades}.items()))
    GRADES.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    written = [GRADES]
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        changed = _between(text, BEGIN, END, table(kept))
        if changed != text:
            page.write_text(changed, encoding="utf-8")
            written.append(page)
    text = CHECKS.read_text(encoding="utf-8")
    CHECKS.write_text(_between(text, _LIST_BEGIN, _LIST_END, listed()), encoding="utf-8")
    return [*written, CHECKS]


def empty_areas(kept: Mapping[str, Any]) -> list[str]:
    """The areas of which no check applied in one connector's run; none where there was no run."""
    absent = set(kept.get("not_applicable", ()))
    areas = {area: {item.name for item in catalogue.checks() if item.area == area} for area in catalogue.AREAS}
    return [area for area, names in areas.items() if names <= absent]


def table(grades: Grades) -> str:
    """The shelf as Markdown."""
    lines = ["| connector | grade | passed | not passed | nothing applies in |", "| --- | --- | --- | --- | --- |"]
    for name, item in grades.items():
        failed = ", ".join(f"`{check}`" for check in item["failed"]) or "–"
        empty = ", ".join(empty_areas(item)) or "–"
        lines.append(f"| `{name}` | {item['grade']} | {item['passed']} of {item['applicable']} | {failed} | {empty} |")
    return "\n".join(lines)


def listed() -> str:
    """All checks as Markdown, area by area; ⚠ marks the grave ones."""
    lines: list[str] = []
    for area in catalogue.AREAS:
        lines += [f"### {area.capitalize()}", "", "| check | what it proves |", "| --- | --- |"]
        for item in catalogue.checks():
            if item.area == area:
                lines.append(f"| `{item.name}`{' ⚠' if item.grave else ''} | {item.title['en']} |")
        lines.append("")
    return "\n".join(lines).rstrip()


def shown_in(page: Path) -> str:
    """The table that a page shows now. Raises ``ValueError`` if it shows none."""
    text = page.read_text(encoding="utf-8")
    begin, end = _place(text, BEGIN, END)
    return text[begin:end].strip()


def checks_shown() -> str:
    """The list of checks that its page shows now."""
    text = CHECKS.read_text(encoding="utf-8")
    begin, end = _place(text, _LIST_BEGIN, _LIST_END)
    return text[begin:end].strip()


def _between(text: str, begin: str, end: str, content: str) -> str:
    first, last = _place(text, begin, end)
    return f"{text[:first]}\n{content}\n{text[last:]}"


def _place(text: str, begin: str, end: str) -> tuple[int, int]:
    first = text.index(begin) + len(begin)
    return first, text.index(end, first)
