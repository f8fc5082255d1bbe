"""Findings page by page: chosen, ordered and counted alike on both databases."""

from __future__ import annotations

import pytest

from state import bulk, finding_pages, finding_terms, schema
from state.finding_pages import Wanted
from state.store import Store


@pytest.fixture
def filled(store: Store) -> Store:
    """Findings of 1.00, 2.00 … 12.00, each about the order with its number, the even ones errors."""
    with store.transaction() as connection:
        for number in range(1, 13):
            severity = "warning" if number % 2 else "error"
            row = (f"{number:024x}", "c", "order", "sales", severity, "open", number * 100, "CNY", number * 100)
            more = ("{}", f"2026-01-{number:02d}", number, 1, None, None, None, None, None, None, "run", None)
            bulk.insert(connection, schema.finding, [c.name for c in schema.finding.columns], [(*row, *more)])
            record = (f"{number:024x}", 1, number, "erp", "order", f"id{number}", f"SO-{number:03d}", None)
            bulk.insert(connection, schema.finding_record, [c.name for c in schema.finding_record.columns], [record])
        finding_terms.rebuild(connection)
    return store


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (Wanted(), [12, 10, 8, 6, 4, 2, 11, 9, 7, 5, 3, 1]),
        (Wanted(order="amount"), [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]),
        (Wanted(order="age"), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
        (Wanted(severity="warning", order="due"), [11, 9, 7, 5, 3, 1]),
        (Wanted(text="so-01"), [12, 10, 11]),
        (Wanted(text="id7"), [7]),
        (Wanted(text="7.00"), [7]),
        (Wanted(text="¥7"), [7]),
        (Wanted(text="%"), []),
        (Wanted(text="_"), []),
        (Wanted(text="9" * 40), []),
        (Wanted(text="1e999999"), []),
        (Wanted(stage="lead"), []),
        (Wanted(status="resolved"), []),
    ],
)
def test_findings_are_chosen_and_ordered_alike(filled: Store, wanted: Wanted, numbers: list[int]) -> None:
    with filled.reading() as connection:
        page = finding_pages.page(connection, wanted, 0, 50)
        first = finding_pages.page(connection, wanted, 1, 2)
    assert [int(item.id, 16) for item in page.findings] == numbers
    assert page.count == first.count == len(numbers)
    assert [int(item.id, 16) for item in first.findings] == numbers[1:3]
