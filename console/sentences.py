"""What the parts behind the pages say in English, in the language of who reads it.

A decision that cannot be taken has a key, and is worded anew. Everything else (what connectors say of themselves, why a
run failed, why a record was refused) is kept as an English sentence, and known again by it: the catalogue in
``i18n/LOCALE/sentences`` has the sentence with ``{names}`` in the place of what changes, and the same in the other
language. What is in no catalogue (what a system or a connector of somebody else says) stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

if TYPE_CHECKING:
    from console.i18n import Texts
    from state.decisions import DecisionError

_FOLDER = Path(__file__).parent / "i18n"
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
HOLE = re.compile(r"\{([a-z_]+)\}")
"""Stands in a sentence for what changes."""
_LISTS = frozenset({"areas", "choices", "columns", "kinds", "known", "names", "shown"})
"""Holes that stand for names one after the other."""
_QUOTED = re.compile("`[^`]*`")
_ANYTHING = r"(?:(?![.!?] +[A-Z`]).)*?"
"""What a hole stands for: anything within a sentence."""
_ENDS = re.compile(r"(?<=[.!?]) +(?=[A-Z`]|ltc )")
_PLACE = re.compile(r"(`?[\w.*\[\]/:-]+`?|[^`:;|]{1,120}\.\w{1,7}): (.+)", re.DOTALL)
"""What a sentence is about, such as a field or a file, which may have blanks in its name."""
_STOPS = ".!?。"
_BARS = " | "
_JOINED = ((_BARS, _BARS), ("; ", "；"))
"""What stands between several statements, and what Chinese has there."""
_CHINESE, _LATIN = re.compile("[\u3400-\u9fff]"), re.compile("[A-Za-z]{3}")
_LONGEST, _LONGEST_PIECE = 4000, 400
"""Characters of a text, and of a piece that may have blanks: what a source answers must not cost time to compare."""
_MOST_AT_ONCE, _DEPTH, _MOST_JOINED = 4, 5, 12


class Part(NamedTuple):
    """A piece of what was said: in the reader's language, or (not ``known``) as it was said."""

    text: str
    known: bool


class _Catalogue(NamedTuple):
    whole: dict[str, str]
    patterns: list[tuple[re.Pattern[str], str, frozenset[str]]]
    """A sentence, its text, and the holes that stand between backticks: what somebody wrote, which stays as it is."""


def refusal(error: DecisionError, texts: Texts) -> str:
    """Why a decision cannot be taken, and what to do, for a page; without a key what was said, as it is."""
    if not error.why:
        return f"{error.message} {error.remedy}".strip()
    return texts(f"refused.{error.why}", **error.values)


def said(sentence: str, locale: str) -> list[Part]:
    """A text in a language, piece by piece; English, and what has other scripts, as it is."""
    if locale == "en" or not sentence or len(sentence) > _LONGEST:
        return [Part(sentence, True)]
    return list(_said(sentence, locale))


def plain(sentence: str, locale: str) -> str:
    """The same as one text."""
    return "".join(part.text for part in said(sentence, locale))


def listed(items: Iterable[str], locale: str) -> str:
    """Several, one after the other."""
    return ("；" if locale == "zh-CN" else "; ").join(plain(item, locale) for item in items)


@lru_cache(maxsize=2048)
def _said(sentence: str, locale: str) -> tuple[Part, ...]:
    found = _whole(sentence, locale)
    if found is not None:
        return (Part(found, True),)
    if len(pieces := sentence.split(_BARS)) > 1:  # files, each told in a sentence that may be long
        told = [_said(piece, locale) for piece in pieces]
        return tuple(part for n, found in enumerate(told) for part in ((Part(_BARS, True), *found) if n else found))
    lines = sentence.split("\n")
    if len(lines) > 1:
        return tuple(part for n, line in enumerate(lines) for part in _line(line, locale, n))
    return tuple(_sentences(_ENDS.split(sentence), locale))


def _line(line: str, locale: str, n: int) -> Iterator[Part]:
    if n:
        yield Part("\n", True)
    if line.strip():
        yield from _said(line.strip().removeprefix("→ "), locale)


