"""Paths into a record: ``a.b``, ``a.0.b`` (an item of a list), ``a.*.b`` (every item), ``a..b`` (the key is ``a.``),
``"a. b".c`` (the key is ``a. b``; within the quotes as in JSON)."""

from __future__ import annotations

import json
import re
from typing import Any

_PLACE = re.compile(r"\d{1,9}", re.ASCII)
_DOT = re.compile(r"\.(?!\.|\Z)")
_TEXT = r'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u00[0-9a-fA-F]{2})*"'
_QUOTED = re.compile(rf"{_TEXT}(?=\.(?!\.|\Z)|\Z)")
_BEGUN = rf"(?<![^. ,，\n]){_TEXT}"
_LISTED = re.compile(rf"(?:{_BEGUN}|[^,，\n])+")
_TOGETHER = re.compile(rf"(?:{_BEGUN}|(?!, ).)+", re.DOTALL)

Step = str | int
ROOT = "^"
"""First step of a line's path that starts at the whole record."""
SOURCE_ID = "@source_id"
"""Path of the record's own id, whatever the source calls it."""


def parse(path: str) -> tuple[Step, ...]:
    """The steps of a path; digits are positions in a list."""
    found: list[Step] = []
    start = 0
    while start <= len(path):
        if quoted := _QUOTED.match(path, start):
            found.append(json.loads(quoted[0]))
            end = quoted.end()
        else:
            dot = _DOT.search(path, start)
            end = dot.start() if dot else len(path)
            part = path[start:end]
            found.append(int(part) if _PLACE.fullmatch(part) else part)
        start = end + 1
    return tuple(found)


def key(name: str) -> str:
    """A key of an object as a step of a path: in quotes where it would be taken for several."""
    if name.startswith(('"', ".")) or ("." in name and parse(name) != (name,)):
        return json.dumps(name, ensure_ascii=False)
    return name


def general(path: str) -> str:
    """A path with ``*`` for every position, each key written in one way."""
    return ".".join("*" if isinstance(step, int) else key(step) for step in parse(path))


def listed(text: str) -> list[str]:
    """The paths that a person typed into one text, with commas or line ends between them."""
    return [part for part in (item.strip() for item in _LISTED.findall(text)) if part]


def apart(text: str) -> list[str]:
    """The paths that were put together into one text with a comma and a space between them."""
    return [item.removeprefix(" ") for item in _TOGETHER.findall(text)]


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
        for name, item in value.items():
            for path, leaf in leaves(item, f"{prefix}{key(name)}.").items():
                found.setdefault(path, leaf)
    elif type(value) is list:
        for item in value:
            for path, leaf in leaves(item, f"{prefix}*.").items():
                found.setdefault(path, leaf)
    elif value is not None and value != "":
        found[prefix.removesuffix(".")] = value
    return found
