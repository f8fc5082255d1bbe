"""Several records of a stream in one table: raw beside canonical, mistakes marked, people hidden."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from console.web.admin.mapping_rows import rows_of
from tests.console import deal
from tests.web.admin.test_mappings import (  # noqa: F401 - fixtures of a CRM with a mapping of its own
    LEAD,
    PAGE,
    PEOPLE,
    anna,
    as_role,
    at_once,
    config,
    field,
    posted,
)
from tests.web.conftest import Browser

pytestmark = pytest.mark.slow


def _table(page: str) -> str:
    return page.partition('<table class="samples">')[2].partition("</table>")[0]


def _rows(page: str) -> list[str]:
    return re.findall(r"<tr[^>]*>\s*<th scope=\"row\">.*?</tr>", _table(page), re.DOTALL)


def test_twenty_records_stand_in_one_table_with_what_each_field_becomes(anna: Browser, config: Path) -> None:  # noqa: F811
    more = {f"00R{n:02}": json.dumps({**LEAD, "Id": f"00R{n:02}", "Country__c": "FR"}).encode() for n in range(30)}
    deal.land(config, "crm", "lead", more)
    page = anna.get(PAGE).text
    assert len(_rows(page)) == 20
    cell = r'<td class="text" data-of="country"[^>]*>FR</td>'
    assert re.search(rf"{cell}\s*{cell}", page)
    second = anna.get(f"{PAGE}?first=20").text
    assert len(_rows(second)) == 15
    ids = [re.findall(r"\?record=(\w+)", _table(shown)) for shown in (page, second)]
    assert not set(ids[0]) & set(ids[1])
    assert 'first=20#samples"' in page
    assert 'first=0#samples"' in second
    assert [word for word in PEOPLE if word.lower() in page.lower()] == []


def test_mistakes_are_marked_in_the_record_and_in_the_field_before_they_are_saved(anna: Browser, config: Path) -> None:  # noqa: F811
    right = {**LEAD, "Id": "00R1", "Region__c": "2026-10-01T08:00:00Z"}
    deal.land(config, "crm", "lead", {"00R1": json.dumps(right).encode()})
    page = posted(anna, "preview", **field("received_at", "Region__c")).text
    wrong = [row for row in _rows(page) if "data-is-wrong" in row]
    assert len(wrong) == 5
    assert "6 records, 5 with a mistake" in page
    assert all("quarantine: " in row and "✗" in row for row in wrong)
    head = re.search(r'<th scope="colgroup"[^>]*data-of="received_at"[^>]*>', page)
    assert head is not None
    assert "hidden" not in head[0]


def test_a_value_that_becomes_nothing_counts_as_a_mistake_and_its_field_is_open() -> None:
    def record(id: str, rate: str | None) -> dict[str, object]:
        names = [f"f{n}" for n in range(6)]
        fields = [{"name": name, "raw": "x", "value": "x", "error": None} for name in names]
        fields.append({"name": "rate", "raw": "abc", "value": rate, "error": None})
        fields.append({"name": "lines.1.sku", "raw": "x", "value": None, "error": None})
        return {"source_id": id, "entity": "lead", "refused": None, "skipped": False, "fields": fields}

    found = rows_of([record("a", "1"), record("b", None)])
    assert [row.is_wrong for row in found.rows] == [False, True]
    assert "rate" in found.is_open
    assert "lines.1.sku" not in found.names
    assert found.names[0] == "rate"
    changed = rows_of([record("a", "1"), record("b", None)], ["f5"])
    assert changed.names == ["rate", "f5", "f0", "f1", "f2", "f3", "f4"]
    assert set(changed.is_open) == {"rate", "f5", "f0", "f1", "f2", "f3"}
    assert changed.closed == 1


def test_what_was_just_changed_stands_first_and_the_page_says_how_many_fields_are_not_shown(anna: Browser) -> None:  # noqa: F811
    def shown(page: str) -> tuple[list[str], list[str]]:
        heads = re.findall(r'<th scope="colgroup" colspan="2" data-of="(\w+)"( hidden)?>', _table(page))
        return [name for name, _ in heads], [name for name, is_closed in heads if is_closed]

    names, closed = shown(anna.get(PAGE).text)
    assert names[0] == "status", "as in the model"
    assert f"{len(closed)} of {len(names)} fields are not shown." in anna.get(PAGE).text
    assert f"Show all {len(names)}" in anna.get(PAGE).text
    change = field("campaign", "Region__c")
    assert shown(posted(anna, "preview", **change).text)[0][0] == "campaign"
    saved = anna.get(posted(anna, "save", **change).headers["location"]).text
    assert "campaign" in shown(saved)[0][0]
    assert "campaign" not in shown(saved)[1]


def test_every_record_that_is_at_hand_can_be_chosen_and_the_others_are_counted(
    anna: Browser,  # noqa: F811
    config: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    more = {f"00R{n:02}": json.dumps({**LEAD, "Id": f"00R{n:02}"}).encode() for n in range(30)}
    deal.land(config, "crm", "lead", more)
    for id in more:
        assert (
            f"<option>{id}</option>" in anna.get(PAGE).text or f"<option selected>{id}</option>" in anna.get(PAGE).text
        )
    assert "Stored record, the newest first" in anna.get(PAGE).text
    monkeypatch.setattr("console.web.admin.samples.MOST", 9)
    assert "Stored record: the newest 9 of 35" in anna.get(PAGE).text
