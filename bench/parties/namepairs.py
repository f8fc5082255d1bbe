"""Labelled pairs of names: names alone, so that only the order of the scores counts.

``companies``: 127 pairs of company names in several scripts, of which many cannot be told from the names (tickers,
renamed companies). ``products``: titles of software at Amazon and at Google; ``songs``: titles at iTunes and Amazon,
both the part for tests of DeepMatcher's split. They are guards, not goals: what is alike there is no company.
"""

from __future__ import annotations

import csv
from typing import NamedTuple

from bench.parties.measure import Pair
from bench.parties.words import SHARED
from reconciliation.linking import alike, evidence, names, weights


class _Labelled(NamedTuple):
    """Where a set is, and its columns: both names, and whether they mean the same."""

    file: str
    names: tuple[str, str]
    label: str


SETS = {
    "companies": _Labelled("company-name-pairs/test_data.csv", ("Name_x", "Name_y"), "Targets"),
    "products": _Labelled("deepmatcher-samples/amazon_google_test.csv", ("left_title", "right_title"), "label"),
    "songs": _Labelled("deepmatcher-samples/itunes_amazon_test.csv", ("left_Song_Name", "right_Song_Name"), "label"),
}


def read(name: str) -> tuple[list[tuple[str, str]], set[Pair]]:
    """The pairs of names of one of ``SETS``, and which mean the same, by place."""
    file, (left, right), label = SETS[name]
    with (SHARED / file).open(encoding="utf-8-sig", newline="") as opened:
        rows = list(csv.DictReader(opened))
    return [(row[left], row[right]) for row in rows], {
        (place, place) for place, row in enumerate(rows) if row[label] == "1"
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
