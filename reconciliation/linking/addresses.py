"""Cities and streets in one spelling, so that two ways of writing a place can be equal."""

from __future__ import annotations

import re
from functools import lru_cache

from reconciliation.linking.spelling import folded, is_han, words
from reconciliation.linking.vocabulary import region_at, vocabulary

_HAN_STREET = re.compile(r"([^省市区县镇乡州盟0-9,\s]{1,6}?)(路|街|道|巷|弄|里|胡同)([0-9]+)?")
_HAN_NUMBER = re.compile(r"([0-9]+)\s*(?:号|弄)")
_DISTRICTS = re.compile(r"^.*?[省市区县镇乡](?=.{3})")
_NUMBER = re.compile(r"([0-9]+)\s*(?:号|弄)")
_DISTRICTS = re.compile(r"^.*?[省市区县镇乡](?=.{3})")
_KINDS_OF_STREET = frozenset(
    [
        "street",
        "st",
        "road",
        "rd",
        "avenue",
        "ave",
        "av",
        "lane",
        "ln",
        "drive",
        "dr",
        "square",
        "sq",
        "place",
        "pl",
        "court",
        "ct",
        "way",
        "boulevard",
        "blvd",
        "highway",
        "hwy",
        "strasse",
        "str",
        "allee",
        "platz",
        "weg",
        "ring",
        "ufer",
        "gasse",
        "damm",
        "rue",
        "place",
        "quai",
        "chemin",
        "via",
        "viale",
        "corso",
        "piazza",
        "largo",
        "calle",
        "plaza",
        "avenida",
        "paseo",
        "laan",
        "straat",
        "weg",
        "plein",
        "ulica",
        "ul",
        "aleja",
        "al",
        "building",
        "suite",
        "floor",
        "unit",
        "no",
        "nr",
        "north",
        "south",
        "east",
        "west",
    ]
)
_NUMBER = re.compile(r"^[0-9]+[a-z]?$")
_JOINED_KIND = re.compile(r"(?:strasse|straat|str|weg|platz|allee|gasse|ring|laan)$")
_MARK = re.compile(r"[省市县区]$")
_SHORTEST = 4
_SHORTEST_CITY = 2


@lru_cache(100_000)
def city(text: str) -> str:
    """A city as its Latin name if it is a known one of China, else as written, in one spelling; empty for nothing."""
    plain = folded(text)
    known = vocabulary()
    if is_han(plain):
        bare = "".join(words(plain))
        while (found := region_at(bare)) and found[1] < len(bare):
            bare = bare[found[1] :]  # 浙江省杭州市 is 杭州
        bare = _MARK.sub("", bare) if len(bare) > _SHORTEST_CITY else bare
        return known.regions.get(bare, (bare,))[-1]
    name = " ".join(words(plain))
    return known.regions.get(name, (name,))[-1]


def street(text: str) -> str:
    """House number and the telling word of a street, as ``12 harbour``; empty if there are not both."""
    plain = folded(text)
    if is_han(plain):
        bare = _DISTRICTS.sub("", plain.replace(" ", ""))
        found = _HAN_STREET.search(bare)
        number = _HAN_NUMBER.search(bare, found.end(2)) if found else None
        return f"{number[1]} {found[1]}{found[2]}" if found and number else ""
    parts = words(plain)
    house = next((word for word in parts if _NUMBER.match(word)), "")
    telling = [
        _JOINED_KIND.sub("", word) if len(word) > _SHORTEST + 2 else word
        for word in parts
        if word not in vocabulary().streets and word.isalpha() and len(word) >= _SHORTEST
    ]
    return f"{house} {max(telling, key=len)}" if house and telling else ""
