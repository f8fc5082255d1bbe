"""Delivery numbers in an invoice's reference, behind whatever the clerk typed there: ``SO-00012 | DN 14, 15``."""

from __future__ import annotations

MARK = " | DN "
"""Stands between the clerk's text and the delivery numbers."""
MAX_LENGTH = 255
"""Characters that Xero keeps of a reference."""


def read_numbers(reference: str | None) -> str | None:
    """The delivery numbers that a reference shows, or ``None``."""
    return (reference or "").partition(MARK)[2].strip() or None


def write_numbers(reference: str | None, numbers: str | None) -> str:
    """The reference with these delivery numbers (``None`` or "": without any) and the clerk's text as it was."""
    typed = (reference or "").partition(MARK)[0]
    return f"{typed}{MARK}{numbers}" if numbers else typed
