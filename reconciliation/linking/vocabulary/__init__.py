"""What words mean in names of companies: legal forms, trades, regions and branches, read once from the files beside."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from reconciliation.linking.spelling import HAN, folded, is_han, words

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Tables by words in one spelling; a phrase of Latin words is one text with blanks."""

    legal: dict[str, str]
    """Latin phrase → code of the legal form; ``longest_legal`` words at most."""
    longest_legal: int
    leading: dict[str, str]
    """The same for forms in front of names."""
    vague: frozenset[str]
    han_legal: dict[str, str]
    trades: dict[str, str]
    """Word or phrase of either script → code of the trade or size."""
    meanings: dict[str, int]
    """Word of a code whose words are different trades → a number; equal ones mean the same. For texts only."""
    sizes: frozenset[str]
    """Codes that contradict no other."""
    regions: dict[str, tuple[str, ...]]
    """Word or phrase of either script → region from wide to narrow, in Latin: (zhejiang, hangzhou), (cn,)."""
    doubtful: frozenset[str]
    """Names of regions that are ordinary words: they count only with a mark behind."""
    has_branch: re.Pattern[str]
    branches: frozenset[str]
    fillers: frozenset[str]
    titles: frozenset[str]
    ends_in_title: re.Pattern[str]
    double_surnames: frozenset[str]
    streets: frozenset[str]
    """Words that say what kind of street it is."""


@cache
def vocabulary() -> Vocabulary:
    """The vocabulary; some ten milliseconds the first time."""
    forms, trades, places = _read("legal_forms"), _read("trades"), _read("regions")
    other = {name: frozenset(text.split()) for name, text in _read("other_words").items()}
    legal = {_phrase(text): code for code, texts in forms["latin"].items() for text in texts}
    han_legal = {folded(text): code for code, texts in forms["han"].items() for text in texts}
    trade = {
        _phrase(text): code for part in ("size", "trade") for code, texts in trades[part].items() for text in texts
    }
    regions = _regions(places)
    return Vocabulary(
        legal=legal,
        longest_legal=max(phrase.count(" ") for phrase in legal) + 1,
        leading={_phrase(text): code for code, texts in forms["leading"].items() for text in texts},
        vague=frozenset(forms["vague"]),
        han_legal=han_legal,
        trades=trade,
        meanings=_meanings(trades["different"]),
        sizes=frozenset(trades["size"]),
        regions=regions,
        doubtful=frozenset(places["also_words"]),
        has_branch=re.compile(rf"({_any(forms['branches']['han'])})[)\]]?$"),
        branches=frozenset(_phrase(text) for text in forms["branches"]["latin"]),
        fillers=other["fillers"],
        titles=other["titles"],
        ends_in_title=re.compile(f"(?:{_any(other['han_titles'])})$"),
        double_surnames=other["double_surnames"],
        streets=other["streets"],
    )


_MARK = re.compile(r"特别行政区|(?:\S{1,3}族)*自治[区州县]|[省市州县盟]")
_LONGEST_REGION = 5
_COUNTY = 3


def region_at(text: str) -> tuple[tuple[str, ...], int] | None:
    """The region that a folded Chinese text begins with, and where it ends; unknown ones only with 市 or 县."""
    known = vocabulary()
    if not HAN.match(text):
        return None
    for size in range(min(_LONGEST_REGION, len(text)), 1, -1):
        name = text[:size]
        if name in known.regions:
            mark = _MARK.match(text, size)
            if mark:
                return known.regions[name], mark.end()
            if name not in known.doubtful:
                return known.regions[name], size
    return (("", text[:_COUNTY]), _COUNTY) if text[_COUNTY - 1 : _COUNTY] in ("市", "县") else None


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load((_FOLDER / f"{name}.yaml").read_text("utf-8"), Loader=_LOADER)  # noqa: S506
    return found


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _phrase(text: str) -> str:
    return folded(text) if is_han(text) else " ".join(words(folded(text)))


def _meanings(different: dict[str, list[list[str]]]) -> dict[str, int]:
    groups = [group for code in different.values() for group in code]
    return {_phrase(text): number for number, group in enumerate(groups) for text in group}


def _any(texts: Any) -> str:
    return "|".join(re.escape(text) for text in sorted(texts, key=lambda text: (-len(text), text)))


def _regions(places: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for code, texts in places["countries"].items():
        found |= {_phrase(text): (code,) for text in texts}
    for province, about in places["provinces"].items():
        wide = _phrase(about["latin"])
        found |= {folded(province): (wide,), wide: (wide,)}
        for city, latin in about.get("cities", {}).items():
            narrow = _phrase(latin)
            found[folded(city)] = (wide, narrow)
            if city not in places["also_words"]:
                found.setdefault(narrow, (wide, narrow))
    return found
