"""Salesforce record ids: 15 case-sensitive characters and a checksum of three that makes them safe to compare."""

from __future__ import annotations

import string

from sandbox.world.records import native_id

PREFIXES = {
    "Account": "001",
    "Contact": "003",
    "Lead": "00Q",
    "Opportunity": "006",
    "Organization": "00D",
    "Product2": "01t",
    "Quote": "0Q0",
    "QuoteLineItem": "0QL",
    "User": "005",
}
"""Object → the first three characters of its ids."""

_KINDS = {
    "account": "Account",
    "contact": "Contact",
    "lead": "Lead",
    "opportunity": "Opportunity",
    "product": "Product2",
    "quote": "Quote",
    "quote_line": "QuoteLineItem",
}
_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SUFFIX = string.ascii_uppercase + "012345"


def salesforce_id(kind: str, key: str) -> str:
    """The 18-character id of a record of the world.

    ``kind`` is a stream's name (``opportunity``, ``quote_line`` …) or an object's (``Opportunity``).
    """
    name = _KINDS.get(kind, kind)
    number = int(native_id(f"salesforce.{name}", key, 24), 16)
    made = ""
    for _ in range(12):
        number, digit = divmod(number, 62)
        made = _DIGITS[digit] + made
    return to_18(PREFIXES[name] + made)


def to_18(short: str) -> str:
    """A 15-character id with its checksum: one bit per character tells whether it is upper case."""
    suffix = ""
    for start in (0, 5, 10):
        bits = sum(1 << place for place, sign in enumerate(short[start : start + 5]) if sign in string.ascii_uppercase)
        suffix += _SUFFIX[bits]
    return short + suffix


def normal(given: str) -> str | None:
    """The 18-character form of an id of 15 or 18 characters; ``None`` if it is no id."""
    if len(given) not in (15, 18) or not (given.isalnum() and given.isascii()):
        return None
    full = to_18(given[:15])
    return full if len(given) == 15 or full == given else None
