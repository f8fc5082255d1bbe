"""The 127 labelled pairs of company names in several scripts: names alone, so that only the order of the scores counts.

Many cannot be told from the names (tickers, renamed companies); it is a guard, not a goal.
"""

from __future__ import annotations

import csv

from bench.parties.measure import Pair
from bench.parties.words import SHARED
from reconciliation.linking import alike, evidence, names, weights


def read() -> tuple[list[tuple[str, str]], set[Pair]]:
    """The pairs of names, and which are one company, by place."""
    with (SHARED / "company-name-pairs" / "test_data.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    return [(row["Name_x"], row["Name_y"]) for row in rows], {
        (place, place) for place, row in enumerate(rows) if row["Targets"] == "1"
    }


def ours(pairs: list[tuple[str, str]]) -> dict[Pair, float]:
    """What the product's weights say of the names, nothing else."""
    counts: dict[str, int] = {}
    for text in (text for pair in pairs for text in set(pair)):
        for word in names.company(text).words:
            counts[word] = counts.get(word, 0) + 1
    bits = alike.word_bits(lambda word: counts.get(word, 0), 2 * len(pairs))
    known = weights.log_m({"name": dict(evidence.FIELDS[0].levels)})["name"]
    found = {}
    for place, (one, other) in enumerate(pairs):
        likeness = alike.names(names.company(one), names.company(other), bits)
        if likeness is not None and likeness.level not in ("sibling", "other"):
            found[place, place] = known[likeness.level] + likeness.bits
    return found


def splinked(pairs: list[tuple[str, str]]) -> dict[Pair, float]:
    """The levels of Splink's NameComparison (1, 0.92, 0.88, 0.7); whatever their weights, their order is this one."""
    from rapidfuzz.distance import JaroWinkler

    thresholds = (1.0, 0.92, 0.88, 0.7)
    scores = [JaroWinkler.similarity(one.lower(), other.lower()) for one, other in pairs]
    found = {(place, place): float(sum(score >= limit for limit in thresholds)) for place, score in enumerate(scores)}
    return {pair: level for pair, level in found.items() if level}


def recordlinked(pairs: list[tuple[str, str]]) -> dict[Pair, float]:
    """recordlinkage's string comparison by Jaro-Winkler, any threshold."""
    import pandas as pd
    import recordlinkage

    here = pd.DataFrame({"name": [one.lower() for one, _ in pairs]})
    there = pd.DataFrame({"name": [other.lower() for _, other in pairs]})
    compare = recordlinkage.Compare()
    compare.string("name", "name", method="jarowinkler", label="name")
    index = pd.MultiIndex.from_tuples([(place, place) for place in range(len(pairs))])
    return {(place, place): float(value) for place, value in enumerate(compare.compute(index, here, there)["name"])}
