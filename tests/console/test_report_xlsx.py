"""The workbook, opened again: formats per currency, formulas with their values, texts that stay texts."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from console.i18n import LOCALES, texts
from console.report import cards, figures, write_all, xlsx
from console.report.xlsx import number_format
from tests.console import sample_report
from tests.console.sample_report import FORMULA

RISKY = ("=", "+", "-", "@")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "report.xlsx"
    xlsx.write(sample_report.report(), file, "en")
    return file


@pytest.fixture
def book(path: Path) -> Any:
    return openpyxl.load_workbook(path)


@pytest.fixture
def values(path: Path) -> Any:
    return openpyxl.load_workbook(path, data_only=True)


def cells(sheet: Any) -> list[Any]:
    return [cell for row in sheet.iter_rows() for cell in row if cell.value is not None]


def test_the_sheets_an_accountant_looks_for_are_there_with_heads_that_stay(book: Any) -> None:
    assert book.sheetnames == [
        *("Summary", "Tie-outs of the period", "Movements", "Adjustments to closed periods"),
        *(
            "Settled since",
            "Receivables by age",
            "Open receivables",
            "Cash application",
            "Tie-outs",
            "Findings",
            "Ageing",
            "Open items",
            "Sign-off",
        ),
    ]
    assert {sheet.title: sheet.freeze_panes for sheet in book} == {
        **dict.fromkeys(book.sheetnames, "B5"),
        "Summary": "B4",
        "Tie-outs": "C5",
        "Tie-outs of the period": "D5",
    }
    filters = {name: book[name].auto_filter.ref for name in ("Tie-outs", "Findings", "Open items")}
    assert filters == {"Tie-outs": "A4:U9", "Findings": "A4:Y8", "Open items": "A4:K16"}


def test_no_text_of_a_source_becomes_a_formula(book: Any) -> None:
    formulas = [cell.value for sheet in book for cell in cells(sheet) if cell.data_type == "f"]
    assert len(formulas) > 100
    ours = re.compile(r"=((SUBTOTAL|ROUND|COUNTIFS|SUMIFS)\(|[A-Z]\d+\+)")
    assert all(ours.match(value) for value in formulas)
    assert not any("HYPERLINK" in value for value in formulas)
    risky = [
        cell for sheet in book for cell in cells(sheet) if str(cell.value).startswith(RISKY) and cell.data_type != "f"
    ]
    risky = [cell for cell in risky if cell.data_type == "s"]
    assert {FORMULA, "+1 call the customer", "@lin"} <= {cell.value for cell in risky}
    assert all(cell.quotePrefix for cell in risky)


def test_amounts_are_numbers_with_the_decimals_of_their_currency(book: Any) -> None:
    sheet = book["Findings"]
    shown = {sheet.cell(row, 10).value: sheet.cell(row, 9) for row in range(5, 8)}
    assert {code: cell.value for code, cell in shown.items()} == {"CNY": 20, "JPY": 1200, "KWD": 1.234}
    assert {code: cell.number_format for code, cell in shown.items()} == {
        "CNY": "#,##0.00;[Red]-#,##0.00",
        "JPY": "#,##0;[Red]-#,##0",
        "KWD": "#,##0.000;[Red]-#,##0.000",
    }
    assert number_format(None) == number_format("CNY")


def test_receipts_foot_and_are_summed_by_currency(values: Any) -> None:
    sheet = values["Cash application"]
    rows = [[sheet.cell(row, column).value for column in range(5, 10)] for row in (5, 6, 8, 9)]
    assert rows == [
        ["CNY", 99.9, 100, -0.1, 0],
        ["JPY", 500, 0, 0, 500],
        ["CNY", 99.9, 100, -0.1, 0],
        ["JPY", 500, 0, 0, 500],
    ]
    assert sheet["J6"].value == "perhaps INV-8 500 (Something of just this amount is open)"
    assert (sheet["K6"].value, sheet["L6"].value) == ("To be decided", "Choose among the suggestions.")


def test_totals_are_formulas_that_already_carry_their_value(book: Any, values: Any) -> None:
    assert book["Findings"]["K9"].value == "=SUBTOTAL(109,K5:K8)"
    assert values["Findings"]["K9"].value == 77
    summed = sum(Decimal(str(values["Findings"].cell(row, 11).value or 0)) for row in range(5, 9))
    assert summed == 77
    assert [row[5] for row in rows_of(values["Summary"]) if row[0] == "Total"] == [77]


def rows_of(sheet: Any) -> list[list[Any]]:
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


@pytest.mark.parametrize("period", ["2026-09", "2026-10"])
@pytest.mark.parametrize("locale", LOCALES)
def test_the_summary_begins_with_the_month_and_everything_until_its_day_is_behind_it(
    tmp_path: Path, locale: str, period: str
) -> None:
    report, words = sample_report.report(period=period), texts(locale)
    xlsx.write(report, tmp_path / "r.xlsx", locale)
    rows = rows_of(openpyxl.load_workbook(tmp_path / "r.xlsx", data_only=True).worksheets[0])
    first = [row[0] for row in rows]
    assert first[3] == words("section.of_month", period=period)
    place = first.index(words("section.of_day", at=figures.local_time(report)))
    of_month = [card["title"] for card in cards.of_month(report, words)]
    assert [text for text in first[4:place] if text] == of_month
    assert first[place + 1] == words("column.stage")
    assert first[place + 2 :].index(words("column.total")) < first[place + 2 :].index(words("card.agreement"))
    assert {row[2] for row in rows[:place]} == {None}, "nothing is counted of everything before"


def test_sums_of_the_month_are_numbers_a_row_for_each_currency(values: Any) -> None:
    rows = [(row[0].value, row[1].value, row[5].value) for row in values["Summary"].iter_rows()]
    place = next(n for n, row in enumerate(rows) if row[0] == "Owed by customers, with tax")
    owed = {item["currency"]: float(item["total"]) for item in sample_report.report()["receivables"]["ageing"]}
    told = {currency: amount for _, currency, amount in rows[place : place + len(owed)]}
    assert told == owed


def test_every_tie_out_proves_that_it_foots(book: Any, values: Any) -> None:
    for row in range(5, 10):
        for column in ("S", "T"):
            assert book["Tie-outs"][f"{column}{row}"].value.startswith("=ROUND(")
            assert values["Tie-outs"][f"{column}{row}"].value == 0


def test_a_tie_out_that_would_not_foot_shows_the_difference(tmp_path: Path) -> None:
    report = sample_report.report()
    report["tie_outs"][0]["left"]["amount"] = "301"
    xlsx.write(report, tmp_path / "r.xlsx", "en")
    sheet = openpyxl.load_workbook(tmp_path / "r.xlsx", data_only=True)["Tie-outs"]
    assert [sheet.cell(row, 19).value for row in range(5, 10)].count(1) == 1


def test_ages_add_up_down_and_across(values: Any) -> None:
    sheet = values["Ageing"]
    assert sheet["A5"].value == "Lead"
    assert [sheet["L8"].value, sheet["M8"].value] == [4, 77]
    assert sum(sheet.cell(8, column).value for column in range(2, 12, 2)) == 4
    assert sum(sheet.cell(row, 13).value for row in range(5, 8)) == 77


def test_open_items_link_to_the_record_in_its_system(book: Any) -> None:
    sheet = book["Open items"]
    links = {cell.hyperlink.target for cell in cells(sheet) if cell.hyperlink}
    assert links == {"https://erp.example/sale/7?a=1&b=2"}
    assert [sheet[f"A{row}"].value for row in (5, 6, 7)] == ["SO-7", FORMULA, "O7"]
    assert sheet["A6"].hyperlink is None


def test_adjustments_and_receivables_link_to_their_documents(book: Any) -> None:
    adjusted, owed = book["Adjustments to closed periods"], book["Open receivables"]
    assert adjusted["E5"].hyperlink.target == "https://books.example/7"
    assert adjusted["E5"].value == FORMULA
    assert adjusted["E5"].data_type == "s"
    assert [owed[f"D{row}"].hyperlink.target for row in (5, 7)] == [
        "https://books.example/I1",
        "https://books.example/I2",
    ]


def test_the_workbook_speaks_chinese(tmp_path: Path) -> None:
    xlsx.write(sample_report.report(), tmp_path / "r.xlsx", "zh-CN")
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    assert book.sheetnames[:4] == ["摘要", "期间勾稽", "期间变动", "已关账期间的调整"]
    assert book["问题"]["A5"].value == "错误"


def test_a_report_without_findings_is_a_workbook_all_the_same(tmp_path: Path) -> None:
    xlsx.write(sample_report.empty(), tmp_path / "r.xlsx", "en")
    values = openpyxl.load_workbook(tmp_path / "r.xlsx", data_only=True)
    assert [row[5] for row in rows_of(values["Summary"]) if row[0] == "Total"] == [0]


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        xlsx.write(sample_report.report(), tmp_path / "nowhere" / "r.xlsx", "en")


def test_all_forms_are_written_side_by_side(tmp_path: Path) -> None:
    paths = write_all(sample_report.report(), tmp_path / "reports", "en")
    assert {kind: path.name for kind, path in paths.items()} == {
        **{form: f"report.{form}" for form in ("html", "xlsx", "pdf", "json")},
        "csv": "report.zip",
    }
    assert all(path.stat().st_size > 1000 for path in paths.values())


def test_each_sheet_says_of_which_time_its_rows_are_and_those_of_the_month_come_first(book: Any) -> None:
    said = {sheet.title: str(sheet["A2"].value) for sheet in book}
    assert len({*said.values()}) == len(said)
    assert max(len(text) for title, text in said.items() if title != "Summary") < 200
    period = str(sample_report.report()["period"])
    assert f"Documents of {period} by their own date" in said["Tie-outs of the period"]
    assert "Documents of all months, as of" in said["Tie-outs"]
    assert book.sheetnames.index("Tie-outs of the period") == 1
    assert "outstanding at" in said["Findings"]
