"""What is shown of a personal value, on pages and in the API."""

from __future__ import annotations

from typing import Any

import pytest

from console import record_values, veiled


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("rechnung@Oberland.example", "•••@oberland.example"),
        (" anna.berg@gmail.com ", "•••@gmail.com"),
        ("buero@post.oberland.example", "•••@post.oberland.example"),
        ("oberland@oberland-werke.example", "•••@oberland-werke.example"),
        ("anna@anna-berg.example", "•••"),
        ("office@berg.oberland", "•••@berg.oberland"),
        ("no address", "•••"),
        ("anna@localhost", "•••"),
        ("a@b@oberland.example", "•••"),
        ("call +49 30 1234567 or a@oberland.example", "•••"),
    ],
)
def test_of_an_address_the_domain_is_shown_unless_it_may_be_a_persons_name(written: str, shown: str) -> None:
    assert veiled.shown({"entity": "party", "name": "Oberland Werke", "email": written}, "email") == shown


@pytest.mark.parametrize(
    "row",
    [
        {"entity": "contact", "name": "Anna Berg", "first_name": "Anna", "last_name": "Berg"},
        {"entity": "lead", "contact_name": "Anna Berg"},
        {"entity": "party", "kind": "person", "name": "Anna Berg"},
    ],
)
def test_a_domain_with_the_name_of_the_person_is_not_shown(row: dict[str, Any]) -> None:
    assert veiled.shown({**row, "email": "post@berg-anna.example"}, "email") == "•••"
    assert veiled.shown({**row, "email": "post@oberland.example"}, "email") == "•••@oberland.example"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("+49 8022 / 70-4711", "••• 4711"),
        ("+8657188886666", "••• 6666"),
        ("8022-47", "•••"),
        ("704711", "•••"),
        ("on request", "•••"),
    ],
)
def test_of_a_phone_the_last_four_digits_are_shown_where_they_are_half_of_it_at_most(written: str, shown: str) -> None:
    assert veiled.shown({"entity": "party", "phone": written}, "phone") == shown


def test_names_of_persons_and_streets_are_not_shown_and_towns_are() -> None:
    party = {"entity": "party", "name": "Oberland", "address_line": "Bergweg 4", "city": "Miesbach"}
    assert record_values.shown({**party, "postal_code": "83714"}) == {
        "name": "Oberland",
        "address_line": "•••",
        "city": "Miesbach",
        "postal_code": "83714",
    }
    contact = {"entity": "contact", "name": "Anna Berg", "first_name": "Anna", "last_name": "Berg"}
    assert set(record_values.shown(contact).values()) == {"•••"}
