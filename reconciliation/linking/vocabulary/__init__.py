"""What words mean in names of companies: legal forms, trades, regions and branches, read once from the files beside."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from reconciliation.linking.spelling import folded, is_han, words

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
    ends_in_legal: re.Pattern[str]
    trades: dict[str, str]
    """Word or phrase of either script → code of the trade or size."""
    sizes: frozenset[str]
    """Codes that contradict no other."""
    ends_in_trade: re.Pattern[str]
    regions: dict[str, tuple[str, ...]]
    """Word or phrase of either script → region from wide to narrow, in Latin: (zhejiang, hangzhou), (cn,)."""
    starts_in_region: re.Pattern[str]
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
    han_trades = [word for word in trade if is_han(word)]
    certain = [name for name in regions if is_han(name) and name not in places["also_words"]]
    marked = [name for name in regions if is_han(name)]
    return Vocabulary(
        legal=legal,
        longest_legal=max(phrase.count(" ") for phrase in legal) + 1,
        leading={_phrase(text): code for code, texts in forms["leading"].items() for text in texts},
        vague=frozenset(forms["vague"]),
        han_legal=han_legal,
        ends_in_legal=re.compile(f"(?:{_any(han_legal)})$"),
        trades=trade,
        sizes=frozenset(trades["size"]),
        ends_in_trade=re.compile(f"(?:{_any(han_trades)})$"),
        regions=regions,
        starts_in_region=re.compile(
            f"(?:({_any(marked)})(?:特别行政区|(?:[^ ]{{1,3}}族)*自治[区州县]|[省市州县盟])"
            f"|({_any(certain)})|(?=(..[市县]))..[市县])"
        ),
        has_branch=re.compile(rf"({_any(forms['branches']['han'])})[)\]]?$"),
        branches=frozenset(_phrase(text) for text in forms["branches"]["latin"]),
        fillers=other["fillers"],
        titles=other["titles"],
        ends_in_title=re.compile(f"(?:{_any(other['han_titles'])})$"),
        double_surnames=other["double_surnames"],
        streets=other["streets"],
    )


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load((_FOLDER / f"{name}.yaml").read_text("utf-8"), Loader=_LOADER)  # noqa: S506
    return found


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _phrase(text: str) -> str:
    return folded(text) if is_han(text) else " ".join(words(folded(text)))


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
