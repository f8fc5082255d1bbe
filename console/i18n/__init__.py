"""The words of reports: one file per language, the same keys in each."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

LOCALES = ("en", "zh-CN")


class Texts:
    """The words of one locale."""

    def __init__(self, locale: str, words: dict[str, str]) -> None:
        self.locale = locale
        self.words = words

    def __call__(self, key: str, **values: Any) -> str:
        """The text of a key, its ``{names}`` filled in; raises ``KeyError`` for a key that no catalogue has."""
        text = self.words[key]
        return text.format(**values) if values else text

    def name(self, group: str, key: str) -> str:
        """What a stage, department, … is called; the key itself if a newer report brings one we do not know."""
        return self.words.get(f"{group}.{key}", key)


@cache
def texts(locale: str) -> Texts:
    """The words of a locale: Chinese for any ``zh``, else English."""
    chosen = "zh-CN" if locale.lower().startswith("zh") else "en"
    loaded = yaml.safe_load(Path(__file__).with_name(f"{chosen}.yaml").read_text(encoding="utf-8"))
    return Texts(chosen, dict(_flat("", loaded)))


def _flat(prefix: str, tree: dict[str, Any]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in tree.items():
        found += _flat(f"{prefix}{key}.", value) if isinstance(value, dict) else [(f"{prefix}{key}", str(value))]
    return found
