"""Files of settings and mappings that were made to do harm are refused at once, with their line."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from settings import SettingsError
from settings import load as load_settings
from yamlfiles import reading
from yamlfiles.errors import FileUnusable

LAUGHS = 'a0: &a0 ["lol"]\n' + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
"""Half a kilobyte that unfolds to 9¹¹ entries."""

TRAPS = {
    "billion laughs": (LAUGHS, "unfolds without end"),
    "billion laughs in tables": (
        "a0: &a0 {x: 1}\n"
        + "".join(f"a{n}: &a{n} {{l: *a{n - 1}, m: *a{n - 1}, n: *a{n - 1}}}\n" for n in range(1, 40)),
        "unfolds without end",
    ),
    "itself": ("a: &a [*a]", "holds itself"),
    "deep lists": ("a: " + "[" * 100_000, "nested too deeply"),
    "deep tables": ("a: " + "{a: " * 100_000, "nested too deeply"),
    "deep blocks": ("- " * 100_000 + "a", "nested too deeply"),
    "deep indentation": ("".join(f"{' ' * n}a:\n" for n in range(1000)), "nested too deeply"),
    "huge": ("a: '" + "x" * 2_000_000 + "'", "larger than 1 MiB"),
    "python object": ("a: !!python/object/apply:os.system ['true']", "a tag"),
    "python name": ("a: !!python/name:os.system ''", "a tag"),
    "own tag": ("a: !exec true", "a tag"),
    "binary": ("a: !!binary aGk=", "a tag"),
    "key": ("? [1, 2]\n: 3", "a key must be a word"),
    "two documents": ("a: 1\n---\nb: 2", "document"),
    "merge": ("a: &a {version: 1}\nb:\n  <<: *a\n  <<: *a\n", "twice"),
}


@pytest.mark.parametrize("trap", TRAPS)
def test_a_trap_is_refused_at_once_in_settings_and_in_mappings(trap: str, tmp_path: Path) -> None:
    content, said = TRAPS[trap]
    path = tmp_path / "ltc.yaml"
    path.write_text(content)
    began = time.process_time()
    with pytest.raises(FileUnusable, match=said) as caught:
        reading.read(path)
    with pytest.raises(SettingsError, match=said):
        load_settings(path)
    assert time.process_time() - began < 2
    assert len(str(caught.value)) < 500
    assert "ltc.yaml" in caught.value.where


def test_a_large_number_stays_a_text_and_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: " + "9" * 500_000)
    began = time.process_time()
    assert reading.read(path)["a"] == "9" * 500_000
    assert time.process_time() - began < 1


def test_aliases_that_people_use_are_written_out(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("limits: &l {read: 5}\nfirst: *l\nsecond: *l\n")
    assert reading.read(path)["second"] == {"read": 5}


def test_a_device_without_end_is_not_read_to_its_end() -> None:
    with pytest.raises(FileUnusable, match="larger than 1 MiB"):
        reading.read(Path("/dev/zero"))