def _sentences(pieces: list[str], locale: str) -> Iterator[Part]:
    """Several sentences at once where the catalogue knows them together."""
    while pieces:
        for count in range(min(len(pieces), _MOST_AT_ONCE), 0, -1):
            found = _whole(" ".join(pieces[:count]), locale)
            if found is not None:
                yield Part(found, True)
                break
        else:
            count = 1
            known = _CHINESE.search(pieces[0]) is not None or not _LATIN.search(pieces[0])
            yield Part(pieces[0] if len(pieces) == 1 else f"{pieces[0]} ", known)
        del pieces[:count]


def _whole(sentence: str, locale: str, depth: int = 0) -> str | None:
    """A whole text that is known, also behind the place that it is about (``ltc.yaml:7: …``)."""
    catalogue = _catalogue(locale)
    if sentence in catalogue.whole:
        return catalogue.whole[sentence]
    if len(sentence) > _LONGEST_PIECE:
        return None
    if 0 < depth < _DEPTH and sentence[:1].isupper() and sentence[-1] not in _STOPS:  # in a list it has no stop
        found = _whole(f"{sentence}.", locale, depth + 1)
        if found is not None and found.endswith("。"):
            return found[:-1]
    place = _PLACE.fullmatch(sentence) if depth < _DEPTH else None
    if place is not None and place[1].startswith("`"):  # what it is about is no part of the sentence
        found = _whole(place[2], locale, depth + 1)
        if found is not None:
            return f"{place[1]}：{found}"
    if place is not None and (listed := _several(sentence, locale, depth + 1)) is not None:
        return listed
    for pattern, text, quoted in catalogue.patterns:
        if (match := pattern.fullmatch(sentence)) is not None:
            values = match.groupdict()
            if depth < _DEPTH:
                values = {
                    name: value if name in quoted else _whole(value, locale, depth + 1) or value
                    for name, value in values.items()
                }
            values = {name: _enumerated(value) if name in _LISTS else value for name, value in values.items()}
            return _joined(HOLE.sub(lambda hole, given=values: given[hole[1]], text), values.values())  # type: ignore[misc]
    if place is not None:
        found = _whole(place[2], locale, depth + 1)
        if found is not None:
            return f"{place[1]}：{found}"
    return None if depth >= _DEPTH else _several(sentence, locale, depth + 1)


def _several(sentence: str, locale: str, depth: int) -> str | None:
    """Statements one after the other, if each of them is known."""
    for between, mark in _JOINED:
        pieces = sentence.split(between)
        if 1 < len(pieces) <= _MOST_JOINED:
            found = [_whole(piece, locale, depth) for piece in pieces]
            return mark.join(piece for piece in found if piece is not None) if all(found) else None
    return None


def _joined(text: str, values: Iterable[str]) -> str:
    """Without the stop of a sentence that stands in a hole before an aside."""
    for value in values:
        if value.endswith("。"):
            text = text.replace(f"{value}（", f"{value[:-1]}（")
    return text


def _enumerated(names: str) -> str:
    """Names one after the other, as Chinese separates them."""
    return names.replace(", ", "、")


@cache
def _catalogue(locale: str) -> _Catalogue:
    whole: dict[str, str] = {}
    patterns: list[tuple[int, re.Pattern[str], str, frozenset[str]]] = []
    for sentence, text in catalogue(locale).items():
        if not HOLE.search(sentence):
            whole[sentence] = text
            continue
        pieces = HOLE.split(sentence)
        made = "".join(f"(?P<{piece}>{_ANYTHING})" if n % 2 else re.escape(piece) for n, piece in enumerate(pieces))
        quoted = frozenset(name for part in _QUOTED.findall(sentence) for name in HOLE.findall(part))
        patterns.append((-sum(map(len, pieces[::2])), re.compile(made), text, quoted))
    return _Catalogue(whole, [item[1:] for item in sorted(patterns, key=lambda item: item[0])])


def catalogue(locale: str, folder: str = "sentences") -> dict[str, str]:
    """Every sentence of the catalogue, English, with its text in a language; none for English. ``folder``: ``help`` for
    that of the commands' help."""
    found: dict[str, str] = {}
    for path in sorted((_FOLDER / locale / folder).glob("*.yaml")):
        found |= yaml.load(path.read_bytes(), Loader=_LOADER)  # noqa: S506 - only texts
    return found
