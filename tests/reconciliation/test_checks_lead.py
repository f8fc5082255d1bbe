"""Leads in the CRM are owned, called, worked on, and there once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from reconciliation.engine import reconcile
from state import findings
from tests.reconciliation.books import AS_OF, Books, settings


def lead(books: Books, name: str, *, received: int, touched: int, **fields: Any) -> None:
    """A lead of the CRM, received and last changed so many hours ago."""
    values = {"status": "working", "owner_ref": "anna", "company_name": name, "email": f"{name}@{name}.example"}
    at = {"received_at": AS_OF - timedelta(hours=received), "source_updated_at": AS_OF - timedelta(hours=touched)}
    books.add("lead", name, **{**values, **at, **fields})


def found(books: Books, **checks: Any) -> dict[str, list[list[str]]]:
    """The source ids of each finding's records, by check."""
    books.save()
    reconcile(books.store, settings(reconciliation={"checks": checks}), "run-1")
    made: dict[str, list[list[str]]] = {}
    with books.store.reading() as connection:
        for finding in findings.listing(connection):
            made.setdefault(finding.check_id, []).append([record.source_id for record in finding.records])
    return {check: sorted(names) for check, names in made.items()}


def test_a_lead_of_yesterday_without_an_owner_is_told_of_where_leads_have_owners(books: Books) -> None:
    lead(books, "nobodys", received=24, touched=1, owner_ref=None)
    lead(books, "blank", received=30, touched=1, owner_ref=" ")
    lead(books, "fresh", received=23, touched=1, owner_ref=None)
    lead(books, "closed", received=99, touched=1, owner_ref=None, status="disqualified")
    for number in range(4):
        lead(books, f"owned{number}", received=99, touched=1)
    assert found(books) == {"lead_without_owner": [["blank"], ["nobodys"]]}


def test_a_crm_that_keeps_no_owners_has_no_leads_without_one(books: Books) -> None:
    for number in range(3):
        lead(books, f"lead{number}", received=99, touched=1, owner_ref=None)
    assert found(books) == {}


def test_a_first_contact_is_late_only_by_the_hours_that_are_agreed(books: Books) -> None:
    lead(books, "late", received=48, touched=48, status="new")
    lead(books, "intime", received=47, touched=47, status="new")
    lead(books, "called", received=99, touched=1)
    assert found(books, lead_uncontacted={"hours": 48}) == {"lead_uncontacted": [["late"]]}


def test_without_an_agreement_no_first_contact_is_late(books: Books) -> None:
    lead(books, "late", received=480, touched=480, status="new")
    assert found(books) == {}


def test_a_lead_that_nobody_has_touched_for_a_quarter_lies_idle(books: Books) -> None:
    lead(books, "idle", received=24 * 200, touched=24 * 91)
    lead(books, "rests", received=24 * 200, touched=24 * 90)
    lead(books, "done", received=24 * 200, touched=24 * 200, status="disqualified")
    assert found(books) == {"lead_stale": [["idle"]]}


def test_an_idle_lead_that_was_never_called_is_one_finding(books: Books) -> None:
    lead(books, "idle", received=24 * 200, touched=24 * 200, status="new")
    assert found(books, lead_uncontacted={"hours": 48}) == {"lead_uncontacted": [["idle"]]}


@pytest.mark.parametrize("status", ["sales_qualified", "converted"])
def test_a_qualified_lead_leads_to_an_opportunity(books: Books, status: str) -> None:
    lead(books, "nowhere", received=999, touched=24 * 14, status=status)
    lead(books, "soon", received=999, touched=24 * 13, status=status)
    lead(books, "linked", received=999, touched=24 * 20, status=status, opportunity_ref="id:OP-1")
    lead(books, "known", received=999, touched=24 * 20, status=status, party_ref="id:P-1")
    books.add("party", "P-1", system="crm", name="Acme", status="active")
    for number in (1, 2):
        books.add(
            "opportunity", f"OP-{number}", name="Pumps", status="lost", party_ref="id:P-1", expected_amount=number
        )
    assert found(books) == {"lead_without_opportunity": [["nowhere"]]}


def test_one_person_is_one_lead_in_the_crm(books: Books) -> None:
    lead(books, "first", received=90, touched=1, phone="+86 138 0000 1111")
    lead(books, "second", received=80, touched=1, phone="13800001111", email="Twin@y.example")
    lead(books, "third", received=70, touched=1, email="twin@Y.example")
    lead(books, "closed", received=60, touched=1, email="twin@y.example", status="converted", opportunity_ref="id:OP-1")
    books.add("opportunity", "OP-1", name="Pumps", status="lost")
    assert found(books) == {"lead_duplicate_in_crm": [["first", "second", "third"]]}


def test_leads_of_a_form_that_came_twice_are_told_of_once(books: Books) -> None:
    for number in (1, 2):
        form: dict[str, Any] = {"company_name": "Acme", "email": "anna@acme.example", "status": "new"}
        books.add("lead", f"F-{number}", system="forms", received_at=AS_OF - timedelta(hours=90 - number), **form)
        lead(books, f"L-{number}", received=90, touched=1, lead_ref=f"ext:F-{number}", email="anna@acme.example")
    assert set(found(books)) == {"lead_duplicate"}
