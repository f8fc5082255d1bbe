"""The trace where nothing is called as somebody typed: numbers with it in them, that amount, customers of that name."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest

from state.members import Role
from tests.web.conftest import Browser


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


@pytest.mark.parametrize("typed", ["%", "__", "a", "zzz"])
def test_signs_of_patterns_are_taken_as_they_are(anna: Browser, typed: str) -> None:
    assert _offered(anna, typed) == []


def test_what_is_called_so_is_shown_without_others(anna: Browser) -> None:
    assert _offered(anna, "INV-1") == []
