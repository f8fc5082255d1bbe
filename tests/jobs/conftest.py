"""The toy company, running."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors import registry
from settings.model import Settings
from tests.jobs import company
from tests.jobs.toy import ToySystem


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The toy connector and the one-rule reconciliation, for this test."""
    monkeypatch.setattr(registry, "_BUILT_IN", dict(registry._BUILT_IN))
    for name in ("reconciliation.writebacks", "reconciliation.engine", "reconciliation.report"):
        monkeypatch.setitem(sys.modules, name, sys.modules.get(name))  # restored after the test
    company.install()
    company.reconcile.calls = 0  # type: ignore[attr-defined]


@pytest.fixture(scope="session")
def systems() -> Iterator[tuple[ToySystem, ToySystem]]:
    """The servers of a CRM and an ERP."""
    crm, erp = ToySystem({}), ToySystem({})
    yield crm, erp
    crm.close()
    erp.close()


@pytest.fixture
def crm(systems: tuple[ToySystem, ToySystem]) -> ToySystem:
    """The CRM as it is before every test."""
    return _fresh(systems[0], company.deals())


@pytest.fixture
def erp(systems: tuple[ToySystem, ToySystem]) -> ToySystem:
    """The ERP as it is before every test."""
    return _fresh(systems[1], company.orders())


def _fresh(system: ToySystem, records: dict[str, list[dict[str, Any]]]) -> ToySystem:
    system.fill(records)
    system.server.faults.clear()
    system.server.forget()
    return system


@pytest.fixture
def settings(toys: None, crm: ToySystem, erp: ToySystem, tmp_path: Path) -> Settings:
    """Both systems; what the ERP knows is written to the CRM without asking."""
    return company.settings_for(tmp_path, {"crm": crm.url, "erp": erp.url}, erp="off")
