"""Words of what findings say: the checks that they lead to, in either language, with nothing stored for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple
from unicodedata import normalize

from console.i18n import LOCALES, texts
from reconciliation import checks

_BLANK = re.compile(r"\{[^}]*\}")
_WORD = re.compile(r"[^\W\d_]+")
_DENSE = re.compile(r"[\u3400-\u9fff]+")
"""Han is written without spaces between words: any part of a text counts."""
_WHOLE = 3
_BEGINNING = 4
"""A word of three letters has to be a whole one, a longer one may be the beginning; a shorter one says nothing."""


class Said(NamedTuple):
    """The checks whose words are in what somebody typed, and what else is in it."""

    checks: tuple[str, ...]
    rest: str


class _Words(NamedTuple):
    latin: frozenset[str]
    dense: str


def said(text: str, own: Mapping[str, Mapping[str, Mapping[str, str]]]) -> Said:
    """What the words of a search lead to; ``own``: texts of the site's own checks, by id."""
    known = _shipped() | {id: _words(_texts(words)) for id, words in own.items()}
    found: set[str] | None = None
    rest = []
    for part in text.split():
        hits = {id for id, words in known.items() if _is_in(_plain(part), words)}
        if hits:
            found = hits if found is None else found & hits
        else:
            rest.append(part)
    return Said(tuple(sorted(found or ())), " ".join(rest))


@cache
def _shipped() -> dict[str, _Words]:
    """The words of title, sentence, department and stage of each check that comes with ltc."""
    found = {}
    for check in checks.catalogue():
        places = [texts(locale).name(group, key) for locale in LOCALES for group, key in _places(check)]
        found[check.id] = _words([*_texts(check.words()), *places])
    return found


def _places(check: Any) -> tuple[tuple[str, str], ...]:
    return ("stage", check.stage), ("department", check.department)


def _texts(words: Mapping[str, Mapping[str, str]]) -> list[str]:
    return [text for name in ("title", "sentence") for text in words.get(name, {}).values()]


def _words(said: Iterable[str]) -> _Words:
    whole = _plain(" ".join(_BLANK.sub(" ", text) for text in said))
    return _Words(frozenset(_WORD.findall(_DENSE.sub(" ", whole))), " ".join(_DENSE.findall(whole)))


def _is_in(part: str, words: _Words) -> bool:
    if _DENSE.fullmatch(part):
        return len(part) > 1 and part in words.dense
    if not _WORD.fullmatch(part) or len(part) < _WHOLE:
        return False
    return part in words.latin or (len(part) >= _BEGINNING and any(word.startswith(part) for word in words.latin))


def _plain(text: str) -> str:
    return normalize("NFKC", text).casefold().strip(".,;:!?\"'()“”。，；：！？、")
