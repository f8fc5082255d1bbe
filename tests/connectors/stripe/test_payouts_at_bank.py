"""From the card to the account, with the shipped connectors and mappings: Stripe, and the bank's statements."""

from __future__ import annotations

import os
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciliation.report import build
from sandbox.stripe import StripeServer
from settings.load import load
from settings.model import Settings
from state.store import Store
from sync.job import run_sync
from tests.connectors.bank.conftest import camt, ntry
from tests.connectors.published import START, Clock

ARRIVES = START + timedelta(days=2)


@pytest.fixture
def settings(tmp_path: Path, sqlite_url: str, stripe: StripeServer) -> Settings:
    (tmp_path / "vault").mkdir()
    limits = {"reads_per_second": 10_000, "writes_per_second": 10_000}
    config = {"api_key": stripe.api_key, "base_url": stripe.base_url, **limits}
    systems = {
        "shop": {"connector": "stripe", "roles": ["payments"], "config": config},
        "bank": {"connector": "bank", "roles": ["bank"], "config": {"folder": str(tmp_path / "vault")}},
    }
    path = tmp_path / "ltc.yaml"
    as_of = (START + timedelta(days=8)).isoformat()
    path.write_text(yaml.safe_dump({"version": 1, "store": sqlite_url, "as_of": as_of, "systems": systems}))
    return load(path)


def statement(folder: Path, amount: str, text: str) -> None:
    """One line of the day on which the payout arrives."""
    day = f"{ARRIVES:%Y-%m-%d}"
    details = f"<TxDtls><RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls>"
    entry = ntry(amount, details=details, day=day, currency="USD")
    closing = f"{100 + Decimal(amount):.2f}"
    path = folder / "a.xml"
    path.write_text(camt(entry, closing=closing, day=day, currency="USD"), encoding="utf-8")
    os.utime(path, (1_700_000_000, 1_700_000_000))


def test_charges_are_followed_through_their_payout_to_the_banks_line(
    stripe: StripeServer, clock: Clock, settings: Settings, sqlite_store: Store, tmp_path: Path
) -> None:
    account = stripe.account
    charge = account.charge(10_000, fee=320)
    account.charge(5_000, fee=175)
    account.refund(charge["id"], 4_000)
    payout = account.pay_out()
    account.move_payout(payout["id"], "paid")
    statement(tmp_path / "vault", str(Decimal(payout["amount"]).scaleb(-2)), "STRIPE TRANSFER")
    clock.pass_(days=8)

    assert run_sync(sqlite_store, settings, push="off").status == "done"

    report = build(sqlite_store, settings)
    found: dict[str, Any] = {item["name"]: item for item in report["tie_outs"] if item["currency"] == "USD"}
    paid_out, arrived = found["payment_payout"], found["payout_bank"]
    assert paid_out["matched"] == {"count": 3, "left_amount": "110.00", "right_amount": "110.00"}
    assert paid_out["excluded_right"]["amount"] == "-4.95"
    assert arrived["matched"] == {"count": 1, "left_amount": "105.05", "right_amount": "105.05"}
    assert paid_out["right"]["amount"] == arrived["left"]["amount"]
    payouts = [item for item in report["findings"] if item["stage"] == "payout" or item["check"].startswith("bank_")]
    assert payouts == []
