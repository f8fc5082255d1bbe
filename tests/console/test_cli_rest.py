"""Tracing chains, deciding on links and findings, and the lists: what a person sees and what is kept."""

from __future__ import annotations

import re
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import click
import pytest

from console import reference
from console.cli import cli
from reconciliation import words
from reconciliation.engine import reconcile
from settings import load
from state import outbox
from state.outbox import FieldChange, Item, OutboxStatus
from state.store import open_store
from tests.console import deal
from tests.console.company import data, ltc

COMMANDS = (
    *("trace", "connectors", "mappings", "links", "checks", "findings", "period", "dead-letters", "quarantine"),
    "audit",
)


@pytest.fixture(scope="module")
def filled(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The deal's store, to copy."""
    return deal.filled(sqlite_template, tmp_path_factory.mktemp("deal"))


@pytest.fixture
def config(filled: Path, tmp_path: Path) -> Path:
    shutil.copy(filled, tmp_path / "ltc.db")
    return deal.config(tmp_path, "sqlite:///ltc.db")


@pytest.fixture(autouse=True)
def _actor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LTC_ACTOR", "wang.min")


def finding(config: Path, check: str) -> str:
    [found] = data(ltc(config, "findings", "list", "--check", check, "--json"))
    return str(found["id"])


def audited(config: Path) -> list[tuple[str, str]]:
    return [(item["actor"], item["action"]) for item in data(ltc(config, "audit", "list", "--json"))]


# -- trace


def test_a_trace_shows_the_chain_in_order_from_lead_to_payment(config: Path) -> None:
    result = ltc(config, "trace", "SO-1")
    assert result.exit_code == 0, result.output
    titles = [line.strip("│├└─ =") for line in result.stdout.splitlines()]
    wanted = ["Lead L-1", "Lead l1", "Opportunity o1", "Quote Q-1", "Order SO-1", "Invoice", "Payment"]
    places = [next(n for n, title in enumerate(titles) if title.startswith(start)) for start in wanted]
    assert places == sorted(places)
    assert "asked for" in titles[places[4]]
    assert "gross CNY 1,200.00" in result.stdout
    assert "field: Orders" in result.stdout
    assert "alike" not in result.stdout, "of the only record that fits it is not said that it is the only one"


@pytest.mark.parametrize(
    ("entity", "kind", "en", "zh"),
    [
        ("invoice", "invoice", "Invoice", "发票"),
        ("invoice", "credit_note", "Credit note", "红字发票"),
        ("payment", "payment", "Payment", "收款"),
        ("payment", "refund", "Refund", "退款"),
        ("payment", "of another system", "Payment", "收款"),
        ("order", None, "Order", "订单"),
    ],
)
def test_a_document_is_called_what_it_is(entity: str, kind: str | None, en: str, zh: str) -> None:
    assert (words.document(entity, kind, "en"), words.document(entity, kind, "zh")) == (en, zh)


def test_what_may_be_meant_is_told_where_nothing_is_called_so(config: Path) -> None:
    result = ltc(config, "trace", "1200")
    assert result.exit_code == 1
    assert "Perhaps one of these:\n  Invoice INV-1  1,200.00 CNY  (books)" in result.stderr
    assert "Customer ACME S.r.l.  (crm, erp)" in ltc(config, "trace", "acme").stderr


def test_every_number_of_a_chain_leads_to_the_same_chain(config: Path) -> None:
    chains = [data(ltc(config, "trace", needle, "--json")) for needle in ("L-1", "o1", "INV-1", "p1")]
    members = [{record["record_id"] for record in found[0]["records"]} for found in chains]
    assert len(members[0]) == 7
    assert all(found == members[0] for found in members)


def test_a_trace_tells_what_stands_open_about_the_chain(config: Path) -> None:
    result = ltc(config, "trace", "SO-1")
    assert "✗ Finding" in result.stdout
    assert "approval" in result.stdout


def test_text_from_a_source_cannot_steer_the_terminal(config: Path, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "ltc.db") as database:
        database.execute("UPDATE opportunities SET name = 'Pumps' || char(27) || '[2J'")
    database.close()
    output = ltc(config, "trace", "SO-1").stdout
    assert "Pumps" in output
    assert "\x1b" not in output


def test_a_trace_of_nothing_gives_a_hint_and_exit_code_1(config: Path) -> None:
    result = ltc(config, "trace", "SO-404")
    assert result.exit_code == 1
    assert "SO-404" in result.stderr
    assert "ltc status" in result.stderr
    assert data(ltc(config, "trace", "SO-404", "--json")) == []


@pytest.mark.parametrize("arguments", [("trace", "L-1"), ("trace", "L-1", "--json"), ("links", "list", "--json")])
def test_personal_data_that_proves_a_link_is_not_printed(config: Path, arguments: tuple[str, ...]) -> None:
    output = ltc(config, *arguments).stdout
    assert "•••" in output
    assert deal.EMAIL not in output
    assert deal.PHONE not in output


# -- links


def test_a_link_that_is_cut_is_gone_from_the_chain_and_the_reason_is_in_the_audit(config: Path) -> None:
    result = ltc(config, "links", "cut", "crm:Q-1", "erp:SO-1", "--reason", "ordered by phone")
    assert result.exit_code == 0, result.output
    assert "does not follow" in result.stdout
    settings = load(config)
    with open_store(settings.store) as store:
        reconcile(store, settings, "run-2")
    [chain] = data(ltc(config, "trace", "SO-1", "--json"))
    assert "quote" not in {record["entity"] for record in chain["records"]}
    [row] = data(ltc(config, "audit", "list", "--json", "--actor", "wang.min"))
    assert (row["action"], row["detail"]["reason"]) == ("link cut", "ordered by phone")


def test_the_order_in_which_two_documents_are_named_does_not_matter(config: Path) -> None:
    ltc(config, "links", "cut", "erp:order_list:9", "crm:quote_list:q1", "--reason", "x")
    [link] = data(ltc(config, "links", "list", "--decision", "cut", "--json"))
    assert (link["left"]["number"], link["right"]["number"]) == ("Q-1", "SO-1")
    assert link["decided_by"] == "wang.min"


def test_a_confirmed_link_joins_what_the_linking_did_not_see(config: Path) -> None:
    result = ltc(config, "links", "confirm", "crm:o1", "erp:SO-1", "--reason", " told by phone ")
    assert result.exit_code == 0, result.output
    [row] = data(ltc(config, "audit", "list", "--json", "--actor", "wang.min"))
    assert (row["action"], row["detail"]["reason"]) == ("link confirmed", "told by phone")
    [link] = data(ltc(config, "links", "list", "--decision", "confirmed", "--json"))
    assert (link["kind"], link["method"], link["left"]["entity"]) == ("follows", "person", "opportunity")
    assert ltc(config, "links", "undo", "o1", "SO-1").exit_code == 0
    assert data(ltc(config, "links", "list", "--decision", "confirmed", "--json")) == []
    assert ltc(config, "links", "undo", "o1", "SO-1").exit_code == 1


def test_links_are_chosen_by_entity_method_and_record(config: Path) -> None:
    of_record = data(ltc(config, "links", "list", "--record", "INV-1", "--json"))
    assert {item["right"]["entity"] for item in of_record} == {"invoice", "payment"}
    parties = data(ltc(config, "links", "list", "--entity", "party", "--json"))
    assert [item["method"] for item in parties] == ["tax_id"]
    assert data(ltc(config, "links", "list", "--method", "sku", "--json")) == []


def test_a_name_that_fits_several_records_is_told_with_their_addresses(config: Path) -> None:
    result = ltc(config, "links", "confirm", "ACME S.r.l.", "SO-1")
    assert result.exit_code == 2
    assert "crm:party_list:A1" in result.stderr
    assert "erp:party_list:117" in result.stderr


def test_a_record_that_is_not_there_and_a_cut_without_reason_are_wrong_usage(config: Path) -> None:
    missing = ltc(config, "links", "cut", "SO-404", "SO-1", "--reason", "x")
    assert missing.exit_code == 2
    assert "SO-404" in missing.stderr
    assert ltc(config, "links", "cut", "crm:Q-1", "erp:SO-1").exit_code == 2
    assert ltc(config, "links", "cut", "crm:Q-1", "erp:SO-1", "--reason", " ").exit_code == 2
    assert audited(config) == []


# -- findings


def test_findings_are_listed_with_their_sentence_and_chosen_by_department(config: Path) -> None:
    whole = ltc(config, "findings", "list").stdout
    assert "Quote Q-1" in whole
    finance = data(ltc(config, "findings", "list", "--department", "finance", "--json"))
    assert finance
    assert {item["department"] for item in finance} == {"finance"}
    quote = data(ltc(config, "findings", "list", "--stage", "quote", "--json"))
    assert {item["check"] for item in quote} == {"quote_without_approval"}
    assert data(ltc(config, "findings", "list", "--status", "waived", "--json")) == []


def test_what_people_decide_is_kept_with_history_and_audit(config: Path) -> None:
    found = finding(config, "quote_without_approval")
    short = found[:8]
    assert ltc(config, "findings", "assign", short, "--to", "li.na").exit_code == 0
    assert ltc(config, "findings", "explain", short, "--reason", "approved by mail").exit_code == 0
    waived = ltc(
        config, "findings", "waive", short, "--reason", "below limit", "--approver", "li.na", "--until", "2026-12-31"
    )
    assert waived.exit_code == 0, waived.output
    assert "waived" in waived.stdout
    shown = data(ltc(config, "findings", "show", found, "--json"))
    assert (shown["status"], shown["assignee"], shown["approver"]) == ("waived", "li.na", "li.na")
    assert [item["event"] for item in shown["history"]] == ["opened", "assigned", "explained", "waived"]
    actions = ["finding waived", "finding explained", "finding assigned"]
    assert audited(config) == [("wang.min", action) for action in actions]
    text = ltc(config, "findings", "show", found).stdout
    assert "below limit" in text
    assert "Q-1" in text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("waive", "ID", "--reason", "x", "--approver", "wang.min", "--until", "2026-12-31"), "Somebody else"),
        (("waive", "ID", "--reason", "x", "--approver", "li.na", "--until", "2026-10-30"), "has passed"),
        (("waive", "ID", "--reason", "x", "--approver", "li.na", "--until", "soon"), "soon"),
        (("explain", "ID", "--reason", " "), "needs a reason"),
        (("assign", "ID", "--to", ""), "--to"),
        (("assign", "0000nope", "--to", "li.na"), "no finding"),
        (("list", "--check", "no_such_check"), "ltc checks list"),
    ],
)
def test_a_decision_that_cannot_be_taken_changes_nothing(config: Path, arguments: tuple[str, ...], told: str) -> None:
    found = finding(config, "quote_without_approval")
    result = ltc(config, "findings", *(found if item == "ID" else item for item in arguments))
    assert result.exit_code == 2
    assert told in result.stderr
    assert audited(config) == []


