"""The words of commands and reports: one folder per language, the same files with the same keys in each."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import yaml

LOCALES = ("en", "zh-CN")

_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""Everything is text (a key `on` is no truth value); LibYAML where PyYAML has it: ten times as fast."""


class Texts:
    """The words of one locale."""

    def __init__(self, locale: str, words: dict[str, str]) -> None:
        self.locale = locale
        self.words = words

    def __call__(self, key: str, **values: Any) -> str:
        """The text of a key, its ``{names}`` filled in; raises ``KeyError`` for a key that no catalogue has."""
        text = self.words[key]
        return text.format(**values) if values else text

    def counted(self, key: str, count: int, **values: Any) -> str:
        """The text of a key with a ``{count}``: of the key with ``_one`` for a single one, where there is that."""
        chosen = f"{key}_one" if count == 1 and f"{key}_one" in self.words else key
        return self(chosen, count=f"{count:,}", **values)

    def name(self, group: str, key: str) -> str:
        """What a stage, status, … is called; the key itself if newer data brings one we do not know."""
        return self.words.get(f"{group}.{key}", key)

    def listed(self, items: Iterable[str]) -> str:
        """Several in a row: with commas, or the mark that the language has for lists."""
        return self.words["joined.comma"].join(items)

    def clauses(self, items: Iterable[str]) -> str:
        """Several statements in a row, which may have commas of their own."""
        return self.words["joined.clause"].join(items)

    def pair(self, name: str, value: str) -> str:
        """What something is called, and what it is."""
        return self("joined.pair", name=name, value=value)

    def quoted(self, value: str) -> str:
        """A value that stands between straight quotes, as the language has it; any other as it is."""
        is_quoted = len(value) > 1 and value[0] == value[-1] == '"'
        return self("joined.quoted", text=value[1:-1]) if is_quoted else value


@cache
def texts(locale: str) -> Texts:
    """The words of a locale: Chinese for any ``zh``, else English."""
    chosen = "zh-CN" if locale.lower().startswith("zh") else "en"
    words: dict[str, str] = {}
    for path in sorted((Path(__file__).parent / chosen).glob("*.yaml")):
        _flat("", yaml.load(path.read_bytes(), Loader=_LOADER), words)  # noqa: S506 - only texts
    return Texts(chosen, words)


def _flat(prefix: str, tree: dict[str, Any], into: dict[str, str]) -> None:
    for key, value in tree.items():
        if isinstance(value, dict):
            _flat(f"{prefix}{key}.", value, into)
        else:
            into[prefix + key] = value
