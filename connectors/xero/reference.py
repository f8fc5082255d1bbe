"""What we keep in an invoice's reference, behind whatever the clerk typed: ``SO-00012 | ltc-1a2b… | DN 14, 15``.

That is the key of an invoice that we created, and delivery numbers.
"""

from __future__ import annotations

import re

MARK = " | DN "
"""Stands between the clerk's text and the delivery numbers."""
_KEY = re.compile(r"(?<![0-9a-z-])ltc-[0-9a-z]+(?:-[0-9a-z]+)*(?![0-9a-z-])")
MAX_LENGTH = 255
"""Characters that Xero keeps of a reference."""


def read_numbers(reference: str | None) -> str | None:
    """The delivery numbers that a reference shows, or ``None``."""
    return (reference or "").partition(MARK)[2].strip() or None


def write_numbers(reference: str | None, numbers: str | None) -> str:
    """The reference with these delivery numbers (``None`` or "": without any) and the clerk's text as it was."""
    typed = (reference or "").partition(MARK)[0]
    return f"{typed}{MARK}{numbers}" if numbers else typed


def read_key(reference: str) -> str | None:
    """The key of an invoice that we created, wherever in its reference a clerk has moved it."""
    found = _KEY.search(reference)
    return found[0] if found else None


def write_key(reference: str, key: str) -> str:
    """The reference with a key behind it."""
    return f"{reference} | {key}" if reference else key
