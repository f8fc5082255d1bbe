"""``ltc export``: what a file holds, that it is whole or not there, and how little memory it takes."""

from __future__ import annotations

import csv
import io
import json
import shutil
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Connection

from console import exporting
from settings import load
from state import bulk, exports, schema
from state.store import open_store
from tests.console import deal, receipts
from tests.console.company import data, ltc


@pytest.fixture(scope="module")
def filled(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deal.filled(sqlite_template, tmp_path_factory.mktemp("export"), receipts.fill)


@pytest.fixture
def config(filled: Path, tmp_path: Path) -> Path:
    shutil.copy(filled, tmp_path / "ltc.db")
    return deal.config(tmp_path, "sqlite:///ltc.db")


def exported(config: Path, *arguments: str) -> list[Any]:
    result = ltc(config, "export", *arguments)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_every_finding_is_a_line_that_says_what_the_list_says(config: Path) -> None:
    listed = data(ltc(config, "findings", "list", "--json"))
    shown = {item["id"]: item for item in exported(config, "findings")}
    assert shown.keys() == {item["id"] for item in listed} != set()
    for item in listed:
        assert {name: shown[item["id"]][name] for name in ("check", "amount", "title", "action")} == {
            name: item[name] for name in ("check", "amount", "title", "action")
        }


def test_every_link_and_every_receipt_is_a_line(config: Path) -> None:
    linked = data(ltc(config, "links", "list", "--json"))
    for item in linked:
        for side in ("left", "right"):
            item[side]["system_removed"] = False
    assert exported(config, "links") == sorted(linked, key=lambda item: int(item["left"]["record_id"])) != []
    listed = data(ltc(config, "cash", "list", "--all", "--json"))
    for item in listed:
        item["record"]["system_removed"] = False
    assert sorted(exported(config, "receipts"), key=str) == sorted(listed, key=str) != []


def test_csv_has_a_column_for_each_value_and_nothing_that_is_taken_for_a_formula(config: Path) -> None:
    result = ltc(config, "export", "receipts", "--format", "csv")
    rows = {row["record_number"]: row for row in table(result.stdout)}
    assert rows["P1"]["amount"] == "1100.00"
    assert rows["P1"]["left"] == "100.00"
    assert rows["P1"]["class_text"] == "Overpayment"
    assert json.loads(rows["P1"]["applied"])[0]["record"]["number"] == "INV-20260001"

    hostile: list[exporting.Row] = [{"customer": "=1+1", "left": "-5.00", "record": {"number": "\uff1d2"}}]
    [row] = table("".join(exporting.as_csv(iter(hostile), "receipts")))
    assert (row["customer"], row["record_number"], row["left"]) == ("'=1+1", "'\uff1d2", "-5.00")


def test_a_file_is_named_by_what_it_is_and_speaks_the_language_that_was_asked_for(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "receipts.csv"
    told = ltc(config, "--lang", "zh-CN", "export", "receipts", "--out", str(out))
    assert told.stdout.strip() == f"共 3 行：{out}"
    assert out.read_bytes().startswith(b"\xef\xbb\xbf")
    assert {row["class_text"] for row in table(out.read_text("utf-8-sig"))} >= {"多付款"}
    lines = tmp_path / "receipts.jsonl"
    assert ltc(config, "export", "receipts", "--out", str(lines)).exit_code == 0
    assert len([json.loads(line) for line in lines.read_text("utf-8").splitlines()]) == 3
    assert lines.stat().st_mode & 0o077 == 0


def test_a_failed_export_leaves_the_old_file_as_it_was(tmp_path: Path) -> None:
    out = tmp_path / "links.jsonl"
    out.write_text("old")
    with pytest.raises(ZeroDivisionError), exporting.replacing(out, "jsonl") as file:
        file.write(f"new {1 // 0}")
    assert out.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["links.jsonl"]


def test_what_cannot_be_meant_is_refused(config: Path, tmp_path: Path) -> None:
    assert "--all goes with findings" in ltc(config, "export", "links", "--all").output
    lost = ltc(config, "export", "links", "--out", str(tmp_path / "nowhere" / "links.csv"))
    assert lost.exit_code == 2
    assert "There is no folder" in lost.output


def test_ten_times_as_many_links_take_no_more_memory(config: Path) -> None:
    settings = load(config)

    def peak(connection: Connection, count: int) -> int:
        tracemalloc.start()
        try:
            assert (
                sum(1 for _ in exporting.as_json(exporting.rows(connection, settings, "links", "en"), "links")) == count
            )
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few, many = 2 * exports.SIZE, 20 * exports.SIZE
    with open_store(settings.store) as store:
        with store.transaction() as connection:
            connection.execute(schema.link.delete())
            _link(connection, range(few))
        with store.reading() as connection:
            little = peak(connection, few)
        with store.transaction() as connection:
            _link(connection, range(few, many))
        with store.reading() as connection:
            assert peak(connection, many) < 1.5 * little


def _link(connection: Connection, numbers: range) -> None:
    columns = ("kind", "left_id", "right_id", "left_entity", "right_entity", "method", "score", "evidence", "decision")
    found = ("invoice", "payment", "reference", 1000, '{"value": "INV-1"}', "auto")
    bulk.insert(connection, schema.link, (*columns, "run_id"), [("follows", n, n + 1, *found, "r") for n in numbers])
