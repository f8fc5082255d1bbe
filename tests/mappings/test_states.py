"""The words of a state stand in one place, and whoever offers, describes or names them says the same."""

from __future__ import annotations

import pytest

from connectors.salesforce import checking
from mappings.model import Order, Quote, columns
from mappings.states import STATES
from reconciliation import words


@pytest.mark.parametrize(
    ("model", "field"), [(Quote, "approval_state"), (Order, "delivery_state"), (Order, "billing_state")]
)
def test_the_model_describes_a_state_by_all_that_it_may_be(model: type[Quote | Order], field: str) -> None:
    (description,) = (column.description for column in columns(model) if column.name == field)
    assert description.split(", ") == list(STATES[field])


@pytest.mark.parametrize(
    ("field", "source"),
    [
        ("delivery_state", "LTC_Delivery_Status__c"),
        ("billing_state", "LTC_Billing_Status__c"),
        ("payment_state", "LTC_Payment_Status__c"),
    ],
)
def test_the_field_that_a_check_asks_to_create_for_a_state_holds_all_that_it_may_be(field: str, source: str) -> None:
    assert checking._TYPES[source] == f"picklist: {', '.join(STATES[field])}"


def test_a_word_has_the_same_chinese_name_in_every_state() -> None:
    assert [
        (field, word)
        for field, known in STATES.items()
        for word, name in known.items()
        if words.state(word, "zh") != name
    ] == []
