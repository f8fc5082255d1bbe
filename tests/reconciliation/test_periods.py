"""Periods: tie-outs by month, closing with two people in order, frozen figures, adjustments in the open period."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import text

from reconciliation import adjustments, closing, report
from reconciliation.engine import reconcile
from reconciliation.tieouts import DoesNotFootError
from settings.model import Settings
from state import audit, periods
from state.periods import PeriodError
from state.store import Store
from tests.reconciliation.books import Books, settings
from tests.reconciliation.deals import Deal
from tests.reconciliation.vault import Vault, firm, line

pytestmark = pytest.mark.slow

SEPTEMBER, OCTOBER, NOVEMBER = "2026-09", "2026-10", "2026-11"


def at(month: int, day: int, **changes: Any) -> Settings:
    """The settings on a day of 2026, in the morning."""
    return settings(as_of=datetime(2026, month, day, 1, 0, tzinfo=UTC), **changes)


def closed(store: Store, found: Settings, period: str, run_id: str = "close", by: str = "wang") -> periods.Close:
    return closing.close(store, found, period, by, run_id, {}, "so")


def sign(store: Store, found: Settings, period: str, run_id: str = "close") -> None:
    """Close and approve by two people."""
    closed(store, found, period, run_id)
    closing.approve(store, found, period, "li")


def tie_out(built: dict[str, Any], name: str, currency: str = "CNY") -> dict[str, Any]:
    [found] = [item for item in built["period_tie_outs"] if (item["name"], item["currency"]) == (name, currency)]
    return dict(found)


def movement(built: dict[str, Any], name: str, side: str) -> dict[str, Any]:
    [found] = [item for item in built["movements"] if (item["tie_out"], item["side"]) == (name, side)]
    return dict(found)


def as_bytes(built: dict[str, Any]) -> bytes:
    return json.dumps(built, ensure_ascii=False).encode()


@pytest.fixture
def books_of(store: Store) -> Books:
    return Books(store)


# -- tie-outs by period


def test_a_document_counts_in_the_month_of_its_day_and_agrees_when_its_partner_has_come(books: Books) -> None:
    Deal(1).write(books)  # ordered in September, delivered, billed and paid in October
    books.save()
    reconcile(books.store, at(10, 31), "run-1")
    september = tie_out(report.build(books.store, at(10, 31), period=SEPTEMBER), "order_invoice")
    assert september["movement"]["left"] == {"count": 1, "amount": "1200.00"}
    assert september["movement"]["unmatched_left"] == {"count": 1, "amount": "1200.00"}
    assert september["to_date"]["unmatched_left"] == {"count": 1, "amount": "1200.00"}
    october = tie_out(report.build(books.store, at(10, 31), period=OCTOBER), "order_invoice")
    assert october["movement"]["left"] == {"count": 0, "amount": "0.00"}
    agreed = {"left_count": 0, "right_count": 1, "left_amount": "0.00", "right_amount": "1200.00"}
    assert october["movement"]["matched"] == october["movement"]["across"] == agreed
    assert october["to_date"]["matched"] == {"count": 1, "left_amount": "1200.00", "right_amount": "1200.00"}


def test_what_moved_in_a_month_leads_from_its_opening_to_its_closing(books: Books) -> None:
    Deal(1).write(books)
    Deal(2).drop("payment").write(books)
    books.save()
    reconcile(books.store, at(10, 31), "run-1")
    orders = movement(report.build(books.store, at(10, 31)), "order_invoice", "left")
    assert (orders["opening"], orders["documents"], orders["closing"]) == ("2400.00", "0.00", "2400.00")
    assert (orders["open_before"], orders["settled"], orders["open_now"]) == ("2400.00", "2400.00", "0.00")
    bills = movement(report.build(books.store, at(10, 31)), "invoice_payment", "left")
    assert (bills["opening"], bills["documents"], bills["closing"]) == ("0.00", "2712.00", "2712.00")
    assert (bills["settled"], bills["open_now"]) == ("1356.00", "1356.00")


def test_money_that_is_paid_back_reduces_what_came_in_and_is_told_apart(books: Books) -> None:
    deal = Deal(1)
    deal.pay("REF", 50, kind="refund", direction="out", unapplied_amount=0)
    deal.write(books)
    books.save()
    reconcile(books.store, at(10, 31), "run-1")
    built = report.build(books.store, at(10, 31), period=OCTOBER)
    paid = tie_out(built, "invoice_payment")["movement"]
    came, back = paid["right"]["amount"], paid["back"]
    assert (came, back) == ("1306.00", {"left_amount": "0.00", "right_amount": "50.00"})
    assert movement(built, "invoice_payment", "right")["documents"] == "1306.00"


def test_a_part_delivery_keeps_its_value_when_the_rest_follows(books: Books) -> None:
    deal = Deal(1)
    deal.set("delivery", lines=[{"sku": "PUMP", "quantity": 3}], delivered_on=date(2026, 9, 30))
    deal.write(books)
    books.save()
    reconcile(books.store, at(10, 31), "run-1")
    before = tie_out(report.build(books.store, at(10, 31), period=SEPTEMBER), "order_delivery")
    rest = [{"sku": "PUMP", "quantity": 7}, {"sku": "VALVE", "quantity": 4}]
    deal.also("delivery", "DNB", lines=rest, delivered_on=date(2026, 10, 5)).write(books)
    books.save()
    reconcile(books.store, at(10, 31), "run-2")
    assert tie_out(report.build(books.store, at(10, 31), period=SEPTEMBER), "order_delivery") == before
    assert before["movement"]["right"] == {"count": 1, "amount": "300.00"}
    october = tie_out(report.build(books.store, at(10, 31)), "order_delivery")
    assert october["movement"]["right"] == {"count": 1, "amount": "900.00"}
    assert october["to_date"]["matched"]["right_amount"] == "1200.00"


def test_documents_without_a_day_count_as_earlier_than_every_period(books: Books) -> None:
    Deal(1).set("payment", received_on=None).write(books)
    books.save()
    reconcile(books.store, at(10, 31), "run-1")
    paid = tie_out(report.build(books.store, at(10, 31), period=SEPTEMBER), "invoice_payment")
    assert paid["movement"]["right"]["amount"] == "0.00"
    assert paid["to_date"]["right"] == {"count": 1, "amount": "1356.00"}


# -- who, and in which order


def test_a_period_is_closed_by_one_person_and_approved_by_another(store: Store, books_of: Books) -> None:
    Deal(1).write(books_of)
    books_of.save()
    november = at(11, 3)
    made = closed(store, november, OCTOBER)
    assert (made.status, made.closed_by, made.revision) == ("closed", "wang", 1)
    with pytest.raises(PeriodError, match="Wang closed 2026-10"):
        closing.approve(store, november, OCTOBER, "Wang")
    signed = closing.approve(store, november, OCTOBER, "li")
    assert (signed.status, signed.approved_by) == ("approved", "li")
    built = report.build(store, november, period=OCTOBER)
    assert built["sign_off"]["inputs_hash"] == made.inputs_hash
    assert (built["sign_off"]["closed_by"], built["sign_off"]["approved_by"]) == ("wang", "li")
    with store.reading() as connection:
        actions = [entry.action for entry in audit.entries(connection)]
    assert actions == ["period approved", "period closed"]


def test_periods_are_closed_one_after_the_other_when_they_are_over(books: Books) -> None:
    store = books.store
    Deal(1).write(books)
    books.save()
    with pytest.raises(PeriodError, match="2026-10 is not over: today is 2026-10-31"):
        closed(store, at(10, 31), OCTOBER)
    closed(store, at(10, 31), SEPTEMBER)
    with pytest.raises(PeriodError, match="2026-09 is closed and not approved"):
        closed(store, at(11, 3), OCTOBER)
    closing.approve(store, at(11, 3), SEPTEMBER, "li")
    with pytest.raises(PeriodError, match="2026-11 cannot be closed before 2026-10"):
        closed(store, at(12, 3), NOVEMBER)
    with pytest.raises(PeriodError, match="2026-08 cannot be closed before 2026-10"):
        closed(store, at(12, 3), "2026-08")
    with pytest.raises(PeriodError, match="is closed already"):
        closed(store, at(12, 3), SEPTEMBER)
    with pytest.raises(PeriodError, match="approved by li already"):
        closing.approve(store, at(12, 3), SEPTEMBER, "chen")


def test_only_whom_the_settings_name_may_close_and_approve(books: Books) -> None:
    named = at(11, 3, reconciliation={"periods": {"makers": ["wang"], "checkers": ["li"]}})
    with pytest.raises(PeriodError, match="zhao may not close"):
        closed(books.store, named, OCTOBER, by="zhao")
    closed(books.store, named, OCTOBER)
    with pytest.raises(PeriodError, match="zhao may not approve"):
        closing.approve(books.store, named, OCTOBER, "zhao")


# -- frozen figures, and what changes after a close


def test_what_changes_in_a_closed_period_is_an_adjustment_of_the_open_one(store: Store, books_of: Books) -> None:
    books = books_of
    for number in (1, 2, 3):
        Deal(number).drop("payment").write(books)
    books.save()
    sign(store, at(11, 3), OCTOBER)
    before = as_bytes(report.build(store, at(11, 3), period=OCTOBER))

    Deal(1).drop("payment").set("invoice", net_amount=1250, gross_amount=1412.5).write(books)
    books.add("invoice", "INV-2", deleted=True, **_without_id(Deal(2).documents["invoice"][0]))
    Deal(3).drop("payment").set("invoice", issue_date=date(2026, 11, 2)).write(books)
    Deal(4).drop("payment").write(books)  # a late invoice, order and delivery of October
    books.save()
    november = at(11, 10)
    reconcile(store, november, "run-2")

    assert as_bytes(report.build(store, november, period=OCTOBER)) == before
    built = report.build(store, november)
    billed = {
        item["record"]["number"]: (item["kind"], item["old_amount"], item["new_amount"], item["belongs_to"])
        for item in built["adjustments"]
        if item["tie_out"] == "invoice_payment"
    }
    assert billed == {
        "INV-1": ("changed", "1356.00", "1412.50", OCTOBER),
        "INV-2": ("gone", "1356.00", "0.00", OCTOBER),
        "INV-3": ("moved", "1356.00", "0.00", OCTOBER),
        "INV-4": ("late", "0.00", "1356.00", OCTOBER),
    }
    bills = movement(built, "invoice_payment", "left")
    assert (bills["opening"], bills["adjustments"]) == ("4068.00", "-1299.50")
    assert (bills["documents"], bills["closing"]) == ("1356.00", "4124.50")
    assert built["sign_off"] is None


def _without_id(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name != "source_id"}


def test_the_next_close_takes_the_adjustments_up_and_later_ones_go_into_the_period_after_it(books: Books) -> None:
    store = books.store
    Deal(1).drop("payment").write(books)
    books.save()
    sign(store, at(11, 3), OCTOBER)
    Deal(1).drop("payment").set("invoice", gross_amount=1400).write(books)
    books.save()
    sign(store, at(12, 3), NOVEMBER, "close-11")
    november = report.build(store, at(12, 3), period=NOVEMBER)
    assert [item["difference"] for item in november["adjustments"]] == ["44.00"]
    reconcile(store, at(12, 4), "run-3")
    december = report.build(store, at(12, 4))
    assert december["adjustments"] == []
    assert movement(december, "invoice_payment", "left")["opening"] == "1400.00"
    Deal(1).drop("payment").write(books)
    books.save()
    reconcile(store, at(12, 5), "run-4")
    assert [item["difference"] for item in report.build(store, at(12, 5))["adjustments"]] == ["-44.00"]


def test_an_advance_that_reaches_back_is_settled_in_the_open_period(books: Books) -> None:
    store = books.store
    deal = Deal(1).drop("payment").set("invoice", status="issued", open_amount=1356)
    deal.pay("ADV", 1356, received_on=date(2026, 10, 20)).write(books)  # settles nothing yet
    books.save()
    sign(store, at(11, 3), OCTOBER)
    before = report.build(store, at(11, 3), period=OCTOBER)
    assert tie_out(before, "invoice_payment")["to_date"]["unmatched_left"]["amount"] == "1356.00"

    applied = Deal(1).drop("payment").pay("ADV", 1356, "id:INV-1", received_on=date(2026, 10, 20))
    applied.write(books)
    books.save()
    reconcile(store, at(11, 10), "run-2")
    assert report.build(store, at(11, 10), period=OCTOBER) == before
    built = report.build(store, at(11, 10))
    assert built["adjustments"] == []
    assert {(item["side"], item["amount"], item["belongs_to"]) for item in built["settled"]} == {
        ("left", "1356.00", OCTOBER),
        ("right", "1356.00", OCTOBER),
    }
    bills = movement(built, "invoice_payment", "left")
    assert (bills["open_before"], bills["settled"], bills["open_now"]) == ("1356.00", "1356.00", "0.00")
    assert bills["opening"] == bills["closing"] == "1356.00"


def test_of_a_payout_a_part_may_stay_open_while_the_rest_agrees(store: Store) -> None:
    vault, noon = Vault(store), {"as_of": datetime(2026, 11, 3, 4, 0, tzinfo=UTC)}
    vault.payment("shop", "ch_1", 100, on=date(2026, 10, 5), external_ref="ch_1")
    charge = line("charge", 100, 3, of="ch_1")
    vault.payout("po_1", 67, charge, on=date(2026, 10, 8))  # nothing says what the 30 less are
    vault.books.save()
    sign(store, firm(**noon), OCTOBER)
    reconcile(store, firm(**noon), "run-2")
    built = report.build(store, firm(**noon))
    whole = movement(built, "payment_payout", "right")
    assert (whole["opening"], whole["closing"]) == ("70.00", "70.00")
    assert (whole["open_before"], whole["settled"], whole["open_now"]) == ("-30.00", "0.00", "-30.00")

    vault.payout("po_1", 67, charge, line("refund", -30, of="re_1"), on=date(2026, 10, 8))
    vault.payment("shop", "re_1", 30, on=date(2026, 10, 7), external_ref="re_1", direction="out", kind="refund")
    vault.books.save()
    reconcile(store, firm(**noon), "run-3")
    whole = movement(report.build(store, firm(**noon)), "payment_payout", "right")
    assert (whole["open_before"], whole["settled"], whole["open_now"]) == ("-30.00", "-30.00", "0.00")
    [item] = [item for item in report.build(store, firm(**noon))["settled"] if item["tie_out"] == "payment_payout"]
    assert (item["side"], item["amount"]) == ("right", "-30.00")


def test_nothing_is_closed_if_what_follows_would_not_add_up(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    Deal(1).write(books)
    books.save()
    reconcile(books.store, at(11, 3), "run-1")
    sums = adjustments.at_end
    monkeypatch.setattr(adjustments, "at_end", lambda *given: dict.fromkeys(sums(*given), (1, 1)))
    with pytest.raises(DoesNotFootError, match="does not add up"):
        closed(books.store, at(11, 3), OCTOBER)
    monkeypatch.undo()
    with books.store.reading() as connection:
        assert periods.closes(connection) == []
    closed(books.store, at(11, 3), OCTOBER)


def test_the_findings_of_a_period_roll_from_one_close_to_the_next(books: Books) -> None:
    store = books.store
    Deal(1).set("invoice", net_amount=1100).write(books)
    books.save()
    sign(store, at(11, 3), OCTOBER)
    october = report.build(store, at(11, 3), period=OCTOBER)["roll_forward"]
    assert october == {"opening": 0, "new": 1, "reopened": 0, "cleared": 0, "closing": 1}
    Deal(1).write(books)
    Deal(2).set("invoice", net_amount=1100).write(books)
    books.save()
    sign(store, at(12, 3), NOVEMBER, "close-11")
    november = report.build(store, at(12, 3), period=NOVEMBER)["roll_forward"]
    assert november == {"opening": 1, "new": 1, "reopened": 0, "cleared": 1, "closing": 1}


# -- reopening


def test_an_approved_period_stays_closed_unless_the_settings_name_who_may_reopen_it(books: Books) -> None:
    store = books.store
    Deal(1).write(books)
    books.save()
    sign(store, at(11, 3), OCTOBER)
    with pytest.raises(PeriodError, match="wang may not reopen") as refused:
        closing.reopen(store, at(11, 4), OCTOBER, "wang", "wrong cut-off")
    assert "names nobody" in refused.value.remedy
    allowed = at(11, 4, reconciliation={"periods": {"reopen": ["cfo"]}})
    with pytest.raises(PeriodError, match="needs a reason"):
        closing.reopen(store, allowed, OCTOBER, "cfo", " ")
    with pytest.raises(PeriodError, match="wang may not reopen"):
        closing.reopen(store, allowed, OCTOBER, "wang", "wrong cut-off")
    closing.reopen(store, allowed, OCTOBER, "cfo", "wrong cut-off")
    again = closed(store, allowed, OCTOBER, "close-2")
    assert again.revision == 2
    shown = report.build(store, allowed)["periods"]
    assert [(item["revision"], item["status"], item["reopened_by"], item["reason"]) for item in shown] == [
        (1, "reopened", "cfo", "wrong cut-off"),
        (2, "closed", None, None),
    ]


def test_closes_that_froze_the_same_figures_have_the_same_hash_of_figures(books: Books) -> None:
    store = books.store
    Deal(1).drop("payment").write(books)
    Deal(2).set("invoice", net_amount=1100).write(books)
    books.save()
    first = closed(store, at(11, 3), OCTOBER)
    closing.reopen(store, at(11, 4), OCTOBER, "li", "only the settings")
    named = at(11, 4, reconciliation={"periods": {"reopen": ["cfo"]}})
    again = closed(store, named, OCTOBER, "close-2")
    assert again.figures_hash == first.figures_hash
    assert again.inputs_hash != first.inputs_hash, "settings are among the inputs"
    closing.reopen(store, named, OCTOBER, "li", "an invoice was changed")
    Deal(2).set("invoice", net_amount=1200).write(books)
    books.save()
    other = closed(store, named, OCTOBER, "close-3")
    assert other.figures_hash != first.figures_hash
    with store.reading() as connection:
        assert all(periods.is_intact(connection, item) for item in periods.closes(connection))


def test_a_period_is_not_reopened_under_one_that_is_closed_and_a_close_may_be_sent_back(books: Books) -> None:
    store = books.store
    allowed = at(12, 3, reconciliation={"periods": {"reopen": ["cfo"]}})
    sign(store, at(11, 3), OCTOBER)
    closed(store, allowed, NOVEMBER, "close-11")
    with pytest.raises(PeriodError, match="cannot be reopened while 2026-11 is closed"):
        closing.reopen(store, allowed, OCTOBER, "cfo", "wrong cut-off")
    sent_back = closing.reopen(store, at(12, 3), NOVEMBER, "li", "an invoice is missing")
    assert (sent_back.status, sent_back.approved_by) == ("reopened", None)


# -- hashes


def _contents(store: Store, mark: str) -> None:
    with store.transaction() as connection:
        connection.execute(text("UPDATE record SET hash = :hash"), {"hash": mark.encode().ljust(16)})


def _closed_anew(store: Store, run_id: str, **changes: Any) -> periods.Close:
    """October closed anew; the figures' hash has a salt, that of the inputs has none."""
    found = at(11, 3, **changes)
    made = closed(store, found, OCTOBER, run_id)
    closing.reopen(store, found, OCTOBER, "li", "once more")
    return made


