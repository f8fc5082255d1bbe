"""Spans of time as people write them in ltc.yaml: 90 (seconds), 90s, 15m, 2h, 1d."""

from __future__ import annotations

import re
from typing import Any

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_SPAN = re.compile(r"(\d{1,9})\s*([smhd]?)")


def seconds(written: Any) -> int | None:
    """The seconds of a span, a bare number being seconds; ``None`` for what is no span."""
    if isinstance(written, bool) or not isinstance(written, int | str):
        return None
    found = _SPAN.fullmatch(str(written).strip()) if str(written).isascii() else None
    return int(found[1]) * _UNITS[found[2] or "s"] if found else None


def written(span: int) -> str:
    """A span in the largest unit that it is whole in: 900 is ``15m``; hours and days only from two of them on."""
    for unit in ("d", "h", "m"):
        count, rest = divmod(span, _UNITS[unit])
        if not rest and (count > 1 or (unit == "m" and count)):
            return f"{count}{unit}"
    return f"{span}s"
