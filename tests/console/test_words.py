"""The words of commands and reports: both languages whole, every word that is used is there and the other way round."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path
from string import Formatter

import pytest

from console.i18n import LOCALES, texts
from console.report import figures
from console.sentences import catalogue
from reconciliation.checks.registry import DEPARTMENTS, SEVERITIES, STAGES
from tests.console import sample_report

ROOT = Path(__file__).parents[2]
ROOMS = (ROOT / "console", ROOT / "sandbox" / "demo")
TEXTS = [path.read_text("utf-8") for room in ROOMS for kind in ("*.py", "*.j2") for path in room.rglob(kind)]
CALL = r"""\b(?:words|texts|t)(?:\.counted)?\(\s*"""
ONE = "_one"
"""The end of a key for a single one: `Texts.counted` finds it, and Chinese does without."""
WHOLE = re.compile(CALL + r"""["']([a-z_]+\.[a-z_0-9.]+[a-z_0-9])["']""")
GROUP = re.compile(
    CALL + r"""f["']([a-z_.]+)\.[a-z_]*\{|""" + CALL + r"""["']([a-z_.]+)\.["'] [+~]|\.name\(\s*["']([a-z_.]+)["']"""
)


def used() -> tuple[set[str], set[str]]:
    """The keys that the code names, and the groups of which it names a member that it knows only at run time."""
    keys = {key for text in TEXTS for key in WHOLE.findall(text)}
    groups = {group for text in TEXTS for found in GROUP.findall(text) for group in found if group}
    return keys, groups


def names(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_have_the_same_words_with_the_same_blanks() -> None:
    english, chinese = (texts(locale).words for locale in LOCALES)
    assert chinese.keys() - english.keys() == set()
    assert {key for key in english.keys() - chinese.keys() if key.removesuffix(ONE) not in chinese} == set()
    assert [key for key in chinese if names(english[key]) != names(chinese[key])] == []


@pytest.mark.parametrize("locale", LOCALES)
def test_every_word_that_the_code_names_is_in_the_catalogue(locale: str) -> None:
    keys, groups = used()
    known = texts(locale).words
    assert len(keys) > 100
    assert keys - known.keys() == set()
    assert [group for group in groups if not any(key.startswith(f"{group}.") for key in known)] == []


HALF = re.compile(r"[\u3400-\u9fff}”）]: ?(?!/)|[\u3400-\u9fff][,;]|[：，。；、！？（] ")
"""Marks of English, and spaces after those of Chinese."""
KEEPS = re.compile(r"`[^`]*`|“[^”]*”|\{\{.*?\}\}")
"""What is written as it stands: code, names between quotes, braces that are no blank."""


def test_chinese_has_its_own_marks_and_no_space_after_them() -> None:
    def wrong(text: str) -> bool:
        return re.search("[\u3400-\u9fff]", text) is not None and HALF.search(KEEPS.sub("`", text)) is not None

    said = texts("zh-CN").words | {key: text for key, text in catalogue("zh-CN").items() if key}
    assert {key for key, text in said.items() if wrong(text)} == {"cli.literal_example"}, "which is a line of ltc.yaml"


BEFORE = re.compile(
    r"""(?<!\w)t\("([\w.]+)"(?: ~ [^{}]*?)?(?:,[^{}]*?)?\)[^{}]*?\}\}((?:</\w+>)*)(\s+)"""
    r"(?=\{\{|\{% (?!set)|<)(?!\{%-|<(?:ul|pre|p|div)\b)"
)
"""A text of a template, and the space after it."""


def test_no_template_puts_a_space_after_a_chinese_colon_or_an_english_colon_after_a_chinese_text() -> None:
    chinese, wrong = texts("zh-CN").words, []
    for path in [*ROOT.glob("console/web/pages/*.j2"), *ROOT.glob("console/report/page/*.j2")]:
        template = path.read_text("utf-8")
        for found in BEFORE.finditer(template):
            if re.search("</(?:p|li|h2|h3|label)>", found[2]):
                continue
            known = [found[1]] if found[1] in chinese else [key for key in chinese if key.startswith(found[1])]
            if any(chinese[key].endswith("：") for key in known):
                wrong.append((path.name, found[0]))
        wrong += [(path.name, found) for found in re.findall(r"\}\}(?:</\w+>)*: ", template)]
    assert wrong == []


def test_no_catalogue_holds_words_that_nobody_says() -> None:
    said = "\n".join(TEXTS)
    groups = tuple(f"{group}." for group in used()[1])
    assert [
        key
        for key in texts("en").words
        if not key.startswith(groups) and not re.search(f"[\"'](?:{key}|{key.removesuffix(ONE)})[\"']", said)
    ] == []


def test_no_english_text_leaves_singular_or_plural_open() -> None:
    english = texts("en").words
    assert {key: text for key, text in english.items() if re.search(r"\w\((?:s|es|ies)\)", text)} == {}
    assert texts("en").counted("status.overdue", 1).startswith("1 stream is late")
    assert texts("en").counted("status.overdue", 1200).startswith("1,200 streams are late")
    assert texts("zh-CN").counted("status.overdue", 1) == texts("zh-CN")("status.overdue", count="1")


@pytest.mark.parametrize("locale", LOCALES)
def test_every_stage_department_severity_and_hand_off_has_a_name(locale: str) -> None:
    words = texts(locale)
    wanted = [("stage", STAGES), ("department", DEPARTMENTS), ("severity", SEVERITIES), ("tie_out", figures.TIE_OUTS)]
    missing = [f"{group}.{key}" for group, keys in wanted for key in keys if f"{group}.{key}" not in words.words]
    assert missing == []
    assert set(figures.STAGES) == set(STAGES)


def test_chinese_text_is_chinese() -> None:
    english, chinese = (texts(locale).words for locale in LOCALES)
    same = {key for key in chinese if english[key] == chinese[key]}
    assert {key for key in same if re.search("[a-z]{3}", re.sub(r"\{.*?\}|`.*?`", "", english[key]))} == set()


def test_lists_on_pages_have_the_mark_of_the_language_between_their_items() -> None:
    pages = list((ROOT / "console").rglob("*.j2"))
    assert len(pages) > 50
    assert [path.name for path in pages if re.search(r"""join\(["'][,;] ["']\)""", path.read_text("utf-8"))] == []
    assert texts("zh-CN").listed(["Eingefroren", "Parked"]) == "Eingefroren、Parked"


def test_a_word_that_is_not_there_is_an_error_and_not_shown_as_its_key() -> None:
    with pytest.raises(KeyError):
        texts("en")("report.no_such_word")


def test_the_sample_follows_the_published_schema() -> None:
    schema = json.loads((ROOT / "docs" / "report-schema.json").read_text(encoding="utf-8"))
    import_module("jsonschema").validate(sample_report.report(), schema)
