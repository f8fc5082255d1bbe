"""The report for people: terminal, one HTML file, a workbook; all from its public format.

``terminal.show(report, locale, console)``, ``html.render(report, locale)``, ``xlsx.write(report, path, locale)``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.report.figures import Report


def write_all(report: Report, folder: Path, locale: str) -> dict[str, Path]:
    """Write ``report.html``, ``report.xlsx`` and ``report.json`` to a folder, made if need be; kind → path."""
    from console.report import html, xlsx

    folder.mkdir(parents=True, exist_ok=True)
    paths = {kind: folder / f"report.{kind}" for kind in ("html", "xlsx", "json")}
    paths["html"].write_text(html.render(report, locale), encoding="utf-8")
    xlsx.write(report, paths["xlsx"], locale)
    paths["json"].write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return paths
