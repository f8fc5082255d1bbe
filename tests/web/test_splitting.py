"""What a receipt settles, said by a person: amounts by item and what explains the rest, if it adds up."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest
from sqlalchemy import update

from console.web import splitting
from reconciliation.engine import reconcile
from settings.model import Settings
from state import cash
from state.cash import Decision
from state.members import Role
from state.schema import canonical
from state.store import Store
from tests.console import deal, receipts
from tests.web.conftest import Browser


@pytest.fixture(scope="session")
def filled(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Receipts instead of the deal."""
    return deal.filled(sqlite_template, tmp_path_factory.mktemp("split"), receipts.fill)


@pytest.fixture
def anna(as_role: Callable[[Role], Browser]) -> Browser:
    return as_role(Role.FINANCE)


def decided(store: Store) -> list[Decision]:
    with store.reading() as connection:
        return cash.decisions(connection)


def receipt(browser: Browser, name: str) -> str:
    """The address of the page on which a receipt is split."""
    links = dict(re.findall(r'href="/cash\?receipt=(\d+)">books ([^<]+)', browser.get("/cash").text))
    return f"/cash/{next(key for key, value in links.items() if value == name)}/split"


def items(page: str) -> dict[str, str]:
    """Number → name of the field in which it is said how much of it is settled."""
    rows = re.findall(r'<th scope="row">books <a href="/trace[^>]+>([^<]+)<.*?name="(item-\d+)"', page, re.DOTALL)
    return {number.strip(): name for number, name in rows}


def test_what_is_suggested_stands_first_then_what_the_customer_owes_the_oldest_first(anna: Browser) -> None:
    page = anna.get(receipt(anna, "P3")).text
    assert list(items(page)) == ["INV-20260002", "INV-20260003", "INV-20260001"]
    assert page.count("suggested</span>") == 2
    assert "500.00 CNY" in page


def test_a_button_fills_in_what_is_free_of_an_item_and_left_of_the_money(anna: Browser, desk: Store) -> None:
    address = receipt(anna, "P3")
    named = items(anna.get(address).text)
    first, second, taken = (named[f"INV-2026000{n}"] for n in (2, 3, 1))
    filled = anna.post(address, **{first: "120.50", "fill": second.removeprefix("item-")}).text
    assert f'name="{second}" value="379.50"' in filled
    assert "Left of it: 0.00 CNY" in filled
    assert f'name="{taken}" value=""' in anna.post(address, fill=taken.removeprefix("item-")).text, "P1 has all of it"
    assert decided(desk) == []


def test_what_is_left_is_red_once_more_is_settled_than_came_in(anna: Browser) -> None:
    address = receipt(anna, "P3")
    first, second = (items(anna.get(address).text)[f"INV-2026000{n}"] for n in (2, 3))
    red = '<p role="status" class="late">Left of it: -0.01 CNY</p>'
    assert red in anna.post(address, find="1", **{first: "500", second: "0.01"}).text
    assert '<p role="status">Left of it: 0.00 CNY</p>' in anna.post(address, find="1", **{first: "500"}).text


def test_an_item_that_decisions_have_given_away_has_no_field_and_a_matched_one_is_opened_first(
    anna: Browser, desk: Store
) -> None:
    address = receipt(anna, "P3")
    named = items(anna.get(address).text)
    matched = named["INV-20260001"]
    page = anna.get(address).text
    row = page.partition(">INV-20260001</a>")[2].partition("</tr>")[0]
    assert "<details><summary>Matched; take it all the same</summary>" in row
    assert f'name="{matched}"' in row
    assert page.count("<details>") == 1
    opened = anna.post(address, find="1", **{matched: "500"}).text
    assert "<details open><summary>Matched" in opened
    second = named["INV-20260002"].removeprefix("item-")
    with desk.transaction() as connection:
        stranger = int(receipt(anna, "P2").split("/")[2])
        cash.pin(connection, stranger, [(int(second), 50_000, 50_000)], [], "li.wei", "told")
    page = anna.get(address).text
    row = page.partition(">INV-20260002</a>")[2].partition("</tr>")[0]
    assert ("Given away by decisions" in row, "<input" in row) == (True, False)


def test_it_begins_with_the_oldest_few_and_a_search_widens(anna: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splitting, "_FIRST", 2)
    address = receipt(anna, "P3")
    page = anna.get(address).text
    assert (len(items(page)), "The first 2 are shown; 1 more are open." in page) == (2, True)
    assert len(items(anna.post(address, find="1", text="acme").text)) == 3


