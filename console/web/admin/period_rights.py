"""Who may close, approve and reopen months, as the text of ltc.yaml names them, and what a change of it alters."""

from __future__ import annotations

from typing import Any

from yamlfiles.errors import FileUnusable
from yamlfiles.reading import parse

REOPEN = ("reconciliation", "periods", "reopen")
"""Where ltc.yaml names who may open an approved month again."""
ACTION = "period rights changed"
"""What the audit calls it; it begins as decisions about periods do, so that everybody who makes those sees it."""
_RIGHTS = {"may_close": "makers", "may_approve": "checkers", "may_reopen": "reopen"}


def named(text: str, file: str, keys: tuple[str, ...] = REOPEN) -> list[str]:
    """The people whom the text names under these keys; raises ``FileUnusable``."""
    here: Any = parse(text.removeprefix("\ufeff").replace("\r\n", "\n"), file)
    for key in keys:
        here = here.get(key) if isinstance(here, dict) else None
    return [str(name) for name in here] if isinstance(here, list) else []


def changes(before: str, after: str, file: str) -> dict[str, list[str]]:
    """Of each right that is given to others than before: who has it, and who had it. What was before may be no YAML."""
    found: dict[str, list[str]] = {}
    for right, key in _RIGHTS.items():
        keys = (*REOPEN[:-1], key)
        now = named(after, file, keys)
        try:
            then = named(before, file, keys) if before.strip() else []
        except FileUnusable:
            then = []
        if now != then:
            found |= {right: now, f"{right} before": then}
    return found
