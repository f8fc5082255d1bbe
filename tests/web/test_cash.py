"""The matching desk: suggestions one after the other, taken, left for later, undone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update

from console.cash import by_worth
from console.decided import UNDONE
from reconciliation.engine import reconcile
from settings.model import Settings
from state import cash, chains, figures, findings, lookup
from state.clock import now_us
from state.members import Role
from state.schema import CASH_UNDONE, audit, canonical, figure, finding, run
from state.store import Store
from tests.console import deal, receipts
from tests.web.conftest import Browser
from tests.web.test_awaiting import waits


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


def test_enter_or_a_key_takes_only_what_is_likely_and_from_a_customer_who_is_known(anna: Browser, desk: Store) -> None:
    hint, focused = "Enter takes it", r'<button name="rank" value="1" accesskey="1" autofocus>'
    key, tick = "<kbd>1</kbd> Take suggestion 1", 'type="checkbox" name="seen"'
    page = anna.get("/cash").text
    receipt = re.findall(r'action="/cash/(\d+)/confirm"', page)[0]
    changed(desk, receipt, customer="Acme", score=600)
    page = anna.get("/cash").text
    assert (hint in page, bool(re.search(focused, page)), key in page) == (True, True, True)
    assert page.count(tick) == 1, "the second is still a guess"
    for customer, score in ((None, 990), ("Acme", 599)):
        changed(desk, receipt, customer, score)
        page = anna.get("/cash").text
        assert (hint in page, bool(re.search(r"<button[^>]* autofocus", page)), key in page) == (False,) * 3
        assert 'accesskey="1"' not in page
        assert (page.count(tick), "Take suggestion 1" in page) == (2, True)
        assert ("customer not known" in page) is (customer is None)
        refused = anna.post(f"/cash/{receipt}/confirm", rank="1")
        assert (refused.status_code, "This is a guess" in refused.text) == (422, True)
        for said in ({"seen": "1"}, {"seen": "1", "reason": "  "}):
            refused = anna.post(f"/cash/{receipt}/confirm", rank="1", **said)
            assert (refused.status_code, "Say why; the reason is kept" in refused.text) == (422, True)
        assert page.count('<input name="reason" maxlength="4000" required>') == 2
    assert decided(desk) == []


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
    answer = anna.post(address, rank="1", skip="0", seen="1", reason="as told")
    receipt = address.split("/")[2]
    assert answer.headers["location"] == f"/cash?skip=0&done={receipt}"
    assert decided(desk) == [(int(receipt), "a.finance")]
    page = anna.get(answer.headers["location"]).text
    assert "None of these has a suggestion" in page
    assert "Kept. It takes effect with the next reconciliation" in page
    assert f'action="/cash/{receipt}/undo"' in page
    assert anna.post(f"/cash/{receipt}/undo").headers["location"] == f"/cash?receipt={receipt}"
    assert decided(desk) == []
    page = anna.get("/cash").text
    assert re.search(r"What was decided about P\d is taken back \([^)]+\)\. The next", page)
    assert "Take suggestion 1" in page
    anna.post(f"/cash/{receipt}/undo")
    assert "Nothing was decided about this receipt" in anna.get("/cash").text


def test_what_was_decided_is_found_later_with_who_why_and_how_far_and_is_undone_there(
    anna: Browser, desk: Store, given: Settings, as_role: Callable[[Role], Browser]
) -> None:
    receipt, item = known(desk, "P3"), known(desk, "INV-20260003")
    with desk.transaction() as connection:
        cash.pin(connection, receipt, [(item, 50_000, 50_000)], [], "li.wei", "told by telephone")
    for address in ("/cash", "/cash/decided", f"/cash?receipt={receipt}"):
        page = anna.get(address).text
        found = re.search(rf'INV-20260003</a> 500\.00.*?li\.wei.*?action="/cash/{receipt}/undo"', page, re.DOTALL)
        assert found is not None, address
        assert "told by telephone" in found.group()
        assert "Takes effect with the next reconciliation." in found.group()
    reconcile(desk, given, "run-2")
    page = anna.get("/cash/decided").text
    assert ("Counts in every reconciliation." in page, "Takes effect" in page) == (True, False)
    assert f"/cash/{receipt}/undo" not in as_role(Role.VIEWER).get("/cash/decided").text
    anna.post(f"/cash/{receipt}/undo")
    assert "0 receipts · taken back lately: 1" in anna.get("/cash/decided").text
    assert "Taken back: the next reconciliation" in anna.get(f"/cash?receipt={receipt}").text


def test_a_decision_that_was_undone_stays_in_the_list_with_who_undid_it_when_and_why(
    anna: Browser, desk: Store, given: Settings
) -> None:
    receipt, item, other = (known(desk, name) for name in ("P3", "INV-20260003", "INV-20260002"))
    with desk.transaction() as connection:
        cash.pin(connection, receipt, [(item, 50_000, 50_000)], [(None, "fee", 7)], "li.wei", "told by telephone")
    anna.post(f"/cash/{receipt}/undo", reason="It was of another month")
    with desk.transaction() as connection:
        cash.pin(connection, receipt, [(other, 40_000, 40_000)], [], "li.wei", "read again")
    for address in ("/cash", "/cash/decided"):
        stands, undone = anna.get(address).text.partition("Decided</h")[2].split("<tr><td>")[1:3]
        assert ("INV-20260002</a> 400.00" in stands, "read again" in stands, "<s>" in stands) == (True, True, False)
        assert f'action="/cash/{receipt}/undo"' in stands
        struck = undone.partition("<s>")[2].partition("</s>")[0]
        assert ("INV-20260003</a> 500.00" in struck, "fee 0.07 CNY" in struck) == (True, True), address
        assert ("li.wei" in undone, "told by telephone" in undone, "read again" in undone) == (True, True, False)
        assert re.search(r"Taken back by a\.finance, \d{4}-\d\d-\d\d \d\d:\d\d: It was of another month<", undone)
        assert f'action="/cash/{receipt}/undo"' not in undone, "it cannot be undone again"
    assert "1 receipt · taken back lately: 1" in anna.get("/cash/decided").text
    rows = anna.get("/audit").text.partition("<tbody>")[2]
    row = rows.partition("Decision about a payment taken back")[2].partition("</tr>")[0]
    assert ("INV-20260003 CNY 500.00" in row, "It was of another month" in row, "li.wei" in row) == (True,) * 3


def test_only_the_last_decisions_that_were_undone_are_listed_and_found_by_an_index(anna: Browser, desk: Store) -> None:
    receipt, item = known(desk, "P3"), known(desk, "INV-20260003")
    with desk.transaction() as connection:
        for n in range(UNDONE + 3):
            cash.pin(connection, receipt, [(item, 100 + n, 100 + n)], [], "li.wei")
            cash.undo(connection, receipt, "a.finance")
        cash.pin(connection, receipt, [], [(None, "deposit", 50_000)], "li.wei")
        cash.undo(connection, receipt, "a.finance")
        query = select(audit.c.id).where(CASH_UNDONE).order_by(audit.c.id.desc())
        sql = str(query.compile(desk.engine, compile_kwargs={"literal_binds": True}))
        plan = str(connection.execute(text(f"EXPLAIN QUERY PLAN {sql}")).all())
    page = anna.get("/cash/decided").text
    assert ("0 receipts · taken back lately: 50" in page, "deposit 500.00" in page) == (True, True)
    rest = anna.get("/cash/decided?page=2").text
    assert (page.count("Taken back by"), rest.count("Taken back by")) == (50, 0)
    assert ("1.52</" in page or "1.52 <" in page, "1.03 <" in page) == (True, False)
    assert "ix_audit_cash_undone" in plan


def test_a_payer_who_is_no_known_customer_is_named_in_both_lists_and_above_the_receipt(
    anna: Browser, desk: Store, given: Settings
) -> None:
    stranger, item = known(desk, "P2"), known(desk, "INV-20260003")
    payment, said = canonical["payment"], "Nordwind GmbH (payer, no known customer)"
    with desk.transaction() as connection:
        connection.execute(update(payment).where(payment.c.number == "P2").values(payer_name="Nordwind GmbH"))
    reconcile(desk, given, "run-2")
    page = anna.get("/cash").text
    row = page.partition(f'<a href="/cash?receipt={stranger}">')[2].partition("</tr>")[0]
    assert (f"<td>{said}</td>" in row, "Find out which customer that is." in row) == (True, True)
    assert "Unknown payer" not in row
    assert f"<h2>{said}</h2>" in anna.get(f"/cash?receipt={stranger}").text
    with desk.transaction() as connection:
        cash.pin(connection, stranger, [(item, 10_000, 10_000)], [], "li.wei", "told by telephone")
    assert f"<td>{said}</td>" in anna.get("/cash/decided").text


def test_what_was_kept_beside_the_items_is_said_where_it_was_decided(anna: Browser, desk: Store) -> None:
    receipt, item = known(desk, "P1"), known(desk, "INV-20260001")
    with desk.transaction() as connection:
        cash.pin(connection, receipt, [(item, 94_168, 94_168)], [(None, "overpayment", 5_832)], "li.wei", "told")
    for address in ("/cash", "/cash/decided", f"/cash?receipt={receipt}", "/trace?text=INV-20260001"):
        assert "overpayment 58.32 CNY" in anna.get(address).text, address


def test_the_desk_can_be_kept_to_what_was_received_until_a_day(anna: Browser, desk: Store) -> None:
    receipt = known(desk, "P3")
    with desk.transaction() as connection:
        mine = (figure.c.kind == "cash", figure.c.key == str(receipt))
        value = json.loads(connection.execute(select(figure.c.value).where(*mine)).scalar_one())
        value["received_on"] = "2026-10-04"
        connection.execute(update(figure).where(*mine).values(value=json.dumps(value)))
    assert "With suggestions: 1; in all: 3" in anna.get("/cash").text
    page = anna.get("/cash?until=2026-10-04").text
    assert "With suggestions: 1; in all: 1" in page
    assert re.findall(r'<tr><td><a href="([^"]+)">', page) == [f"/cash?receipt={receipt}&amp;until=2026-10-04"]
    assert "Only what was received until 2026-10-04" in page
    answer = anna.post(f"/cash/{receipt}/confirm", rank="1", seen="1", reason="as told", until="2026-10-04")
    assert answer.headers["location"] == f"/cash?skip=0&done={receipt}&until=2026-10-04"
    assert "in all: 0" in anna.get("/cash?until=2026-10-03").text


def test_what_rules_matched_can_be_looked_at_too(anna: Browser, desk: Store) -> None:
    page = anna.get(f"/cash?receipt={known(desk, 'P1')}").text
    assert "The rules matched it" in page
    assert "INV-20260001</a> <b>1,000.00</b>" in page


def test_a_suggestion_of_what_somebody_gave_away_since_is_not_taken(anna: Browser, desk: Store) -> None:
    stranger, items = known(desk, "P2"), [known(desk, f"INV-2026000{n}") for n in (2, 3)]
    with desk.transaction() as connection:
        cash.pin(connection, stranger, [(item, 6_000, 6_000) for item in items], [], "li.wei", "told")
    page = anna.get("/cash").text
    assert page.count("CNY 60.00 of it is given by li.wei to") == 2
    address = re.findall(r'action="(/cash/\d+/confirm)"', page)[0]
    refused = anna.post(address, rank="1", seen="1", reason="as told")
    assert (refused.status_code, "Undo that decision first" in refused.text) == (422, True)
    assert decided(desk) == [(stranger, "li.wei")] * 2


def test_who_paid_what_was_given_to_a_stranger_is_shown_that_decision_and_no_refund(
    anna: Browser, desk: Store, given: Settings
) -> None:
    stranger, items = known(desk, "P2"), [known(desk, f"INV-2026000{n}") for n in (2, 3)]
    payment = canonical["payment"]
    with desk.transaction() as connection:
        more = {"amount": 100_000, "unapplied_amount": 100_000}
        connection.execute(update(payment).where(payment.c.number == "P2").values(more))
        cash.pin(connection, stranger, [(item, 50_000, 50_000) for item in items], [], "li.wei", "told")
    reconcile(desk, given, "run-2")
    page = anna.get(f"/cash?receipt={known(desk, 'P3')}").text
    assert "Its invoice was given to another receipt by a decision" in page
    said = 'INV-20260002: <span class="late">CNY 500.00 of it is given by li.wei to</span>'
    assert f'{said} <a href="/cash?receipt={stranger}">P2</a>' in page
    assert "Refund" not in page.split("All that is left")[0]


def test_a_receipt_without_a_number_is_called_by_its_reference(anna: Browser, desk: Store, given: Settings) -> None:
    receipt = known(desk, "P3")
    with desk.transaction() as connection:
        connection.execute(
            update(canonical["payment"]).where(canonical["payment"].c.number == "P3").values(number=None)
        )
    reconcile(desk, given, "run-2")
    assert f'<a href="/cash?receipt={receipt}">books INV-2026009</a>' in anna.get("/cash").text
    assert "books INV-2026009 ·" in anna.get(f"/cash/{receipt}/split").text


def in_part(store: Store, receipt: int, item: int, cents: int = 20_000) -> None:
    """Let somebody decide that a receipt settles so much of an item."""
    with store.transaction() as connection:
        cash.pin(connection, receipt, [(item, cents, cents)], [], "li.wei", "told by telephone")


@pytest.mark.parametrize("reconciled", [False, True])
def test_what_a_person_leaves_of_a_receipt_stays_on_the_desk_before_and_after_the_next_reconciliation(
    anna: Browser, desk: Store, given: Settings, reconciled: bool
) -> None:
    receipt, told = known(desk, "P2"), "Waits for you: receipts to match: "
    assert waits(anna) == told + "3"
    in_part(desk, receipt, known(desk, "INV-20260002"), 2_345)
    if reconciled:
        reconcile(desk, given, "run-2")
    page = anna.get("/cash").text
    assert "in all: 3" in page
    listed = page.partition("All that is left")[2]
    row = listed.partition(f'<a href="/cash?receipt={receipt}">')[2].partition("</tr>")[0]
    assert re.search(r'100\.00 <span class="quiet">CNY<br>Amount 123\.45', row)
    assert ("Left over by a decision" in row, "Say what the rest settles" in row) == (True, True)
    own = anna.get(f"/cash?receipt={receipt}").text.partition("All that is left")[0]
    assert '<p class="figure">100.00 CNY</p>' in own
    assert ("INV-20260002</a> 23.45" in own, "What the rest may settle" in own) == (True, True)
    assert "left: 100.00" in page.partition("Decided</h2>")[2]
    assert waits(anna) == told + "3"
    with desk.transaction() as connection:
        cash.pin(connection, receipt, [], [(None, "deposit", 12_345)], "li.wei", "all of it")
    assert waits(anna) == told + "2"
    assert "in all: 2" in anna.get("/cash").text


def test_what_is_left_of_what_rules_had_matched_is_counted_once_somebody_has_it_settle_less(
    anna: Browser, desk: Store
) -> None:
    receipt = known(desk, "P1")
    with desk.transaction() as connection:
        mine = (figure.c.kind == "cash", figure.c.key == str(receipt))
        value = json.loads(connection.execute(select(figure.c.value).where(*mine)).scalar_one())
        value |= {"left": 0, "class": None, "next_step": None}
        text_ = json.dumps(value, sort_keys=True, separators=(",", ":"))
        connection.execute(update(figure).where(*mine).values(value=text_))
    assert waits(anna) == "Waits for you: receipts to match: 2"
    in_part(desk, receipt, known(desk, "INV-20260001"), 60_000)
    assert waits(anna) == "Waits for you: receipts to match: 3"
    assert '<p class="figure">500.00 CNY</p>' in anna.get(f"/cash?receipt={receipt}").text


def test_whoever_leaves_a_rest_is_told_so_at_once(anna: Browser, desk: Store) -> None:
    receipt, item = known(desk, "P3"), known(desk, "INV-20260002")
    answer = anna.post(f"/cash/{receipt}/split", **{f"item-{item}": "120"}, reason="a part")
    page = anna.get(answer.headers["location"]).text
    assert "CNY 380.00 of it is left: the receipt stays in the list below." in page


def test_a_suggestion_for_the_rest_is_taken_beside_what_was_decided_before(anna: Browser, desk: Store) -> None:
    receipt, first, second = (known(desk, name) for name in ("P1", "INV-20260001", "INV-20260002"))
    with desk.transaction() as connection:
        cash.pin(connection, receipt, [(first, 60_000, 60_000)], [(None, "fee", -100)], "li.wei", "told")
        kept = figures.some(connection, cash.KIND, {str(receipt)})[str(receipt)]
        entry = {**kept["applied"][0], "item": second, "applied": 50_000, "spent": 50_000}
        option = {"rank": 1, "rule": "amount_only", "score": 700, "applied": [entry], "differences": [], "evidence": {}}
        too_much = {**option, "rank": 2, "applied": [{**entry, "applied": 50_200, "spent": 50_200}]}
        value = json.dumps({**kept, "suggestions": [option, too_much]})
        connection.execute(figure.insert().values(kind="cash", key=str(receipt), at=2, run_id="x", value=value))
    page = anna.get(f"/cash?receipt={receipt}").text
    assert ("To be decided" in page, page.count(f'action="/cash/{receipt}/confirm"')) == (True, 1)
    assert anna.post(f"/cash/{receipt}/confirm", rank="1", seen="1", reason="so").status_code == 303
    with desk.reading() as connection:
        held = cash.of_receipts(connection, [receipt])
    assert sorted((item.item_id, item.spent) for item in held) == sorted([(first, 60_000), (second, 50_000)])
    assert [entry for item in held for entry in item.differences] == [(None, "fee", -100)]
    assert '<p class="figure">1.00 CNY</p>' in anna.get(f"/cash?receipt={receipt}").text


def test_a_receipt_whose_decision_does_not_fit_any_more_waits_again(
    anna: Browser, desk: Store, given: Settings
) -> None:
    receipt = known(desk, "P2")
    with desk.transaction() as connection:
        cash.pin(connection, receipt, [(known(desk, "INV-20260002"), 6_000, 6_000)], [], "li.wei", "told")
        invoices = canonical["invoice"]
        connection.execute(update(invoices).where(invoices.c.number == "INV-20260002").values(status="void"))
        now = now_us()
        began = {"id": "run-2", "kind": "reconcile", "engine": "local", "status": "done", "summary": "{}"}
        connection.execute(run.insert().values(**began, started_at=now, ended_at=now))
    reconcile(desk, given, "run-2")
    row = anna.get("/cash").text.partition(f'<a href="/cash?receipt={receipt}">')[2].partition("</tr>")[0]
    assert ("123.45" in row, "Decision no longer fits" in row) == (True, True)


@pytest.mark.parametrize(
    ("text", "found"),
    [("100", ["P2"]), ("100.00", ["P2"]), ("123.45", ["P2"]), ("nordwind", ["P2"]), ("acme", ["P3", "P1"]), ("x9", [])],
)
def test_what_is_left_is_found_by_its_amount_and_whom_it_is_from(
    anna: Browser, desk: Store, text: str, found: list[str]
) -> None:
    payments = canonical["payment"]
    with desk.transaction() as connection:
        connection.execute(update(payments).where(payments.c.number == "P2").values(payer_name="Nordwind GmbH"))
        connection.execute(update(payments).where(payments.c.number == "P1").values(payer_name="Acme"))
    in_part(desk, known(desk, "P2"), known(desk, "INV-20260002"), 2_345)
    if text == "100":  # of P1 the rules left just as much
        with desk.transaction() as connection:
            cash.pin(connection, known(desk, "P1"), [], [(None, "deposit", 110_000)], "li.wei", "told")
    if text == "100.00":
        found = ["P1", "P2"]
    listed = anna.get(f"/cash?text={text}").text.partition("All that is left")[2].partition("Decided</h2>")[0]
    names = re.findall(r'<tr><td><a href="/cash\?receipt=\d+">books ([^<]+)', listed)
    assert sorted(names) == sorted(found)
    assert ("Nothing that is left has this in it" in listed) is (not found)


def test_the_list_says_how_it_is_sorted_and_shows_what_other_currencies_come_to(
    anna: Browser, desk: Store, given: Settings
) -> None:
    with desk.transaction() as connection:
        for name, currency in (("P2", "EUR"), ("P3", "XAF")):
            mine = (figure.c.kind == "cash", figure.c.key == str(known(desk, name)))
            value = json.loads(connection.execute(select(figure.c.value).where(*mine)).scalar_one())
            connection.execute(update(figure).where(*mine).values(value=json.dumps({**value, "currency": currency})))
    given.reconciliation.rates = {"EUR": Decimal("7.5")}
    page = anna.get("/cash").text
    assert (
        "The largest first, by what is left in CNY at the rates of the settings; what has no rate comes last." in page
    )
    rows = page.partition("All that is left")[2].split("<tr><td>")[1:4]
    assert ["about CNY 925.88" in rows[0], "about" in rows[1], "no rate" in rows[2]] == [True, False, True]


def known(store: Store, number: str) -> int:
    """The record id of what has this number."""
    with store.reading() as connection:
        return next(item.record_id for item in lookup.named(connection, number) if item.system == "books")


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


def test_the_trace_of_a_receipt_and_of_its_invoice_show_who_decided_about_it(anna: Browser, desk: Store) -> None:
    assert "Decided at the matching desk" not in anna.get("/trace?text=INV-2026009").text
    page = anna.get("/cash").text
    receipt = re.findall(r'action="/cash/(\d+)/confirm"', page)[0]
    anna.post(f"/cash/{receipt}/confirm", rank="1", seen="1", reason="as told")
    [(_, _)] = decided(desk)
    with desk.reading() as connection:
        [one] = cash.decisions(connection)
        called = chains.rows(connection, [one.item_id])[one.item_id]["number"]
    page = anna.get(f"/trace?text={called}").text
    assert "Decided at the matching desk" in page
    assert "a.finance" in page[page.index("Decided at the matching desk") :]


def test_whoever_decides_is_told_how_many_receipts_wait_until_somebody_has_decided_them(
    anna: Browser, as_role: Callable[[Role], Browser], desk: Store
) -> None:
    told = "Waits for you: receipts to match: "
    assert (waits(anna), waits(as_role(Role.VIEWER)), waits(as_role(Role.OPERATOR))) == (told + "3", "", "")
    assert 'href="/cash">receipts to match: 3</a>' in anna.get("/links").text
    receipt = re.findall(r'action="/cash/(\d+)/confirm"', anna.get("/cash").text)[0]
    anna.post(f"/cash/{receipt}/confirm", rank="1", seen="1", reason="compared")
    assert waits(anna) == told + "2"
    with desk.transaction() as connection:
        connection.execute(figure.insert(), [_of_receipt(key) for key in range(9001, 9099)])
    assert waits(anna) == told + "100"
    with desk.transaction() as connection:
        connection.execute(figure.insert(), [_of_receipt(key) for key in range(9201, 9400)])
    assert waits(anna) == told + "100+"


def _of_receipt(key: int, left: int = 5) -> dict[str, Any]:
    value = json.dumps({"left": left, "next_step": None}, separators=(",", ":"))
    return {"kind": "cash", "key": str(key), "at": 1, "run_id": "x", "value": value}


def test_the_river_says_how_many_receipts_without_an_invoice_are_matched_and_only_not_booked(anna: Browser) -> None:
    row = re.search(
        r'<th scope="row">Invoice → payment(?! \(with tax\): ).*?</tr>', anna.get("/?period=all").text, re.DOTALL
    )
    assert row is not None
    assert "receipts matched already, not booked yet: 1" in row[0]
    ranking = anna.get("/?period=all").text.partition('id="worst"')[2].partition('class="tabs"')[0]
    assert re.search(r"and in none of these rows: [\d,]+\.\d\d CNY .*<a href=\"/cash/matched\">", ranking)
    anna.post("/language", locale="zh-CN")
    assert "其中 1 笔收款已匹配、尚未入账" in anna.get("/?period=all").text


def test_behind_a_tie_out_money_at_hand_says_what_the_desk_knows_of_it(anna: Browser, desk: Store) -> None:
    query = "name=invoice_payment&side=right&currency=CNY&part=unmatched"
    page = anna.get(f"/tie-outs?{query}").text
    rows = {row.partition("</a>")[0].rpartition(">")[2]: row for row in page.split("<tr><td>")[1:]}
    assert "Matched with INV-20260001, not booked yet" in rows["P1"]
    assert ">Acme<" in rows["P3"]
    assert re.search(r'<a href="/cash\?receipt=\d+">Unknown payer</a>', rows["P2"])
    with desk.transaction() as connection:
        key, kept = next(
            (key, value)
            for key, value in figures.standing(connection, "cash").items()
            if value["class"] == "unknown_payer"
        )
        option = {"applied": [{"record": {"number": "INV-7", "source_id": "INV-7", "system": "books"}}]}
        value = json.dumps({**kept, "suggestions": [option]})
        connection.execute(figure.insert().values(kind="cash", key=key, at=2, run_id="x", value=value))
    page = anna.get(f"/tie-outs?{query}").text
    assert f'<a href="/cash?receipt={key}">Perhaps for INV-7</a>' in page


def test_a_receipt_says_which_findings_stand_about_it_with_the_way_to_each(anna: Browser, desk: Store) -> None:
    with desk.reading() as connection:
        waiting = [int(key) for key in figures.standing(connection, cash.KIND)]
        about = {record.record_id: item for item in findings.of_records(connection, waiting) for record in item.records}
    record, found = next((record, item) for record, item in about.items() if record in waiting)
    beside = anna.get(f"/cash?receipt={record}").text.partition("<table>")
    link = rf'<a href="/findings/{found.id}">[^<]{{20,}}</a>'
    assert re.search(link, beside[0]), "beside the receipt"
    assert re.search(link, beside[2]), "and in the list"
    with desk.transaction() as connection:
        connection.execute(update(finding).where(finding.c.id == found.id).values(status="resolved"))
    assert f"/findings/{found.id}" not in anna.get(f"/cash?receipt={record}").text


def test_no_document_behind_a_tie_out_is_without_a_why(anna: Browser, desk: Store) -> None:
    with desk.transaction() as connection:
        connection.execute(update(finding).values(status="resolved"))
        connection.execute(delete(figure).where(figure.c.kind == cash.KIND))
    page = anna.get("/tie-outs?name=invoice_payment&side=right&currency=CNY&part=unmatched").text
    reasons = re.findall(r'data-label="Why">(.*?)</td>', page)
    assert reasons
    assert set(reasons) == {"Nothing is linked with it on the other side; no finding stands about it."}


def test_a_receipt_is_of_the_same_class_and_name_at_the_desk_and_in_the_report(
    anna: Browser, desk: Store, given: Settings
) -> None:
    payments = canonical["payment"]
    with desk.transaction() as connection:
        connection.execute(update(payments).where(payments.c.number == "P2").values(payer_name="Nordwind GmbH"))
        repeated = {"amount": 110_000, "unapplied_amount": 110_000, "reference_text": "INV-20260001", "number": None}
        twice = {**repeated, "order_refs": "no:SO-1", "party_ref": "id:1"}
        connection.execute(update(payments).where(payments.c.number == "P3").values(**twice))
        connection.execute(update(payments).where(payments.c.number == "P1").values(order_refs="no:SO-1"))
    reconcile(desk, given, "run-2")
    said = {"P2": "The payer is no known customer", "INV-20260001": "Perhaps paid twice"}
    step = {"P2": "Find out which customer that is.", "INV-20260001": "Pay the second one back, or set it off with"}
    desk_, figures_ = anna.get("/cash").text.partition("All that is left")[2], anna.get("/figures").text
    for page in (desk_, figures_):
        for called, kind in said.items():
            row = next(part for part in page.split("<tr") if f"{called}</a>" in part and kind in part)
            assert step[called] in row
    assert "Nordwind GmbH (payer, no known customer)" in figures_


def test_a_payer_who_is_no_known_customer_is_called_so_behind_tie_outs_too(
    anna: Browser, desk: Store, given: Settings
) -> None:
    payments = canonical["payment"]
    with desk.transaction() as connection:
        connection.execute(update(payments).where(payments.c.number == "P2").values(payer_name="Nordwind GmbH"))
    reconcile(desk, given, "run-2")
    page = anna.get("/tie-outs?name=invoice_payment&side=right&currency=CNY&part=unmatched").text
    assert "The payer is no known customer</a>" in page
    assert "Unknown payer" not in page


def test_a_trace_says_beside_what_the_system_says_what_is_open_here_and_which_receipt_is_matched(
    anna: Browser, desk: Store
) -> None:
    page = anna.get("/trace?text=INV-20260001").text
    assert 'Matched here, not booked yet: CNY 1,000.00 of receipt <a href="/trace?text=P1">P1</a>' in page
    course = page.partition('class="course"')[2].partition("</ol>")[0]
    assert "2026-10-05" in course
    assert "matched, not booked yet" in course
    assert "its own system says" not in page
    with desk.transaction() as connection:
        connection.execute(text("UPDATE invoices SET open_amount = 0 WHERE number = 'INV-20260001'"))
    said = "Still open by what came in and what was taken back: CNY 1,000.00; its own system says CNY 0.00."
    assert said in anna.get("/trace?text=INV-20260001").text
    anna.post("/language", locale="zh-CN")
    assert "已匹配、尚未入账" in anna.get("/trace?text=INV-20260001").text
