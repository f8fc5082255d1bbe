"""Names of companies and persons, taken apart: what tells one from the others, and what many share.

A Chinese name is region 行政区划, trade name 字号, trade 行业 and legal form 组织形式, in this order
(企业名称登记管理规定, article 6 of the edition of 2020), the region also in brackets; a branch's name begins with its
company's. Western names have the same parts in looser order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from reconciliation.linking.spelling import folded, is_han, words
from reconciliation.linking.vocabulary import Vocabulary, region_at, vocabulary

_BRACKETS = re.compile(r"[(\[【〔]([^()\[\]【】〔〕]*)[)\]】〕]")
_CARE_OF = re.compile(r"\b(?:c/o|z\. ?h\.|attn|t/a|dba|trading as)\b.*$")
_NOT_IN_HAN = re.compile(r"[^\w&+]|_")
_PERSON = re.compile(
    r"^(?:mr|mrs|ms|miss|dr|prof|herr|frau|mme|monsieur|madame)\b\.? \w|^\w{2,4}(?:先生|女士|小姐|太太)$", re.IGNORECASE
)
_E_WORD = re.compile(r"\be-(?=\w)")
_MIN_BRAND = 2
_LONGEST_REGION = 5
_LONGEST_COUNTY = 3
_LONGEST_LEGAL = 8
_LONGEST_TRADE = 7


class Name(NamedTuple):
    """A name in parts, each in one spelling; equal parts mean an equal name."""

    words: tuple[str, ...]
    """What tells it from the others: the trade name, or a person's names. Chinese trade names are one word."""
    trades: tuple[str, ...] = ()
    """Codes of its trade and size, sorted."""
    legal: str = ""
    """Code of the legal form; empty without one."""
    region: tuple[str, ...] = ()
    """From wide to narrow."""
    branch: str = ""
    """Of which branch it is the name; empty for the whole company."""
    person: bool = False
    han: bool = False
    """Whether it is written in Chinese characters."""
    whole: str = ""
    """Words and trades as they are written, without blanks: where a slip hit a word of trade, this still shows it."""
    initials: str = ""
    """The first letters of the words and trades of a Western company's name, in its order, if they are several."""

    @property
    def joined(self) -> str:
        """The words without blanks."""
        return "".join(self.words)


def company(text: str) -> Name:
    """The parts of a company's name. A name of nothing but trades and places keeps them as its words."""
    plain = folded(text)
    if is_han(plain) or (not plain.isascii() and _has_han_legal(plain)):
        return _han(plain)
    return _latin(plain)


def person(text: str) -> Name:
    """The parts of a person's name without titles; a Chinese name's surname comes first, others keep their order."""
    plain = _BRACKETS.sub(" ", folded(text))
    if is_han(plain):
        bare = vocabulary().ends_in_title.sub("", _NOT_IN_HAN.sub("", plain))
        cut = 2 if bare[:2] in vocabulary().double_surnames and len(bare) > 2 else 1
        parts = (bare[:cut], bare[cut:]) if 1 < len(bare) <= 4 else (bare,)
        return Name(tuple(part for part in parts if part), person=True, han=True)
    last, comma, first = plain.partition(",")
    named = [word for word in _split_letters(f"{first} {last}" if comma else plain) if word not in vocabulary().titles]
    return Name(tuple(named), person=True)


def looks_like_person(text: str) -> bool:
    """Whether a name begins or ends with a title that persons have."""
    return _PERSON.search(text) is not None


def looks_like_company(name: Name) -> bool:
    """Whether the name itself says that it is no person's."""
    return not name.person and bool(name.legal or name.branch)


def _has_han_legal(plain: str) -> bool:
    return any(form in plain for form in vocabulary().han_legal if not is_han(form))


def _han(plain: str) -> Name:
    known = vocabulary()
    region: tuple[str, ...] = ()
    trades: set[str] = set()
    legal = branch = ""
    rest = plain
    if found := known.has_branch.search(plain):
        rest, branch = _han_branch(plain[: found.start()], found[1], known)
    for found in list(_BRACKETS.finditer(rest)):
        bare = _NOT_IN_HAN.sub("", found[1])
        if bare in known.han_legal:
            legal = legal or known.han_legal[bare]
        elif bare in known.regions:
            region = region or known.regions[bare]
        elif (starts := region_at(bare)) and starts[1] == len(bare):
            region = region or starts[0]
        elif bare in known.trades:
            trades.add(known.trades[bare])
        elif is_han(bare) and len(bare) <= _LONGEST_COUNTY:
            region = region or ("", bare)  # 建精华(昆山)有限公司
        else:
            continue
        rest = rest.replace(found[0], " ", 1)
    core = _NOT_IN_HAN.sub("", rest)
    while (end := _ending(core, known.han_legal, _LONGEST_LEGAL)) and len(end) < len(core):
        legal = legal or known.han_legal[end]
        core = core[: -len(end)]
    if core.startswith("株式会社"):
        legal, core = legal or "ja_kk", core[4:]
    bare, places = _without_region(core)
    brand = bare
    if brand.endswith("中国") and len(brand) > _MIN_BRAND + 1:
        brand, places = brand[:-2], places or ("cn",)
    while (end := _ending(brand, known.trades, _LONGEST_TRADE)) and len(brand) - len(end) >= _MIN_BRAND:
        trades.add(known.trades[end])
        brand = brand[: -len(end)]
    if brand in known.trades or not brand:  # 上海银行, 中国石油: place and trade are the name
        brand, bare, places = core, core, ()
    words_ = (brand,) if brand else ()
    return Name(words_, tuple(sorted(trades)), legal, region or places, branch, han=is_han(brand), whole=bare)


