"""Texts of sources that were made to do harm: in workbook, page, artifacts, terminal, and every query."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from rich.console import Console
from sqlalchemy import text

from console import output
from console.report import book, figures, html, terminal, xlsx
from flows import artifacts
from sandbox.jiandaoyun import JiandaoyunServer
from state.store import Store, open_store
from sync.outcome import Problem
from sync.result import SyncResult
from tests.console import company, sample_report
from tests.security import corpus

STEERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]")


def hostile(value: str) -> dict[str, Any]:
    """A report in which every text that comes from a source or a person is this one."""
    found = sample_report.report()
    for item in found["findings"]:
        for name in (
            "id",
            "title",
            "explanation",
            "action",
            "assignee",
            "reason",
            "approver",
            "status",
            "check",
            "owner",
        ):
            item[name] = value
    records = [record for item in found["findings"] for record in item["records"]]
    records += [item["record"] for part in ("adjustments", "settled") for item in found[part]]
    for item in found["receivables"]["items"]:
        item["customer"] = value
        for name in ("entity", "source_id", "number", "url"):
            item["record"][name] = value
    for record in records:
        for name in ("system", "source_id", "number", "url", "entity"):
            record[name] = value
    for customer in found["receivables"]["customers"]:
        customer["customer"] = value
    for period in found["periods"]:
        for name in ("closed_by", "approved_by", "reason"):
            period[name] = value
    return found


@pytest.mark.parametrize("value", corpus.ALL)
def test_no_text_becomes_a_formula_or_a_link_in_the_workbook(value: str, tmp_path: Path) -> None:
    path = tmp_path / "r.xlsx"
    xlsx.write(hostile(value), path, "en")
    for sheet in openpyxl.load_workbook(path):
        for row in sheet.iter_rows():
            for cell in row:
                shown = cell.value
                assert cell.hyperlink is None
                if cell.data_type == "f":
                    assert _OURS.fullmatch(str(shown)), shown
                elif isinstance(shown, str) and book.is_risky(shown):
                    assert cell.quotePrefix, f"{sheet.title}!{cell.coordinate}: {shown!r}"


@pytest.mark.parametrize("value", corpus.FORMULAS)
def test_every_formula_of_the_corpus_is_known_as_one(value: str) -> None:
    assert book.is_risky(value)


@pytest.mark.parametrize("value", ["", "SO-7", "Acme =1", "1.50", "王小明", "(0) 1"])
def test_ordinary_texts_are_not_taken_for_formulas(value: str) -> None:
    assert not book.is_risky(value)


_OURS = re.compile(r"""=(?:[A-Z0-9$:(),!+*/. -]|'[A-Za-z ]*'|"[A-Za-z0-9 <=>+–-]{1,20}"|<>|"")*""")
"""Formulas that we write: functions, cells, numbers, names of sheets, plain words; no other text."""


class _Page(HTMLParser):
    """What a browser would make of the page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.policy = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        given = dict(attrs)
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"] or ""


def parsed(report: dict[str, Any]) -> tuple[_Page, str]:
    page, source = _Page(), html.render(report, "en")
    page.feed(source)
    return page, source


@pytest.mark.parametrize("value", corpus.ALL)
def test_no_text_becomes_markup_script_or_handler_in_the_page(value: str) -> None:
    harmless, _ = parsed(hostile("a text"))
    page, _ = parsed(hostile(value))
    assert page.tags == harmless.tags
    assert [name for name, _ in page.attributes] == [name for name, _ in harmless.attributes]
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    links = [value for name, value in page.attributes if name in ("href", "src")]
    assert all(link.startswith(("#", "https://", "http://")) for link in links)


def test_the_page_lets_only_its_own_script_run_and_asks_no_server() -> None:
    page, source = parsed(sample_report.report())
    (script,) = re.findall(r"<script>(.*?)</script>", source, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page.policy
    assert "default-src 'none'" in page.policy
    assert "unsafe-inline" not in page.policy.partition("script-src")[2]


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", " https://x", "//evil"]
)
def test_only_addresses_of_the_web_become_links(url: str) -> None:
    assert figures.link({"url": url}) is None


