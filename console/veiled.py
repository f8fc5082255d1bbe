"""What is shown of a personal value: of an e-mail address its domain, of a phone its last digits, of others nothing.

So two records can be judged side by side, and nobody learns whom to write to or call. Pages and API have it from here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from console.records import HIDDEN, PERSONAL

_LAST_DIGITS = 4
_FEWEST_DIGITS = 8
"""Of a shorter number the last digits are half of it: an extension, or a number within a town."""
_ADDRESS = re.compile(r"[^\s@]+@([^\s@.]+(?:\.[^\s@.]+)+)")
_WORD = re.compile(r"[^\W\d_]{3,}")
_NAMES = ("contact_name", "first_name", "last_name")
"""Fields with the name of a person, which are hidden themselves."""
_CALLED = ("name", "legal_name", "company_name")


def is_personal(row: Mapping[str, Any], name: str) -> bool:
    """Whether a field of a canonical row with its ``entity`` is about a person."""
    return name in PERSONAL or (name == "name" and row.get("entity") == "contact")


def shown(row: Mapping[str, Any], name: str) -> str:
    """What is shown of a personal value that there is: ``•••@oberland.example``, ``••• 4711`` or ``•••``."""
    value = str(row[name]).strip()
    if name == "email":
        domain = _domain(value, row)
        return f"{HIDDEN}@{domain}" if domain else HIDDEN
    if name == "phone":
        digits = "".join(char for char in value if char.isdigit())
        return f"{HIDDEN} {digits[-_LAST_DIGITS:]}" if len(digits) >= _FEWEST_DIGITS else HIDDEN
    return HIDDEN


def _domain(value: str, row: Mapping[str, Any]) -> str:
    """The domain of an address; empty if there is none, or if it may be a person's name."""
    found = _ADDRESS.fullmatch(value)
    if found is None:
        return ""
    domain = found[1].lower()
    is_person = row.get("entity") == "contact" or row.get("kind") == "person"
    persons = _said(row, (*_NAMES, *(_CALLED if is_person else ())))
    company = "" if is_person else _said(row, _CALLED)
    words = _WORD.findall(f"{persons} {value.partition('@')[0].lower()}")
    label = domain.rpartition(".")[0]
    return "" if any(word in label and word not in company for word in words) else domain


def _said(row: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return " ".join(str(row.get(name) or "") for name in names).lower()
