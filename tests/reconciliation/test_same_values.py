"""What of two records of a customer differs is what the checks of customers tell of."""

from __future__ import annotations

from typing import Any

import pytest

from reconciliation.engine import reconcile
from reconciliation.same_values import differing
from state import findings
from tests.reconciliation.books import Books, settings

Row = dict[str, Any]
PAIRS: dict[str, tuple[Row, Row, str]] = {
    "blanks and the country in front": ({"tax_id": "DE 123 456 789"}, {"tax_id": "123456789"}, ""),
    "full width": ({"tax_id": "９１３１０ＡＢ"}, {"tax_id": "91310ab"}, ""),
    "another number": ({"tax_id": "DE123456789"}, {"tax_id": "DE123456780"}, "tax_id"),
    "no number": ({"tax_id": "DE123456789"}, {"tax_id": "0000000"}, ""),
    "one without": ({"tax_id": "DE123456789"}, {}, ""),
    "case of a country": ({"country": "de"}, {"country": "DE"}, ""),
    "another country": ({"country": "DE", "postal_code": "1"}, {"country": "AT", "postal_code": "2"}, "country"),
    "another code": (
        {"country": "DE", "postal_code": "28 195"},
        {"country": "DE", "postal_code": "28196"},
        "postal_code",
    ),
    "code with a blank": ({"country": "DE", "postal_code": "28 195"}, {"country": "DE", "postal_code": "28195"}, ""),
    "another street": ({"address_line": "Hafen 1", "city": "Ulm"}, {"address_line": "Hafen 2", "city": "ULM"}, ""),
    "terms": ({"payment_terms_days": 30}, {"payment_terms_days": 60}, "payment_terms_days"),
    "merged into another": ({"payment_terms_days": 30, "status": "merged"}, {"payment_terms_days": 60}, ""),
}
CHECKS = {
    "party_tax_id_differs": {"tax_id"},
    "party_address_differs": {"country", "postal_code"},
    "party_terms_differ": {"payment_terms_days"},
}


@pytest.mark.parametrize("pair", PAIRS)
def test_a_difference_is_marked_however_it_is_written(pair: str) -> None:
    one, other, expected = PAIRS[pair]
    assert differing([one, other]) == ({expected} if expected else set())


@pytest.mark.parametrize("pair", PAIRS)
def test_the_checks_tell_of_the_same_differences(pair: str, books: Books) -> None:
    one, other, _ = PAIRS[pair]
    same = {"name": "Hafen GmbH", "status": "active"}
    books.add("party", "1", system="erp", number="C-1", **{**same, **one})
    books.add("party", "2", system="books", external_ref="no:C-1", **{**same, **other})
    books.save()
    reconcile(books.store, settings(), "r1")
    with books.store.reading() as connection:
        found = {item.check_id for item in findings.of_records(connection, [1, 2])}
    marked = differing([one, other])
    assert {name for name in CHECKS if name in found} == {name for name, of in CHECKS.items() if of & marked}


def test_names_emails_and_phones_are_compared_without_how_they_are_written() -> None:
    one = {"name": "Ferrolux Motors GmbH", "email": "Info@Ferrolux.example", "phone": "+49 421 5550000"}
    other = {"name": "FERROLUX MOTORS", "email": "info@ferrolux.example", "phone": "0421/5550000", "country": "DE"}
    assert differing([one, other]) == set()
    assert differing([one, {**other, "name": "Norvane Motors"}]) == {"name"}