@pytest.mark.parametrize(
    ("payer", "offered", "alike"),
    [("Acme", 3, False), (" ACME ", 3, False), ("Acme Trading Co., Ltd.", 3, True), ("Nordwind GmbH", 0, False)],
)
def test_what_a_payer_owes_is_offered_by_the_name_where_the_source_says_no_customer(
    anna: Browser, desk: Store, payer: str, offered: int, alike: bool
) -> None:
    payment = canonical["payment"]
    with desk.transaction() as connection:
        connection.execute(update(payment).where(payment.c.number == "P2").values(payer_name=payer))
    page = anna.get(receipt(anna, "P2")).text
    assert list(items(page)) == [f"INV-2026000{n}" for n in (1, 2, 3)][:offered]
    assert ("customers with a name like it" in page) is alike


def test_without_a_reason_nothing_is_kept(anna: Browser, desk: Store) -> None:
    address = receipt(anna, "P3")
    field = items(anna.get(address).text)["INV-20260002"]
    answer = anna.post(address, **{field: "10"}, reason="  ")
    assert (answer.status_code, "Say why" in answer.text) == (422, True)
    assert decided(desk) == []


def test_enter_keeps_it_and_only_looks_where_the_search_was_written_anew(anna: Browser, desk: Store) -> None:
    address = receipt(anna, "P3")
    page = anna.get(address).text
    form = page.partition(f'action="{address}"')[2].partition("</form>")[0]
    first = re.search(r"<button([^>]*)>([^<]+)", form)
    assert first, "a browser takes Enter for the first button of the form"
    assert ('name="enter"' in first.group(1), first.group(2)) == (True, "Save this split")
    said = {items(page)["INV-20260002"]: "10", "enter": "1", "reason": "as told"}
    looked = anna.post(address, **said, text="20260003", looked="").text
    assert ('name="looked" value="20260003"' in looked, decided(desk)) == (True, [])
    assert anna.post(address, **{**said, "reason": ""}, text="20260003", looked="20260003").status_code == 422
    assert anna.post(address, **said, text="20260003", looked="20260003").status_code == 303
    assert len(decided(desk)) == 1


def test_what_a_rule_gave_to_another_receipt_is_shown_and_only_taken_with_a_tick(anna: Browser, desk: Store) -> None:
    address = receipt(anna, "P3")
    page = anna.get(address).text
    assert re.search(r'CNY 1,000\.00 of it is matched with</span> <a href="/cash\?receipt=\d+">P1</a> · Acme', page)
    field = items(page)["INV-20260001"]
    doubted = anna.post(address, **{field: "500"}, reason="as told")
    assert doubted.status_code == 422
    assert "CNY 1,000.00 of INV-20260001 (Acme) is matched with P1 of Acme" in doubted.text
    assert f'name="{field}" value="500"' in doubted.text
    assert decided(desk) == []
    assert anna.post(address, **{field: "500"}, reason="as told", accepted="1").status_code == 303
    assert len(decided(desk)) == 1


def test_money_of_nobody_known_settles_a_customers_invoice_only_with_a_tick(anna: Browser, desk: Store) -> None:
    address = receipt(anna, "P2")
    field = items(anna.post(address, find="1", text="20260002").text)["INV-20260002"]
    doubted = anna.post(address, **{field: "100"}, reason="as told")
    assert (doubted.status_code, "nobody knows from whom the money is" in doubted.text) == (422, True)
    assert len(re.findall(r"<button(?![^>]*unseen)[^>]*>Save this split", doubted.text)) == 1, "one button to save"
    assert anna.post(address, **{field: "100"}, reason="as told", accepted="1").status_code == 303
    assert len(decided(desk)) == 1


def test_what_somebody_has_decided_for_another_receipt_cannot_be_decided_again(anna: Browser, desk: Store) -> None:
    first, second = receipt(anna, "P3"), receipt(anna, "P2")
    field = items(anna.get(first).text)["INV-20260002"]
    anna.post(first, **{field: "450"}, reason="as told")
    page = anna.post(second, find="1", text="20260002").text
    assert "CNY 450.00 of it is given by a.finance to" in page
    assert '<td class="number">50.00</td>' in page
    refused = anna.post(second, **{field: "60"}, reason="as told", accepted="1")
    assert refused.status_code == 422
    assert "a.finance has given INV-20260002 to P3. Undo that decision first" in refused.text
    assert len(decided(desk)) == 1
    assert anna.post(second, **{field: "50"}, reason="as told", accepted="1").status_code == 303


