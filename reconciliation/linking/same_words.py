"""Which different words of two names of companies count as the same, and why: for people who read a link."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from typing import NamedTuple

from reconciliation.linking.names import Name, company
from reconciliation.linking.spelling import HAN, folded, is_han, pinyin, words
from reconciliation.linking.vocabulary import vocabulary

_TOKEN = re.compile(rf"{HAN.pattern}|[^\W_]+[.]?")
_LONGEST = 8


class Same(NamedTuple):
    """Words of either name, as they are written there, and why they count as the same.

    ``why``: ``legal`` (spellings of one legal form), ``vague`` (one only says that it is a company), ``legal_one_side``
    (only one name has its legal form in it; the other word is empty), ``trade``, ``other_trade`` (different trades, so
    close that they are compared as one), ``core`` (beside such trades: what tells the companies apart from others, if
    it is written alike), ``region``, ``spelling``, ``pinyin``.
    """

    why: str
    one: str
    other: str


class _Word(NamedTuple):
    kind: str
    code: object
    text: str


def found(one: str, other: str) -> list[Same]:
    """The words of two names that are written differently and count as the same, in the order of the first name."""
    left, right = list(_words(one)), list(_words(other))
    names = company(one), company(other)
    said = [*_legal(names, left, right)]
    trades = [*map(_trade, _equal("trade", {*names[0].trades} & {*names[1].trades}, left, right))]
    if any(item.why == "other_trade" for item in trades):
        one_core, other_core = _text(left, "core"), _text(right, "core")
        said += (
            [Same("core", one_core, other_core)] if one_core and one_core.casefold() == other_core.casefold() else []
        )
    said += trades
    said += _equal("region", {names[0].region} & {names[1].region}, left, right)
    return [*_core(names, left, right), *said]


def _core(names: tuple[Name, Name], left: list[_Word], right: list[_Word]) -> Iterator[Same]:
    """What tells the names apart from others, where it is the same and written differently."""
    one, other = _text(left, "core"), _text(right, "core")
    if not one or not other or one.casefold() == other.casefold():
        return
    if names[0].joined == names[1].joined:
        yield Same("spelling", one, other)
    elif names[0].han != names[1].han and pinyin(names[0].joined) == pinyin(names[1].joined):
        yield Same("pinyin", one, other)


def _legal(names: tuple[Name, Name], left: list[_Word], right: list[_Word]) -> Iterator[Same]:
    one, other = _text(left, "legal"), _text(right, "legal")
    if not one and not other:
        return
    if not one or not other:
        yield Same("legal_one_side", one, other)
    elif names[0].legal == names[1].legal:
        if _plain(one) != _plain(other):
            yield Same("legal", one, other)
    elif {names[0].legal, names[1].legal} & vocabulary().vague:
        yield Same("vague", one, other)


def _equal(kind: str, codes: Container[object], left: list[_Word], right: list[_Word]) -> Iterator[Same]:
    for word in left:
        if word.kind == kind and word.code in codes:
            match = next((of for of in right if of.kind == kind and of.code == word.code), None)
            if match is not None and _plain(match.text) != _plain(word.text):
                yield Same(kind, word.text, match.text)


def _trade(same: Same) -> Same:
    meanings = vocabulary().meanings
    one, other = meanings.get(_plain(same.one)), meanings.get(_plain(same.other))
    return same._replace(why="other_trade") if one != other else same


def _text(found: list[_Word], kind: str) -> str:
    texts = [word.text for word in found if word.kind == kind]
    return ("" if all(map(is_han, texts)) else " ").join(texts)


def _words(text: str) -> Iterator[_Word]:
    """The words of a name with what they say; the longest that is known first."""
    tokens = list(_TOKEN.finditer(text))
    place = 0
    while place < len(tokens):
        for size in range(min(_LONGEST, len(tokens) - place), 0, -1):
            part = text[tokens[place].start() : tokens[place + size - 1].end()]
            known = _known(part)
            if known is not None:
                yield _Word(*known, part)
                place += size
                break
        else:
            yield _Word("core", None, tokens[place][0])
            place += 1


def _known(part: str) -> tuple[str, object] | None:
    known, plain = vocabulary(), _plain(part)
    for kind, tables in (
        ("legal", (known.legal, known.leading, known.han_legal)),
        ("trade", (known.trades,)),
        ("region", (known.regions,)),
    ):
        for table in tables:
            if plain in table:
                return kind, table[plain]
    return ("filler", None) if plain in known.fillers else None


def _plain(part: str) -> str:
    return folded(part).replace(" ", "") if is_han(part) else " ".join(words(folded(part)))
