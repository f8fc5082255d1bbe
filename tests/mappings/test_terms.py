"""What is agreed with a customer, as the shipped mappings read it: days to pay where the terms are a number of days."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mappings.engine import load
from mappings.model import ENTITIES, columns


def days(connector: str, stream: str, record: dict[str, Any]) -> int | None:
    row = load(connector).stream(stream).map("any", "1", json.dumps(record).encode()).row
    names = [column.name for column in columns(ENTITIES["party"])]
    found: int | None = dict(zip(names, row, strict=True))["payment_terms_days"]
    return found


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ({"Day": 30, "Type": "DAYSAFTERBILLDATE"}, 30),
        ({"Day": 20, "Type": "OFFOLLOWINGMONTH"}, None),
        (None, None),
    ],
)
def test_xero_counts_from_the_bill_only_where_it_says_so(terms: Any, expected: int | None) -> None:
    contact = {"ContactID": "1", "Name": "Acme", "ContactStatus": "ACTIVE"}
    assert days("xero", "contact", contact | ({"PaymentTerms": {"Sales": terms}} if terms else {})) == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("Net 30", 30),
        ("45 Days", 45),
        ("60天", 60),
        ("30", 30),
        ("30 % now, rest 60", None),
        ("EOM", None),
        (None, None),
    ],
)
def test_erpnext_names_a_template_and_only_a_plain_name_tells_the_days(
    template: str | None, expected: int | None
) -> None:
    customer = {"name": "Acme", "customer_name": "Acme", "disabled": 0, "payment_terms": template}
    assert days("erpnext", "party", customer) == expected
