"""Taking back that a system was removed: its own part comes back wherever its neighbours stand, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from console.web.admin.differences import NotUndoable, hunks, undone
from console.web.admin.files import Files
from settings.model import Settings
from state.store import Store
from yamlfiles.editing import drop, put

BEFORE = """\
version: 1
store: sqlite:///ltc.db
systems:
  forms:
    connector: typeform
    roles: [marketing]
    push: plan
  # our CRM
  crm:
    connector: salesforce
    roles: [crm]
    config: {instance_url: "https://a.example"}
    push: plan
  # the books
  books:
    connector: xero
    roles: [accounting]
    push: plan
ownership:
  lead.status: crm
"""


@pytest.fixture
def files(desk: Store, config: Path) -> Files:
    return Files(desk, config)


def read(text: str) -> Any:
    return yaml.safe_load(text)


def removed(name: str = "crm") -> tuple[str, Any]:
    after = drop(BEFORE, "ltc.yaml", ("systems", name))
    return after, hunks(BEFORE, after, ())


def test_a_removed_system_comes_back_to_the_byte_where_nothing_else_was_changed() -> None:
    for name in ("forms", "crm", "books"):
        after, found = removed(name)
        assert undone(after, found, ()) == BEFORE


@pytest.mark.parametrize("name", ["forms", "crm", "books"])
def test_it_comes_back_whole_where_both_its_neighbours_were_changed(name: str) -> None:
    after, found = removed(name)
    changed = after.replace("push: plan", "push: off\n    schedule: {cron: '0 * * * *'}")
    changed = changed.replace("# the books", "# books of the whole group").replace("xero", "tryton")
    back = undone(changed, found, ())
    systems = read(back)["systems"]
    assert systems.pop(name) == read(BEFORE)["systems"][name]
    assert systems == read(changed)["systems"]
    assert {**read(back), "systems": 0} == {**read(changed), "systems": 0}
    assert "# books of the whole group" in back


def test_what_was_added_to_the_neighbour_above_stays_with_it() -> None:
    after, found = removed("crm")
    first, second = after.split("  # the books", 1) if "  # the books" in after else after.split("  books:", 1)
    changed = f"{first}    schedule: {{cron: '0 * * * *'}}\n  # newly bought\n  books:{second.partition('books:')[2]}"
    systems = read(undone(changed, found, ()))["systems"]
    assert systems["forms"]["schedule"] == {"cron": "0 * * * *"}
    assert "schedule" not in systems["crm"]


def test_it_comes_back_above_the_system_that_followed_also_where_that_was_moved() -> None:
    after, found = removed("crm")
    moved = drop(after, "ltc.yaml", ("systems", "forms"))
    moved = put(moved, "ltc.yaml", ("systems", "zeta"), {"connector": "odoo", "roles": ["erp"]})
    assert list(read(undone(moved, found, ()))["systems"]) == ["crm", "books", "zeta"]


def test_it_is_refused_where_a_system_of_that_name_is_there_again() -> None:
    after, found = removed("crm")
    again = put(
        after.replace("push: plan", "push: off"),
        "ltc.yaml",
        ("systems", "crm"),
        {"connector": "odoo", "roles": ["crm"]},
    )
    with pytest.raises(NotUndoable) as refused:
        undone(again, found, ())
    assert refused.value.key == "overlaid"


def test_systems_that_stand_deeper_now_take_it_in_as_deep() -> None:
    after, found = removed("crm")
    head, _, rest = after.partition("systems:\n")
    inner, _, foot = rest.partition("ownership:")
    deeper = f"{head}systems:\n{''.join(f'  {line}' for line in inner.splitlines(True))}ownership:{foot}"
    assert read(undone(deeper, found, ()))["systems"]["crm"] == read(BEFORE)["systems"]["crm"]


def test_the_history_takes_back_a_removal_after_its_neighbours_were_changed(files: Files, given: Settings) -> None:
    def saved(text: str) -> int | None:
        return files.save("ltc.yaml", text, files.read("ltc.yaml").digest, given, "anna", "as agreed")

    first = files.path.read_text()
    name, *others = list(read(first)["systems"])[1:]
    number = saved(drop(first, "ltc.yaml", ("systems", name)))
    assert number is not None
    text = files.path.read_text()
    for other in read(text)["systems"]:
        text = put(text, "ltc.yaml", ("systems", other, "push"), "off")
    saved(text)
    files.undo(number, given, "anna", "needed after all")
    now = read(files.path.read_text())["systems"]
    assert now[name] == read(first)["systems"][name]
    assert {one["push"] for other, one in now.items() if other != name} == {"off"}
    assert others
