"""Money that only the bank has seen so far: accounting has some days to book it."""

from __future__ import annotations

import pytest

from state.store import Store
from tests.reconciliation.deals import ago
from tests.reconciliation.vault import Vault


@pytest.mark.parametrize(("days", "found"), [(4, False), (5, True)])
def test_money_that_names_an_order_is_a_finding_once_accounting_has_had_its_days(
    sqlite_store: Store, days: int, found: bool
) -> None:
    vault = Vault(sqlite_store)
    vault.books.add("order", "SO-7", number="SO-7", status="confirmed", net_amount=100)
    vault.payment("vault", "V", order_refs=["no:SO-7"], on=ago(days))
    assert ("payment_without_invoice" in vault.findings()) is found


def test_how_many_days_is_a_parameter_of_the_check(sqlite_store: Store) -> None:
    vault = Vault(sqlite_store)
    vault.books.add("order", "SO-7", number="SO-7", status="confirmed", net_amount=100)
    vault.payment("vault", "V", order_refs=["no:SO-7"], on=ago(9))
    checks = {"payment_without_invoice": {"bank_days": 10}}
    assert "payment_without_invoice" not in vault.findings(reconciliation={"checks": checks})


def test_money_that_accounting_has_booked_is_a_finding_at_once(sqlite_store: Store) -> None:
    vault = Vault(sqlite_store)
    vault.payment("books", "B", text="INV-2026-0042", on=ago(1))
    vault.payment("vault", "V", text="INV-2026-0042", on=ago(1))
    [finding] = vault.findings()["payment_without_invoice"]
    assert [record.source_id for record in finding.records] == ["B"]
