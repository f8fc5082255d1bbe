"""When two values of a source mean the same."""

from __future__ import annotations

from typing import Any


def same(left: Any, right: Any) -> bool:
    """Whether two source values mean the same: empty text is nothing, a number equals its text."""
    if left in (None, "") or right in (None, ""):
        return left in (None, "") and right in (None, "")
    return bool(left == right) or str(left) == str(right)
