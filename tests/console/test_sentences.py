"""What other parts say in English is told in Chinese: whole, with nothing stale, and never by guessing."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from time import process_time

import click
import pytest

from connectors import registry
from console import api_reference, described, sentences
from console.i18n import texts
from console.sentences import HOLE, plain, said
from state.findings import FindingError
from state.periods import PeriodError

ROOT = Path(__file__).parents[2]
ROOMS = ("connectors", "sync", "state", "mappings", "yamlfiles", "settings", "console", "reconciliation")
OF_PYDANTIC = ("Input ", "Field ", "Extra ", "String ", "List ", "Dictionary ")
OF_THE_SYSTEM = ("No such file or directory", "Permission denied", "Not a directory")
ZH = "zh-CN"


@cache
def sources() -> str:
    """All that the code, the manifests of shipped connectors and click say, what goes on in the next line made one."""
    found = [
        path.read_text("utf-8")
        for room in ROOMS
        for kind in ("*.py", "*.yaml")
        for path in (ROOT / room).rglob(kind)
        if "i18n" not in path.parts
    ]
    found += [path.read_text("utf-8") for path in Path(click.__file__).parent.glob("*.py")]
    joined = re.sub(r'"\s*\n\s*f?"', "", "\n".join(found))
    told = joined.replace("{{", "{").replace("}}", "}").replace('\\"', '"').replace("_", " ")
    return " ".join(told.split()).casefold()


def fragments(sentence: str) -> list[str]:
    return [piece for n, piece in enumerate(HOLE.split(sentence)) if n % 2 == 0]


def test_each_sentence_has_the_same_blanks_in_chinese() -> None:
    assert [en for en, zh in sentences.catalogue(ZH).items() if set(HOLE.findall(en)) != set(HOLE.findall(zh))] == []


def test_no_sentence_is_kept_that_nobody_says_any_more() -> None:
    kept = [item for item in sentences.catalogue(ZH) if not item.startswith(OF_PYDANTIC) and item not in OF_THE_SYSTEM]
    pieces = {item: " ".join(max(fragments(item), key=len).replace("_", " ").split()) for item in kept}
    assert [item for item, piece in pieces.items() if piece.casefold() not in sources()] == []


def test_what_shipped_connectors_say_of_themselves_is_there_in_chinese() -> None:
    known = sentences.catalogue(ZH)
    missing = []
    for name in registry.names():
        kind = registry.load(name)
        told = [described.summary(kind), *kind.permissions]
        told += [str(entry["description"]) for entry in described.settings(kind.Config)]
        missing += [(name, item) for item in told if " " in item and item not in known]
    assert missing == []


def test_every_operation_of_the_api_is_told_in_chinese() -> None:
    known, words = sentences.catalogue(ZH), texts(ZH).words
    groups = api_reference.groups()
    told = [said for group in groups for said in (group.said, *(item.said for item in group.operations))]
    assert [sentence for sentence in told if sentence not in known] == []
    operations = [item for group in groups for item in group.operations]
    given = {text for item in operations for one in item.given for text in (one.kind, one.said)}
    meant = [text for text in given - {"", "text"} if not all(part.known for part in said(text, ZH))]
    assert sorted(meant) == []
    assert [group.name for group in groups if f"account.group.{group.name}" not in words] == []
    scopes = {item.scope for group in groups for item in group.operations if item.scope}
    assert [scope for scope in scopes if f"account.scope.{scope}" not in words] == []


def test_every_reason_that_a_decision_cannot_be_taken_has_words() -> None:
    refusals = {key.removeprefix("refused.") for key in texts("en").words if key.startswith("refused.")}
    code = "\n".join(
        (ROOT / room / path.name).read_text("utf-8")
        for room in ("state", "reconciliation", "console")
        for path in (ROOT / room).glob("*.py")
    )
    code += "\n".join(path.read_text("utf-8") for path in (ROOT / "console" / "web").glob("*.py"))
    assert {key for key in refusals if not re.search(rf'"{key}"', code)} == set()


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("crm.example answered HTTP 500.", "crm.example 返回 HTTP 500。"),
        (
            "crm.example answered HTTP 500. It is tried again on the next run.",
            "crm.example 返回 HTTP 500。下次运行会重试。",
        ),
        ("`systems.crm`: must be a whole number.", "`systems.crm`：必须是整数。"),
        ("crm.yaml:3: `foo` is not known here.", "crm.yaml:3：此处没有 `foo` 这一项。"),
        ("has more than 2 decimals, which its currency does not have", "小数超过 2 位，该币种没有这么多位"),
        (
            "1 files, the newest: orders.csv: CSV in utf-8 (all of it is valid, plain ASCII), delimiter , "
            "(6 of 6 rows have 3 cells), 5 rows sampled, columns no, date, total",
            "共 1 个文件，最新的：orders.csv：CSV，编码 utf-8（全部有效，纯 ASCII），分隔符 ,"
            "（6/6 行为 3 列），抽样 5 行，列 no、date、total",
        ),
        ("a.csv has no column `id`, `at`; it has nr, net.", "a.csv 中没有 `id`、`at` 列；现有的列：nr、net。"),
        (
            "1 files, the newest: a.csv: has no column `id`; it has nr, net.",
            "共 1 个文件，最新的：a.csv 中没有 `id` 列；现有的列：nr、net。",
        ),
        ("The app does not exist. (code 2004)", "应用不存在（错误码 2004）"),
        (
            "1 files, the newest: orders.csv: CSV in utf-8 (all of it is valid, plain ASCII), delimiter semicolon "
            "(6 of 6 rows have 3 cells), 5 rows sampled, columns no, date, total",
            "共 1 个文件，最新的：orders.csv：CSV，编码 utf-8（全部有效，纯 ASCII），分隔符 分号"
            "（6/6 行为 3 列），抽样 5 行，列 no、date、total",
        ),
        ("/srv/in cannot be read: No such file or directory.", "无法读取 /srv/in：没有这个文件或目录。"),
        (
            "`streams.orders.list`: a list knows {page} only with `paging: {by: page, size: 100}`.",
            "`streams.orders.list`：要使用 {page}，列表须有 `paging: {by: page, size: 100}`。",
        ),
        (
            "`streams.orders.list`: there is no {foo} here; what is known here: config, size.",
            "`streams.orders.list`：此处没有 {foo}；可用的有：config、size。",
        ),
        ("crm.example cannot be reached.\n  → It is tried again.", "无法连接 crm.example。\n会再次尝试。"),
    ],
)
def test_a_sentence_is_known_again_with_what_it_is_about(english: str, chinese: str) -> None:
    assert plain(english, ZH) == chinese
    assert all(part.known for part in said(english, ZH))


def test_what_is_not_known_stays_as_it_was_said_and_is_marked() -> None:
    parts = said("The ERP hiccuped. It is tried again.", ZH)
    assert [(part.text.strip(), part.known) for part in parts] == [("The ERP hiccuped.", False), ("会再次尝试。", True)]
    assert said("字段 `name` 不能为空", ZH)[0].known


def test_in_english_everything_stays_as_it_is() -> None:
    assert plain("crm.example answered HTTP 500.", "en") == "crm.example answered HTTP 500."


def test_a_refusal_is_said_in_the_language_of_the_page_and_without_commands() -> None:
    error = PeriodError("2026-09 is closed already.", "`ltc period show 2026-09`", "closed", period="2026-09")
    assert sentences.refusal(error, texts(ZH)) == "2026-09 已经关账。"
    assert sentences.refusal(error, texts("en")) == "2026-09 is closed already."
    assert sentences.refusal(FindingError("Somebody's own words."), texts(ZH)) == "Somebody's own words."


def test_no_chinese_text_says_what_the_glossary_says_otherwise() -> None:
    rows = re.findall(
        r"^\| [^|]+ \| ([^|]+) \| ([^|]*) \| [^|]*\|$", (ROOT / "docs" / "glossary.md").read_text("utf-8"), re.M
    )
    unwanted = {word.strip() for _, words in rows for word in words.split("、") if re.search("[\u4e00-\u9fff]", word)}
    assert len(unwanted - {"不用", "not 不用"}) > 20
    said = [*texts(ZH).words.items(), *sentences.catalogue(ZH).items(), *sentences.catalogue(ZH, "help").items()]
    assert [(key, word) for key, text in said for word in unwanted - {"not 不用"} if word in text] == []


def test_what_a_source_answers_costs_no_time_to_compare() -> None:
    hostile = [" is ; " * 660 + ". A x", "a (code b) " * 360 + ". A", "a: " * 1300, "Xx y. " * 660]
    began = process_time()
    assert all(plain(text, ZH) for text in hostile)
    assert process_time() - began < 2
