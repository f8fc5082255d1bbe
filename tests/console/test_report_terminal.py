"""The report on a terminal: the figures whole, the gravest first, nothing that steers the terminal."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from console.report import terminal
from tests.console import sample_report


def shown(locale: str = "en", **changes: object) -> str:
    out = StringIO()
    terminal.show(sample_report.report(**changes), locale, Console(file=out, width=40))
    return out.getvalue()


def test_figures_stay_whole_however_narrow_the_pipe() -> None:
    text = shown()
    assert "100.00 (2)" in text
    assert "Collection" in text
    assert "57.00" in text


def test_money_that_settles_nothing_is_summed_with_the_way_to_more() -> None:
    text = shown()
    assert "Cash application" in text
    assert "`ltc cash list` shows what is left" in text
    assert "Cash application" not in shown(cash={"totals": [], "receipts": []})


def test_the_gravest_and_dearest_finding_comes_first_with_what_to_do() -> None:
    text = shown()
    assert text.index("JPY 1,200") < text.index("CNY 20.00") < text.index("KWD 1.234")
    assert "→ +1 call the customer" in text


def test_nothing_from_a_source_steers_the_terminal_or_is_markup() -> None:
    text = shown()
    assert "\x1b" not in text
    assert "·[31mred·[0m" in text


def test_a_long_list_is_cut_and_says_where_the_rest_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "MOST_FINDINGS", 1)
    assert "… and 3 more: `ltc findings list`" in shown()


def test_no_findings_is_good_news() -> None:
    assert "Nothing is open" in shown(findings=[])


def test_it_speaks_chinese() -> None:
    text = shown("zh-CN")
    assert "责任部门" in text
    assert "Findings" not in text
