"""recordlinkage: the comparisons of its own examples with its ECM classifier, on Febrl and on the generated companies.

It brings pandas and is in the extra ``bench`` only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.parties.febrl import People
from bench.parties.measure import Pair
from bench.parties.world import Record


def febrl(people: People) -> dict[Pair, float]:
    """The probability of each compared pair by ECM."""
    blocks = [("date_of_birth",), ("soc_sec_id",), ("given_name", "surname"), ("surname", "postcode")]
    blocks += [
        ("given_name", "postcode"),
        ("street_number", "address_1"),
        ("surname", "suburb"),
        ("address_1", "postcode"),
    ]
    texts = {"given_name": 0.85, "surname": 0.85, "address_1": 0.85, "suburb": 0.85}
    exact = ("date_of_birth", "soc_sec_id", "street_number", "postcode", "state")
    sides = (0, 1) if people.linked else (0,)
    parts = [[row for row in people.rows if row["side"] == side] for side in sides]
    return _classify(parts, blocks, texts, exact)


def companies(rows: Sequence[Record]) -> dict[Pair, float]:
    """The same for companies, between each two systems."""
    from bench.parties.splinked import cleaned

    blocks = [("name",), ("email",), ("phone",), ("domain",), ("tax_id",), ("head", "city"), ("address_line",)]
    texts = {"name": 0.88, "address_line": 0.88}
    exact = ("email", "phone", "domain", "city", "postal_code", "tax_id", "country")
    systems = sorted({row.system for row in rows})
    found: dict[Pair, float] = {}
    for place, one in enumerate(systems):
        for other in systems[place + 1 :]:
            parts = [
                [
                    {**cleaned(row), "head": (row.legal_name or row.name).lower()[:4]}
                    for row in rows
                    if row.system == system
                ]
                for system in (one, other)
            ]
            found |= _classify(parts, blocks, texts, exact)
    return found


def _classify(
    parts: list[list[dict[str, Any]]], blocks: list[tuple[str, ...]], texts: dict[str, float], exact: tuple[str, ...]
) -> dict[Pair, float]:
    import pandas as pd
    import recordlinkage

    frames = [pd.DataFrame(part).set_index("record_id") for part in parts]
    indexer = recordlinkage.Index()
    for block in blocks:
        indexer.block(list(block))
    pairs = indexer.index(*frames)
    compare = recordlinkage.Compare()
    for name, threshold in texts.items():
        compare.string(name, name, method="jarowinkler", threshold=threshold, label=name)
    for name in exact:
        compare.exact(name, name, label=name)
    features = compare.compute(pairs, *frames)
    classifier = recordlinkage.ECMClassifier()
    classifier.fit(features)
    shares = classifier.prob(features)
    return {(min(pair), max(pair)): float(share) for pair, share in shares.items()}
