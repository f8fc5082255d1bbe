"""Every path of a record with the types found there; for what no mapping reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable
from typing import Any

from mappings.footprint import NAMES

MOST_CHILDREN = 100
"""An object below the record with more keys than these is a table: its keys are data, no field names."""
ANY = "*"
"""Stands for the keys of such an object, and for keys that are data by their looks."""

_DEEPEST = 12
_LONGEST = 64
_LONGEST_PATH = 200


def outline(record: dict[str, Any], crowded: Container[str] = ()) -> dict[str, set[str]]:
    """Path → types there, none for what is empty; ``crowded``: paths of objects whose keys are data.

    ``outline({"a": [{"b": 1}, {"b": None}]})`` is ``{"a": {"list"}, "a[]": {"object"}, "a[].b": {"number"}}``.
    """
    found: dict[str, set[str]] = {}
    _object(record, "", found, crowded, 0)
    return found


def crowded(known: Iterable[str]) -> set[str]:
    """The objects among known paths whose keys have turned out to be data."""
    children = Counter(parent for path in known if (parent := path.rpartition(".")[0]))
    return {path for path, count in children.items() if count >= MOST_CHILDREN}


def is_empty(value: Any) -> bool:
    """Whether a value says nothing; ``false`` and an empty list stand for nothing in some systems."""
    return value is None or value is False or (type(value) in (str, list, dict) and not value)


def values(value: Any, path: str) -> list[Any]:
    """Everything that is at a path of a record, also where names have dots inside; nulls are left out."""
    if not path:
        return [] if value is None else [value]
    if path.startswith("[]"):
        rest = path.removeprefix("[]").removeprefix(".")
        return [found for item in value for found in values(item, rest)] if type(value) is list else []
    if type(value) is not dict:
        return []
    inside = [key for key in value if path == key or path.startswith((f"{key}.", f"{key}["))]
    return [found for key in inside for found in values(value[key], path[len(key) :].removeprefix("."))]


def _object(record: dict[str, Any], prefix: str, found: dict[str, set[str]], crowd: Container[str], depth: int) -> None:
    many = bool(prefix) and (len(record) > MOST_CHILDREN or prefix in crowd)
    for key, value in record.items():
        name = ANY if many or _is_data(key) else key
        _value(value, f"{prefix}.{name}" if prefix else name, found, crowd, depth + 1)


def _value(value: Any, path: str, found: dict[str, set[str]], crowd: Container[str], depth: int) -> None:
    types = found.setdefault(path, set())
    if is_empty(value):
        return
    kind = type(value)
    types.add(NAMES[kind])
    if depth >= _DEEPEST or len(path) > _LONGEST_PATH:
        return
    if kind is dict:
        _object(value, path, found, crowd, depth)
    elif kind is list:
        for item in value:
            _value(item, f"{path}[]", found, crowd, depth + 1)


def _is_data(key: str) -> bool:
    """Whether a key looks like an id, an address or a text rather than like a name."""
    return len(key) > _LONGEST or key.isdigit() or "@" in key[1:]