# -- checks, audit, dead letters


def test_checks_show_what_ltc_yaml_says_about_them(tmp_path: Path, sqlite_url: str) -> None:
    changed = {"delivery_late": {"grace_days": 9, "severity": "error"}, "lead_duplicate": {"enabled": False}}
    path = deal.config(tmp_path, sqlite_url, reconciliation={"checks": changed})
    found = {item["id"]: item for item in data(ltc(path, "checks", "list", "--json"))}
    assert len(found) > 20
    assert (found["delivery_late"]["severity"], found["delivery_late"]["parameters"]["grace_days"]) == ("error", 9)
    assert not found["lead_duplicate"]["enabled"]
    assert "报价" in ltc(path, "--lang", "zh-CN", "checks", "list").stdout


def test_checks_are_shown_before_there_are_settings(tmp_path: Path) -> None:
    assert ltc(tmp_path / "none.yaml", "checks", "list").exit_code == 0


def test_an_audit_row_that_was_changed_afterwards_is_found(config: Path, tmp_path: Path) -> None:
    found = finding(config, "quote_without_approval")
    ltc(config, "findings", "assign", found, "--to", "li.na")
    ltc(config, "findings", "assign", found, "--to", "zhang.wei")
    assert ltc(config, "audit", "verify").exit_code == 0
    with sqlite3.connect(tmp_path / "ltc.db") as database:
        database.execute("UPDATE audit SET detail = replace(detail, 'li.na', 'nobody') WHERE id = 1")
    database.close()
    result = ltc(config, "audit", "verify")
    assert result.exit_code == 1
    assert "row 1" in result.stderr
    assert data(ltc(config, "audit", "verify", "--json"))["broken_at"] == 1


