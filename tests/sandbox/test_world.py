"""The demo company is believable, the same each time, and its faults are the only oddities."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from sandbox.world import lookalikes
from sandbox.world.build import AS_OF, build_world
from sandbox.world.deals import line_gross
from sandbox.world.describe import describe
from sandbox.world.processor import CardRefund, Charge
from sandbox.world.records import World, bank_reference


@pytest.fixture(scope="module")
def world() -> World:
    return build_world()


def test_the_same_seed_builds_the_same_company() -> None:
    assert build_world(3) == build_world(3)


def test_another_seed_builds_another_company() -> None:
    assert build_world(3) != build_world(4)


def test_a_year_of_a_mid_size_company(world: World) -> None:
    assert len(world.form_leads) >= 2000
    assert len(world.crm_opportunities) >= 600
    assert len(world.crm_quotes) >= 400
    assert len(world.erp_orders) >= 300
    assert sum(delivery.shipped_on is not None for order in world.erp_orders for delivery in order.deliveries) >= 300
    assert len(world.book_invoices) >= 300
    assert len(world.book_payments) >= 300
    assert {order.currency for order in world.erp_orders} == {"CNY", "USD", "EUR", "JPY"}
    assert {account.country for account in world.crm_accounts} >= {"CN", "US", "DE", "JP"}


def test_order_numbers_follow_the_list_so_that_an_erp_can_count_them(world: World) -> None:
    assert [order.number for order in world.erp_orders] == [f"SO-{n:05d}" for n in range(1, len(world.erp_orders) + 1)]


def test_form_numbers_follow_the_submissions(world: World) -> None:
    assert [lead.key for lead in world.form_leads] == [f"L-{n:06d}" for n in range(1, len(world.form_leads) + 1)]
    assert [lead.submitted_at for lead in world.form_leads] == sorted(lead.submitted_at for lead in world.form_leads)


def test_no_two_documents_share_a_number(world: World) -> None:
    for numbers in (
        [quote.number for quote in world.crm_quotes],
        [invoice.number for invoice in world.book_invoices],
        [account.tax_id for account in world.crm_accounts if account.tax_id],
    ):
        assert max(Counter(numbers).values()) == 1


def test_customers_that_wait_for_a_person_share_nothing_that_is_sure_and_have_no_documents(world: World) -> None:
    for pair in lookalikes.pairs(AS_OF.date()):
        one, other = pair.crm, pair.books
        assert (one in world.crm_accounts, other in world.book_contacts) == (True, True)
        assert not {one.name, one.phone, one.tax_id or "-"} & {other.name, other.phone, other.tax_number}
        assert other.email.rpartition("@")[2] not in one.website
        named = {item.account_key for item in world.crm_opportunities} | {
            item.contact_key for item in world.book_invoices
        }
        assert not {one.key, other.key} & named
    assert {pair.same for pair in lookalikes.pairs(AS_OF.date())} == {True, False}


def test_paid_invoices_are_covered_by_money_and_credits_to_the_cent(world: World) -> None:
    paid: Counter[str | None] = Counter()
    for payment in world.book_payments:
        if payment.kind == "payment":
            paid[payment.invoice_key] += payment.amount  # type: ignore[assignment]
    credits = {invoice.corrects_key: invoice for invoice in world.book_invoices if invoice.kind == "credit_note"}
    for invoice in world.book_invoices:
        if invoice.kind != "invoice" or invoice.status != "PAID":
            continue
        gross = sum((line_gross(line, invoice.currency) for line in invoice.lines), Decimal(0))
        if invoice.key in credits and not paid[invoice.key]:
            assert credits[invoice.key].lines == invoice.lines
        else:
            assert paid[invoice.key] == gross, invoice.number


def booked_by_card(world: World) -> list[Charge | CardRefund]:
    made: list[Charge | CardRefund] = [*world.processor.charges, *world.processor.refunds]
    return [item for item in made if item.payment_key]


def test_the_bank_shows_every_booked_payment_but_those_that_never_came(world: World) -> None:
    shown = Counter((line.amount, line.currency, line.outgoing) for line in world.bank_lines)
    by_card = {item.payment_key for item in booked_by_card(world)}
    at_bank = [item for item in world.book_payments if item.key not in by_card]
    booked = Counter((item.amount, item.currency, item.kind == "refund") for item in at_bank)
    never = sum(fault.check == "payment_not_in_bank" for fault in world.faults)
    assert sum((booked - shown).values()) == never
    assert len({line.reference for line in world.bank_lines}) == len(world.bank_lines)


def test_the_processor_has_what_accounting_books_as_paid_or_given_back_by_card(world: World) -> None:
    booked = {payment.key: payment for payment in world.book_payments}
    known = booked_by_card(world)
    assert len(known) >= 70
    assert all(booked[item.payment_key].amount == item.amount for item in known)
    assert {booked[item.payment_key].currency for item in known} == {"CNY", "USD", "EUR", "JPY"}


def test_what_is_paid_out_is_charges_less_fees_refunds_and_disputes_but_for_the_planted_faults(world: World) -> None:
    wrong = {fault.numbers[0]: fault.amount for fault in world.faults if fault.check == "payout_does_not_add_up"}
    shop = world.processor
    for payout in shop.payouts:
        inside = [item for item in shop.movements if item.payout_id == payout.id]
        assert {item.currency for item in inside} == {payout.currency}
        net = sum((item.amount - item.fee for item in inside), Decimal(0))
        assert net - payout.amount == (wrong.get(payout.id) or 0), payout.id
    inside_all = {(item.category, item.amount > 0) for item in shop.movements if item.payout_id}
    assert inside_all == {("charge", True), ("refund", False), ("dispute", False), ("dispute_reversal", True)}


def test_the_bank_shows_every_payout_that_is_due_but_for_the_planted_faults(world: World) -> None:
    lines = {line.reference: line for line in world.bank_lines}
    missing = {fault.numbers[0] for fault in world.faults if fault.check == "payout_not_in_bank"}
    short = {fault.numbers[0]: fault.amount for fault in world.faults if fault.check == "payout_bank_amount"}
    on_the_way = 0
    for payout in world.processor.payouts:
        line = lines.get(bank_reference(payout.id))
        if line is None:
            on_the_way += payout.arrives_on > world.as_of.date()
            assert payout.id in missing or payout.arrives_on > world.as_of.date(), payout.id
        else:
            moved = -line.amount if line.outgoing else line.amount
            assert (payout.amount - moved, line.currency) == (short.get(payout.id) or 0, payout.currency)
    assert on_the_way >= 1


def test_every_kind_of_fault_is_planted_at_least_twice(world: World) -> None:
    planted = Counter(fault.check for fault in world.faults)
    assert len(planted) == 34
    assert min(planted.values()) >= 2


def test_the_answer_key_has_the_amount_of_every_fault_but_those_about_leads_and_customers(world: World) -> None:
    without = {fault.check for fault in world.faults if fault.amount is None}
    assert without == {"lead_duplicate", "lead_incomplete", "lead_not_in_crm", "deleted_elsewhere"}


def test_the_page_about_the_demo_company_is_up_to_date(world: World) -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "demo.md"
    assert page.read_text(encoding="utf-8") == describe(world), "run: python -m sandbox.world.describe > docs/demo.md"
