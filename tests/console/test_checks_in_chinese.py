"""What every shipped connector says of a check of its connection is there in Chinese."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.sentences import said

CONNECTORS = Path(__file__).parents[2] / "connectors"
ZH = "zh-CN"
COMPOSED = (
    "Product2: 13 fields visible.",
    "Opportunity: 1,020 fields visible; not there: A, B; records can be created.",
    "Opportunity: 20 fields visible; not there: A; none can be created: Quote.X__c is not there.",
    "Quote: 20 fields visible; none can be created: Quote.X__c is not a unique external id.",
    "Quote: 20 fields visible; none can be created: the integration user may not create Quote.",
    "Create Opportunity.X__c as text (80) and let the integration user see it.",
    "Create Quote.X__c as text (40), external id, unique, and let the integration user edit it.",
    "Let Quote.X__c be text (40), external id, unique.",
    "Give it the right to create Quote and to edit X__c.",
    "Enable State and Country/Territory Picklists to get country codes. Give the integration user edit access to A, B.",
    "Single-currency org: set the currency of quote in your mapping ({const: CNY}).",
    "44 files (44 CAMT.053/XML). Account …5678 in CNY: 44 statements, 2026-01-01 to 2026-10-31, 1,308 transactions, "
    "closing with 123,456.78. Account …1 in EUR: 2 statements, 1 of them overlapping others, 2026-01-05 to 2026-01-06, "
    "3 transactions.",
    "2 files (none readable). To be mended: a.xml: is empty; Mai 2026.sta: is no OFX: it has no <OFX>, or a document "
    "type; and 2 more.",
    "Acme Ltd (EUR) can be reached.",
    "sale.order can be read",
    "sale.order can be read; drafts can be created",
    "sale.order can be read; none can be created",
    "readable, 1,012 fields",
    "readable, 12 fields; missing: a, b; not writable: c",
    "readable, by id, name",
    "readable, but it holds no records",
    "Can be read and written.",
    "Can be read and written; drafts can be created.",
    "Can be read (live mode).",
    "Can be read (test mode).",
    "3 files, the newest: is being written",
)
"""Sentences that a connector puts together from parts, as it says them."""


def filled(node: ast.expr) -> Iterator[str]:
    """The texts that stand in the code, with something in the place of what changes."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X1" for part in node.values)
    elif isinstance(node, ast.IfExp):
        yield from filled(node.body)
        yield from filled(node.orelse)


def in_code() -> list[str]:
    """Details and remedies of all ``CheckLine``s, also those that a variable holds."""
    found: list[str] = []
    for path in sorted(CONNECTORS.rglob("*.py")):
        for function in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(function, ast.FunctionDef) or "CheckLine(" not in ast.unparse(function):
                continue
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "CheckLine":
                    found += [text for given in node.args[2:4] for text in filled(given)]
                elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "remedy":
                    found += filled(node.value)
    return [text for text in found if " " in text]


@pytest.mark.parametrize("sentence", COMPOSED)
def test_what_a_check_puts_together_is_chinese(sentence: str) -> None:
    parts = said(sentence, ZH)
    assert [part.text for part in parts if not part.known] == []
    told = "".join(part.text for part in parts)
    for word in (" of them", "fields", "statements", "transactions", "created", "readable", "mode", "can be", "not "):
        assert word not in told


def test_what_checks_say_in_the_code_is_known() -> None:
    told = in_code()
    assert len(told) > 30
    unknown = [text for text in told if any(not part.known and "X1" not in part.text for part in said(text, ZH))]
    assert unknown == []
    templates = [text for text in told if any(not part.known for part in said(text, ZH))]
    assert [text for text in templates if not text.startswith("X1")] == []