@pytest.fixture
def refused(config: Path, tmp_path: Path) -> str:
    """A write-back that the source refused."""
    change = FieldChange("payment_state", "LTC_Payment_Status__c", "unpaid", "paid", "Unpaid", "Paid", "INV-1 is paid")
    item = Item(
        "crm", "quote_list", "quote", 5, "q1", "Q-1", 1, (change,), "k" * 40, OutboxStatus.REJECTED, 1, "Locked."
    )
    with open_store(f"sqlite:///{tmp_path / 'ltc.db'}") as store, store.transaction() as connection:
        outbox.save_plan(connection, "crm", [item], "r1")
        return outbox.dead_letters(connection)[0].letter


def test_a_dead_letter_is_shown_with_what_the_source_said(config: Path, refused: str) -> None:
    text = ltc(config, "dead-letters", "list").stdout
    assert "Locked." in text
    assert "payment_state: unpaid → paid" in text
    assert data(ltc(config, "dead-letters", "list", "--system", "books", "--json")) == []
    assert ltc(config, "dead-letters", "list", "--system", "nope").exit_code == 2


def test_a_dead_letter_is_discarded_only_with_a_reason(config: Path, refused: str) -> None:
    assert ltc(config, "dead-letters", "discard", str(refused)).exit_code == 2
    done = ltc(config, "dead-letters", "discard", str(refused), "--reason", "written by hand")
    assert done.exit_code == 0, done.output
    assert data(ltc(config, "dead-letters", "list", "--json")) == []
    assert audited(config) == [("wang.min", "dead letter discarded")]
    again = ltc(config, "dead-letters", "retry", str(refused))
    assert again.exit_code == 1
    assert "no dead letter" in again.stderr


