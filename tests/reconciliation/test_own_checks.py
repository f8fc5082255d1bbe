"""Checks of a site's own: SQL and Python files in a folder, tried on their test files, applied with the others."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from console import own_checks
from reconciliation import report
from reconciliation.checks import own, trial
from reconciliation.checks.tables import tables
from reconciliation.engine import ReconcileResult, reconcile
from settings.errors import SettingsError
from state import findings
from state.findings import Finding
from state.store import Store
from tests.reconciliation.books import Books, settings
from yamlfiles.errors import FileUnusable

pytestmark = pytest.mark.slow

HEAD = """/*
stage: order
department: sales
title: {en: Order without a purchase order number}
sentence: {en: "Order {order} of {worth_money} names no purchase order."}
action: {en: Ask the customer for it.}
parameters: {limit: 1000}
*/
"""
QUERY = """SELECT record_id, net_amount AS amount, currency, number AS "order", net_amount AS worth_money
FROM orders WHERE erp AND NOT deleted AND customer_po_number IS NULL AND net_amount >= $limit * minor_units(currency)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "checks"
    path.mkdir()
    return path


def written(folder: Path, text: str = HEAD + QUERY, name: str = "acme_po.sql") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def problem(folder: Path) -> str:
    with pytest.raises(SettingsError) as caught:
        own.load(folder)
    return str(caught.value)


def fill(store: Store) -> None:
    books = Books(store)
    books.add("order", "SO-1", number="SO-1", status="confirmed", net_amount=5000)
    books.add("order", "SO-2", number="SO-2", status="confirmed", net_amount=5000, customer_po_number="PO-1")
    books.add("order", "SO-3", number="SO-3", status="confirmed", net_amount=900)
    books.save()


def run(store: Store, folder: Path, **reconciliation: object) -> tuple[ReconcileResult, list[Finding]]:
    fill(store)
    return again(store, folder, **reconciliation)


def again(store: Store, folder: Path, **reconciliation: object) -> tuple[ReconcileResult, list[Finding]]:
    result = reconcile(store, settings(reconciliation={"checks_folder": folder, **reconciliation}), "run-1")
    with store.reading() as connection:
        return result, [item for item in findings.listing(connection) if item.check_id.startswith("acme_")]


def test_a_check_of_ones_own_finds_what_its_query_selects_and_says_its_sentence(store: Store, folder: Path) -> None:
    written(folder)
    result, found = run(store, folder)
    assert "acme_po" in result.judged
    [finding] = found
    assert (finding.amount, finding.currency, finding.stage, finding.department) == (500000, "CNY", "order", "sales")
    assert [item.source_id for item in finding.records] == ["SO-1"]
    made = report.build(store, settings(reconciliation={"checks_folder": folder}))
    [shown] = [item for item in made["findings"] if item["check"] == "acme_po"]
    assert shown["explanation"] == "Order SO-1 of CNY 5,000.00 names no purchase order."
    assert (shown["title"], shown["action"]) == ("Order without a purchase order number", "Ask the customer for it.")


def test_an_earlier_report_says_it_in_the_words_of_then_though_the_file_is_gone(store: Store, folder: Path) -> None:
    path = written(folder)
    run(store, folder)
    before = report.build(store, settings(reconciliation={"checks_folder": folder}))
    path.unlink()
    assert report.build(store, settings()) == before


def test_parameters_severity_and_enabled_are_set_as_for_every_check(store: Store, folder: Path) -> None:
    written(folder)
    _, found = run(store, folder, checks={"acme_po": {"limit": 900, "severity": "error"}})
    assert {(item.severity, item.records[0].source_id) for item in found} == {("error", "SO-1"), ("error", "SO-3")}


