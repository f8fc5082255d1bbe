"""The toy company, running."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

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


@pytest.fixture
def crm() -> Iterator[ToySystem]:
    system = company.crm()
    yield system
    system.close()


@pytest.fixture
def erp() -> Iterator[ToySystem]:
    system = company.erp()
    yield system
    system.close()


@pytest.fixture
def settings(toys: None, crm: ToySystem, erp: ToySystem, tmp_path: Path) -> Settings:
    """Both systems; what the ERP knows is written to the CRM without asking."""
    return company.settings_for(tmp_path, {"crm": crm.url, "erp": erp.url}, erp="off")