@pytest.mark.parametrize("value", corpus.ALL)
def test_no_text_becomes_markup_or_another_row_in_an_artifact(value: str) -> None:
    result = SyncResult("sync", "run-1", "local")
    result.problems.append(Problem("contract", value, value))
    before = SyncResult("sync", "run-1", "local")
    before.problems.append(Problem("contract", "a text", "a text"))
    shown, harmless = artifacts.summary(result), artifacts.summary(before)
    assert len(shown.splitlines()) == len(harmless.splitlines())
    assert "<" not in shown
    assert not re.search(r"(?<!\\)\]\(", shown)
    row = artifacts._table(("a", "b"), [(value, "end")]).splitlines()
    assert len(row) == 3
    assert len(re.findall(r"(?<!\\)\|", row[2])) == 3


@pytest.mark.parametrize("value", corpus.ALL)
def test_no_text_steers_the_terminal(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    shown = StringIO()
    terminal.show(hostile(value), "en", Console(file=shown, width=200))
    output.say(value)
    output.table(("a", "b"), [(value, value)])
    output.emit_json({"a": value, value: [value]})
    printed = shown.getvalue() + capsys.readouterr().out
    assert not STEERS.search(printed)


@pytest.mark.parametrize("value", corpus.ALL)
def test_what_is_printed_as_json_is_the_same_text_for_programs(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    output.emit_json({"a": value})
    assert json.loads(capsys.readouterr().out) == {"a": value}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, JiandaoyunServer]]:
    """A synced store whose leads hold the whole corpus, in every field and as their status."""
    folder = tmp_path_factory.mktemp("hostile")
    with company.forms(leads=0) as server:
        for number, value in enumerate(corpus.ALL):
            company.submit(server, number, contact_name=value, company_name=value, email=value, country=value)
            company.submit(server, 500 + number, status=value)
        config = company.write(folder, {"forms": company.system(server)})
        assert company.ltc(config, "sync").exit_code in (0, 3)
        yield config, server


@pytest.mark.parametrize(
    "command",
    [
        ("sync",),
        ("status",),
        ("quarantine",),
        ("quarantine", "--json"),
        ("runs",),
        ("report",),
        ("findings", "list"),
        ("findings", "list", "--json"),
        ("links", "list"),
        ("export", "findings"),
        ("trace", "L-000001"),
        ("push", "--plan"),
        ("mappings", "test", "forms"),
    ],
)
def test_no_command_lets_a_record_steer_the_terminal(
    command: tuple[str, ...], place: tuple[Path, JiandaoyunServer]
) -> None:
    result = company.ltc(place[0], *command)
    assert "does not know" not in result.output, result.output
    assert not STEERS.search(result.output), STEERS.findall(result.output)


def _tables(store: Store) -> dict[str, int]:
    with store.reading() as connection:
        query = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
        names = connection.execute(text(query)).scalars().all()
        return {name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in names}


def test_every_text_is_kept_as_it_is_and_no_table_is_harmed(place: tuple[Path, JiandaoyunServer]) -> None:
    with open_store(f"sqlite:///{place[0].parent / 'ltc.db'}") as store:
        tables = _tables(store)
        assert tables["record"] == 2 * len(corpus.ALL)
        with store.reading() as connection:
            kept = set(connection.execute(text("SELECT company_name FROM leads")).scalars())
    expected = {" ".join(value.split()) for value in corpus.ALL if "\0" not in value}
    assert {value for value in expected if value.isascii()} <= kept


ARGUMENTS = (
    ("trace", "{}"),
    ("findings", "list", "--check", "{}"),
    ("findings", "assign", "{}", "--to", "{}"),
    ("dead-letters", "show", "{}"),
    ("dead-letters", "retry", "{}"),
    ("runs", "{}"),
    ("links", "list", "--system", "{}"),
    ("pull", "--system", "{}"),
    ("pull", "--stream", "{}"),
    ("pull", "--since", "{}"),
    ("quarantine", "--system", "{}"),
    ("lock", "forms", "lead", "{}", "--reason", "{}"),
    ("checks", "list", "{}"),
)


@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_no_argument_reaches_a_query_as_anything_but_a_value(
    arguments: tuple[str, ...], place: tuple[Path, JiandaoyunServer]
) -> None:
    with open_store(f"sqlite:///{place[0].parent / 'ltc.db'}") as store:
        before = _tables(store)
        for value in corpus.QUERIES:
            result = company.ltc(place[0], *(part.replace("{}", value) for part in arguments))
            assert "does not know" not in result.output, result.output
        after = _tables(store)
    assert after["record"] == before["record"]
    assert after["landing"] == before["landing"]
    assert after.keys() == before.keys()
