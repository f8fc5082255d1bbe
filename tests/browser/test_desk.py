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
    first.focus()
    anna.page.keyboard.press("Enter")
    anna.reads("Taken. It holds")
    with store.reading() as connection:
        assert len({item.receipt_id for item in cash.decisions(connection)}) == 1
    anna.page.get_by_role("button", name="Undo").focus()
    anna.page.keyboard.press("Enter")
    expect(first).to_be_visible()
