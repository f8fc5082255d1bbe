"""CSV and PDF of the report: what is in them, that no text acts, and that the same report gives the same bytes."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from rich.console import Console

from console.i18n import LOCALES, texts
from console.report import SUFFIXES, figures, html, pdf, terminal, write
from console.report.tables import Cell, cash
from tests.console import sample_report
from tests.console.sample_report import FORMULA


def tables(path: Path) -> dict[str, list[list[str]]]:
    with zipfile.ZipFile(path) as file:
        return {
            name: list(csv.reader(io.StringIO(file.read(name).decode("utf-8-sig"), newline="")))
            for name in file.namelist()
        }


@pytest.mark.parametrize("form", SUFFIXES)
def test_the_same_report_gives_the_same_bytes(form: str, tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        write(sample_report.report(), form, tmp_path / name, "zh-CN")
        made.append((tmp_path / name).read_bytes())
    assert made[0] == made[1]


def test_csv_holds_every_table_with_plain_amounts_and_texts_that_stay_texts(tmp_path: Path) -> None:
    write(sample_report.report(), "csv", tmp_path / "r.zip", "en")
    found = tables(tmp_path / "r.zip")
    assert list(found) == [
        *("tie_outs.csv", "period_tie_outs.csv", "movements.csv", "adjustments.csv", "settled.csv"),
        *("receivables_ageing.csv", "receivables.csv", "cash.csv", "findings.csv", "open_items.csv", "sign_offs.csv"),
    ]
    heads, adjusted = found["adjustments.csv"]
    shown = dict(zip(heads, adjusted, strict=True))
    assert (shown["Number"], shown["Was"], shown["Difference"]) == (f"'{FORMULA}", "10.00", "-2.50")
    assert shown["url"] == "https://books.example/7"
    assert [row[-2] for row in found["receivables.csv"][1:]] == ["100.10", "-0.20", "500"]
    heads, *receipts = found["cash.csv"]
    shown = dict(zip(heads, receipts[0], strict=True))
    assert [shown[name] for name in ("Amount", "Applied", "Differences", "Left")] == [
        "99.90",
        "100.00",
        "-0.10",
        "0.00",
    ]
    assert shown["What it settles"].endswith("100.00 (bank_fee)\nbank fee: -0.10")
    risky = [cell for rows in found.values() for row in rows for cell in row if re.match(r"[=+@]|-\D", cell)]
    assert risky == []


@pytest.mark.parametrize(("evidence", "said"), [({"decided_by": "li.wei"}, "li.wei"), ({"by": "person"}, "a person")])
def test_what_a_person_decided_about_a_receipt_is_told_with_who_it_was(evidence: dict[str, str], said: str) -> None:
    data = sample_report.report()
    entry = next(item for item in data["cash"]["receipts"] if item["applied"])["applied"][0]
    entry |= {"rule": "person", "decision": "pinned", "evidence": evidence}
    told = [cell.value for row in cash(data, texts("en")).rows for cell in row]
    assert [value for value in told if f"100.00 (decided by {said})" in str(value)]


def test_a_pdf_says_of_the_tie_outs_of_a_period_that_they_are_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(pdf._Paper, "say", lambda _, text, *__, **___: said.append(text))
    pdf.render(sample_report.report(), "en")
    assert any(line.startswith("Documents of 2026-10 by their business day") for line in said)
    assert not any("all documents until now" in line for line in said)


def test_reports_have_the_name_of_the_company_at_their_head_if_it_is_known(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said: list[str] = []
    monkeypatch.setattr(pdf._Paper, "say", lambda _, text, *__, **___: said.append(text))
    screen = io.StringIO()
    console = Console(file=screen, width=200)
    for named, data in (
        (True, sample_report.report(company="华仪 <Instruments>")),
        (False, sample_report.report()),
    ):
        said.clear()
        pdf.render(data, "en")
        assert (said[0] == "华仪 <Instruments>") is named
        page = html.render(data, "en")
        assert bool(re.search(r"<p><b>华仪 &lt;Instruments&gt;</b></p>\s*<h1>", page)) is named
        assert ("<title>华仪" in page) is named
        write(data, "xlsx", tmp_path / "r.xlsx", "en")
        book = openpyxl.load_workbook(tmp_path / "r.xlsx")
        assert {str(sheet["A2"].value).startswith("华仪 <Instruments> · ") for sheet in book} == {named}
        terminal.show(data, "en", console)
    assert screen.getvalue().count("华仪 <Instruments>") == 1


def test_a_month_that_was_reopened_is_told_with_its_reasons_in_the_page_and_pdf_of_a_later_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = sample_report.report()
    assert data["period"] > data["periods"][0]["period"]
    data["periods"][0] |= {"status": "reopened", "reopened_by": "chen", "reopened_at": "2026-10-05T02:00:00Z"}
    data["periods"][0] |= {"reason": "Invoices were missing", "close_reason": "The bank confirms"}
    said: list[str] = []
    monkeypatch.setattr(pdf._Paper, "say", lambda _, text, *__, **___: said.append(text))
    pdf.render(data, "en")
    page = html.render(data, "en")
    for told in (page, "\n".join(said)):
        assert "Reopened by chen, 2026-10-05 10:00 Asia/Shanghai" in told
        assert "Why it was reopened: Invoices were missing" in told
        assert "Closed in spite of errors: The bank confirms" in told
        assert "2026-10 is not closed" in told


@pytest.mark.parametrize("locale", LOCALES)
def test_a_pdf_has_its_font_inside_and_says_who_signed(locale: str) -> None:
    open_period = pdf.render(sample_report.report(), locale)
    assert open_period.startswith(b"%PDF-")
    assert b"/FontFile3" in open_period
    signed = pdf.render(sample_report.report(period="2026-09"), locale)
    assert len(signed) > 10_000
    assert signed != open_period


def test_a_pdf_begins_with_the_headline_figures() -> None:
    report = sample_report.report()
    without = pdf.render({**report, "tie_outs": []}, "en")  # of these it shows what agrees, at the head alone
    assert pdf.render(report, "en") != without


def test_a_pdf_of_nothing_is_a_pdf_all_the_same() -> None:
    assert pdf.render(sample_report.empty(), "en").startswith(b"%PDF-")


def test_a_pdf_tears_no_head_and_no_number_and_keeps_to_the_page() -> None:
    paper = pdf._Paper("foot")
    heads = ["Currency", "What is wrong with it", "Amount in CNY"]
    rows = [[Cell("CNY"), Cell("x " * 200), Cell(Decimal("-1216239.65"), "CNY")]]
    widths = paper._roomy(heads, [1, 60, 1], rows)
    assert widths[0] > paper.get_string_width("Currency") + 2
    assert widths[2] > paper.get_string_width("-1,216,239.65") + 2
    assert sum(widths) == pytest.approx(paper.epw)
    roomy = paper._roomy(["A", "B"], [1, 2], [[Cell("x"), Cell(1)]])
    assert roomy == pytest.approx((paper.epw / 3, paper.epw * 2 / 3))
    assert paper.finished().startswith(b"%PDF-")


@pytest.mark.parametrize("long", ["应收账款" * 1000, "word " * 800, "x" * 4000, "line\n" * 100])
def test_a_text_that_is_higher_than_a_page_goes_on_in_further_rows_of_a_pdf(long: str) -> None:
    paper = pdf._Paper("foot")
    paper.rows(["Reason", "Amount"], [1, 20], [[Cell(long), Cell(Decimal("1.00"), "CNY")]])
    parts = list(paper._parts([long, "1.00"], (20.0, 200.0)))
    assert len(parts) > 1
    assert [second for _, second in parts] == ["1.00", *([""] * (len(parts) - 1))]
    assert "".join("".join(first for first, _ in parts).split()) == "".join(long.split())
    assert paper.finished().startswith(b"%PDF-")


def test_findings_begin_with_the_gravest_and_of_these_with_the_most_money() -> None:
    def item(severity: str, base: str | None, id: str) -> dict[str, Any]:
        return {"severity": severity, "base_amount": base, "id": id}

    found = [item("info", "9", "d"), item("error", None, "c"), item("error", "5", "b"), item("error", "-7", "a")]
    assert [one["id"] for one in figures.gravest(found)] == ["a", "b", "c", "d"]


def test_a_column_of_receipts_in_which_nothing_stands_is_left_out_of_the_pdf(monkeypatch: pytest.MonkeyPatch) -> None:
    heads: list[list[str]] = []
    monkeypatch.setattr(pdf._Paper, "rows", lambda _, given, *__, **___: heads.append(list(given)))
    data, settles = sample_report.report(), texts("en")("column.settles")
    pdf.render(data, "en")
    assert any(settles in one for one in heads)
    heads.clear()
    for receipt in data["cash"]["receipts"]:
        receipt |= {"applied": [], "suggestions": [], "differences": []}
    pdf.render(data, "en")
    assert not any(settles in one for one in heads)


def test_a_short_table_of_the_pdf_is_not_torn_over_two_pages() -> None:
    paper = pdf._Paper("foot")
    paper.set_y(paper.h - 16 - 60)
    paper.head("Receivables by age", 3)
    assert paper.page_no() == 1
    paper.head("Receivables by age", 20)
    assert paper.page_no() == 2
    assert paper.finished().startswith(b"%PDF-")
