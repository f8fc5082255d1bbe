"""What stands above figures about the closes of a report: a line each, with the details to open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console import closes
from console.report import tables
from state import periods

if TYPE_CHECKING:
    from console.i18n import Texts
    from console.report.figures import Item, Report
    from console.web.desk import Visit

    Done = Mapping[tuple[str, int, str], str]

_CHARACTERS = 16
"""Of a hash that are shown."""


@dataclass(frozen=True, slots=True)
class Line:
    """``details`` are names with what they are; there are none where there was no close."""

    short: str
    details: Sequence[tuple[str, str]] = ()


def done(visit: Visit) -> Done:
    """Where the settings stop the clock: who did what with a close (period, revision) and when, by the clock on the
    wall. Else a report says so itself. Raises ``StoreError``."""
    settings = visit.desk.settings
    if settings.as_of is None:
        return {}
    zone = settings.business_day_zone
    with visit.desk.store.reading() as connection:
        found = periods.closes(connection)
    return {
        (item.period, item.revision, what): f"{said} {zone.key}"
        for item in found
        for what in ("closed", "approved", "reopened")
        if (said := closes.done(item, what, zone)) is not None
    }


def lines(report: Report, words: Texts, done: Done) -> list[Line]:
    """That the report's period is not closed, or how its close stands; then the withdrawn closes of others."""
    found = [_line(report, item, words, done) for item in tables.shown_closes(report)]
    if all(item["period"] != report["period"] for item in report["periods"]):
        found.insert(0, Line(words("report.not_closed", period=report["period"])))
    return found


def _line(report: Report, close: Item, words: Texts, done: Done) -> Line:
    said = {what: tables.signed(report, close, what) for what in ("closed", "approved", "reopened")}
    said |= {what: done.get((close["period"], close["revision"], what), by) for what, by in said.items() if by}
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
