"""A mapping file that cannot be used names its file and line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mappings.engine import load
from mappings.errors import MappingFileError
from tests.mappings.conftest import HEAD

GOOD = """  order:
    entity: order
    fields:
      number: Name
    status:
      path: State
      values: {new: draft, open: confirmed}
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "part"),
    [
        ("entity: order", "entity: ordre", 5, "there is no entity `ordre`"),
        ("number: Name", "nubmer: Name", 7, "Did you mean `number`?"),
        ("number: Name", "status: Name", 7, "`status` has its own section"),
        ("number: Name", "number: {path: Name, do: [stripp]}", 7, "there is no transform `stripp`"),
        ("number: Name", "number: {path: Name, do: [{values: {a: b}}]}", 7, "a table is no transform"),
        ("number: Name", "number: {path: Name, dop: 1}", 7, "`dop` is not known here"),
        ("number: Name", "number: {path: Name, const: x}", 7, "exactly one of path, first"),
        ("number: Name", "number: {do: [strip]}", 7, "exactly one of path, first"),
        ("number: Name", "number: {path: Name, match: '('}", 7, "not a regular expression"),
        ("number: Name", "number: {path: Name, ref: id}", 7, "is not a reference"),
        ("number: Name", "party_ref: Account", 7, "needs `ref: id`"),
        ("number: Name", "number: [a]", 7, "must be a path or"),
        ("number: Name", "number: Name\n      number: Other", 8, "stands here twice"),
        ("values: {new: draft, open: confirmed}", "values: {new: drafft}", 10, "`drafft` is no status of order"),
        ("values: {new: draft, open: confirmed}", "values: [new]", 10, "must be a table"),
        (
            "values: {new: draft, open: confirmed}",
            "values: {new: draft, draft: draft}",
            10,
            "`draft` cannot be written back: new, draft all stand for it",
        ),
        (
            "values: {new: draft, open: confirmed}",
            "values: {new: draft, draft: draft}\n      write: {draft: old}",
            11,
            "`old` does not stand for `draft`",
        ),
        ("    fields:", "    skip: {path: Type}\n    fields:", 6, "exactly one of in, not_in"),
        ("    fields:", "    required: [nmber]\n    fields:", 6, "there is no field `nmber`"),
        ("    fields:", "    linse: {}\n    fields:", 6, "`linse` is not known here"),
        ("    fields:", "    write: {net_amount: Net}\n    fields:", 6, "money, which is never written back"),
        ("    fields:", "    lines: {path: Items}\n    fields:", 6, "`fields` must be a table"),
        ("      number: Name", "     number: Name\n      x: y", 8, "mapping values are not allowed"),
    ],
)
def test_an_error_names_file_line_and_remedy(
    written: Callable[..., Path], old: str, new: str, line: int, part: str
) -> None:
    assert old in GOOD
    with pytest.raises(MappingFileError) as caught:
        load(written(HEAD + GOOD.replace(old, new)))
    assert part in str(caught.value)
    assert caught.value.where == f"test.yaml:{line}"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "must begin with"),
        ("- a\n- b\n", "must begin with"),
        ("version: 2\nstreams: {}\n", "`version` must be 1"),
        ("version: 1\nstream: {}\n", "`stream` is not known here"),
        ("version: 1\nconnector: x\n", "`streams` must be a table"),
        ("version: 1\nextends: nowhere\nstreams: {}\n", "there is no such mapping"),
        ("version: 1\nextends: test.yaml\nstreams: {}\n", "extend each other in a circle"),
    ],
)
def test_a_file_of_another_shape_is_refused(written: Callable[..., Path], text: str, part: str) -> None:
    with pytest.raises(MappingFileError, match=part):
        load(written(text))


def test_a_mapping_that_is_not_there_lists_those_that_are() -> None:
    with pytest.raises(MappingFileError, match="tryton"):
        load("nowhere")


def test_words_that_yaml_once_took_for_booleans_are_words(written: Callable[..., Path]) -> None:
    odd = "{No: draft, on: confirmed, 2026-01-01: cancelled, 1: completed, true: on_hold}"
    text = GOOD.replace("{new: draft, open: confirmed}", odd)
    table = load(written(HEAD + text)).stream("order").definition.status
    assert table is not None
    assert list(table.table) == ["No", "on", "2026-01-01", "1", "true"]


def test_lines_for_an_entity_without_lines_are_refused(written: Callable[..., Path]) -> None:
    with pytest.raises(MappingFileError, match="`lead` has no lines"):
        load(written(HEAD + "  s:\n    entity: lead\n    fields: {}\n    lines: {path: x, fields: {}}\n"))
