"""Words of the commands."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""Everything is text (a key `on` is no truth value); LibYAML where PyYAML has it: ten times as fast."""


class Texts:
    """The words of one locale."""

    def __init__(self, words: dict[str, str]) -> None:
        self._words = words

    def __call__(self, key: str, **values: Any) -> str:
        """The text of a key."""
        return self._words.get(key, key).format(**values)


def _flat(prefix: str, tree: dict[str, Any], into: dict[str, str]) -> dict[str, str]:
    for key, value in tree.items():
        if isinstance(value, dict):
            _flat(f"{prefix}{key}.", value, into)
        else:
            into[prefix + key] = value
    return into


@cache
def texts(locale: str) -> Texts:
    """The words of a locale."""
    words: dict[str, str] = {}
    for path in sorted(Path(__file__).parent.glob(f"*{locale}.yaml")):
        _flat("", yaml.load(path.read_bytes(), Loader=_LOADER), words)  # noqa: S506 - only texts
    return Texts(words)
