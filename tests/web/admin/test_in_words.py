"""What the page of a mapping says of an expression is said in words, in both languages."""

from __future__ import annotations

from typing import Any

import pytest

from console.i18n import texts
from console.web.admin.in_words import told


@pytest.mark.parametrize(
    ("spec", "english", "chinese"),
    [
        ("金额", "`金额`", "`金额`"),
        (
            {"path": "金额", "do": ["decimal_point"]},
            "`金额`; decimal_point: 1,250.00 as 1250.00",
            "`金额`；1,250.00（逗号为千位分隔符）转为 1250.00（decimal_point）",
        ),
        ({"const": "CNY"}, "always this value: `CNY`", "固定值：`CNY`"),
        (
            {"path": "客户", "ref": "no", "values": {"明华": "C001", "天河": "C002"}},
            "`客户`; table: `明华` → `C001`, `天河` → `C002`; refers by: a document number",
            "`客户`；对照表：`明华` → `C001`、`天河` → `C002`；引用方式：单据编号",
        ),
        (
            {"path": "kind", "default": "x"},
            "`kind`; where the source has nothing: `x`",
            "`kind`；来源为空时取值：`x`",
        ),
    ],
)
def test_an_expression_is_told_in_words_and_not_in_yaml(spec: Any, english: str, chinese: str) -> None:
    assert told(spec, texts("en")) == english
    assert told(spec, texts("zh-CN")) == chinese