def test_a_receipt_is_divided_and_what_explains_the_rest_is_kept(anna: Browser, desk: Store) -> None:
    address = receipt(anna, "P3")
    named = items(anna.get(address).text)
    said = {named["INV-20260002"]: "300.00", named["INV-20260003"]: "1,50.5"}
    answer = anna.post(address, **said, **{"kind-0": "fee", "amount-0": "-15", "reason": "as told by phone"})
    assert answer.headers["location"] == f"/cash?done={address.split('/')[2]}"
    assert sorted((item.applied, item.spent) for item in decided(desk)) == [(15050, 15050), (30000, 30000)]
    assert [entry for item in decided(desk) for entry in item.differences] == [(None, "fee", -1500)]
    assert {item.decided_by for item in decided(desk)} == {"a.finance"}


def test_traces_of_the_receipt_and_of_each_invoice_say_the_same_of_one_split(
    anna: Browser, desk: Store, given: Settings
) -> None:
    address = receipt(anna, "P3")
    named = items(anna.get(address).text)
    said = {named["INV-20260002"]: "300", named["INV-20260003"]: "200"}
    assert anna.post(address, **said, reason="as told").status_code == 303
    numbers = ("P3", "INV-20260002", "INV-20260003")
    before = [anna.get(f"/trace?text={number}").text for number in numbers]
    assert all("Takes effect with the next reconciliation" in page for page in before)
    reconcile(desk, given, "run-2")
    for page in (anna.get(f"/trace?text={number}").text for number in numbers):
        assert "Counts in every reconciliation" in page
        assert "Takes effect with the next" not in page


def test_an_undo_says_what_it_took_back(anna: Browser) -> None:
    address = receipt(anna, "P3")
    named = items(anna.get(address).text)
    anna.post(address, **{named["INV-20260002"]: "300", named["INV-20260003"]: "200"}, reason="as told")
    anna.post(f"/cash/{address.split('/')[2]}/undo")
    said = r"What was decided about P3 is taken back \(INV-2026000\d, INV-2026000\d\)\."
    assert re.search(said, anna.get("/cash").text)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"INV-20260002": "600"}, "CNY 600.00 cannot be applied where CNY 500.00 is open."),
        ({"INV-20260002": "400", "INV-20260003": "101"}, "Together that is CNY 501.00, and CNY 500.00 came in."),
        ({"INV-20260002": "-1"}, "CNY -1.00 cannot be applied"),
        ({"INV-20260002": "0.001"}, "0.001 has more decimals than CNY."),
        ({"INV-20260002": "many"}, "“many” is no amount."),
        ({"INV-20260002": "NaN"}, "“NaN” is no amount."),
        ({"INV-20260002": "1e40"}, "“1e40” is no amount."),
        ({}, "at least one item"),
    ],
)
def test_what_does_not_add_up_is_said_and_nothing_of_it_is_kept(
    anna: Browser, desk: Store, said: dict[str, str], sentence: str
) -> None:
    address = receipt(anna, "P3")
    named = items(anna.get(address).text)
    answer = anna.post(address, **{named[number]: amount for number, amount in said.items()}, reason="why not")
    assert answer.status_code == 422
    assert sentence in unescape(answer.text)
    assert 'value="why not"' in answer.text, "what was typed is still there"
    assert decided(desk) == []


def test_an_item_that_is_not_open_cannot_be_settled(anna: Browser, desk: Store) -> None:
    answer = anna.post(receipt(anna, "P3"), **{"item-424242": "1"})
    assert answer.status_code == 422
    assert decided(desk) == []


def test_other_items_are_looked_for_and_what_was_typed_stays(anna: Browser) -> None:
    address = receipt(anna, "P2")
    empty = anna.get(address).text
    assert (items(empty), "The payer is no known customer." in empty) == ({}, True)
    found = anna.post(address, find="1", text="acme").text
    assert len(items(found)) == 3
    field = items(found)["INV-20260003"]
    again = anna.post(address, find="1", text="20260001", **{field: "123.45"}).text
    assert list(items(again)) == ["INV-20260003", "INV-20260001"]
    assert f'name="{field}" value="123.45"' in again


def test_money_that_is_not_there_to_apply_cannot_be_split(anna: Browser) -> None:
    assert anna.get("/cash/424242/split").status_code == 404


