"""Words for generated names, read from the public data beside the checkout; none of it is part of the project."""

from __future__ import annotations

import csv
import gzip
import os
from collections import Counter
from collections.abc import Iterable
from functools import cache
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import yaml

SHARED = Path(os.environ.get("LTC_SHARED", Path(__file__).resolve().parents[3] / "shared")) / "data"


@cache
def lists() -> dict[str, Any]:
    """Our own lists, ``words.yaml``: texts of words, of words with weights, or tables of them."""
    found: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "words.yaml").read_text("utf-8"))
    return found


@cache
def weighted(name: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The words of a list with weights, and the sums of the weights up to each."""
    parts = lists()[name].split()
    return tuple(parts[::2]), tuple(accumulate(map(int, parts[1::2])))


@cache
def chosen(name: str, key: str = "") -> tuple[str, ...]:
    """The words of a list, or of one entry of a table."""
    found = lists()[name][key] if key else lists()[name]
    return tuple(found.split() if isinstance(found, str) else found)


@cache
def province(city: str) -> str:
    """The province of a city, empty for one whose names do not show it."""
    return next((name for name, cities in lists()["provinces"].items() if city in cities.split()), "")


_FREQUENT_TAIL = 60


class Words(NamedTuple):
    """What names are made of."""

    brands_cn: tuple[str, ...]
    """Real short names and brands of Chinese companies, of two to four characters."""
    tails_cn: tuple[str, ...]
    """What at least sixty real four-character names end in; most are trades."""
    fourth: tuple[str, ...]
    fourth_weights: tuple[int, ...]
    """Characters by how often they stand fourth in real names, where trade names are, cumulative."""
    surnames: tuple[str, ...]
    given: tuple[str, ...]
    streets: tuple[str, ...]


@cache
def words() -> Words:
    """Read the vocabularies. Raises ``FileNotFoundError`` where the data is not beside the checkout."""
    with gzip.open(SHARED / "company-names-zh" / "company_short_forms.txt.gz", "rt", encoding="utf-8") as file:
        brands = [line.strip() for line in list(file)[4:] if 2 <= len(line.strip()) <= 4]
    tails = Counter(name[2:] for name in brands if len(name) == 4)
    fourth, counts = _characters("左第4字")
    people = [row for number in (1, 2, 3) for row in _febrl(number)]
    return Words(
        tuple(brands),
        tuple(sorted(tail for tail, count in tails.items() if count >= _FREQUENT_TAIL)),
        fourth,
        counts,
        _frequent(row["surname"] for row in people),
        _frequent(row["given_name"] for row in people),
        _frequent(row["address_1"] for row in people),
    )


def _febrl(number: int) -> list[dict[str, str]]:
    with (SHARED / "febrl" / f"dataset{number}.csv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file, skipinitialspace=True) if row["rec_id"].endswith("org")]


def _frequent(values: Iterable[str]) -> tuple[str, ...]:
    counts = Counter(value.strip() for value in values if value and value.strip())
    return tuple(sorted(value for value, count in counts.items() if count > 1))


def _characters(sheet: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    import openpyxl

    book = openpyxl.load_workbook(SHARED / "company-names-zh" / "character_frequency_by_position.xlsx", read_only=True)
    rows = [(str(row[0]), int(str(row[1]))) for row in book[sheet].iter_rows(min_row=2, values_only=True) if row[1]]
    return tuple(sign for sign, _ in rows), tuple(accumulate(count for _, count in rows))


def brand_cn(random: Random) -> str:
    """A trade name: mostly a real one, else two or three characters as frequent as in real names."""
    known = words()
    if random.random() < 0.7:
        return random.choice(known.brands_cn)
    return "".join(random.choices(known.fourth, cum_weights=known.fourth_weights, k=random.choice((2, 2, 2, 3))))


def brand_west(random: Random) -> str:
    """A trade name: a family's, two families', letters, or an invented word."""
    known = words()
    kind = random.random()
    if kind < 0.40:
        return random.choice(known.surnames).title()
    if kind < 0.50:
        return f"{random.choice(known.surnames).title()} & {random.choice(known.surnames).title()}"
    if kind < 0.56:
        return "".join(random.choices("ABCDEFGHIKLMNPRSTVW", k=3))
    return "".join(random.choices(chosen("syllables"), k=random.choice((2, 2, 3)))).title()
