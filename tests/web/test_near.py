"""The trace where nothing is called as somebody typed: numbers with it in them, that amount, customers of that name."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest
from sqlalchemy import text, update

from settings.model import Settings
from state import links
from state.members import Role
from state.schema import canonical
from state.store import Store
from sync import job
from tests.web.conftest import Browser
from tests.web.toy_company import plain


@pytest.fixture
def anna(browser: Callable[..., Browser], member: Callable[..., str]) -> Browser:
    opened = browser()
    opened.sign_in(member("anna", Role.VIEWER))
    return opened


def _offered(browser: Browser, text: str) -> list[tuple[str, str]]:
    """What is offered: the address, and the words of its line."""
    page = browser.client.get("/trace", params={"text": text}).text
    lines = re.findall(r'<li>(\w+) <a href="([^"]+)">([^<]+)</a>(.*?)</li>', page)
    return [
        (unescape(address), f"{what} {called}{re.sub('<[^>]+>', '', rest)}") for what, address, called, rest in lines
    ]


@pytest.mark.parametrize("typed", ["1200", "1,200.00", "1.200,00", "1200 CNY"])
def test_documents_of_exactly_that_amount_are_offered(anna: Browser, typed: str) -> None:
    offered = dict(_offered(anna, typed))
    assert "/trace?text=INV-1" in offered
    assert offered["/trace?text=INV-1"].startswith("Invoice INV-1 · 1,200.00 CNY")
    assert "INV-2" not in str(offered)
    assert _offered(anna, "1200.01") == []


@pytest.mark.parametrize("typed", ["nv-1", "INV-", " v-1 "])
def test_a_part_of_a_number_leads_to_what_has_it(anna: Browser, typed: str) -> None:
    offered = dict(_offered(anna, typed))
    assert offered.get("/trace?text=INV-1") == (None if typed == "INV-" else "Invoice INV-1 · 1,200.00 CNY books")


def test_it_is_said_by_what_things_are_found(anna: Browser) -> None:
    said = {"nv-1": "in their number", "1200": "of exactly 1200", "acme": "in their name"}
    pages = {typed: anna.client.get("/trace", params={"text": typed}).text for typed in said}
    assert [typed for typed, words in said.items() if words not in pages[typed]] == []
    assert "Nothing is called" in anna.client.get("/trace", params={"text": "zzz"}).text


@pytest.mark.parametrize("typed", ["acme", "S.r.l", "CME"])
def test_customers_with_it_in_their_name_are_offered_and_lead_to_their_chains(anna: Browser, typed: str) -> None:
    offered = _offered(anna, typed)
    assert [words for _, words in offered] == ["Customer ACME S.r.l. crm, erp"]
    assert "SO-1" in anna.get(offered[0][0]).text


def linked_by_hand(store: Store, name: str) -> str:
    """Let the two customers be called otherwise, and a person have linked them; the address of the link."""
    with store.transaction() as connection:
        pair = connection.execute(text("SELECT left_id, right_id FROM link WHERE left_entity = 'party'")).one()
        party = canonical["party"]
        connection.execute(update(party).where(party.c.record_id == pair.right_id).values(name=name, legal_name=None))
        links.decide(connection, "same_as", pair.left_id, pair.right_id, "confirmed", "bela")
    return f"/links/same_as/{pair.left_id}/{pair.right_id}"


def test_customers_that_somebody_linked_say_so_and_that_it_counts_from_the_next_reconciliation(
    anna: Browser, desk: Store, given: Settings
) -> None:
    linked_by_hand(desk, "Acme Holding")
    waits = "bela has linked them, which counts from the next reconciliation on"
    assert [words for _, words in _offered(anna, "cme")] == [
        f"Customer ACME S.r.l. crm · the same customer as Acme Holding; {waits}",
        f"Customer Acme Holding erp · the same customer as ACME S.r.l.; {waits}",
    ]
    page = plain(anna.get("/trace?text=Acme Holding").text)
    assert f"ACME S.r.l. (crm) and Acme Holding (erp) are one: {waits}" in page
    assert "No schedule is being carried out: the next one is when an operator or admin starts it" in page
    job.run_reconcile(desk, given)
    assert [words for _, words in _offered(anna, "cme")] == [
        "Customer ACME S.r.l. crm · the same customer as Acme Holding",
        "Customer Acme Holding erp · the same customer as ACME S.r.l.",
    ]
    assert waits not in plain(anna.get("/trace?text=Acme Holding").text)


@pytest.mark.parametrize("typed", ["%", "__", "a", "zzz"])
def test_signs_of_patterns_are_taken_as_they_are(anna: Browser, typed: str) -> None:
    assert _offered(anna, typed) == []


def test_what_is_called_so_is_shown_without_others(anna: Browser) -> None:
    assert _offered(anna, "INV-1") == []
