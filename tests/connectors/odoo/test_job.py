"""Whole runs: Odoo pulled into a store through the shipped mapping."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sandbox.odoo import OdooServer
from tests.connectors.declarative.firm import Firm
from tests.connectors.odoo.conftest import Company
from tests.connectors.odoo.test_mapping import invoice


def test_everything_is_mapped_the_second_run_finds_no_news_and_a_sweep_what_was_deleted(
    odoo: OdooServer, tmp_path: Path
) -> None:
    odoo.database.clock = lambda: datetime.now(UTC) - timedelta(days=1)
    company = Company(odoo.database)
    company.lead()
    won = company.lead(type="opportunity", date_conversion="2026-10-01 09:00:00", probability=100.0)
    orders = [company.order(state="sale", opportunity_id=won) for _ in range(5)]
    company.order()
    move = {"product_id": company.product, "quantity": 2, "product_uom": company.unit}
    company.database.add(
        "stock.picking", name="OUT/1", sale_id=orders[0], partner_id=company.customer, move_ids=[[0, 0, move]]
    )
    invoice(company)
    company.database.add("account.payment", amount=113, currency_id=company.database.company_currency, state="paid")
    firm = Firm(tmp_path, "odoo", odoo.config, ["crm", "erp"])

    first = firm.pull()
    second = firm.pull()

    assert {name: outcome.counts["new"] for name, outcome in first.items()} == {
        "party": 1,
        "product": 1,
        "lead": 2,
        "opportunity": 1,
        "quote": 6,
        "order": 5,
        "delivery": 1,
        "invoice": 1,
        "payment": 1,
    }
    assert all(outcome.ok and not outcome.counts["rejected"] for outcome in first.values())
    assert all(outcome.ok and not outcome.counts["new"] + outcome.counts["changed"] for outcome in second.values())
    assert firm.rows("SELECT count(*), sum(net_amount) FROM orders") == [(5, 5 * 123450)]
    assert firm.rows("SELECT count(*) FROM quarantine") == [(0,)]

    company.database.remove("sale.order", orders[2])
    swept = firm.sweep()

    assert (swept["order"].counts["deleted"], swept["quote"].counts["deleted"]) == (1, 1)
    assert firm.rows("SELECT source_id FROM orders WHERE deleted = 1") == [(str(orders[2]),)]
