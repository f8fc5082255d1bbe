"""Plain Splink: comparisons and blocking rules as in its own examples, on Febrl and on the generated companies."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from bench.parties.febrl import People
from bench.parties.measure import Pair
from bench.parties.world import Record


def febrl(people: People) -> dict[Pair, float]:
    """Match weights of the compared pairs, as in Splink's examples for Febrl 3 and 4."""
    import splink.comparison_library as cl
    from splink import block_on

    comparisons = [
        cl.NameComparison("given_name"),
        cl.NameComparison("surname"),
        cl.DamerauLevenshteinAtThresholds("date_of_birth", [1, 2]),
        cl.DamerauLevenshteinAtThresholds("soc_sec_id", [1, 2]),
        cl.ExactMatch("street_number").configure(term_frequency_adjustments=True),
        cl.JaroWinklerAtThresholds("address_1", [0.9, 0.8]),
        cl.JaroWinklerAtThresholds("suburb", [0.9, 0.8]),
        cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]),
    ]
    rules = [
        block_on("soc_sec_id"),
        block_on("date_of_birth"),
        block_on("given_name", "surname"),
        block_on("surname", "postcode"),
        block_on("given_name", "postcode"),
        block_on("street_number", "address_1"),
        block_on("surname", "suburb"),
        block_on("address_1", "postcode"),
    ]
    training = [block_on("date_of_birth"), block_on("given_name", "surname")]
    deterministic = [block_on("soc_sec_id"), block_on("given_name", "surname", "date_of_birth")]
    parts = [[row for row in people.rows if row["side"] == side] for side in ((0, 1) if people.linked else (0,))]
    return _predict(parts, comparisons, rules, training, deterministic, threads=1)


def companies(rows: Sequence[Record], threads: int = 1) -> dict[Pair, float]:
    """The same for companies: names in small letters by Jaro-Winkler, everything else as common cleaning leaves it."""
    import splink.comparison_library as cl
    from splink import block_on

    comparisons = [
        cl.JaroWinklerAtThresholds("name", [0.95, 0.88, 0.7]).configure(term_frequency_adjustments=True),
        cl.EmailComparison("email"),
        cl.ExactMatch("phone"),
        cl.ExactMatch("domain"),
        cl.ExactMatch("city").configure(term_frequency_adjustments=True),
        cl.ExactMatch("postal_code"),
        cl.JaroWinklerAtThresholds("address_line", [0.95, 0.88]),
        cl.ExactMatch("tax_id"),
        cl.ExactMatch("country"),
    ]
    rules = [
        block_on("name"),
        block_on("email"),
        block_on("phone"),
        block_on("domain"),
        block_on("tax_id"),
        block_on("substr(name, 1, 4)", "city"),
        block_on("postal_code", "substr(name, 1, 2)"),
        block_on("address_line"),
    ]
    training = [block_on("name"), block_on("email"), block_on("phone")]
    deterministic = [block_on("tax_id"), block_on("name", "city"), block_on("email", "name")]
    systems = sorted({row.system for row in rows})
    parts = [[cleaned(row) for row in rows if row.system == system] for system in systems]
    return _predict(parts, comparisons, rules, training, deterministic, threads)


def cleaned(row: Record) -> dict[str, Any]:
    digits = "".join(sign for sign in row.phone or "" if sign.isdigit())
    return {
        "record_id": row.record_id,
        "name": (row.legal_name or row.name).lower(),
        "email": row.email and row.email.lower(),
        "phone": digits[-9:] or None,
        "domain": row.domain,
        "city": row.city and row.city.lower(),
        "postal_code": row.postal_code,
        "address_line": row.address_line and row.address_line.lower(),
        "tax_id": row.tax_id and row.tax_id.replace("-", ""),
        "country": row.country,
    }


def _predict(
    parts: list[list[dict[str, Any]]], comparisons: list[Any], rules: list[Any], training: list[Any],
    deterministic: list[Any], threads: int,
) -> dict[Pair, float]:  # fmt: skip
    import duckdb
    import pyarrow as pa
    from splink import DuckDBAPI, Linker, SettingsCreator

    logging.getLogger("splink").setLevel(logging.ERROR)
    connection = duckdb.connect(":memory:", config={"threads": threads})
    api = DuckDBAPI(connection=connection)
    tables = [
        api.register(pa.Table.from_pylist(part), dataset_display_name=f"part{place}")
        for place, part in enumerate(parts)
    ]
    settings = SettingsCreator(
        link_type="link_only" if len(parts) > 1 else "dedupe_only",
        unique_id_column_name="record_id",
        comparisons=comparisons,
        blocking_rules_to_generate_predictions=rules,
        retain_intermediate_calculation_columns=False,
    )
    linker = Linker(tables if len(tables) > 1 else tables[0], settings, log_level=logging.ERROR)
    linker.training.estimate_probability_two_random_records_match(deterministic, recall=0.7)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    for rule in training:
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    found = linker.inference.predict(threshold_match_weight=-10).as_duckdbpyrelation()
    rows = found.project("record_id_l, record_id_r, match_weight").fetchall()
    connection.close()
    return {(min(a, b), max(a, b)): weight for a, b, weight in rows}
