"""Which tables a query has no rows without, read off its plan as DuckDB explains it.

Only what is certain counts: of a kind of operator that is not known here nothing is concluded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

_PASSING = {"PROJECTION", "FILTER", "ORDER_BY", "STREAMING_LIMIT", "LIMIT", "WINDOW", "STREAMING_WINDOW"}
"""Without rows from below they give none."""
_JOINS = {"HASH_JOIN", "BLOCKWISE_NL_JOIN", "NESTED_LOOP_JOIN", "PIECEWISE_MERGE_JOIN", "IE_JOIN"}
_BY_SETS = re.compile(r"\b(GROUPING\s+SETS|ROLLUP|CUBE)\b", re.IGNORECASE)
_OF_BOTH = ("INNER", "SEMI")
_OF_LEFT = ("LEFT", "ANTI", "MARK", "SINGLE")

Node = Mapping[str, Any]
Tables = frozenset[str]
_NONE: Tables = frozenset()


def needed_rows(connection: duckdb.DuckDBPyConnection, query: str) -> Tables:
    """The tables each of which must hold a row if the query is to give one; views may not group by sets."""
    if _BY_SETS.search(query):
        return _NONE  # the plan does not tell that there is a row for everything together
    ((_, plan),) = connection.execute(f"EXPLAIN (FORMAT JSON) {query}").fetchall()
    (root,) = json.loads(plan)
    return _needed(root, {})


def _needed(node: Node, named: dict[str, Tables]) -> Tables:
    """Of a node; ``named`` are the common table expressions above it, by their index."""
    name, told, children = node["name"].strip(), node["extra_info"], node["children"]
    if name == "CTE":
        made, used = children
        return _needed(used, {**named, told["Table Index"]: _needed(made, named)})
    if name == "CTE_SCAN":
        return named.get(told["CTE Index"], _NONE)
    if name == "SEQ_SCAN":
        return frozenset([told["Table"].rpartition(".")[2]])
    below = [_needed(child, named) for child in children]
    if name in _PASSING or (name == "HASH_GROUP_BY" and told.get("Groups")):  # without groups there is always a row
        return below[0]
    if name == "CROSS_PRODUCT" or (name in _JOINS and told["Join Type"] in _OF_BOTH):
        return below[0] | below[1]
    if name in _JOINS and told["Join Type"] in _OF_LEFT:
        return below[0]
    if name == "UNION":
        return frozenset.intersection(*below)
    return _NONE
