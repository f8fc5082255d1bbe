"""The trace where nothing is called as somebody typed: documents of that amount, customers with it in their name."""

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
