"""What stands above figures about the closes of a report: a line each, with the details to open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.report import tables

if TYPE_CHECKING:
    from console.i18n import Texts
    from console.report.figures import Item, Report

_CHARACTERS = 16
"""Of a hash that are shown."""


@dataclass(frozen=True, slots=True)
class Line:
    """``details`` are names with what they are; there are none where there was no close."""

    short: str
    details: Sequence[tuple[str, str]] = ()


def lines(report: Report, words: Texts) -> list[Line]:
    """That the report's period is not closed, or how its close stands; then the withdrawn closes of others."""
    found = [_line(report, item, words) for item in tables.shown_closes(report)]
    if all(item["period"] != report["period"] for item in report["periods"]):
        found.insert(0, Line(words("report.not_closed", period=report["period"])))
    return found


def _line(report: Report, close: Item, words: Texts) -> Line:
    said = {what: tables.signed(report, close, what) for what in ("closed", "approved", "reopened")}
    told = (
        (words("column.closed"), said["closed"]),
        (words("column.close_reason"), close["close_reason"]),
        (words("column.approved"), said["approved"] or (None if said["reopened"] else words("report.waits"))),
        (words("column.reopened"), said["reopened"]),
        (words("period.columns.reason"), close["reason"]),
        (words("column.inputs_hash"), f"{close['inputs_hash'][:_CHARACTERS]}…"),
    )
    stands = "withdrawn" if said["reopened"] else "approved" if said["approved"] else "closed"
    short = words(f"overview.closes.{stands}", period=close["period"], revision=close["revision"])
    return Line(short, [(name, value) for name, value in told if value])
