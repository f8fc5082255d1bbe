"""What the history of a finding says, in words."""

from __future__ import annotations

import pytest

from console.findings import told
from console.i18n import texts


@pytest.mark.parametrize(
    ("locale", "said"),
    [("en", ["Assigned to", "Act by", "File", "Bytes"]), ("zh-CN", ["指派给", "处理期限", "文件", "字节数"])],
)
def test_each_part_of_an_event_has_a_name_in_words(locale: str, said: list[str]) -> None:
    detail = {"assignee": "li.wei", "due_on": "2026-10-31", "name": "proof.pdf", "size": 12}
    assert [name for name, _ in told(detail, texts(locale))] == said
