"""What names a record in our tables: its key, of one part or of several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_LONGEST = 500
"""Characters."""


def joined(parts: Sequence[Any]) -> str | None:
    """A record's id: its key, or the parts of it joined by ``:`` with ``%`` and ``:`` in them as ``%25`` and ``%3A``.

    ``None`` if a part is missing, empty or no single value, or the id is longer than 500 characters.
    """
    if any(part is None or part == "" or isinstance(part, dict | list) for part in parts):
        return None
    texts = [str(part).lower() if isinstance(part, bool) else str(part) for part in parts]
    if len(texts) > 1:
        texts = [text.replace("%", "%25").replace(":", "%3A") for text in texts]
    key = ":".join(texts)
    return key if len(key) <= _LONGEST else None
