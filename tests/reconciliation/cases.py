"""Many small deals in one world, each bent in one way, and what the checks find about each."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reconciliation.engine import reconcile
from state import findings
from state.findings import Finding
from state.store import open_store
from tests.reconciliation.books import Books, settings
from tests.reconciliation.deals import Change, Deal

NUMBERS = range(1001, 1_000_000, 100)
"""Of the deals: so far apart that their invoices are no series with gaps."""
Case = tuple[Change, dict[str, int | None]]
"""How the deal is bent, and the findings there must be: check → amount in minor units. Nothing else may be found."""


def judged(template: Path, folder: Path, cases: Mapping[str, Case], **changes: Any) -> dict[str, list[Finding]]:
    """The findings of each case; ``changes`` are of the settings. Every record belongs to the deal of its number."""
    path = folder / "cases.db"
    shutil.copy(template, path)
    names = dict(zip(NUMBERS, cases, strict=False))
    found: dict[str, list[Finding]] = {name: [] for name in cases}
    with open_store(f"sqlite:///{path}") as store:
        books = Books(store)
        for number, name in names.items():
            deal = Deal(number)
            cases[name][0](deal)
            deal.write(books)
        books.save()
        reconcile(store, settings(**changes), "run-1")
        with store.reading() as connection:
            for finding in findings.listing(connection):
                numbers = {int(record.source_id.rpartition("-")[2]) for record in finding.records}
                assert len(numbers) == 1, f"{finding.check_id} mixes deals {numbers}"
                found[names[numbers.pop()]].append(finding)
    return found


def amounts(found: list[Finding]) -> dict[str, int | None]:
    """Check → amount; fails if one check has two findings."""
    made = {finding.check_id: finding.amount for finding in found}
    assert len(made) == len(found), [finding.check_id for finding in found]
    return made
