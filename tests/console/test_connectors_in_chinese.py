"""Every sentence that a connector can say (why it failed, what to do) is there in Chinese: found in the syntax tree."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import islice, product
from pathlib import Path

import pytest

from console.sentences import plain, said

CONNECTORS = Path(__file__).parents[2] / "connectors"
ZH = "zh-CN"
FOR_PROGRAMS = re.compile(
    r"SELECT |\(X1 > |\(SELECT |.* ORDER BY|ORDER BY| WHERE |SortOrder |"  # what Salesforce is asked
    r".*\\|"  # regular expressions
    r"\[LTC Sync\]|"  # notes that are written into Tryton
    r"A An The |"  # words that a masked sentence keeps
    r"(?:base_url|settings|auth|errors|paging|streams|list|one|update|create|deletes|parent|limits): \S|"  # examples
    r"ssh-ed25519 AAAA|could not |Gracefully |config validation\||<X1 (?:bytes|characters), not JSON>"
)
"""Texts that nobody reads as sentences: questions to a system, patterns, examples, what a system answers."""
PUT_TOGETHER = (
    "Account X1 in X1: ",
    "transactions, closing with",
    " X1 of them overlapping",
    "To be mended: X1",
    "CSV in",
    "statement X1 of ",
    "the statement of ",
    "X1, and some to write-backs",
)
"""Pieces of sentences that are tested as wholes: below, in test_checks_in_chinese.py and in test_sentences.py."""
MOST = 24
"""Of the ways in which the parts of a sentence can come together, so many are tried."""


def ways(node: ast.expr) -> Iterator[str]:
    """The texts that an expression can be, with something in the place of what changes."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=values):
            parts = [list(ways(item.value if isinstance(item, ast.FormattedValue) else item)) for item in values]
            yield from ("".join(chosen) for chosen in islice(product(*parts), MOST))
        case ast.IfExp(body=body, orelse=other):
            yield from ways(body)
            yield from ways(other)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            yield from ("".join(chosen) for chosen in islice(product(ways(left), ways(right)), MOST))
        case ast.Attribute(attr="remedy" | "message") | ast.Name(id="_ALIAS_REMEDY"):
            yield "It is tried again."
        case _:
            yield "X1"


def told() -> list[tuple[str, str]]:
    """Where, and what: every text of at least three words that is no documentation."""
    found = []
    for path in sorted(CONNECTORS.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        passed: set[int] = set()
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            for item in body if isinstance(body, list) else []:
                if isinstance(item, ast.Expr):
                    passed.add(id(item.value))
            if id(node) in passed or not isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp):
                continue
            passed |= {id(inner) for inner in ast.walk(node)}
            for text in ways(node):
                words = re.findall("[A-Za-z]{2,}", text)
                if len(words) >= 3 and " " in text.strip() and not FOR_PROGRAMS.match(text):
                    found.append((f"{path.relative_to(CONNECTORS)}:{getattr(node, 'lineno', 0)}", text))
    return [item for item in found if not item[1].startswith(PUT_TOGETHER)]


def test_every_sentence_of_a_connector_is_there_in_chinese() -> None:
    sentences = told()
    assert len(sentences) > 600
    assert [item for item in sentences if not all(part.known for part in said(item[1].strip(), ZH))] == []


def test_what_a_connector_says_of_its_settings_names_them_and_no_file() -> None:
    """It is read on the form of a system, too, where nothing is in ltc.yaml yet."""
    assert [text for _, text in told() if "ltc.yaml" in text] == ["Take the rule out of ltc.yaml."]


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        (
            "Tryton refuses the user or the password.\n"
            "→ Correct both before the next run: after 5 failures Tryton locks the user out.",
            "Tryton 拒绝了该用户或密码。\n请在下次运行前更正：失败 5 次后 Tryton 会锁定该用户。",
        ),
        ("Check instance_url, the network and the proxy.", "请检查 instance_url、网络和代理。"),
        (
            "To be mended: orders.csv: is no bank statement: neither CAMT.053 nor OFX, and without the "
            "`:20:` of MT940; 5月 对账单.csv: is empty.",
            "待修正：orders.csv：不是银行对账单：既非 CAMT.053 和 OFX，"
            "也没有 MT940 的 `:20:`；5月 对账单.csv：是空的。",
        ),
        ("is empty or cannot name a row (row 19 of orders.csv)", "为空，或不能用来标识一行（orders.csv 第 19 行）"),
        ("row 19 of orders.csv", "orders.csv 第 19 行"),
        ("; the last 200 are left to others, and some to write-backs", "，最后 200 次留给其他程序，另有一部分留给回写"),
        ("The file is no complete XML (line 7).", "文件不是完整的 XML（第 7 行）。"),
        ("The file `a b.xlsx` has no sheet with cells.", "文件 `a b.xlsx` 没有含单元格的工作表。"),
        (
            "To be mended: 5.xml: Statement 5 of 2026-10-31 of account …5678 has an entry (3) whose amount is missing.",
            "待修正：5.xml：账户 …5678 2026-10-31 第 5 号对账单第 3 笔分录缺少金额。",
        ),
        (
            "Statement 5 of 2026-10-31 of account …5678 has no opening balance, so it cannot be checked.",
            "账户 …5678 2026-10-31 第 5 号对账单缺少期初余额，无法核对。",
        ),
        (
            "The statement 7 (2026-10-31) of account …5678 opens with 10.00 EUR, but the one before it, "
            "5 (2026-10-29), closed with 12.00: statements between them (6) are missing.",
            "账户 …5678 的对账单 7 (2026-10-31) 期初为 10.00 EUR，而其前一份 5 (2026-10-29) 期末为 12.00："
            "两者之间缺少对账单 (6)。",
        ),
        (
            "Salesforce: a required field is empty (Name, Stage) [REQUIRED_FIELD_MISSING].",
            "Salesforce：必填字段为空（Name、Stage）［REQUIRED_FIELD_MISSING］。",
        ),
        (
            "2 files, the newest: b.csv: is being written | a.csv: JSON lines, 3 records sampled, columns id, name",
            "共 2 个文件，最新的：b.csv：正在写入 | a.csv：JSON Lines，抽样 3 条记录，列 id、name",
        ),
    ],
)
def test_a_sentence_of_a_connector_is_chinese_throughout(english: str, chinese: str) -> None:
    assert plain(english, ZH) == chinese
