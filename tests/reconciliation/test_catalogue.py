"""The catalogue is complete, in both languages, and is what the documentation says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reconciliation import words
from reconciliation.checks import Check, catalogue, get
from reconciliation.checks.registry import DEPARTMENTS, SEVERITIES, STAGES
from reconciliation.rules import ROLES

CHECKS = catalogue()
DOCUMENT = (Path(__file__).parents[2] / "docs" / "checks.md").read_text()


def _documented() -> dict[str, tuple[str, ...]]:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (\w+) \| (\w+) \| (.*) \|$", DOCUMENT, re.MULTILINE)
    return {row[0]: row[1:] for row in rows}


def test_the_documentation_lists_every_check_with_its_stage_department_and_severity() -> None:
    documented = {name: row[:3] for name, row in _documented().items()}
    assert documented == {check.id: (check.stage, check.department, check.severity) for check in CHECKS}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_defaults_are_those_of_the_documentation(check: Check) -> None:
    shown = dict(re.findall(r"`(\w+)`(?: days)? \((\d+)\)", _documented()[check.id][3]))
    assert {name: str(value) for name, value in check.parameters.items()} == shown


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_a_check_is_complete_in_both_languages(check: Check) -> None:
    assert check.stage in STAGES
    assert check.department in DEPARTMENTS
    assert check.severity in SEVERITIES
    assert {role for role, _ in check.needs} <= set(ROLES)
    for texts in (check.title, check.sentence, check.action):
        assert set(texts) == set(words.LANGUAGES)
        assert re.search("[\u4e00-\u9fff]", texts["zh"])
        assert not re.search("[\u4e00-\u9fff]", texts["en"])
    assert words.names(check.sentence["en"]) == words.names(check.sentence["zh"])
    assert not words.names(check.action["en"])


def test_a_check_is_found_by_its_id() -> None:
    assert get("invoice_overdue") in CHECKS
    assert get("no_such_check") is None


@pytest.mark.parametrize(
    ("minor", "currency", "shown"),
    [
        (1234567, "CNY", "CNY 12,345.67"),
        (1234567, "JPY", "JPY 1,234,567"),
        (-5, "KWD", "KWD -0.005"),
        (None, "CNY", "–"),
    ],
)
def test_money_is_shown_with_the_decimals_of_its_currency(minor: int | None, currency: str, shown: str) -> None:
    assert words.amount(minor, currency) == shown
