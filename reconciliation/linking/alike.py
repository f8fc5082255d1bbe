"""How alike two names are: which of a few levels, and how much the words that they share say.

The weight of shared words is in bits: a word that one name in a thousand has says ten. So "Bank of the West" and "Bank
of the East" share what many share and differ in what tells them apart.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log2
from typing import NamedTuple

from rapidfuzz.distance import OSA

from reconciliation.linking.names import Name
from reconciliation.linking.spelling import pinyin
from reconciliation.linking.vocabulary import vocabulary

LEVELS = ("same", "short", "near", "translated", "part", "acronym", "sibling", "other")
"""From the most alike to the least.

same: equal words and trades · short: equal words, trades only on one side · near: words with slips · translated: the
pinyin of one is the other · part: all words of one are in the other · acronym: one is the initials of the other ·
sibling: the same words, but of another place, branch or trade, as companies of a group are · other: none of these.
"""
IMAGINED = 20_000
"""So many imagined names are counted with those at hand: a few names say little about how rare a word is."""

Bits = Callable[[str], float]
"""How much it says that two names share a word."""

_WHOLE = ("same", "near", "translated")
_BITS_OF_TRADE = 4.0
_SHORTEST_NAME = 2
_LONG_WORD = 4
_VERY_LONG_WORD = 8
_SHARE_OF_NEXT = (1.0, 0.7, 0.5, 0.35)
"""Words of a name are not independent of each other: each further one counts less."""
_MOST_BITS = 40.0
_PRICE_OF_SLIP = 3.0
_PRICE_OF_SLIP_IN_SHORT = 10.0
"""One of two characters is wrong: next to nothing speaks for it but what else agrees."""
_PRICE_OF_PINYIN = 3.0
_SHORTEST_ACRONYM = 3


class Likeness(NamedTuple):
    """What a comparison found; ``bits`` is 0 where the level itself says that they differ."""

    level: str
    bits: float


def names(one: Name, other: Name, bits: Bits) -> Likeness | None:
    """Compare two names; the order of the two does not matter. ``None`` where a name is too short to say anything."""
    if min(len(one.joined), len(other.joined)) < _SHORTEST_NAME:
        return None
    one, other = sorted((one, other))
    relation, shared, price = _words(one, other)
    if relation == "other":
        return Likeness("other", 0.0)
    if relation == "part" and _slip_in_trade(one, other):
        return Likeness("near", round(max(_total(shared, bits) - _PRICE_OF_SLIP, 0.0), 2))
    if _apart(one, other) or (relation == "part" and _other_trade(one, other)):
        return Likeness("sibling" if relation in ("same", "part") else "other", 0.0)
    if relation in _WHOLE:
        shared += [f"#{trade}" for trade in one.trades if trade in other.trades]
    if relation == "same" and one.trades != other.trades:
        relation = "short"
    return Likeness(relation, round(max(_total(shared, bits) - price, 0.0), 2))


def word_bits(frequency: Callable[[str], int], names_in_all: int) -> Bits:
    """The weight of words by how many of ``names_in_all`` have them, and by how common such words are anywhere.

    ``frequency`` counts names with a word. A few names of one's own say little about rarity, so that they are counted
    together with twenty thousand imagined ones; of two names that share a word one is not counted.
    """

    def bits(word: str) -> float:
        others = max(frequency(word) - 1, 0)
        imagined = IMAGINED * 2.0 ** -_expected_bits(word)
        return -log2((others + imagined) / (names_in_all + IMAGINED))

    return bits


def _expected_bits(word: str) -> float:
    """What a word says where nothing is known of it, by its length: short ones are shared more often."""
    if word[0] == "#":
        return _BITS_OF_TRADE
    signs = len(word)
    if word.isascii():
        return min(2.5 * signs + 2.0, 14.0)
    return min(2.0 + 5.0 * signs, 17.0)


def _total(shared: list[str], bits: Bits) -> float:
    weights = sorted((bits(word) for word in shared), reverse=True)
    shares = (*_SHARE_OF_NEXT, *[_SHARE_OF_NEXT[-1]] * len(weights))
    return min(sum(weight * share for weight, share in zip(weights, shares, strict=False)), _MOST_BITS)


def _apart(one: Name, other: Name) -> bool:
    """Whether place, branch or trade say that these are two, whatever they are called."""
    if one.branch != other.branch and not _cut_short(one.branch, other.branch):
        return True
    if one.region and other.region and one.region[0] and other.region[0]:
        size = min(len(one.region), len(other.region))
        if one.region[:size] != other.region[:size] and one.region[-1] != other.region[-1]:
            return True
    if one.trades == other.trades:
        return False
    sizes = vocabulary().sizes
    here, there = set(one.trades) - sizes, set(other.trades) - sizes
    return bool(here - there and there - here)


def _cut_short(one: str, other: str) -> bool:
    """Whether one is the beginning of the other, as where a system cuts names at a length."""
    short, long = sorted((one, other), key=len)
    return len(short) >= _LONG_WORD and long.startswith(short)


def _slip_in_trade(one: Name, other: Name) -> bool:
    """Whether a word of trade is not known as one because of a slip: Aror onsulting."""
    return (
        one.branch == other.branch
        and min(len(one.whole), len(other.whole)) >= _LONG_WORD
        and OSA.distance(one.whole, other.whole, score_cutoff=1) <= 1
    )


def _other_trade(one: Name, other: Name) -> bool:
    """Whether the shorter name says a trade that the longer one does not: Wenmir Consulting, Wenmir Interiors."""
    short, long = sorted((one, other), key=lambda name: (len(name.joined), name))
    return short.whole not in long.whole and bool(set(short.trades) - set(long.trades) - vocabulary().sizes)


def _words(one: Name, other: Name) -> tuple[str, list[str], float]:
    """The relation of the words, the words that they share, and what to take off for slips."""
    if one.joined == other.joined:
        return "same", _fewer(one, other), 0.0
    if one.han != other.han:
        return _across_scripts(one, other)
    if one.han:
        return ("other", [], 0.0) if one.person and other.person else _han(one, other)
    return _latin(one, other)


def _across_scripts(one: Name, other: Name) -> tuple[str, list[str], float]:
    han, latin = (one, other) if one.han else (other, one)
    spelled = pinyin(han.joined)
    if latin.joined in (spelled, _given_name_first(han)):
        return "translated", list(latin.words), _PRICE_OF_PINYIN
    if latin.joined.startswith(spelled) and pinyin(han.whole).startswith(latin.joined):
        return "translated", list(latin.words), _PRICE_OF_PINYIN  # part of the name looks like a trade
    return "other", [], 0.0


def _given_name_first(han: Name) -> str:
    """A Chinese person's name in pinyin as it is written in the West; empty for what cannot be one."""
    if han.person and len(han.words) > 1:
        return pinyin(han.words[1]) + pinyin(han.words[0])
    return pinyin(han.joined[1:]) + pinyin(han.joined[0]) if han.whole == han.joined and not han.legal else ""