def test_a_discarded_dead_letter_is_listed_and_put_back(config: Path, refused: str) -> None:
    assert ltc(config, "dead-letters", "undiscard", refused).exit_code != 0, "it is not discarded"
    ltc(config, "dead-letters", "discard", refused, "--reason", "voided")
    assert refused in ltc(config, "dead-letters", "list", "--discarded").stdout
    assert refused not in ltc(config, "dead-letters", "list").stdout
    assert "back on the list" in ltc(config, "dead-letters", "undiscard", refused).stdout
    assert refused in ltc(config, "dead-letters", "list").stdout


def test_all_dead_letters_of_a_system_are_discarded_once_a_person_says_yes(config: Path, refused: str) -> None:
    assert ltc(config, "dead-letters", "discard", "--reason", "x").exit_code == 2
    assert ltc(config, "dead-letters", "discard", refused, "--system", "crm", "--reason", "x").exit_code == 2
    asked = ltc(config, "dead-letters", "discard", "--system", "crm", "--reason", "x")
    assert asked.exit_code != 0
    assert "Discard 1 dead letter of crm for good?" in asked.stderr
    assert len(data(ltc(config, "dead-letters", "list", "--json"))) == 1
    assert "No write-back" in ltc(config, "dead-letters", "discard", "--system", "books", "--reason", "x").stdout
    done = ltc(config, "dead-letters", "discard", "--system", "crm", "--reason", "x", "--yes")
    assert f"{refused} (crm:Q-1): discarded." in done.stdout
    assert data(ltc(config, "dead-letters", "list", "--json")) == []


def test_all_dead_letters_of_a_system_are_tried_again(config: Path, refused: str) -> None:
    assert ltc(config, "dead-letters", "retry", "--system", "crm").exit_code == 0
    assert data(ltc(config, "dead-letters", "list", "--json")) == []


def test_a_dead_letter_that_is_retried_leaves_the_list(config: Path, refused: str) -> None:
    assert ltc(config, "dead-letters", "retry", str(refused)).exit_code == 0
    assert data(ltc(config, "dead-letters", "list", "--json")) == []
    assert audited(config) == [("wang.min", "dead letter retried")]


# -- all of them


@pytest.mark.parametrize(
    "arguments",
    [
        ("trace", "SO-1"),
        ("links", "list"),
        ("checks", "list"),
        ("findings", "list"),
        ("quarantine",),
        ("dead-letters", "list"),
        ("audit", "list"),
        ("audit", "verify"),
        ("connectors", "list"),
        ("connectors", "describe", "xero"),
        ("mappings", "coverage", "xero"),
    ],
)
@pytest.mark.parametrize("lang", ["en", "zh-CN"])
def test_no_word_is_missing_in_either_language(config: Path, arguments: tuple[str, ...], lang: str) -> None:
    result = ltc(config, "--lang", lang, *arguments)
    assert result.exit_code == 0, result.output
    prefix = arguments[0].replace("-", "_")
    raw = re.findall(rf"\b(?:{prefix}|summary|findings|links)\.[a-z_]+(?:\.[a-z_]+)*", result.output)
    assert raw == []


def test_without_a_store_a_command_says_what_to_do(tmp_path: Path) -> None:
    path = deal.config(tmp_path, f"sqlite:///{tmp_path / 'nothing.db'}")
    for arguments in (("trace", "SO-1"), ("findings", "list"), ("audit", "verify")):
        result = ltc(path, *arguments)
        assert result.exit_code == 1
        assert "ltc sync" in result.stderr
    assert not (tmp_path / "nothing.db").exists()


