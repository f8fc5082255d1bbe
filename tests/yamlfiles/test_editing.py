"""Single entries of a YAML file are changed where they stand; nothing else of the file is."""

from __future__ import annotations

import difflib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yamlfiles.editing import Flow, NotEditable, drop, put
from yamlfiles.reading import parse

FILE = """\
# Ours
version: 1
systems:
  # where deals are made
  crm:
    connector: salesforce   # the old one
    roles: [crm]
    config: {url: "https://a.example",
      client: 'x'}  # from IT
    # push: auto

  erp:
    connector: tryton
    schedule:   # at night
      cron: "0 3 * * *"
    push: plan
# who owns what
ownership:
  lead.status: crm  # agreed in May
"""


def changed(before: str, after: str) -> list[str]:
    lines = difflib.ndiff(before.splitlines(), after.splitlines())
    return [line for line in lines if line[0] in "+-"]


def test_a_value_is_replaced_and_its_comment_stays() -> None:
    after = put(FILE, "ltc.yaml", ("systems", "crm", "connector"), "xero")
    assert changed(FILE, after) == [
        "-     connector: salesforce   # the old one",
        "+     connector: xero   # the old one",
    ]


def test_a_new_entry_stands_behind_the_comments_of_the_one_before_it() -> None:
    wanted = {"connector": "acme.yaml", "roles": ["erp"], "config": {"key": "${env:KEY}", "on": "no"}}
    after = put(FILE, "ltc.yaml", ("systems", "shop"), {**wanted, "schedule": Flow(interval=600)})
    assert changed(FILE, after) == [
        "+   shop:",
        "+     connector: acme.yaml",
        "+     roles: [erp]",
        "+     config:",
        "+       key: ${env:KEY}",
        "+       'on': 'no'",
        "+     schedule: {interval: 600}",
    ]
    assert after.index("  shop:") < after.index("# who owns what")
    assert changed(FILE, put(FILE, "f", ("systems", "crm", "push"), "off")) == ["+     push: 'off'"]


def test_tables_on_one_line_are_changed_on_that_line() -> None:
    after = put(FILE, "ltc.yaml", ("systems", "crm", "config", "pages"), 5)
    assert changed(FILE, after) == ["-       client: 'x'}  # from IT", "+       client: 'x', pages: 5}  # from IT"]
    assert "    config: {client: 'x'}  # from IT\n" in drop(FILE, "ltc.yaml", ("systems", "crm", "config", "url"))
    assert '"https://a.example"}  # from IT' in drop(FILE, "ltc.yaml", ("systems", "crm", "config", "client"))


def test_a_block_becomes_a_line_and_the_other_way_round() -> None:
    after = put(FILE, "ltc.yaml", ("systems", "erp", "schedule"), Flow(interval=600))
    assert "    schedule: {interval: 600}   # at night\n    push: plan\n" in after
    again = put(after, "ltc.yaml", ("systems", "erp", "schedule"), {"cron": "0 4 * * *"})
    assert "    schedule:   # at night\n      cron: 0 4 * * *\n    push: plan\n" in again


def test_what_is_removed_takes_its_lines_and_no_others() -> None:
    after = drop(FILE, "ltc.yaml", ("systems", "crm"))
    assert "  # where deals are made\n\n  erp:\n" in after
    assert "# push: auto" not in after
    assert drop(FILE, "ltc.yaml", ("ownership", "lead.status")).endswith("# who owns what\nownership: {}\n")


def test_tables_that_lack_are_made() -> None:
    after = put(FILE, "ltc.yaml", ("reconciliation", "tolerance", "relative"), "0.1")
    assert after == f"{FILE}reconciliation:\n  tolerance:\n    relative: '0.1'\n"
    assert put("a:   # none yet\n", "f", ("a", "b"), "c") == "a:   # none yet\n  b: c\n"
    assert put("a: {}\n", "f", ("a", "b"), "c") == "a:\n  b: c\n"


def test_line_ends_and_the_mark_at_the_beginning_stay() -> None:
    windows = "\ufeff" + FILE.replace("\n", "\r\n")
    after = put(windows, "ltc.yaml", ("systems", "shop"), {"connector": "x"})
    assert after.replace("  shop:\r\n    connector: x\r\n", "") == windows
    assert put("a: 1\nb: 2", "f", ("c",), 3) == "a: 1\nb: 2\nc: 3\n"


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("a: &x {b: c}\nd: *x\n", ("d", "b")),
        ("a: &x {b: c}\nd: *x\n", ("a", "b")),
        ("a: &x {b: c}\nd: *x\n", ("a",)),
        ("? a\n: b\n", ("a",)),
        ("a: 1\x85b: 2\n", ("a",)),
    ],
)
def test_what_stands_in_two_places_or_is_written_oddly_is_left_to_a_text_editor(
    text: str, keys: tuple[str, ...]
) -> None:
    with pytest.raises(NotEditable):
        put(text, "f", keys, "new")


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x85\u2028\u2029\ufeff"), max_size=12)
NAMES = st.sampled_from(["a", "b", "no", "1", "x y", "#", "ö"])
VALUES = st.recursive(
    TEXTS | st.integers(-9, 10**17),
    lambda inner: st.dictionaries(NAMES, inner, max_size=3) | st.lists(TEXTS),
    max_leaves=6,
)


@given(st.lists(st.tuples(st.lists(NAMES, min_size=1, max_size=3), VALUES), max_size=5))
def test_whatever_is_put_is_read_again_beside_what_was_there(changes: list[tuple[list[str], object]]) -> None:
    text = FILE
    for keys, value in changes:
        try:
            text = put(text, "f", tuple(keys), value)
        except NotEditable:
            continue
        here = parse(text, "f")
        for key in keys[:-1]:
            here = here[key]
        assert here[keys[-1]] == value
    assert all(line in text for line in FILE.splitlines() if line.startswith("#"))
