"""The findings that stand about records, for pages that show records."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Literal

from console.report import figures
from reconciliation import report
from reconciliation.rules import Rules
from state import findings

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from console.web.desk import Visit
    from state.findings import Finding


def about(
    visit: Visit, connection: Connection, record_ids: Collection[int], told: Literal["title", "explanation"]
) -> dict[int, list[tuple[str, str]]]:
    """The outstanding findings about records by record, the gravest first: id, and title or sentence."""
    return told_of(visit, findings.of_records(connection, record_ids), told)


def told_of(
    visit: Visit, standing: Sequence[Finding], told: Literal["title", "explanation"]
) -> dict[int, list[tuple[str, str]]]:
    """As ``about``, of findings that were read already."""
    own = Rules.of(visit.desk.settings).own_words()
    found: dict[int, list[tuple[str, str]]] = {}
    for item in sorted(standing, key=lambda one: figures.SEVERITIES.index(one.severity)):
        words = report.explain(item, visit.texts.locale, own)[told]
        for record_id in dict.fromkeys(record.record_id for record in item.records):
            found.setdefault(record_id, []).append((item.id, words))
    return found
