"""Sentences that a vendor's server wrote, without the people and secrets that may be in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

_LIMIT = 200
_GONE = "…"

_TOKEN = re.compile(r"\s+|[^\s]+")
_CORE = re.compile(r"^([\"'(\[<“‘]*)(.*?)([\"')\]>”’.,:;!?]*)$", re.DOTALL)
_KEPT = re.compile(
    r"[a-z][a-z'-]{0,19}"  # a word of a sentence
    r"|[A-Za-z]{1,20}(?:_+[A-Za-z]{1,20}){1,9}|[a-z_]+(?:\.[a-z_]+)+"  # a name of a field or model
    r"|\d{1,4}%?|[-–—=&/%+]"  # a code, a share, a sign
)
_BEGINNINGS = frozenset(
    re.findall(
        r"\w+",
        "A An The This That These You Your It No Not One Some Only Please There To In On At For If When While "
        "Cannot Could Access Account Amount Contact Currency Date Email Error Field Invalid Invoice Line "
        "Missing Name Number Order Organisation Party Payment Permission Product Record Reference Required "
        "Status Tax Value",
    )
)
_MAIL = re.compile(r"[^\s\"'<>()]+@[^\s\"'<>()]+")
_DIGITS = re.compile(r"\d[\d\s().-]{5,}\d")
_LEAST = 2


def masked(text: str) -> str:
    """The text, cut, with everything that may be a name, a value or a secret as ``…``.

    What stays is words in small letters, the beginnings of sentences, names of fields, and numbers of four digits.
    """
    shown = "".join(_shown(part) for part in _TOKEN.findall(text[:_LIMIT]))
    return re.sub(rf"{_GONE}(?:\s+{_GONE})+", _GONE, shown).strip()


def without_values(text: str, body: bytes) -> str:
    """The text, cut, without what the record says (its JSON ``body``), mail addresses and long numbers.

    For what a vendor says about one record that we wish to change: its sentence may be in any language.
    """
    shown = text[:_LIMIT]
    for value in sorted(set(_texts(body)), key=len, reverse=True):
        shown = re.sub(re.escape(value), _GONE, shown, flags=re.IGNORECASE)
    return _DIGITS.sub(_GONE, _MAIL.sub(_GONE, shown)).strip()


def names_in(body: bytes) -> frozenset[str]:
    """The names of a JSON object's fields; none of anything else."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return frozenset()
    return frozenset(document) if isinstance(document, dict) else frozenset()


def _shown(token: str) -> str:
    if token.isspace():
        return " "
    match = _CORE.match(token)
    before, core, after = match.groups() if match else ("", token, "")
    return token if core in _BEGINNINGS or _KEPT.fullmatch(core) or not core else f"{before}{_GONE}{after}"


def _texts(body: bytes) -> Iterator[str]:
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    yield from _strings(document)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if len(value) >= _LEAST and not value.isspace():
            yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)
