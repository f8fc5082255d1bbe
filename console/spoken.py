"""The language of help and of wrong usage, which are told before ltc.yaml is loaded."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

LOCALES = ("en", "zh-CN")
VARIABLE = "LTC_LANG"
_LOCALE = re.compile(r"""^locale: *["']?(en|zh-CN)["']? *(?:#|$)""", re.MULTILINE)
"""The line of ltc.yaml that names a language: help must not wait until all of the file has been checked."""


def of_the_environment() -> str:
    """What LC_ALL or LANG asks for."""
    asked = os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    return "zh-CN" if asked.startswith("zh") else "en"


def spoken(args: Sequence[str]) -> str:
    """The language for these arguments of ``ltc``: of --lang or LTC_LANG, else of ltc.yaml, else of the environment."""
    given = _global_options(args)
    asked = given.get("--lang") or os.environ.get(VARIABLE, "")
    if asked in LOCALES:
        return asked
    config = given.get("--config") or os.environ.get("LTC_CONFIG") or "ltc.yaml"
    return _named(Path(config)) or of_the_environment()


def _global_options(args: Sequence[str]) -> dict[str, str]:
    """What stands before the command."""
    given: dict[str, str] = {}
    rest = iter(args)
    for item in rest:
        name, sign, value = item.partition("=")
        if name in ("--lang", "--config"):
            given[name] = value if sign else next(rest, "")
        elif not item.startswith("-"):
            break
    return given


def _named(config: Path) -> str:
    try:
        found = _LOCALE.search(config.read_text("utf-8", errors="replace"))
    except (OSError, ValueError):
        return ""
    return found[1] if found else ""
