"""The HTML report: one file that needs nothing else, in which nothing from a source system can act."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from console.report import html
from tests.console import sample_report
from tests.console.sample_report import HOSTILE


class Page(HTMLParser):
    """What a browser would see."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.scripts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)


@pytest.fixture
def text() -> str:
    return html.render(sample_report.report(), "en")


def test_nothing_is_loaded_from_elsewhere(text: str) -> None:
    page = Page(text)
    loading = {"src", "srcset", "data", "action", "formaction", "poster", "background"}
    assert [tag for tag, attributes in page.tags if loading & attributes.keys()] == []
    assert "link" not in {tag for tag, _ in page.tags}
    assert not re.search(r"url\(|@import", text)
    assert "default-src 'none'" in text


def test_what_a_source_calls_its_records_is_text_and_never_markup(text: str) -> None:
    page = Page(text)
    assert HOSTILE not in text
    assert "&lt;script&gt;alert(" in text
    assert len(page.scripts) == 1
    assert "alert" not in page.scripts[0]


def test_records_link_to_their_system_but_only_to_web_addresses(text: str) -> None:
    links = [attributes["href"] or "" for tag, attributes in Page(text).tags if tag == "a"]
    outside = {link for link in links if not link.startswith("#")}
    assert outside == {"https://erp.example/sale/7?a=1&b=2", "https://books.example/7"}


def test_money_that_settles_nothing_in_its_source_is_shown_with_what_it_settles_and_what_to_do(text: str) -> None:
    section = text[text.index('<section id="cash_totals">') : text.index('<section id="findings">')]
    assert "bank fee: -0.10" in section
    assert "perhaps INV-8 500 (amount_only)" in section
    assert "Choose among the suggestions." in section
    assert 'href="#cash_totals">Cash application</a>' in text
    assert "cash_totals" not in html.render(sample_report.empty(), "en")


def test_every_chart_says_in_words_what_it_shows(text: str) -> None:
    charts = [attributes for tag, attributes in Page(text).tags if tag == "svg"]
    assert len(charts) > 10
    assert all(chart["role"] == "img" and chart["aria-label"] for chart in charts)
    assert 'aria-label="CNY: 1 agree, 1 on the left and 0 on the right do not"' in text


def test_tables_name_their_rows_and_columns(text: str) -> None:
    heads = [attributes for tag, attributes in Page(text).tags if tag == "th"]
    assert all(head.get("scope") in ("col", "row", "rowgroup") for head in heads)


def test_money_is_shown_with_the_decimals_of_its_currency(text: str) -> None:
    assert re.search(r"1,200 <span[^>]*>JPY", text)
    assert re.search(r"1\.234 <span[^>]*>KWD", text)
    assert "57.00 CNY" in text


def test_findings_can_be_filtered_by_what_is_there(text: str) -> None:
    page = Page(text)
    selects = [attributes["name"] for tag, attributes in page.tags if tag == "select"]
    assert selects == ["stage", "department", "severity"]
    assert '<option value="collection">Collection</option>' in text
    assert '<option value="quote">' not in text
    rows = [attributes for tag, attributes in page.tags if tag == "tr" and "data-stage" in attributes]
    assert len(rows) == 4


def test_it_suits_dark_screens_and_paper(text: str) -> None:
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


def test_it_speaks_chinese_throughout() -> None:
    text = html.render(sample_report.report(), "zh-CN")
    assert '<html lang="zh-CN">' in text
    assert "线索到回款对账报告" in text
    for english in ("Findings", "Tie-outs", "Every stage", "Severity", "Ageing"):
        assert english not in text


def test_a_waiver_shows_who_approved_it_and_until_when() -> None:
    waived = sample_report.finding(
        *("f9", "invoice_overdue", "collection", "finance", "warning", ("1.00", "CNY", "1.00"), 3),
    )
    waived.update(status="waived", reason="agreed", approver="wang", waived_until="2026-12-31")
    text = html.render(sample_report.report(findings=[waived]), "en")
    assert re.search(r"waived · .*Reason: agreed · Approved by: wang · Waived until: 2026-12-31", text)


def test_a_company_without_findings_is_told_so() -> None:
    empty = sample_report.report(
        findings=[], tie_outs=[], roll_forward={"opening": 0, "new": 0, "cleared": 0, "closing": 0}
    )
    text = html.render(empty, "en")
    assert "Nothing is open" in text
    assert "Nothing has been reconciled yet" in text


def test_a_very_long_list_is_cut_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "MOST_FINDINGS", 3)
    text = html.render(sample_report.report(), "en")
    assert "The first 3 of 4 findings are shown" in text
    assert text.count("data-stage=") == 3
