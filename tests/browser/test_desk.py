"""The matching desk with the keyboard alone, in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from state import cash
from state.members import Role
from state.store import Store, open_store
from tests.browser.conftest import Somebody
from tests.console import deal, receipts

pytestmark = pytest.mark.browser


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Three receipts that nobody has applied, instead of the demo company."""
    receipts.fill(deal.config(tmp_path, f"sqlite:///{tmp_path / 'ltc.db'}"))
    with open_store(f"sqlite:///{tmp_path / 'ltc.db'}") as opened:
        yield opened


def test_a_suggestion_is_taken_with_the_keyboard_alone(somebody: Callable[..., Somebody], store: Store) -> None:
    anna = somebody(Role.FINANCE)
    anna.page.get_by_role("link", name="Matching desk").click()
    first = anna.page.get_by_role("button", name="Take suggestion 1")
    expect(first).not_to_be_focused()  # of 25 % only
    anna.picture("cash-en")
    anna.page.get_by_label("I have compared receipt and invoice").first.focus()
    anna.page.keyboard.press("Space")
    anna.page.get_by_label("Reason").first.focus()
    anna.page.keyboard.type("as told by telephone")
    first.focus()
    anna.page.keyboard.press("Enter")
    anna.reads("Kept. It takes effect with the next reconciliation")
    with store.reading() as connection:
        assert len({item.receipt_id for item in cash.decisions(connection)}) == 1
    assert anna.complaints() == []
    anna.page.get_by_role("button", name="Undo", exact=True).focus()
    anna.page.keyboard.press("Enter")
    anna.reads("is taken back (")
    expect(first).to_be_visible()


def test_what_speaks_against_a_split_is_read_before_it_is_kept(somebody: Callable[..., Somebody], store: Store) -> None:
    anna = somebody(Role.FINANCE)
    anna.page.goto("/cash")
    anna.page.get_by_role("link", name="books P2").click()
    anna.page.get_by_role("link", name="Split it yourself").click()
    anna.page.get_by_label("Other items, by number, customer or amount").fill("20260002")
    anna.page.get_by_role("button", name="Look").click()
    anna.page.get_by_role("button", name="Fill in the most for INV-20260002").click()
    anna.reads("Left of it: 0.00 CNY")
    anna.page.get_by_label("Reason").fill("as told by telephone")
    anna.page.get_by_role("button", name="Save this split").click()
    anna.reads("nobody knows from whom the money is")
    assert anna.complaints() == []
    anna.page.get_by_label("I have looked at it").check()
    anna.page.get_by_role("button", name="Save this split").first.click()
    anna.page.goto("/cash/decided")
    anna.reads("as told by telephone")
    assert anna.complaints() == []