def _ending(text: str, table: Mapping[str, str], longest: int) -> str:
    """The longest entry of a table that a text ends in, empty without one."""
    for size in range(min(longest, len(text)), 0, -1):
        if text[-size:] in table:
            return text[-size:]
    return ""


def _han_branch(text: str, kind: str, known: Vocabulary) -> tuple[str, str]:
    """The company's name and which branch of it is meant, of a name that ends in a word for branches."""
    for mark in ("公司", "银行", "集团", "厂"):
        place = text.rfind(mark) + len(mark)
        if place > len(mark):
            return text[:place], _bare_region(_NOT_IN_HAN.sub("", text[place:])) or kind
    for size in range(_LONGEST_REGION, 1, -1):  # 安信上海办事处
        if text[-size:] in known.regions and len(text) > size + 1:
            return text[:-size], known.regions[text[-size:]][-1]
    return text, kind


def _bare_region(label: str) -> str:
    found = region_at(label)
    return found[0][-1] + label[found[1] :] if found else label


def _without_region(core: str) -> tuple[str, tuple[str, ...]]:
    """The name behind the places that it begins with, and the narrowest chain of them."""
    places: tuple[str, ...] = ()
    while (found := region_at(core)) and len(core) - found[1] >= _MIN_BRAND:
        here = found[0]
        if places and places != ("cn",) and here[0] not in ("", places[0]):
            break  # a place of another province is the trade name: 东莞三亚贸易
        places = here if len(here) >= len(places) else places
        core = core[found[1] :]
    return core, places


def _latin(plain: str) -> Name:
    known = vocabulary()
    region: tuple[str, ...] = ()
    plain = _E_WORD.sub("e", _CARE_OF.sub("", plain)).replace("&", " and ").replace("+", " and ")
    for bracket in list(_BRACKETS.finditer(plain)):
        place = known.regions.get(" ".join(words(bracket[1])))
        if place and not region:
            region = place
            plain = plain.replace(bracket[0], " ", 1)
    found = words(plain)
    found, branch = _without_branch(found, known)
    found, legal = _without_legal(found, known)
    named = [word for word in found if word not in known.fillers] or found
    core, trades = _without_trades(named, known)
    initials = "".join(word[0] for word in named) if len(named) > 1 else ""
    if not core or " ".join(core) in known.regions:  # Bank of America, General Electric: trades and places are the name
        return Name(tuple(named), (), legal, region, branch, whole="".join(named), initials=initials)
    bare, places = _without_places(core, known)
    if len("".join(bare)) < _MIN_BRAND:
        bare, places = core, ()
    left = [word for word in named if word in bare or word not in core]
    return Name(
        tuple(bare), tuple(sorted(trades)), legal, region or places, branch, whole="".join(left), initials=initials
    )


def _without_branch(found: list[str], known: Vocabulary) -> tuple[list[str], str]:
    for place, word in enumerate(found):
        if place and word in known.branches:
            head, label = found[:place], found[place + 1 :]
            for cut in range(1, place):  # behind the legal form stands which branch it is
                if _legal_at(found, cut, place, known):
                    end = _legal_at(found, cut, place, known)
                    return found[:end], " ".join(found[end:place] + label) or word
            if not label and len(head) > 1:
                head, label = head[:-1], head[-1:]
            return head, " ".join(label) or word
    return found, ""


def _legal_at(found: list[str], start: int, end: int, known: Vocabulary) -> int:
    """The end of the longest legal form that begins there, 0 without one."""
    for size in range(min(known.longest_legal, end - start), 0, -1):
        if " ".join(found[start : start + size]) in known.legal:
            return start + size
    return 0


def _without_legal(found: list[str], known: Vocabulary) -> tuple[list[str], str]:
    legal = ""
    while len(found) > 1:
        for size in range(min(known.longest_legal, len(found) - 1), 0, -1):
            code = known.legal.get(" ".join(found[-size:]))
            if code:
                legal = code if not legal or legal in known.vague else legal
                found = found[:-size]
                break
        else:
            break
    for size in (3, 2, 1):
        code = known.leading.get(" ".join(found[:size])) if len(found) > size else None
        if code:
            return found[size:], legal or code
    return found, legal


def _without_trades(named: list[str], known: Vocabulary) -> tuple[list[str], set[str]]:
    """The words that are no trade, and the codes of those that are."""
    core: list[str] = []
    trades: set[str] = set()
    place = 0
    while place < len(named):
        two = f"{named[place]} {named[place + 1]}" if place + 1 < len(named) else ""
        if two in known.trades:
            trades.add(known.trades[two])
            place += 2
        elif named[place] in known.trades:
            trades.add(known.trades[named[place]])
            place += 1
        else:
            core.append(named[place])
            place += 1
    return core, trades


def _without_places(core: list[str], known: Vocabulary) -> tuple[list[str], tuple[str, ...]]:
    """Without a place in front (Shanghai …) or at the end (… Deutschland), if something is left."""
    for size in (2, 1):
        if len(core) > size:
            if place := known.regions.get(" ".join(core[:size])):
                return core[size:], place
            if place := known.regions.get(" ".join(core[-size:])):
                return core[:-size], place
    return core, ()


def _split_letters(text: str) -> list[str]:
    """Words of a person's name: initials stay apart."""
    return [word for word in re.findall(r"[^\W_]+", text.replace("'", "")) if word]
