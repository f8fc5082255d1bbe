"""The workbook in spreadsheet programs: every formula comes to the figure it was written with, and follows its rows."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import ironcalc
import openpyxl
import pytest
from openpyxl.utils.cell import coordinate_to_tuple

from console.i18n import LOCALES
from console.report import xlsx
from tests.console import sample_report

OFFICE = shutil.which("soffice") or shutil.which("libreoffice")


def formulas(path: Path) -> dict[tuple[str, str], float]:
    """Sheet and cell → what the file says that the formula comes to."""
    written, shown = openpyxl.load_workbook(path), openpyxl.load_workbook(path, data_only=True)
    return {
        (sheet.title, cell.coordinate): float(shown[sheet.title][cell.coordinate].value)
        for sheet in written
        for row in sheet.iter_rows()
        for cell in row
        if cell.data_type == "f"
    }


def evaluated(path: Path, change: tuple[str, str, str] | None = None) -> dict[tuple[str, str], float]:
    """What IronCalc makes of the formulas, after somebody wrote something into one cell."""
    names = openpyxl.load_workbook(path).sheetnames
    model: Any = ironcalc.load_from_xlsx(str(path), "en", "UTC", "en")
    if change is not None:
        sheet, cell, value = change
        row, column = coordinate_to_tuple(cell)
        model.set_user_input(names.index(sheet), row, column, value)
    model.evaluate()
    found = {}
    for sheet, cell in formulas(path):
        row, column = coordinate_to_tuple(cell)
        found[sheet, cell] = float(model.get_cell_value(names.index(sheet), row, column))
    return found


@pytest.mark.parametrize("locale", LOCALES)
def test_every_formula_comes_to_its_figure(locale: str, tmp_path: Path) -> None:
    path = tmp_path / "report.xlsx"
    xlsx.write(sample_report.report(), path, locale)
    assert len(formulas(path)) > 100
    assert evaluated(path) == pytest.approx(formulas(path))


def test_the_sums_follow_when_a_row_is_corrected(tmp_path: Path) -> None:
    path = tmp_path / "report.xlsx"
    xlsx.write(sample_report.report(), path, "en")
    before = formulas(path)
    after = evaluated(path, ("Open receivables", "J5", "200.10"))
    changed = {place: after[place] - before[place] for place in before if after[place] != pytest.approx(before[place])}
    assert {cell for sheet, cell in changed if sheet == "Receivables by age"} == {"H5", "M5", "H8", "M8"}
    assert all(moved == pytest.approx(100.0) for moved in changed.values())
    after = evaluated(path, ("Tie-outs", "D5", "101"))
    assert after["Tie-outs", "S5"] == pytest.approx(1.0)


@pytest.mark.skipif(OFFICE is None, reason="no LibreOffice on this machine")
@pytest.mark.parametrize("locale", LOCALES)
def test_libreoffice_comes_to_the_same_figures(locale: str, tmp_path: Path) -> None:
    path = tmp_path / "report.xlsx"
    xlsx.write(sample_report.report(), path, locale)
    before = formulas(path)
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    out = tmp_path / "recomputed"
    # A workbook of another program is computed anew when it is loaded; what comes out has the new values.
    command = [str(OFFICE), profile, "--headless", "--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", str(out)]
    subprocess.run([*command, str(path)], check=True, capture_output=True, timeout=300)
    assert formulas(out / "report.xlsx") == pytest.approx(before)