def test_one_that_is_switched_off_finds_nothing(store: Store, folder: Path) -> None:
    written(folder)
    assert run(store, folder, checks={"acme_po": {"enabled": False}})[1] == []


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("SELECT record_id FROM order_list", "Table with name order_list does not exist"),
        ("SELECT record_id, nothing FROM orders", 'Referenced column "nothing" not found'),
        ("SELECT FROM WHERE", "syntax error"),
        ("SELECT record_id, number::INTEGER AS n FROM orders", "its query failed (Conversion)."),
        ("SELECT record_id FROM orders", "its sentence cannot be filled: there is no column order."),
        ("SELECT record_id, 1 AS \"order\", 'x' AS worth_money FROM orders", "a value is of another type"),
        ("DROP TABLE orders", "syntax error"),
        ("SELECT 1); DROP TABLE orders; SELECT (1", "syntax error"),
    ],
)
def test_a_query_that_cannot_be_run_is_said_and_the_other_checks_go_on(
    sqlite_store: Store, folder: Path, query: str, why: str
) -> None:
    written(folder, HEAD + query)
    result, found = run(sqlite_store, folder)
    assert why in result.broken["acme_po"]
    assert "SO-1" not in result.broken["acme_po"]
    assert found == []
    assert "order_without_quote" in result.judged


def test_a_query_that_breaks_leaves_the_findings_of_before_as_they_were(sqlite_store: Store, folder: Path) -> None:
    written(folder)
    run(sqlite_store, folder)
    written(folder, HEAD + "SELECT record_id FROM nowhere")
    _, found = again(sqlite_store, folder)
    assert [item.status for item in found] == ["open"]


@pytest.mark.parametrize("python", [False, True], ids=["sql", "python"])
def test_the_scaffold_passes_its_own_test_and_fails_when_the_check_is_broken(folder: Path, python: bool) -> None:
    for name, text in own_checks.files("acme_quote", python).items():
        written(folder, text, name)
    [check] = own.load(folder).values()
    assert [item.wrong for item in trial.cases(check, trial.test_file(folder, "acme_quote"))] == ["", "", ""]
    path = own.file_of(folder, "acme_quote")
    assert path is not None
    path.write_text(path.read_text(encoding="utf-8").replace("net_amount > ", "net_amount >= "), encoding="utf-8")
    [check] = own.load(folder).values()
    tried = trial.cases(check, trial.test_file(folder, "acme_quote"))
    assert [item.wrong for item in tried] == ["", "", "expected nothing; found Q-1 (10000.00)"]


