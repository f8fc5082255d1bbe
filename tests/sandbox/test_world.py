"""The demo company is believable, the same each time, and its faults are the only oddities."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from sandbox.world.build import build_world
from sandbox.world.deals import line_gross
from sandbox.world.describe import describe
from sandbox.world.records import World


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
        [account.tax_id for account in world.crm_accounts],
    ):
        assert max(Counter(numbers).values()) == 1


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


def test_the_bank_shows_every_booked_payment_but_those_that_never_came(world: World) -> None:
    shown = Counter((line.amount, line.currency, line.outgoing) for line in world.bank_lines)
    booked = Counter((item.amount, item.currency, item.kind == "refund") for item in world.book_payments)
    never = sum(fault.check == "payment_not_in_bank" for fault in world.faults)
    assert sum((booked - shown).values()) == never
    assert len({line.reference for line in world.bank_lines}) == len(world.bank_lines)


def test_every_kind_of_fault_is_planted_at_least_twice(world: World) -> None:
    planted = Counter(fault.check for fault in world.faults)
    assert len(planted) == 26
    assert min(planted.values()) >= 2


def test_the_page_about_the_demo_company_is_up_to_date(world: World) -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "demo.md"
    assert page.read_text(encoding="utf-8") == describe(world), "run: python -m sandbox.world.describe > docs/demo.md"
