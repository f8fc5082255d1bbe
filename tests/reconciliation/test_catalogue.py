"""The catalogue is complete, in both languages, and is what the documentation says."""

from __future__ import annotations

import re

import pytest

from console.checks_reference import PAGES, page
from reconciliation import words
from reconciliation.checks import Check, catalogue, get
from reconciliation.checks.registry import DEPARTMENTS, SEVERITIES, STAGES
from reconciliation.rules import ROLES

CHECKS = catalogue()


@pytest.mark.parametrize("locale", PAGES)
def test_the_documentation_is_what_the_checks_say(locale: str) -> None:
    assert PAGES[locale].read_text(encoding="utf-8") == page(locale), "run: make docs"


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_a_check_is_complete_in_both_languages(check: Check) -> None:
    assert check.stage in STAGES
    assert check.department in DEPARTMENTS
    assert check.severity in SEVERITIES
    assert {role for role, _ in check.needs} <= set(ROLES)
    for texts in (check.title, check.fires, check.sentence, check.action, *([check.silent] if check.silent else [])):
        assert set(texts) == set(words.LANGUAGES)
        assert re.search("[\u4e00-\u9fff]", texts["zh"])
        assert not re.search("[\u4e00-\u9fff]", texts["en"])
    assert words.names(check.sentence["en"]) == words.names(check.sentence["zh"])
    assert not words.names(check.action["en"])


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_when_a_check_fires_names_all_its_parameters(check: Check) -> None:
    for text in check.fires.values():
        assert words.names(text) == set(check.parameters)


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
