"""Words of what findings say: the checks that they lead to, in either language, with nothing stored for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple
from unicodedata import normalize

from console.i18n import LOCALES, texts
from reconciliation import checks
from reconciliation import words as words_of

_BLANK = re.compile(r"\{[^}]*\}")
_WORD = re.compile(r"[^\W\d_]+")
_DENSE = re.compile(r"[\u3400-\u9fff]+")
"""Han is written without spaces between words: any part of a text counts."""
_PARTS = re.compile(r"[\u3400-\u9fff]+|[^\s\u3400-\u9fff、，。；：！？（）]+")
_MOST_WAYS = 8
"""Ways that are looked for: those that leave the least of the search to be found elsewhere."""
_JOINS = ("and", "和")
"""What stands between several things in a sentence, and is no word of any."""
_WHOLE = 3
_BEGINNING = 4
"""A word of three letters has to be a whole one, a longer one may be the beginning; a shorter one says nothing."""


class Said(NamedTuple):
    """What the words of a search lead to: ``ways`` are checks whose own words are in it (none: any check), with what of
    the search they do not say themselves; ``codes`` are those by which parameters say a word (``words.coded``)."""

    ways: tuple[tuple[tuple[str, ...], str], ...]
    codes: tuple[tuple[str, tuple[str, ...]], ...]


class _Words(NamedTuple):
    latin: frozenset[str]
    dense: str


def said(text: str, own: Mapping[str, Mapping[str, Mapping[str, str]]]) -> Said:
    """What the words of a search lead to; ``own``: texts of the site's own checks, by id."""
    every = [part for word in text.split() for part in _PARTS.findall(word)]
    parts = [part for part in every if _plain(part) not in _JOINS]
    plain = [_plain(part) for part in parts]
    ways: dict[tuple[int, ...], list[str]] = {}
    for id, words in (_shipped() | {id: _words(_texts(words)) for id, words in own.items()}).items():
        lacking = tuple(n for n, part in enumerate(plain) if not _is_in(part, words))
        if len(lacking) < len(parts):
            # Too short to lead anywhere by itself, but no reason either to pass over what the other words lead to.
            rest = tuple(n for n in lacking if plain[n] not in words.latin)
            ways.setdefault(rest, []).append(id)
    fewest = sorted(ways, key=lambda rest: (len(rest), rest))[:_MOST_WAYS]
    found = tuple((tuple(sorted(ways[rest])), " ".join(parts[n] for n in rest)) for rest in fewest)
    if len(parts) < len(every):
        found += (((), " ".join(parts)),)
    coded = ((part, tuple(code for code, words in _coded().items() if _is_in(part, words))) for part in set(plain))
    return Said(found, tuple(sorted(entry for entry in coded if entry[1])))


def title(name: str, lang: str, own: Mapping[str, Any]) -> str:
    """What a check is called; one that is gone by its id. ``own``: texts of the site's own checks, by id."""
    known = checks.get(name)
    said = known.words() if known else own.get(name)
    return str(said["title"][lang]) if said else name


@cache
def _coded() -> dict[str, _Words]:
    """What is said by each code."""
    return {code: _words(pair) for code, pair in words_of.coded().items()}


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
