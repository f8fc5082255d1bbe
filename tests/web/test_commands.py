"""Sentences on pages: what they have between backticks is code, what is markup already stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from markupsafe import Markup

from console.i18n import texts
from console.web.commands import OnPage, coded
from state.members import Role
from tests.web.conftest import Browser
from tests.web.reading import english, with_backticks


@pytest.mark.parametrize("locale", ["en", "zh-CN"])
def test_a_reason_with_code_in_it_is_shown_as_code_within_another_sentence(locale: str) -> None:
    reason = coded("use the transform `day_first` <b>")
    said = OnPage(texts(locale))("mappings.refused", field="ordered_on", value="<i>1/2", reason=reason)
    assert "<code>day_first</code> &lt;b&gt;" in said
    assert "&lt;i&gt;1/2" in said


def test_a_backtick_of_somebody_else_stays_a_backtick() -> None:
    said = OnPage(texts("en"))("mappings.refused", field="name", value="a `b` <c>", reason="is odd")
    assert not isinstance(said, Markup), "the page escapes it"
    assert "a `b` <c>" in said


def test_what_is_wrong_in_ltc_yaml_is_told_in_the_language_of_the_page_and_with_code_as_code(
    as_role: Callable[[Role], Browser], config: Path
) -> None:
    anna = as_role(Role.ADMIN)
    whole = config.read_text()
    config.write_text(f"{whole}reconciliation: {{cash: {{rules: [nobody]}}}}\n")
    page = anna.get("/periods").text
    assert with_backticks(page) == []
    assert "so it needs a <code>kind</code>" in page
    config.write_text(f"{whole}tiemzone: Asia/Shanghai\n")
    anna.post("/language", locale="zh-CN", next="/")
    page = anna.get("/periods").text
    assert with_backticks(page) == []
    assert english(page) == []
    assert "tiemzone" in page
