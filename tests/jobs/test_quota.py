"""A run that meets the daily quota ends early as done in part, and goes on where it stopped; writes go on longer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import text

from connectors import retry
from sandbox.xero import XeroServer
from settings.load import load
from settings.model import Settings
from state.store import Store
from sync.job import run_pull
from tests.connectors.xero.conftest import add_many

NOW = datetime(2026, 10, 31, 10, 0, tzinfo=UTC)


@pytest.fixture
def xero() -> Iterator[XeroServer]:
    """A stand-in with 70 invoices."""
    with retry.no_waiting(), XeroServer(clock=lambda: NOW) as server:
        server.access.limits.minute = 100_000
        add_many(server, 70, lambda number: NOW - timedelta(days=1, seconds=number))
        yield server


@pytest.fixture
def settings(xero: XeroServer, tmp_path: Path) -> Settings:
    """One system, read ten records at a time, with an allowance of eight calls a day."""
    config: dict[str, Any] = {
        "client_id": xero.client_id,
        "client_secret": xero.client_secret,
        "tenant_id": xero.access.tenant_id,
        "base_url": xero.base_url,
        "token_url": xero.token_url,
        "page_size": 10,
        "calls_per_minute": 1_000_000,
        "calls_per_day": 8,
        "daily_reserve": 4,
    }
    path = tmp_path / "ltc.yaml"
    systems = {"books": {"connector": "xero", "roles": ["accounting"], "config": config, "streams": ["invoice"]}}
    path.write_text(yaml.safe_dump({"version": 1, "systems": systems}))
    return load(path)


def test_a_pull_ends_in_part_before_the_reserve_and_goes_on_at_its_page_when_the_quota_is_back(
    store: Store, settings: Settings, xero: XeroServer
) -> None:
    first = run_pull(store, settings)

    (outcome,) = first.outcomes
    assert (first.status, outcome.status) == ("partial", "failed")
    assert outcome.counts["new"] == 40
    assert outcome.error is not None
    assert outcome.error.kind == "quota"
    assert "expected back at" in outcome.error.remedy
    assert len(xero.requests("/Invoices")) == 4  # eight, less the reserve

    again = run_pull(store, settings)  # another process: it knows without asking
    assert again.status == "partial"
    assert len(xero.requests("/Invoices")) == 4

    with store.transaction() as connection:  # a day later
        connection.execute(text("DELETE FROM budget"))
    xero.access.limits.day = 5000
    rest = run_pull(store, settings)
    assert rest.outcomes[0].counts["new"] == 30
    pages = [request.query for request in xero.requests("/Invoices")]
    assert len(pages) <= len(set(pages)) + 1, "at most the page that it stopped at is read again"


def test_what_the_source_says_of_its_quota_stops_the_next_process(
    store: Store, settings: Settings, xero: XeroServer
) -> None:
    xero.access.limits.day = 0

    first = run_pull(store, settings)
    asked = len(xero.requests("/Invoices"))
    second = run_pull(store, settings)

    assert (first.status, second.status) == ("partial", "partial")
    assert asked == len(xero.requests("/Invoices")) == 1
