"""The reports' words: both languages whole, every key that is used is there, and the sample is a true report."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path
from string import Formatter

import pytest

from console.i18n import LOCALES, texts
from console.report import figures
from reconciliation.checks.registry import DEPARTMENTS, SEVERITIES, STAGES
from tests.console import sample_report

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "console" / "report"
USED = re.compile(r"""(?:words|t)\(\s*["']([a-z_]+\.[a-z_0-9]+)["']""")


def names(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_have_the_same_words_with_the_same_blanks() -> None:
    english, chinese = (texts(locale).words for locale in LOCALES)
    assert english.keys() == chinese.keys()
    assert [key for key in english if names(english[key]) != names(chinese[key])] == []


@pytest.mark.parametrize("locale", LOCALES)
def test_every_word_that_a_report_uses_is_in_the_catalogue(locale: str) -> None:
    sources = [*REPORT.rglob("*.py"), *REPORT.rglob("*.j2")]
    used = {key for path in sources for key in USED.findall(path.read_text(encoding="utf-8"))}
    assert len(used) > 30
    assert used - texts(locale).words.keys() == set()


@pytest.mark.parametrize("locale", LOCALES)
def test_every_stage_department_severity_and_hand_off_has_a_name(locale: str) -> None:
    words = texts(locale)
    wanted = [("stage", STAGES), ("department", DEPARTMENTS), ("severity", SEVERITIES), ("tie_out", figures.TIE_OUTS)]
    missing = [f"{group}.{key}" for group, keys in wanted for key in keys if f"{group}.{key}" not in words.words]
    assert missing == []
    assert set(figures.STAGES) == set(STAGES)


def test_chinese_text_is_chinese() -> None:
    english, chinese = (texts(locale).words for locale in LOCALES)
    same = {key for key in english if english[key] == chinese[key]}
    assert same <= {"role.crm", "role.erp"}


def test_a_word_that_is_not_there_is_an_error_and_not_shown_as_its_key() -> None:
    with pytest.raises(KeyError):
        texts("en")("report.no_such_word")


def test_the_sample_follows_the_published_schema() -> None:
    schema = json.loads((ROOT / "docs" / "report-schema.json").read_text(encoding="utf-8"))
    import_module("jsonschema").validate(sample_report.report(), schema)
