"""Stripe as a system of ltc.yaml: pulled into a store through the shipped mapping, told by webhooks, reconciled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import text

from sandbox.stripe import StripeServer
from settings.load import load
from settings.model import Settings
from state.store import Store
from sync.job import run_pull, run_sync
from sync.result import SyncResult
from tests.connectors.stripe.conftest import EVERY_STREAM


@pytest.fixture(scope="module")
def _running() -> Iterator[StripeServer]:
    with StripeServer() as server:
        yield server


@pytest.fixture
def shop(_running: StripeServer) -> StripeServer:
    """An empty account on today's clock."""
    _running.clear()
    return _running


@pytest.fixture
def settings(tmp_path: Path, sqlite_url: str, shop: StripeServer) -> Settings:
    path = tmp_path / "ltc.yaml"
    limits = {"reads_per_second": 10_000, "writes_per_second": 10_000}
    config = {"api_key": shop.api_key, "base_url": shop.base_url, **limits}
    system = {"connector": "stripe", "roles": ["payments", "accounting"], "config": config}
    path.write_text(yaml.safe_dump({"version": 1, "store": sqlite_url, "systems": {"stripe": system}}))
    return load(path)


def year_of_business(server: StripeServer) -> dict[str, int]:
    """Customers, their invoices and payments, refunds, disputes and payouts; returns how many of each stream."""
    account = server.account
    for number in range(12):
        customer = account.customer(f"Customer {number}", f"c{number}@example.com")
        invoice = account.invoice(customer["id"], [("Gauge", 10_000 + number, 1)], tax=1_300)
        if number % 4 == 3:
            continue
        charge = account.pay(invoice["id"])
        if number % 4 == 1:
            account.refund(charge["id"], 1_000)
        if number == 2:
            account.close_dispute(account.dispute(charge["id"])["id"], won=False)
    account.credit(account.all("invoice")[0]["id"], 500)
    account.pay_out()
    kinds = {"payment": "charge"}
    return {stream: len(account.all(kinds.get(stream, stream))) for stream in EVERY_STREAM}


def sums(result: SyncResult, *names: str) -> dict[str, dict[str, int]]:
    """Some counts of each stream."""
    return {item.stream: {name: item.counts.get(name, 0) for name in names} for item in result.outcomes}


def rows(store: Store, query: str) -> list[tuple[Any, ...]]:
    with store.reading() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_an_account_is_pulled_once_and_a_second_run_brings_nothing_new(
    shop: StripeServer, settings: Settings, sqlite_store: Store
) -> None:
    expected = year_of_business(shop)

    first = run_pull(sqlite_store, settings)
    shop.forget()
    second = run_pull(sqlite_store, settings)

    assert (first.status, second.status) == ("done", "done")
    assert sums(first, "new", "rejected") == {
        stream: {"new": count, "rejected": 0} for stream, count in expected.items()
    }
    nothing = {"pulled": 0, "new": 0, "changed": 0, "calls": 1}
    assert sums(second, *nothing) == dict.fromkeys(expected, nothing)
    assert {request.path for request in shop.requests()} == {"/v1/events"}


def test_the_money_in_the_store_is_the_money_in_the_account(
    shop: StripeServer, settings: Settings, sqlite_store: Store
) -> None:
    year_of_business(shop)
    run_pull(sqlite_store, settings)

    query = "SELECT kind, count(*), sum(amount), sum(fee_amount) FROM payments GROUP BY kind ORDER BY kind"
    payments = rows(sqlite_store, query)
    [(amount, gross, fees)] = rows(sqlite_store, "SELECT amount, gross_amount, fee_amount FROM payouts")

    charged = sum(charge["amount"] for charge in shop.account.all("charge"))
    assert [(kind, count) for kind, count, _, _ in payments] == [("chargeback", 1), ("payment", 9), ("refund", 3)]
    by_kind = {kind: (total, fee) for kind, _, total, fee in payments}
    assert by_kind["payment"][0] == gross == charged
    assert fees == sum(fee for _, fee in by_kind.values())
    assert amount == gross - fees - by_kind["refund"][0] - by_kind["chargeback"][0]


def test_what_happens_between_two_runs_arrives_with_the_second(
    shop: StripeServer, settings: Settings, sqlite_store: Store
) -> None:
    year_of_business(shop)
    run_pull(sqlite_store, settings)
    account = shop.account
    account.refund(account.all("charge")[0]["id"], 250)
    account.delete_customer(account.all("customer")[0]["id"])
    account.move_payout(account.all("payout")[0]["id"], "paid")

    second = run_pull(sqlite_store, settings)

    changes = sums(second, "new", "changed", "deleted")
    assert changes["refund"] == {"new": 1, "changed": 0, "deleted": 0}
    assert changes["payment"] == {"new": 0, "changed": 1, "deleted": 0}
    assert changes["customer"]["deleted"] == 1
    assert rows(sqlite_store, "SELECT status FROM payouts") == [("paid",)]


def test_payments_are_linked_to_their_invoices(shop: StripeServer, settings: Settings, sqlite_store: Store) -> None:
    year_of_business(shop)

    result = run_sync(sqlite_store, settings, push="off")

    assert result.status == "done"
    linked = rows(
        sqlite_store,
        "SELECT count(*) FROM link WHERE left_entity = 'invoice' AND right_entity = 'payment'",
    )
    assert linked == [(13,)]
    # All that is left to say: money went back without credit notes, and Stripe shows as paid what was charged back.
    found = rows(sqlite_store, "SELECT check_id, count(*) FROM finding GROUP BY check_id ORDER BY check_id")
    assert found == [("chargeback_not_booked", 1), ("refund_without_credit_note", 3)]
