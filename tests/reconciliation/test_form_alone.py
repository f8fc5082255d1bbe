"""Where systems write the same thing in other forms, no row differs; where every row differs, each is told once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.reconciliation.books import line
from tests.reconciliation.cases import amounts, judged
from tests.reconciliation.deals import Deal

DEALS = 60


def in_other_words(deal: Deal) -> None:
    """The bill says what the order says in other case, width, blanks and zeros, in another order, one line in two."""
    lines: list[dict[str, Any]] = [
        line(" valve", "4.000", "50.00"),
        line("pump ", "3", "100.0"),
        line("ＰＵＭＰ", "7.0", "100"),
    ]
    deal.set("invoice", lines=lines)


def of_another_price(deal: Deal) -> None:
    """Every line of the bill has another price and quantity; the sum is the same."""
    deal.set("invoice", lines=[line("PUMP", 8, 125), line("VALVE", 2, 100)])


def test_lines_that_differ_only_in_their_form_are_no_differences(sqlite_template: Path, tmp_path: Path) -> None:
    found = judged(sqlite_template, tmp_path, {f"deal {n}": (in_other_words, {}) for n in range(DEALS)})
    assert {name: amounts(seen) for name, seen in found.items() if seen} == {}


def test_where_every_line_differs_each_order_has_one_finding(sqlite_template: Path, tmp_path: Path) -> None:
    found = judged(sqlite_template, tmp_path, {f"deal {n}": (of_another_price, {}) for n in range(DEALS)})
    assert {tuple(amounts(seen)) for seen in found.values()} == {("order_invoice_lines",)}
