"""A query is only said to be empty without a table if it is."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from reconciliation.barren import needed_rows

QUERIES = {
    "SELECT x FROM a WHERE x > 0 ORDER BY x": {"a"},
    "SELECT a.x FROM a JOIN b USING (x)": {"a", "b"},
    "SELECT a.x FROM a, b": {"a", "b"},
    "SELECT a.x FROM a JOIN b ON a.x < b.x OR a.x > b.x + 1": {"a", "b"},
    "SELECT a.x FROM a LEFT JOIN b USING (x)": {"a"},
    "SELECT a.x FROM a FULL JOIN b USING (x)": set(),
    "SELECT x FROM a SEMI JOIN b USING (x)": {"a", "b"},
    "SELECT x FROM a ANTI JOIN b USING (x)": {"a"},
    "SELECT x FROM a WHERE x IN (SELECT x FROM b) OR x > 0": {"a"},
    "SELECT x, count(*) FROM a GROUP BY x": {"a"},
    "SELECT count(*) FROM a": set(),
    "SELECT x, count(*) FROM a GROUP BY GROUPING SETS ((x), ())": set(),
    "SELECT x FROM a WHERE (SELECT count(*) FROM b) = 0": {"a"},
    "SELECT x FROM a UNION ALL SELECT x FROM b": set(),
    "SELECT a.x FROM a JOIN c USING (x) UNION SELECT c.x FROM c JOIN b USING (x)": {"c"},
    "WITH k AS (SELECT x, max(x) AS y FROM a GROUP BY x) SELECT k.x FROM k JOIN k AS l USING (y) JOIN b ON b.x = k.x": {
        "a",
        "b",
    },
    "WITH k AS (SELECT x FROM b) SELECT a.x FROM a LEFT JOIN k USING (x)": {"a"},
    "SELECT x, row_number() OVER (PARTITION BY x) FROM a": {"a"},
    "SELECT unnest([x, 1]) FROM a": set(),  # true of a, but of an operator that is not known nothing is said
    "SELECT x FROM seen": {"a"},
}


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as made:
        made.execute("PRAGMA disable_optimizer")
        for name in ("a", "b", "c"):
            made.execute(f"CREATE TABLE {name} (x INTEGER)")
        made.execute("CREATE VIEW seen AS SELECT x FROM a")
        yield made


@pytest.mark.parametrize("query", QUERIES)
def test_without_each_of_these_there_is_no_row(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    needed = needed_rows(connection, query)
    assert needed == QUERIES[query]
    for empty in needed:
        for name in ("a", "b", "c"):
            connection.execute(f"DELETE FROM {name}")
            if name != empty:
                connection.execute(f"INSERT INTO {name} VALUES (1), (2)")
        assert connection.execute(query).fetchall() == []
