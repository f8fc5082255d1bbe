"""The matching desk: suggestions one after the other, taken, left for later, undone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select, update

from console.cash import by_worth
from settings.model import Settings
from state import cash
from state.members import Role
from state.schema import figure
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
    assert "With suggestions: 1; in all: 3" in page
    assert "INV-2026009" in page
    option = re.search(r'<ul class="items">(.*?)</ul>', page, re.DOTALL)
    assert option is not None
    link = r'<a href="/trace\?text=(INV-2026000[23])">\1</a> <b>500\.00</b> CNY · Acme · Issued 2026-09-01'
    assert re.search(link, option.group(1))
    assert "Unknown payer" in page
    assert "amount_only" not in page


def test_enter_takes_only_what_is_likely_and_from_a_customer_who_is_known(anna: Browser, desk: Store) -> None:
    hint, focused = "Enter takes it", r'<button name="rank" value="1" accesskey="1" autofocus>'
    page = anna.get("/cash").text
    receipt = re.findall(r'action="/cash/(\d+)/confirm"', page)[0]
    changed(desk, receipt, customer="Acme", score=600)
    page = anna.get("/cash").text
    assert (hint in page, bool(re.search(focused, page))) == (True, True)
    for customer, score in ((None, 990), ("Acme", 599)):
        changed(desk, receipt, customer, score)
        page = anna.get("/cash").text
        assert (hint in page, "autofocus" in page, "Take suggestion 1" in page) == (False, False, True)
        assert ("customer not known" in page) is (customer is None)


def changed(store: Store, receipt: str, customer: str | None, score: int) -> None:
    """Let the receipt be of this customer, and its first suggestion be so sure (per mille)."""
    mine = (figure.c.kind == "cash", figure.c.key == receipt)
    with store.transaction() as connection:
        value = json.loads(connection.execute(select(figure.c.value).where(*mine)).scalars().all()[-1])
        value["customer"] = customer
        value["suggestions"][0]["score"] = score
        connection.execute(update(figure).where(*mine).values(value=json.dumps(value)))


def test_what_is_left_is_sorted_by_its_worth_in_the_base_currency(given: Settings) -> None:
    given.reconciliation.rates = {"EUR": Decimal("7.5"), "JPY": Decimal("0.05")}
    found = [(n, {"currency": c, "left": left}) for n, (c, left) in enumerate(LEFT)]
    assert [n for n, _ in by_worth(found, given)] == [2, 1, 3, 0, 4]


LEFT = (("CNY", 15_000), ("CNY", -200_000), ("EUR", 3_065_062), ("JPY", 30_000), ("XAF", 9_999_999))


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
    assert "Take suggestion 1" in anna.get("/cash").text


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
