"""The report for people: terminal, one HTML file, a workbook, CSV, PDF; all from its public format.

``terminal.show(report, locale, console)``, ``html.render(report, locale)``; ``write(report, form, path, locale)``.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.report.figures import Report

SUFFIXES = {"html": ".html", "xlsx": ".xlsx", "pdf": ".pdf", "csv": ".zip", "json": ".json"}
"""Form → the end of its file's name."""
TYPES = {
    "html": "text/html; charset=utf-8",
    "json": "application/json",
    "pdf": "application/pdf",
    "csv": "application/zip",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""Form → its media type."""


def write(report: Report, form: str, path: Path, locale: str) -> None:
    """Write one form to a file. Raises ``OSError``."""
    if form == "xlsx":
        from console.report import xlsx

        xlsx.write(report, path, locale)
    elif form == "html":
        from console.report import html

        path.write_text(html.render(report, locale), encoding="utf-8")
    elif form == "pdf":
        from console.report import pdf

        pdf.write(report, path, locale)
    elif form == "csv":
        from console.report import delimited

        delimited.write(report, path, locale)
    else:
        path.write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def content(report: Report, form: str, locale: str) -> bytes:
    """One form as bytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"report{SUFFIXES[form]}"
        write(report, form, path, locale)
        return path.read_bytes()


def write_all(report: Report, folder: Path, locale: str) -> dict[str, Path]:
    """Write every form as ``report`` with its suffix to a folder, made if need be; form → path."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {form: folder / f"report{suffix}" for form, suffix in SUFFIXES.items()}
    for form, path in paths.items():
        write(report, form, path, locale)
    return paths
