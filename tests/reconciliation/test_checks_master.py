"""Customers and products: the same everywhere, and there once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reconciliation import report
from state.findings import Finding
from tests.reconciliation.cases import Case, amounts, judged
from tests.reconciliation.deals import Deal, ago

CRM, ERP, BOOKS = range(3)


def party(deal: Deal, which: int, **fields: Any) -> Deal:
    """What one system has of the deal's customer."""
    deal.documents["party"][which] |= fields
    return deal


def tied(deal: Deal, **fields: Any) -> Deal:
    """Accounting names the ERP's customer number, and has its own idea of the tax id."""
    party(deal, ERP, number=f"C{deal.n}")
    return party(deal, BOOKS, external_ref=f"no:C{deal.n}", **fields)


def places(deal: Deal, erp: tuple[str | None, str | None], books: tuple[str | None, str | None]) -> Deal:
    for which, (country, code) in ((ERP, erp), (BOOKS, books)):
        party(deal, which, country=country, postal_code=code)
    return deal


def twice(deal: Deal, **fields: Any) -> Deal:
    """The ERP has the customer a second time; nothing is linked to it."""
    second = {**deal.documents["party"][ERP], "source_id": f"P2-{deal.n}", "name": f"Second {deal.n}"}
    deal.documents["party"].append(second | fields)
    return deal


def product(deal: Deal, *made: dict[str, Any]) -> Deal:
    deal.documents["product"] = [
        {"source_id": f"{index}-{deal.n}", "sku": f"SKU{deal.n}", "name": f"Pump {index}", "status": "active"} | fields
        for index, fields in enumerate(made)
    ]
    return deal


def running(deal: Deal) -> Deal:
    deal.drop("delivery", "invoice", "payment")
    return deal.set("order", status="in_progress", promised_delivery_date=ago(-9), order_date=ago(10))


def gone(deal: Deal, *states: str) -> Deal:
    """The ERP's pump, once for each of these states; the order is under way."""
    running(deal)
    sku = f"PUMP{deal.n}"
    for entity in ("quote", "order"):
        first, second = deal.documents[entity][0]["lines"]
        deal.set(entity, lines=[first | {"sku": sku}, second])
    return product(deal, *({"sku": sku, "status": state} for state in states))


CASES: dict[str, Case] = {
    "two tax ids": (lambda d: tied(d, tax_id=f"9131999{d.n:08d}"), {"party_tax_id_differs": None}),
    "one tax id, written in two ways": (
        lambda d: (
            party(tied(d, tax_id=f"DE 811.{d.n:06d}"), ERP, tax_id=f"811{d.n:06d}")
            and party(d, CRM, tax_id=f"de811{d.n:06d}")
        ),
        {},
    ),
    "one system without a tax id": (lambda d: tied(d, tax_id=None), {}),
    "another country": (lambda d: places(d, ("DE", "80331"), ("AT", "80331")), {"party_address_differs": None}),
    "another postal code": (lambda d: places(d, ("DE", "80331"), ("DE", "80333")), {"party_address_differs": None}),
    "a postal code written in another way": (lambda d: places(d, ("GB", "SW1A 1AA"), ("gb", "sw1a1aa")), {}),
    "half an address": (lambda d: places(d, ("DE", "80331"), ("DE", None)), {}),
    "thirty days here and sixty there": (
        lambda d: party(party(d, ERP, payment_terms_days=30), BOOKS, payment_terms_days=60),
        {"party_terms_differ": None},
    ),
    "thirty days in both": (
        lambda d: party(party(d, ERP, payment_terms_days=30), BOOKS, payment_terms_days=30),
        {},
    ),
    "twice in the ERP": (twice, {"party_duplicate": None}),
    "twice, and one is archived": (lambda d: twice(d, status="archived"), {}),
    "archived while its order runs": (
        lambda d: party(running(d), ERP, status="archived"),
        {"party_archived_in_use": 120000},
    ),
    "archived when all was done": (lambda d: party(d, ERP, status="archived"), {}),
    "one code for two products": (lambda d: product(d, {}, {"sku": f" sku{d.n}"}), {"product_duplicate_sku": None}),
    "one code for two products, one is archived": (lambda d: product(d, {}, {"status": "archived"}), {}),
    "counted in pieces here and in boxes there": (
        lambda d: product(d, {"unit": "pcs"}, {"unit": "Box", "system": "crm"}),
        {"product_unit_differs": None},
    ),
    "the same unit by two words": (lambda d: product(d, {"unit": "pcs"}, {"unit": "个", "system": "crm"}), {}),
    "ordered though it is archived": (lambda d: gone(d, "archived"), {"product_archived_sold": 100000}),
    "archived, and there is a new one with its code": (lambda d: gone(d, "archived", "active"), {}),
}


@pytest.fixture(scope="module")
def found(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Finding]]:
    return judged(sqlite_template, tmp_path_factory.mktemp("master"), CASES)


@pytest.mark.parametrize("case", CASES)
def test_a_case_has_its_findings_and_no_others(case: str, found: dict[str, list[Finding]]) -> None:
    assert amounts(found[case]) == CASES[case][1]


@pytest.mark.parametrize(
    ("case", "english", "chinese"),
    [
        ("another postal code", "differ: books: DE 80333, erp: DE 80331", "地址不一致：books: DE 80333、erp: DE 80331"),
        ("thirty days here and sixty there", "books: 60, erp: 30", "books: 60、erp: 30"),
        ("archived while its order runs", "is archived in erp and has SO-", "为“已归档”，但仍有 SO-"),
        ("counted in pieces here and in boxes there", "crm: Box, erp: pcs", "crm: Box、erp: pcs"),
    ],
)
def test_the_sentence_says_what_is_wrong(
    case: str, english: str, chinese: str, found: dict[str, list[Finding]]
) -> None:
    (finding,) = found[case]
    assert english in report.explain(finding, "en")["explanation"]
    assert chinese in report.explain(finding, "zh-CN")["explanation"]
