"""Rows that are typed for a trace are exactly those that a whole frame has of them."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from mappings.model import Kind
from reconciliation import typed
from reconciliation.frame import SOURCES, Source, definitions
from reconciliation.rules import Rules
from tests.reconciliation.books import settings

VALUES: dict[Kind, tuple[Any, ...]] = {
    Kind.DAY: ("2026-02-28", "2026-02-30", "0001-01-01", "2026-W48-7", "", "soon"),
    Kind.NUMBER: ("1.5", "-0.00000000005", "0.00000000004", "1e3", "9" * 28, "9" * 29, "NaN", "", "many"),
    Kind.INSTANT: (0, 1_790_000_000_123_456, -1, 1_790_035_199_999_999, 1_790_035_200_000_000),
    Kind.FLAG: (1, 0),
    Kind.MONEY: (0, -1, 2**62),
    Kind.INTEGER: (0, 1),
    Kind.TEXT: ("", "Zoë 有限公司", "'; --"),
}


def _rows(source: Source) -> list[dict[str, Any]]:
    """Every value of every column once, and nothing anywhere but where something must be."""
    found: list[dict[str, Any]] = []
    for number in range(max(map(len, VALUES.values()))):
        row: dict[str, Any] = {}
        for name, kind in source.kinds.items():
            values = (*VALUES.get(kind, VALUES[Kind.TEXT]), None)
            row[name] = values[number % len(values)]
        found.append(row)
    found.append(dict.fromkeys(source.kinds))
    for number, row in enumerate(found):
        row |= {"record_id": number} if "record_id" in row else {}
        row |= {"system": ("crm", "erp", "gone")[number % 3]} if "system" in row else {}
        row |= {"deleted": number % 2} if "deleted" in row else {}
    return found


@pytest.mark.parametrize("name", SOURCES)
def test_what_is_typed_here_is_what_sql_makes_of_it(name: str) -> None:
    source, rules = SOURCES[name], Rules.of(settings())
    rows = _rows(source)
    with duckdb.connect(":memory:") as connection:
        connection.execute(definitions(rules))
        connection.register("incoming", source.arrow(rows))
        connection.execute(f"CREATE TABLE made AS {source.select('incoming')}")
        connection.execute("CREATE TABLE same AS SELECT * FROM made WHERE false")
        connection.register("typed", typed.table(source, rules, rows))
        connection.execute("INSERT INTO same SELECT * FROM typed")
        made, same = (connection.execute(f"SELECT * FROM {it} ORDER BY ALL").fetchall() for it in ("made", "same"))
        shown = connection.execute("DESCRIBE typed").fetchall()
        wanted = connection.execute("DESCRIBE made").fetchall()
    assert made
    assert same == made
    assert [item[:2] for item in shown] == [item[:2] for item in wanted]


def test_rows_of_systems_that_nobody_names_are_left_out() -> None:
    rules = Rules.of(settings())
    order = dict.fromkeys(SOURCES["orders"].kinds) | {"record_id": 1, "deleted": 0}
    found = typed.table(SOURCES["orders"], rules, [order | {"system": "erp"}, order | {"system": "gone"}])
    assert found.column("system").to_pylist() == ["erp"]