def test_a_test_sees_links_lines_roles_and_other_sentences(folder: Path) -> None:
    query = """SELECT o.record_id, [i.record_id] AS records, o.number AS "order", i.gross_amount AS worth_money
    FROM order_invoice JOIN orders o ON o.record_id = order_id JOIN invoices i ON i.record_id = invoice_id
    JOIN order_lines l ON l.record_id = o.record_id WHERE l.sku = 'PUMP'"""
    written(folder, HEAD + query)
    cases = """
cases:
  - case: an invoice of the order
    records:
      - {entity: order, source_id: S1, number: SO-1, currency: CNY, lines: [{sku: PUMP, quantity: 2}]}
      - {entity: invoice, source_id: I1, currency: CNY, gross_amount: "6", order_refs: ["no:SO-1"], status: issued}
    finds: [{records: [I1, S1], says: "6.01"}]
"""
    path = written(folder, cases, "acme_po.test.yaml")
    [check] = own.load(folder).values()
    [tried] = trial.cases(check, path)
    assert tried.wrong == ("expected a sentence with '6.01'; it says 'Order SO-1 of 6.00 names no purchase order.'")


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ("{entity: order, source_id: S1, nett: 1}", "`nett` is no field here."),
        ("{entity: order, source_id: S1, net_amount: 1}", "`net_amount` is an amount, but the record has no currency."),
        ("{entity: order, source_id: S1, order_date: soon}", "`order_date`"),
        (
            "{entity: order, source_id: S1, quote_ref: Q-1}",
            "`quote_ref` must name another record as id:…",
        ),
        ("{entity: lead, source_id: L1, lines: [{sku: A}]}", "a lead has no lines."),
        ("{entity: ordre, source_id: S1}", "cases.0.records.0.entity"),
    ],
)
def test_a_mistake_in_a_test_file_is_told_with_its_line(folder: Path, record: str, why: str) -> None:
    written(folder)
    path = written(folder, f"cases:\n  - case: x\n    records:\n      - {record}\n", "acme_po.test.yaml")
    with pytest.raises(SettingsError) as caught:
        trial.cases(own.load(folder)["acme_po"], path)
    assert why in str(caught.value)
    assert str(caught.value).startswith("acme_po.test.yaml:4: ")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (QUERY, "acme_po.sql:1: it must begin with a comment /* … */ that describes the check."),
        (HEAD.replace("order\n", "ordering\n") + QUERY, "acme_po.sql:2: `stage`"),
        (HEAD.replace("department: sales\n", "") + QUERY, "`department` is missing."),
        (HEAD.replace("stage", "stag") + QUERY, "Did you mean `stage`?"),
        (HEAD + QUERY.replace("$limit", "$limits"), "acme_po.sql:10: `$limits` is no parameter of the check."),
        (HEAD, "there is no query."),
        (HEAD.replace("title: {", "title: {{") + QUERY, "acme_po.sql:"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_with_its_line(folder: Path, text: str, why: str) -> None:
    written(folder, text)
    assert why in problem(folder)


def test_all_files_that_cannot_be_used_are_told_at_once(folder: Path) -> None:
    written(folder, QUERY)
    written(folder, HEAD + QUERY, "Acme-PO.sql")
    written(folder, HEAD + QUERY, "delivery_late.sql")
    written(folder, "import nothing_of_that_name", "acme_python.py")
    written(folder, "x = 1", "acme_empty.py")
    said = problem(folder)
    assert "acme_po.sql:1: it must begin" in said
    assert "Acme-PO.sql: a check is called by 3 to 60 small letters" in said
    assert "delivery_late.sql: there is another check called `delivery_late`." in said
    assert "acme_python.py: it cannot be loaded: ModuleNotFoundError" in said
    assert "acme_empty.py: it must register one check that is called as the file is: acme_empty." in said


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert "is no folder" in problem(tmp_path / "nowhere")
    assert own.load(None) == {}


def test_a_file_that_changed_is_read_anew_and_one_that_is_gone_is_none(folder: Path) -> None:
    path = written(folder)
    assert own.load(folder)["acme_po"].parameters == {"limit": 1000}
    written(folder, (HEAD + QUERY).replace("1000", "20000"))
    assert own.load(folder)["acme_po"].parameters == {"limit": 20000}
    shutil.move(path, path.with_suffix(".off"))
    assert own.load(folder) == {}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("parameters: {limits: 3}", "acme_po.test.yaml:1: the check `acme_po` has no setting `limits`."),
        ("parameters: {limit: many}", "`limit` must be a whole number"),
        ("timezone: Nowhere/Near", "acme_po.test.yaml:1: `timezone`"),
        ("base_currency: XXL", "acme_po.test.yaml:1: `base_currency`"),
        ("asof: 2026-10-31", "Did you mean `as_of`?"),
    ],
)
def test_a_mistake_above_the_cases_is_told_with_its_line(folder: Path, text: str, why: str) -> None:
    written(folder)
    cases = "cases: [{case: x, records: [{entity: order, source_id: S1}]}]"
    path = written(folder, f"{text}\n{cases}\n", "acme_po.test.yaml")
    with pytest.raises(SettingsError) as caught:
        trial.cases(own.load(folder)["acme_po"], path)
    assert why in str(caught.value)


def test_a_record_that_is_given_twice_is_told(folder: Path) -> None:
    written(folder)
    twice = "      - {entity: order, source_id: S1}\n" * 2
    path = written(folder, f"cases:\n  - case: x\n    records:\n{twice}", "acme_po.test.yaml")
    with pytest.raises(SettingsError, match=r"test\.yaml:5: there is another order S1 in the case"):
        trial.cases(own.load(folder)["acme_po"], path)


def test_every_table_that_is_shown_is_there_and_is_said_in_both_languages() -> None:
    found = tables()
    assert found["orders"].columns["net_amount"] == "BIGINT"
    assert {"order_invoice", "order_states", "party_of", "coverage"} <= set(found)
    assert all(item.about["en"] and item.about["zh"] and item.columns for item in found.values())


def test_a_test_file_that_is_no_yaml_is_told(folder: Path) -> None:
    written(folder)
    path = written(folder, "cases: [", "acme_po.test.yaml")
    with pytest.raises(FileUnusable, match=r"acme_po\.test\.yaml:"):
        trial.cases(own.load(folder)["acme_po"], path)
