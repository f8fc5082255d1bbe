"""Our lines in a sale's comment, beside whatever people wrote there: its payment state, and the key of one we created.

Tryton's sale has no payment field that is true when accounting lives elsewhere: its ``invoice_state`` follows Tryton's
own invoices. The comment can be edited in every state, is shown to everyone and printed nowhere by default.
"""

from __future__ import annotations

import re

_MARK = r"\[LTC Sync\] payment:"
_STATE = re.compile(rf"^{_MARK} ([a-z_]+)", re.MULTILINE)
_LINE = re.compile(rf"^{_MARK}[^\r\n]*", re.MULTILINE)
_FIRST_LINE = re.compile(rf"\A{_MARK}[^\r\n]*(?:\r?\n)?")
_KEY = re.compile(r"^\[LTC Sync\] key: ([0-9a-z-]{1,40})(?![0-9a-z-])", re.MULTILINE)
_LATER_LINE = re.compile(rf"\r?\n{_MARK}[^\r\n]*")


def read_note(comment: str | None) -> str | None:
    """The payment state the comment shows, or ``None``."""
    found = _STATE.search(comment or "")
    return found.group(1) if found else None


def write_note(comment: str | None, state: str | None) -> str:
    """The comment with its line set to ``state`` (``None`` or "": without it) and all other text as it was."""
    text = comment or ""
    if not state:
        return _LATER_LINE.sub("", _FIRST_LINE.sub("", text))
    line = f"[LTC Sync] payment: {state}"
    if _LINE.search(text):
        return _LINE.sub(line, text)
    return f"{text}\n{line}" if text else line


def read_key(comment: str | None) -> str | None:
    """The key of a sale that we created."""
    found = _KEY.search(comment or "")
    return found.group(1) if found else None


def write_key(comment: str | None, key: str) -> str:
    """A new sale's comment with its key."""
    line = f"[LTC Sync] key: {key}"
    return f"{comment}\n{line}" if comment else line
