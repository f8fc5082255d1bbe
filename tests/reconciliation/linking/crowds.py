"""Customers of which two systems write the name, the number and the telephone each in its own way."""

from __future__ import annotations

from typing import Any

from tests.reconciliation.books import Books

_SURNAMES = ("Grün", "Alt", "Neu", "Stein", "Berg", "Feld", "Wald", "Bach", "Hof", "Burg", "See", "Tal")
_TRADES = ("Maschinenbau", "Optik", "Werkzeuge", "Logistik")


def spelled_otherwise(books: Books, customers: int) -> None:
    """Add that many to the CRM and the ERP: a third shares its tax id, a third its telephone, a third only likeness."""
    for number in range(customers):
        first, second = _SURNAMES[number % 12], _SURNAMES[number // 12 % 12].lower()
        trade = _TRADES[number % 4]
        street = f"{number + 1} Hafenstrasse"
        place: dict[str, Any] = {
            "address_line": street,
            "postal_code": f"{20000 + number}",
            "city": "Hamburg",
            "country": "DE",
        }
        shared: dict[str, Any] = {
            0: {"tax_id": f"DE{_with_check_digit(10000000 + 7 * number)}"},
            1: {"phone": f"040 55{number:05d}"},
            2: {},
        }[number % 3]
        books.add("party", f"C{number}", system="crm", status="active", name=f"{first}{second}rat {trade} GmbH",
                  **place, **shared)  # fmt: skip
        other = f"{first}{second}rat {trade.upper()} Gesellschaft mbH".replace("ü", "ue")
        books.add("party", f"E{number}", system="erp", status="active", name=other, **place, **shared)


def _with_check_digit(eight: int) -> str:
    """Eight digits of a German VAT number with the ninth that checks them (ISO 7064, Mod 11, 10)."""
    product = 10
    for digit in map(int, str(eight)):
        total = (digit + product) % 10 or 10
        product = 2 * total % 11
    return f"{eight}{(11 - product) % 10}"
