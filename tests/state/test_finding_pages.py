"""Findings page by page: chosen, ordered and counted alike on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from state import bulk, finding_pages, finding_terms, schema
from state.finding_pages import Ages, Day, Wanted
from state.store import Store

BY_THE_THIRD = Ages(end=Day("2026-01-04", 0))


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
        (Wanted(ages=BY_THE_THIRD), [2, 3, 1]),
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


def test_amounts_of_all_are_summed_by_currency_and_groups_go_by_them_where_amounts_order(filled: Store) -> None:
    with filled.transaction() as connection:
        connection.execute(update(schema.finding).where(schema.finding.c.amount <= 500).values(department="finance"))
        rest = update(schema.finding).where(schema.finding.c.amount == 1200)
        connection.execute(rest.values(currency="EUR", base_amount=None))
        assert finding_pages.money(connection, Wanted()) == [("CNY", 6600, 6600, 0), ("EUR", 1200, 0, 1)]
        assert finding_pages.money(connection, Wanted(severity="warning")) == [("CNY", 3600, 3600, 0)]
        few = update(schema.finding).where(schema.finding.c.amount.in_([1000, 1100]))
        connection.execute(few.values(department="marketing", base_amount=100_000))
        by = {
            order: [group.key for group in finding_pages.groups(connection, Wanted(order=order), "department", {})]
            for order in ("severity", "amount")
        }
    assert by == {"severity": ["finance", "sales", "marketing"], "amount": ["marketing", "sales", "finance"]}


def test_a_finding_of_which_no_day_is_known_began_when_it_was_first_seen(filled: Store) -> None:
    with filled.transaction() as connection:
        connection.execute(update(schema.finding).where(schema.finding.c.amount.in_([100, 700])).values(since=None))
        found = finding_pages.page(connection, Wanted(ages=Ages(end=Day("2026-01-04", 4))), 0, 50).findings
    assert [int(item.id, 16) for item in found] == [2, 3, 1], "1 was seen before, 7 was not"
