"""Paths: every key of a record can be written, and is found again by what was written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings import paths

_KEYS = st.text('ab. "\\\\\n中', min_size=1, max_size=6)


@given(st.lists(_KEYS, min_size=1, max_size=3))
def test_whatever_keys_are_called_their_path_leads_to_the_value(keys: list[str]) -> None:
    record: Any = "x"
    for name in reversed(keys):
        record = {name: record}
    (path,) = paths.leaves(record)
    assert paths.parse(path) == tuple(keys)
    assert paths.walk(record, paths.parse(path)) == "x"


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ('"Total incl. VAT"', ("Total incl. VAT",)),
        ('a."b.c".0.*.d..e', ("a", "b.c", 0, "*", "d.", "e")),
        ('"a \\"b\\""', ('a "b"',)),
        ('"2026"', ("2026",)),
        ('"open', ('"open',)),
        ("a..b", ("a.", "b")),
        ("Order No.", ("Order No.",)),
    ],
)
def test_a_key_in_quotes_is_one_step(path: str, steps: tuple[paths.Step, ...]) -> None:
    assert paths.parse(path) == steps


def test_paths_in_one_text_are_cut_outside_of_quotes() -> None:
    assert paths.listed('a，"b, c. d", e') == ["a", '"b, c. d"', "e"]
    assert paths.apart('a，x, "b, c. d", e') == ["a，x", '"b, c. d"', "e"]
    assert paths.apart('3" pipe, 4" pipe') == ['3" pipe', '4" pipe']
    assert paths.apart("") == []
