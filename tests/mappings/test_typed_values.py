"""Canonical values as a person types them."""

from __future__ import annotations

from typing import Any

import pytest

from mappings.model import canonical_value


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("delivery_numbers", "CU-1, CU-2", "CU-1, CU-2"),
        ("delivery_numbers", "", None),
        ("sent_to_customer", "Yes", 1),
        ("sent_to_customer", "false", 0),
        ("due_date", "2026-10-31", "2026-10-31"),
    ],
)
def test_a_typed_value_becomes_the_stored_one(field: str, text: str, value: Any) -> None:
    assert canonical_value("invoice", field, text) == value


@pytest.mark.parametrize(
    ("entity", "field", "text"),
    [
        ("invoice", "sent_to_customer", "perhaps"),
        ("invoice", "due_date", "31.10.2026"),
        ("invoice", "open_amount", "12.50"),
        ("opportunity", "probability", "much"),
        ("opportunity", "probability", "NaN"),
    ],
)
def test_what_a_field_does_not_take_is_refused(entity: str, field: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        canonical_value(entity, field, text)
