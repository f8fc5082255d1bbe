"""Tax ids, telephone numbers and addresses in one form."""

from __future__ import annotations

import pytest

from reconciliation.linking import addresses, identifiers
from reconciliation.linking.identifiers import Phone, TaxId


@pytest.mark.parametrize(
    ("text", "country", "found"),
    [
        ("91110000600037341L", None, TaxId("91110000600037341L", "CN")),
        ("９１１１０００06000 37341l", "CN", TaxId("91110000600037341L", "CN")),
        ("91310000123456789X", "CN", TaxId("91310000123456789X", "")),  # a wrong check character
        ("DE 136 695 976", None, TaxId("136695976", "DE")),
        ("136695976", "DE", TaxId("136695976", "DE")),
        ("EL094259216", None, TaxId("094259216", "EL")),
        ("094259216", "GR", TaxId("094259216", "EL")),
        ("CHE-116.281.710 MWST", "CH", TaxId("CHE116281710", "CH")),
        ("T7000012050002", "JP", TaxId("7000012050002", "JP")),
        ("94-2404110", "US", TaxId("942404110", "US")),
        ("000000000", None, None),
        ("12345", "DE", None),
    ],
)
def test_a_tax_id_is_read_with_its_check_digits(text: str, country: str | None, found: TaxId | None) -> None:
    assert identifiers.tax_id(text, country) == found


@pytest.mark.parametrize(
    ("text", "country", "found"),
    [
        ("+86 21 6888 1234", None, Phone("2168881234", "86")),
        ("021-68881234", "CN", Phone("2168881234", "86")),
        ("021-68881234转8001", "CN", Phone("2168881234", "86")),
        ("8621 68881234", None, Phone("2168881234", "86")),
        ("021-68881234", None, Phone("2168881234", "")),
        ("0049 30 1234567", None, Phone("301234567", "49")),
        ("030/1234567", "DE", Phone("301234567", "49")),
        ("+49 (0)30 1234567", "CN", Phone("301234567", "49")),
        ("(415) 555-2671", "US", Phone("4155552671", "1")),
        ("12345", "DE", None),
    ],
)
def test_a_number_is_read_by_the_plan_of_its_country(text: str, country: str | None, found: Phone | None) -> None:
    assert identifiers.phone(text, country) == found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("上海市", "Shanghai"),
        ("浙江省杭州市", "杭州"),
        ("München", "Muenchen"),
        ("福建省晋江市", "晋江"),
        ("Xi'an", "西安"),
    ],
)
def test_a_city_is_the_same_however_it_is_written(one: str, other: str) -> None:
    assert addresses.city(one) == addresses.city(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("12 Harbour Street", "Harbour St. 12"),
        ("Hauptstraße 5", "Hauptstr. 5"),
        ("上海市浦东新区工业路12号", "工业路12号3楼"),
        ("高新区人民北路1781号", "人民北路1781号2楼201室"),
    ],
)
def test_a_street_is_the_same_however_it_is_written(one: str, other: str) -> None:
    assert addresses.street(one) == addresses.street(other) != ""


def test_another_number_is_another_place() -> None:
    assert addresses.street("工业路12号") != addresses.street("工业路21号")
    assert addresses.street("Harbour Street") == ""
