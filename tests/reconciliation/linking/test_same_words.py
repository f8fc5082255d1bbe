"""Which words of two names count as the same is told with the reason, and nothing where the names are written alike."""

from __future__ import annotations

import pytest

from reconciliation.linking.same_words import found


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        (
            "Müller GmbH",
            "Mueller Gesellschaft mit beschränkter Haftung",
            [("spelling", "Müller", "Mueller"), ("legal", "GmbH", "Gesellschaft mit beschränkter Haftung")],
        ),
        (
            "Huawei Trading Co., Ltd.",
            "华为贸易有限公司",
            [("pinyin", "Huawei", "华为"), ("vague", "Co., Ltd.", "有限公司"), ("trade", "Trading", "贸易")],
        ),
        ("上海华美貿易有限公司", "华美贸易（上海）有限责任公司", [("legal", "有限公司", "有限责任公司")]),
        ("Shanghai Huamei", "上海华美", [("pinyin", "Huamei", "华美"), ("region", "Shanghai", "上海")]),
        ("钱塘阀门有限公司", "钱塘泵业有限公司", [("core", "钱塘", "钱塘"), ("other_trade", "阀门", "泵业")]),
        ("Acme Valves", "Acme 阀门", [("trade", "Valves", "阀门")]),
        ("Acme", "Acme Ltd", [("legal_one_side", "", "Ltd")]),
        ("Foo & Bar Ltd", "FOO AND BAR LIMITED", [("legal", "Ltd", "LIMITED")]),
        ("ACME S.r.l.", "Acme S. R. L.", []),
        ("Acme GmbH", "Acme AG", []),
        ("Acme", "Other", []),
        ("", "??", []),
    ],
)
def test_words_that_count_as_the_same_are_told_with_the_reason(
    one: str, other: str, told: list[tuple[str, str, str]]
) -> None:
    assert [tuple(item) for item in found(one, other)] == told
    assert {(why, right, left) for why, left, right in told} == {tuple(item) for item in found(other, one)}