def _han(one: Name, other: Name) -> tuple[str, list[str], float]:
    short, long = sorted((one.joined, other.joined), key=lambda text: (len(text), text))
    if len(short) > 1 and (long.startswith(short) or long.endswith(short)):
        return "part", [short], 0.0
    if len(short) >= 3 and OSA.distance(short, long, score_cutoff=1) == 1:
        return "near", [short], _PRICE_OF_SLIP * (2 if len(short) == 3 else 1)
    if one.trades == other.trades != () and OSA.distance(one.whole, other.whole, score_cutoff=1) == 1:
        return "near", [short], _PRICE_OF_SLIP_IN_SHORT
    return "other", [], 0.0


def _latin(one: Name, other: Name) -> tuple[str, list[str], float]:
    left, right = list(one.words), list(other.words)
    shared = [word for word in left if word in right]
    for word in shared:
        if word in left and word in right:
            left.remove(word)
            right.remove(word)
    slips = 0
    for word in list(left):
        match = next((found for found in right if _near(word, found, one.person or other.person)), None)
        if match is not None:
            left.remove(word)
            right.remove(match)
            shared.append(min(word, match))
            slips += 1
    if not left and not right:
        return ("near" if slips else "same"), shared, _PRICE_OF_SLIP * slips
    if _near_whole(one.joined, other.joined):
        return "near", _fewer(one, other), _PRICE_OF_SLIP
    if not left or not right:
        return ("part", shared, _PRICE_OF_SLIP * slips) if shared else ("other", [], 0.0)
    for short, long in ((one, other), (other, one)):
        if len(short.words) == 1 and len(short.joined) >= _SHORTEST_ACRONYM and short.joined == long.initials:
            return "acronym", [short.joined], _PRICE_OF_SLIP
    return "other", [], 0.0


def _fewer(one: Name, other: Name) -> list[str]:
    """The words of the name that has fewer."""
    return list(one.words if (len(one.words), one.words) <= (len(other.words), other.words) else other.words)


def _near(one: str, other: str, persons: bool) -> bool:
    """Whether two words are one with a slip: a letter more, less, other or swapped, or the beginning of the other."""
    short, long = sorted((one, other), key=lambda text: (len(text), text))
    if persons and len(short) == 1:
        return long.startswith(short)
    if len(short) < _LONG_WORD or not (short.isalpha() and long.isalpha()):
        return False
    if long.startswith(short):
        return True
    allowed = 2 if len(short) >= _VERY_LONG_WORD else 1
    return len(long) - len(short) <= allowed and OSA.distance(one, other, score_cutoff=allowed) <= allowed


def _near_whole(one: str, other: str) -> bool:
    """The same for names whose blanks stand elsewhere."""
    return (
        min(len(one), len(other)) >= _VERY_LONG_WORD and one.isalpha() and OSA.distance(one, other, score_cutoff=1) <= 1
    )
