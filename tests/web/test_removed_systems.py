"""A system that is not in ltc.yaml any more is marked as removed wherever what was read from it is shown."""

# ruff: noqa: F811 - fixtures of another folder are imported

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import text

from state.members import Role
from state.store import Store
from tests.console.company import ltc
from tests.web.api.conftest import Program, program, token  # noqa: F401
from tests.web.conftest import Browser
from tests.web.toy_company import plain


@pytest.fixture
def looking(as_role: Callable[[Role], Browser], config: Path) -> Browser:
    """Of somebody who looks at the workbench after the CRM was removed."""
    browser = as_role(Role.VIEWER)
    told = yaml.safe_load(config.read_text())
    del told["systems"]["crm"]
    config.write_text(yaml.safe_dump(told))
    return browser


def party(store: Store) -> int:
    with store.reading() as connection:
        return int(connection.execute(text("SELECT record_id FROM parties WHERE source_id = '117'")).scalar_one())


def of_the_quote(browser: Browser) -> str:
    """The row of the list of findings that is about the CRM's quote."""
    rows = browser.get("/findings").text.split("<tr")
    return next(row for row in rows if "Q-1" in row)


def test_the_page_systems_has_a_row_for_it_with_what_is_held(looking: Browser) -> None:
    page = looking.get("/systems").text
    table = page.partition("<tbody>")[2].partition("</tbody>")[0]
    assert re.search(r"crm \d+ records? stays? system removed – – –", plain(table))
    assert plain(table).count("removed") == 1
    assert 'href="/systems/crm"' not in page
    assert looking.get("/systems/crm").status_code == 404


def test_a_trace_marks_it_among_what_may_be_meant_and_shares_no_order_of_it(
    looking: Browser, as_role: Callable[[Role], Browser], config: Path
) -> None:
    near = plain(looking.get("/trace?text=acme").text)
    assert "crm (SYSTEM REMOVED), erp" in near
    assert "erp (SYSTEM REMOVED)" not in near
    finance = as_role(Role.FINANCE)
    assert "/share" in finance.get("/trace?text=SO-1").text
    told = yaml.safe_load(config.read_text())
    del told["systems"]["erp"]
    config.write_text(yaml.safe_dump(told))
    assert "/share" not in finance.get("/trace?text=SO-1").text


def test_a_trace_marks_its_records_and_no_others(looking: Browser) -> None:
    page = looking.get("/trace?text=SO-1").text
    titles = [plain(found) for found in re.findall(r"<p><b>(.*?)</p>", page)]
    of_the_crm = [title for title in titles if "crm: " in title]
    assert of_the_crm
    assert all("SYSTEM REMOVED" in title for title in of_the_crm)
    assert not any("REMOVED" in title for title in titles if title not in of_the_crm)


def test_ltc_trace_marks_them_as_well(looking: Browser, config: Path) -> None:
    said = ltc(config, "trace", "SO-1").output
    lines = [line for line in said.splitlines() if "crm: " in line]
    assert lines
    assert all("SYSTEM REMOVED" in line for line in lines)


def test_the_page_of_a_customer_marks_its_column(looking: Browser, desk: Store) -> None:
    heads = re.findall(r"<th scope=\"col\".*?</th>", looking.get(f"/customers/{party(desk)}").text)
    told = [plain(head) for head in heads]
    assert "crm system removed" in told
    assert "erp" in told


def test_findings_mark_its_records(looking: Browser) -> None:
    row = of_the_quote(looking)
    assert "crm system removed" in plain(row)
    found = re.search(r'href="(/findings/[0-9a-f]+)', row)
    assert found is not None, row
    assert "crm system removed" in plain(looking.get(found[1]).text)
    assert "books system removed" not in plain(looking.get("/findings").text)


def test_the_marks_are_chinese_for_who_reads_chinese(looking: Browser, desk: Store) -> None:
    looking.post("/language", locale="zh-CN", next="/")
    assert re.search(r"crm 保留 \d+ 条记录 系统已移除", plain(looking.get("/systems").text))
    assert "系统已移除" in looking.get("/trace?text=SO-1").text
    assert "crm 系统已移除" in plain(looking.get(f"/customers/{party(desk)}").text)
    assert "crm 系统已移除" in plain(of_the_quote(looking))


def test_nothing_is_marked_while_all_are_in_ltc_yaml(as_role: Callable[[Role], Browser], desk: Store) -> None:
    browser = as_role(Role.VIEWER)
    for address in ("/trace?text=SO-1", f"/customers/{party(desk)}", "/findings"):
        assert "removed" not in plain(browser.get(address).text).lower()
    systems = plain(browser.get("/systems").text)
    assert not re.search(r"\b(crm|erp) [\w ]+ system removed", systems.replace(" desk ", ". desk "))


@pytest.mark.parametrize("what", ["findings", "links"])
def test_exports_have_a_column_that_marks_them(looking: Browser, config: Path, tmp_path: Path, what: str) -> None:
    out = tmp_path / "out.csv"
    assert ltc(config, "export", what, "--out", str(out)).exit_code == 0
    rows = list(csv.DictReader(out.read_text("utf-8-sig").splitlines()))
    for row in rows:
        if what == "findings":
            assert (row["system_removed"] == "yes") == ('"system": "crm"' in row["records"].replace('":"', '": "'))
        else:
            assert [row[f"{side}_system_removed"] == "yes" for side in ("left", "right")] == [
                row[f"{side}_system"] == "crm" for side in ("left", "right")
            ]
    assert any("yes" in (row.get("system_removed"), row.get("left_system_removed")) for row in rows)
    assert any("no" in (row.get("system_removed"), row.get("right_system_removed")) for row in rows)


def test_the_api_marks_them_in_findings_chains_and_customers(program: Program, desk: Store, config: Path) -> None:
    api = program(Role.VIEWER)
    told = yaml.safe_load(config.read_text())
    del told["systems"]["crm"]
    config.write_text(yaml.safe_dump(told))
    findings = api.get("/findings").json()["items"]
    records = [record for item in findings for record in item["records"]]
    records += [one["record"] for item in findings[:5] for one in api.get(f"/findings/{item['id']}").json()["values"]]
    records += [record for chain in api.get("/chains", text="SO-1").json()["items"] for record in chain["records"]]
    records += api.get(f"/customers/{party(desk)}").json()["records"]
    assert {record["system_removed"] for record in records} == {True, False}
    assert all(record["system_removed"] == (record["system"] == "crm") for record in records)


def test_the_api_marks_them_in_links(program: Program, config: Path) -> None:
    api = program(Role.VIEWER)

    def said() -> list[dict[str, Any]]:
        links = [item for way in ("suggested", "auto") for item in api.get("/links", decision=way).json()["items"]]
        return [link[side]["record"] for link in links for side in ("left", "right")]

    assert {record["system_removed"] for record in said()} == {False}
    told = yaml.safe_load(config.read_text())
    del told["systems"]["crm"]
    config.write_text(yaml.safe_dump(told))
    assert {record["system_removed"] for record in said()} == {True, False}
    assert all(record["system_removed"] == (record["system"] == "crm") for record in said())