def test_money_that_settles_nothing_is_said_to_be_a_deposit_and_leaves_the_desk(
    anna: Browser, desk: Store, given: Settings
) -> None:
    address = receipt(anna, "P2")
    said = {"kind-0": "deposit", "amount-0": "123.45", "reason": "For the order of November"}
    refused = anna.post(address, **{**said, "kind-0": "fee"})
    assert (refused.status_code, "that it is a deposit" in refused.text) == (422, True)
    assert anna.post(address, **said).status_code == 303
    [only] = decided(desk)
    assert (only.settles_nothing, only.differences) == (True, [(None, "deposit", 12345)])
    assert "Takes effect with the next reconciliation" in anna.get("/cash/decided").text
    reconcile(desk, given, "run-2")
    page = anna.get("/cash/decided").text
    assert "Counts in every reconciliation" in page
    assert "123.45" in page
    assert "in all: 2" in anna.get("/cash").text, "of the three receipts"


def test_the_audit_tells_a_decision_with_documents_and_amounts(anna: Browser, desk: Store) -> None:
    address = receipt(anna, "P3")
    key, field = address.split("/")[2], items(anna.get(address).text)["INV-20260002"]
    anna.post(address, **{field: "300.5", "kind-0": "fee", "amount-0": "-15", "reason": "as told"})
    with desk.transaction() as connection:
        cash.cut(connection, int(key), [int(field.removeprefix("item-")), 987_654], "a.finance", "no longer there")
    page = anna.get("/audit").text
    told = re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", page)))
    assert "receipt: books P3 · items: books INV-20260002 CNY 300.50 · differences: " in told
    assert "Bank's or processor's fee CNY -15.00 · reason: as told" in told
    assert f'<a href="/cash?receipt={key}">books P3</a>' in page
    assert '<a href="/trace?text=INV-20260002">books INV-20260002 CNY 300.50</a>' in page
    assert "items: books INV-20260002, 987654 · " in told, "what is gone is told by its id"


def test_what_is_decided_already_stands_in_the_form_so_that_the_rest_can_be_given_to_others(
    anna: Browser, desk: Store, given: Settings
) -> None:
    address = receipt(anna, "P3")
    first, second = (items(anna.get(address).text)[f"INV-2026000{n}"] for n in (2, 3))
    anna.post(address, **{first: "120.50", "kind-1": "fee", "amount-1": "-5"}, reason="a part")
    for _ in range(2):
        page = anna.get(address).text
        assert "What is decided already stands below." in page
        assert f'name="{first}" value="120.50"' in page
        assert re.search(r'<option value="fee" selected>.*?name="amount-0" value="-5.00"', page, re.DOTALL)
        assert "Left of it: 384.50 CNY" in page
        reconcile(desk, given, "run-2")
    form = {first: "120.50", second: "384.50", "kind-0": "fee", "amount-0": "-5.00"}
    assert anna.post(address, **form, reason="the rest").status_code == 303
    assert sorted(item.spent for item in decided(desk)) == [12_050, 38_450]


@pytest.mark.parametrize("typed", ["20,000", "twelve", "1.234"])
def test_what_is_wrong_about_an_item_names_it_and_marks_its_field(anna: Browser, desk: Store, typed: str) -> None:
    address = receipt(anna, "P3")
    first, second = (items(anna.get(address).text)[f"INV-2026000{n}"] for n in (2, 3))
    page = anna.post(address, **{first: "10", second: typed}, reason="so").text
    assert re.search(r'<p class="problem"[^>]* id="wrong">INV-20260003: ', page)
    marked = re.findall(r'<input name="([^"]+)"[^>]*aria-invalid="true" aria-describedby="wrong" autofocus', page)
    assert (marked, page.count("autofocus")) == ([second], 1)
    assert decided(desk) == []


@pytest.mark.parametrize(
    ("form", "marked"),
    [
        ({"kind-2": "fee", "amount-2": "much"}, "amount-2"),
        ({"kind-1": "", "amount-1": "5"}, "kind-1"),
        ({"reason": " "}, "reason"),
    ],
)
def test_what_is_wrong_beside_the_items_is_marked_too(anna: Browser, form: dict[str, str], marked: str) -> None:
    address = receipt(anna, "P3")
    field = items(anna.get(address).text)["INV-20260002"]
    page = anna.post(address, **{field: "10", "reason": "so", **form}).text
    found = re.findall(r'name="([^"]+)"[^>]*aria-invalid="true"', page)
    assert (found, page.count("autofocus")) == ([marked], 1)
