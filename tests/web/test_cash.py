"""The matching desk: suggestions one after the other, taken, left for later, undone."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from state import cash
from state.members import Role
from state.store import Store
from tests.console import deal, receipts
from tests.web.conftest import Browser


@pytest.fixture(scope="session")
def filled(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Receipts instead of the deal."""
    return deal.filled(sqlite_template, tmp_path_factory.mktemp("receipts"), receipts.fill)


@pytest.fixture
def anna(as_role: Callable[[Role], Browser]) -> Browser:
    return as_role(Role.FINANCE)


def decided(store: Store) -> list[tuple[int, str]]:
    with store.reading() as connection:
        return [(item.receipt_id, item.decided_by) for item in cash.decisions(connection)]


def test_a_receipt_stands_beside_what_it_may_settle_and_why(anna: Browser) -> None:
    page = anna.get("/cash").text
    assert "1 receipts with suggestions, 3 in all" in page
    assert "INV-2026009" in page
    assert re.search(r"<b>1\.</b> INV-2026000[23] <b>500\.00</b> CNY", page)
    assert re.search(r'<button name="rank" value="1" accesskey="1" autofocus>', page)
    assert "Unknown payer" in page


def test_a_suggestion_is_taken_and_can_be_undone(anna: Browser, desk: Store) -> None:
    address = re.findall(r'action="(/cash/\d+/confirm)"', anna.get("/cash").text)[0]
    answer = anna.post(address, rank="1", skip="0")
    receipt = address.split("/")[2]
    assert answer.headers["location"] == f"/cash?skip=0&done={receipt}"
    assert decided(desk) == [(int(receipt), "a.finance")]
    page = anna.get(answer.headers["location"]).text
    assert "Nothing is left to decide" in page
    assert f'action="/cash/{receipt}/undo"' in page
    assert anna.post(f"/cash/{receipt}/undo").headers["location"] == f"/cash?receipt={receipt}"
    assert decided(desk) == []
    assert "autofocus" in anna.get("/cash").text


@pytest.mark.parametrize("rank", ["0", "9", "", "x", "-1", "99999999999999999999"])
def test_nothing_but_a_suggestion_can_be_taken(anna: Browser, desk: Store, rank: str) -> None:
    address = re.findall(r'action="(/cash/\d+/confirm)"', anna.get("/cash").text)[0]
    assert anna.post(address, rank=rank).status_code == 400
    assert anna.post("/cash/424242/confirm", rank="1").status_code == 400
    assert decided(desk) == []


def test_a_receipt_without_suggestions_says_what_to_do(anna: Browser) -> None:
    page = anna.get("/cash").text
    links = dict(re.findall(r'href="(/cash\?receipt=\d+)">books ([^<]+)', page))
    stranger = next(address for address, name in links.items() if name == "P2")
    shown = anna.get(stranger).text
    assert "Nothing is suggested" in shown
    assert "Find out who paid" in shown
