"""Orders, invoices and bank statements as systems of one ltc.yaml: synced, killed in between, and matched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import text

from reconciliation.report import build
from settings.load import load
from settings.model import Settings
from state.store import Store, open_store
from sync.job import run_pull, run_sync
from tests.connectors.bank.conftest import OLD, camt, mt940, ntry, ofx

INVOICES = """
version: 1
connector: files
streams:
  invoice:
    entity: invoice
    fields:
      number: number
      kind: {const: invoice}
      currency: currency
      gross_amount: gross
      issue_date: {const: "2026-01-01"}
      due_date: {const: "2026-01-31"}
    status: {const: issued}
"""


class Firm:
    """ltc.yaml with a folder of invoices and one of statements."""

    def __init__(self, folder: Path, store: str) -> None:
        self.books, self.vault = folder / "books", folder / "vault"
        self.books.mkdir()
        self.vault.mkdir()
        (folder / "invoices.yaml").write_text(INVOICES)
        invoices = {"invoice": {"pattern": "*.csv", "entity": "invoice", "key": ["number"]}}
        systems = {
            "books": {
                "connector": "files",
                "roles": ["accounting"],
                "mapping": "invoices.yaml",
                "config": {"folder": str(self.books), "streams": invoices},
            },
            "bank": {"connector": "bank", "roles": ["bank"], "config": {"folder": str(self.vault)}},
        }
        self.path = folder / "ltc.yaml"
        self.path.write_text(
            yaml.safe_dump({"version": 1, "store": store, "as_of": "2026-02-10T00:00:00Z", "systems": systems})
        )

    @property
    def settings(self) -> Settings:
        return load(self.path)

    def put(self, folder: Path, name: str, content: str, encoding: str = "utf-8", at: float = OLD) -> None:
        (folder / name).write_text(content, encoding)
        os.utime(folder / name, (at, at))


def rows(store: Store, sql: str) -> list[tuple[Any, ...]]:
    with store.reading() as connection:
        return [tuple(row) for row in connection.execute(text(sql))]


@pytest.fixture
def firm(tmp_path: Path, sqlite_url: str) -> Firm:
    return Firm(tmp_path, sqlite_url)


def test_statements_of_three_formats_are_payments_that_settle_invoices(firm: Firm, sqlite_store: Store) -> None:
    firm.put(firm.books, "a.csv", "number,currency,gross\nINV-7,CNY,80.32\nINV-8,CNY,50.50\nINV-9,EUR,8.85\n")
    firm.put(firm.vault, "a.sta", mt940("50.50 B-1|货款 INV-8", "-30.00 B-2|工资"), "gb18030")
    paid = "<TxDtls><RmtInf><Ustrd>INV-9</Ustrd></RmtInf></TxDtls>"
    firm.put(firm.vault, "b.xml", camt(ntry("8.85", details=paid), closing="108.85"))
    firm.put(firm.vault, "c.ofx", ofx("80.32 F-1 Acme"))

    assert run_sync(sqlite_store, firm.settings).status == "done"

    payments = "SELECT amount, currency, invoice_ref, status FROM payments ORDER BY amount"
    assert rows(sqlite_store, payments) == [
        (885, "EUR", "no:INV-9", "received"),
        (5050, "CNY", "no:INV-8", "received"),
        (8032, "CNY", "no:INV-7", "received"),
    ]
    report = build(sqlite_store, firm.settings)
    found = {item["currency"]: item for item in report["tie_outs"] if item["name"] == "invoice_payment"}
    assert {code: item["matched"] for code, item in found.items()} == {
        "CNY": {"count": 2, "left_amount": "130.82", "right_amount": "130.82"},
        "EUR": {"count": 1, "left_amount": "8.85", "right_amount": "8.85"},
    }


def test_a_pull_killed_in_the_middle_of_a_statement_goes_on_there(firm: Firm) -> None:
    lines = [f"1.00 B-{n}" if n % 2 else "1.00" for n in range(3000)]
    firm.put(firm.vault, "a.sta", mt940(*lines))
    command = [sys.executable, "-m", "tests.connectors.files.victim", str(firm.path)]
    for pages in (1, 1, None):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            for number, _ in enumerate(process.stdout, 1):
                if number == pages:
                    process.send_signal(signal.SIGKILL)
    with open_store(firm.settings.store) as store:
        assert rows(store, "SELECT count(*), sum(amount) FROM payments") == [(3000, 300_000)]
        assert rows(store, "SELECT max(seq) FROM landing") == [(1,)]


def test_a_statement_that_comes_again_or_overlaps_changes_nothing(firm: Firm, sqlite_store: Store) -> None:
    firm.put(firm.vault, "a.sta", mt940("5.00", "5.00", "7.00 B-1|INV-7"))
    run_pull(sqlite_store, firm.settings)
    firm.put(firm.vault, "b.sta", mt940("5.00", "5.00", "7.00 B-1|INV-7") + "\n", at=OLD + 1)
    firm.put(firm.vault, "a.sta", mt940("5.00", "5.00", "7.00 B-1|INV-7") + "\n\n", at=OLD + 2)
    bank = next(item for item in run_pull(sqlite_store, firm.settings).outcomes if item.system == "bank")
    assert (bank.counts["unchanged"], bank.counts["new"], bank.counts["changed"]) == (6, 0, 0)


def test_a_wrong_statement_stays_in_quarantine_until_the_right_one_comes(firm: Firm, sqlite_store: Store) -> None:
    firm.put(firm.vault, "a.sta", mt940("5.00", closing="110.00"))
    run_pull(sqlite_store, firm.settings)
    [(reason,)] = rows(sqlite_store, "SELECT reason FROM quarantine")
    assert "does not foot" in reason
    firm.put(firm.vault, "b.sta", mt940("5.00"), at=OLD + 1)
    run_pull(sqlite_store, firm.settings)
    assert rows(sqlite_store, "SELECT count(*) FROM quarantine") == [(0,)]
    assert rows(sqlite_store, "SELECT amount FROM payments") == [(500,)]