def _leaves(command: click.Command, path: tuple[str, ...]) -> Any:
    yield path, command
    if isinstance(command, click.Group):
        for name, found in command.commands.items():
            yield from _leaves(found, (*path, name))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example_of_itself(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    for path, found in _leaves(command, (name,)):
        assert f"ltc {path[0]}" in (found.help or "").replace("--lang zh-CN ", ""), path
        assert "Examples:" in (found.help or ""), path


def test_the_reference_of_commands_is_up_to_date() -> None:
    assert reference.PATH.read_text(encoding="utf-8") == reference.reference(), "run `make docs`"


def test_a_check_of_ones_own_is_written_tried_and_listed(tmp_path: Path) -> None:
    file = deal.config(tmp_path, "sqlite:///ltc.db")
    written = ltc(file, "checks", "new", "acme_quote")
    assert written.exit_code == 0
    assert "reconciliation: {checks_folder: checks}" in written.stdout
    untold = ltc(file, "checks", "test")
    assert (untold.exit_code, "names no `reconciliation.checks_folder`" in untold.output) == (2, True)
    again = ltc(file, "checks", "new", "acme_quote")
    assert (again.exit_code, "is there already" in again.output) == (2, True)
    taken = ltc(file, "checks", "new", "delivery_late")
    assert (taken.exit_code, "Give yours another name" in taken.output) == (2, True)
    file = deal.config(tmp_path, "sqlite:///ltc.db", reconciliation={"checks_folder": "checks"})
    tried = ltc(file, "checks", "test")
    assert (tried.exit_code, tried.stdout.count("✓"), "3 cases, 0 wrong." in tried.stdout) == (0, 3, True)
    path = tmp_path / "checks" / "acme_quote.sql"
    path.write_text(path.read_text().replace("net_amount >", "net_amount >="))
    tried = ltc(file, "checks", "test", "acme_quote", "--json")
    assert tried.exit_code == 1
    assert [item["ok"] for item in data(tried)] == [True, True, False]
    (tmp_path / "checks" / "acme_quote.test.yaml").unlink()
    assert "✗ acme_quote\n    It has no test: write acme_quote.test.yaml." in ltc(file, "checks", "test").stdout
    listed = data(ltc(file, "checks", "list", "--json"))[-1]
    assert (listed["id"], listed["own"], listed["parameters"]) == ("acme_quote", True, {"limit": 10000})
    assert "order_id" in data(ltc(file, "checks", "tables", "order_states", "--json"))["order_states"]["columns"]
    assert "各订单的交付、开票、收款情况" in ltc(file, "--lang", "zh-CN", "checks", "tables").stdout


@pytest.mark.parametrize(("lang", "said"), [("en", "could not be judged"), ("zh-CN", "无法判断")])
def test_a_check_of_ones_own_that_is_broken_is_named_and_everything_else_is_done(
    filled: Path, tmp_path: Path, lang: str, said: str
) -> None:
    shutil.copy(filled, tmp_path / "ltc.db")
    file = deal.config(tmp_path, "sqlite:///ltc.db", reconciliation={"checks_folder": "checks"})
    ltc(file, "checks", "new", "acme_quote")
    path = tmp_path / "checks" / "acme_quote.sql"
    path.write_text(path.read_text().replace("FROM quotes", "FROM quote_list"))
    result = ltc(file, "--lang", lang, "reconcile")
    assert result.exit_code == 0, result.output
    [line] = [line for line in result.stdout.splitlines() if "acme_quote" in line]
    assert said in line
    assert "Table with name quote_list does not exist!" in line


def test_a_check_of_ones_own_that_was_changed_is_applied_by_the_next_reconciliation(
    filled: Path, tmp_path: Path
) -> None:
    shutil.copy(filled, tmp_path / "ltc.db")
    file = deal.config(tmp_path, "sqlite:///ltc.db", reconciliation={"checks_folder": "checks"})
    ltc(file, "checks", "new", "acme_quote")
    ltc(file, "reconcile")
    told = ltc(file, "reconcile").stdout
    assert "Nothing has changed since the last reconciliation" in told
    assert data(ltc(file, "findings", "list", "--check", "acme_quote", "--json")) == []
    path = tmp_path / "checks" / "acme_quote.sql"
    head = path.read_text().partition("WHERE")[0]
    path.write_text(f"{head}WHERE crm")
    assert "Nothing has changed" not in ltc(file, "reconcile").stdout
    assert data(ltc(file, "findings", "list", "--check", "acme_quote", "--json"))
