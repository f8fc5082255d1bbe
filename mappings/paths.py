"""Paths into a record: ``a.b``, ``a.0.b`` (an item of a list), ``a.*.b`` (every item), ``a..b`` (the key is ``a.``)."""

from __future__ import annotations

import re
from typing import Any

_PLACE = re.compile(r"\d{1,9}", re.ASCII)
_DOT = re.compile(r"\.(?!\.|$)")

Step = str | int
ROOT = "^"
"""First step of a line's path that starts at the whole record."""
SOURCE_ID = "@source_id"
"""Path of the record's own id, whatever the source calls it."""


def parse(path: str) -> tuple[Step, ...]:
    """The steps of a path; digits are positions in a list."""
    return tuple(int(part) if _PLACE.fullmatch(part) else part for part in _DOT.split(path))


def is_plain(steps: tuple[Step, ...]) -> bool:
    """Whether every step is a key of an object."""
    return all(isinstance(step, str) and step != "*" for step in steps)


def walk(value: Any, steps: tuple[Step, ...]) -> Any:
    """What the path leads to; ``None`` where a key, an item or an object is missing, a list after ``*``."""
    for place, step in enumerate(steps):
        if step == "*":
            found: list[Any] = []
            for item in value if type(value) is list else ():
                reached = walk(item, steps[place + 1 :])
                if type(reached) is list:
                    found += reached
                elif reached is not None:
                    found.append(reached)
            return found or None
        if type(value) is dict:
            value = value.get(str(step))
        elif type(value) is list and isinstance(step, int):
            value = value[step] if step < len(value) else None
        else:
            return None
    return value


def leaves(value: Any, prefix: str = "") -> dict[str, Any]:
    """Path → value of everything in a record that is not empty; items of lists are ``*`` and the first one counts."""
    found: dict[str, Any] = {}
    if type(value) is dict:
        for key, item in value.items():
            for path, leaf in leaves(item, f"{prefix}{key}.").items():
                found.setdefault(path, leaf)
    elif type(value) is list:
        for item in value:
            for path, leaf in leaves(item, f"{prefix}*.").items():
                found.setdefault(path, leaf)
    elif value is not None and value != "":
        found[prefix.removesuffix(".")] = value
    return found
