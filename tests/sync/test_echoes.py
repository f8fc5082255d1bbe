"""Which values of a source are what we wrote, rewritten, and which are somebody else's."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from sync.echoes import rewritten


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("paid", "paid"),
        ("paid", " Paid "),
        ("partly  paid", "PARTLY PAID"),
        ("已付款", "已付款 "),
        ("ＡＢ１", "ab1"),
        ("Straße", "STRASSE"),
        ("", None),
        (None, "  "),
        (True, True),
        (Decimal("10.005"), Decimal("10.01")),
        (Decimal("10.005"), Decimal("10.00")),
        (Decimal("10.5"), 10),
        (Decimal("10.5"), "11"),
        (Decimal("1.10"), "1.1"),
        ("7", 7),
        ("-3.14159", "-3.142"),
    ],
)
def test_spaces_case_width_and_rounding_are_ours(sent: Any, shown: Any) -> None:
    assert rewritten(sent, shown)


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("paid", "unpaid"),
        ("paid", ""),
        ("", "paid"),
        ("paid", None),
        (True, False),
        (True, 0),
        (12, 10),
        (12, Decimal("12.4")),
        (Decimal("10.5"), 12),
        (Decimal("10.50"), Decimal("10.4")),
        (Decimal("10.5"), "10.5 CNY"),
        ("SO-1", "SO-10"),
        ("NaN", "Infinity"),
    ],
)
def test_another_value_is_somebody_elses(sent: Any, shown: Any) -> None:
    assert not rewritten(sent, shown)