def test_the_hash_of_the_inputs_is_the_same_for_the_same_inputs_and_changes_with_any(
    store: Store, books_of: Books
) -> None:
    Deal(1).write(books_of)
    books_of.save()
    _contents(store, "one")
    first = _closed_anew(store, "close-1")
    assert first.records == 9
    assert _closed_anew(store, "close-2").inputs_hash == first.inputs_hash
    other = _closed_anew(store, "close-3", reconciliation={"tolerance": {"absolute": {"CNY": "0.06"}}})
    _contents(store, "two")
    changed = _closed_anew(store, "close-4")
    assert len({first.inputs_hash, other.inputs_hash, changed.inputs_hash}) == 3


def test_figures_that_were_changed_in_the_database_are_not_approved(store: Store, books_of: Books) -> None:
    Deal(1).write(books_of)
    books_of.save()
    made = closed(store, at(11, 3), OCTOBER)
    with store.reading() as connection:
        assert periods.is_intact(connection, made)
    with store.transaction() as connection:
        changed = "UPDATE period_figure SET value = replace(value, '120000', '120001') WHERE kind = 'tie_out'"
        connection.execute(text(changed))
    with store.reading() as connection:
        assert not periods.is_intact(connection, made)
    with pytest.raises(PeriodError, match="changed outside of ltc"):
        closing.approve(store, at(11, 3), OCTOBER, "li")
