"""A removed system among the systems of ltc.yaml as they are now, whatever was changed beside it since."""

from __future__ import annotations

import re
from textwrap import dedent
from typing import Any, NamedTuple

import yaml

_SYSTEMS = re.compile(r"systems:\s*(?:#.*)?")
_NAMED = re.compile(r"""\s*(?:"([^"]+)"|'([^']+)'|([^\s"'#:][^:#]*)):(?:\s|$)""")
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Taken(Exception):
    """A system of this name is there again."""


class _Entry(NamedTuple):
    """A system in the file: its name, its first line with the comments above it, and the line after its last."""

    name: str
    start: int
    end: int


def systems_of(block: list[str]) -> list[str]:
    """The names of the systems that these lines are, whole; none for any other lines."""
    first = next((line for line in block if _is_written(line)), "")
    if not first.startswith(" ") or any(_indent(line) < _indent(first) for line in block if _is_written(line)):
        return []
    found = _parsed("\n".join(block))
    if not isinstance(found, dict) or not all(isinstance(one, dict) and "connector" in one for one in found.values()):
        return []
    return [str(name) for name in found]


def put_back(lines: list[str], block: list[str], below: list[str], near: int) -> tuple[int, list[str]] | None:
    """Where to put the lines of removed systems, and those lines as deep as the others are; ``None`` if nowhere.

    They go above the system that followed (``below`` are the lines that stood there), else to where one begins or the
    last one ends that is nearest to the line ``near``. Raises ``Taken``.
    """
    names, entries = systems_of(block), _entries(lines)
    if not names or not entries:
        return None
    if {entry.name for entry in entries} & set(names):
        raise Taken
    following = {found for line in below if (found := _name(line)) and _indent(line) == _depth(block)}
    at = next((entry.start for entry in entries if entry.name in following), None)
    if at is None:
        at = min((*(entry.start for entry in entries), entries[-1].end), key=lambda place: abs(place - near))
    shift = _depth([line for entry in entries for line in lines[entry.start : entry.end]]) - _depth(block)
    moved = [
        f"{' ' * shift}{line}" if shift > 0 and line.strip() else line[-shift if shift < 0 else 0 :] for line in block
    ]
    return (at, moved) if _is_right(lines, at, moved, names) else None


def _is_right(lines: list[str], at: int, block: list[str], names: list[str]) -> bool:
    """Whether the file says the same as before, and these systems besides."""
    before, after = _parsed("\n".join(lines)), _parsed("\n".join([*lines[:at], *block, *lines[at:]]))
    if not isinstance(before, dict) or not isinstance(after, dict):
        return False
    others = {name: one for name, one in after["systems"].items() if name not in names}
    return {**after, "systems": others} == before and after["systems"].keys() - others.keys() == set(names)


def _entries(lines: list[str]) -> list[_Entry]:
    start = next((n for n, line in enumerate(lines) if _SYSTEMS.fullmatch(line)), None)
    if start is None:
        return []
    end = next((n for n in range(start + 1, len(lines)) if _is_written(lines[n]) and not _indent(lines[n])), len(lines))
    depth = _depth(lines[start + 1 : end])
    heads = [
        n for n in range(start + 1, end) if _is_written(lines[n]) and _indent(lines[n]) == depth and _name(lines[n])
    ]
    starts = [_with_comments(lines, head, start) for head in heads]
    ends = [*starts[1:], _without_blanks(lines, end)]
    return [_Entry(_name(lines[head]), *place) for head, *place in zip(heads, starts, ends, strict=True)]


def _with_comments(lines: list[str], head: int, least: int) -> int:
    """The line from which on comments lead to an entry."""
    while head - 1 > least and lines[head - 1].lstrip().startswith("#"):
        head -= 1
    return head


def _without_blanks(lines: list[str], end: int) -> int:
    """The end without the empty lines and the comments before what follows."""
    while end and not _is_written(lines[end - 1]):
        end -= 1
    return end


def _name(line: str) -> str:
    found = _NAMED.match(line)
    return next((part for part in found.groups() if part), "").strip() if found else ""


def _is_written(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _depth(lines: list[str]) -> int:
    return min((_indent(line) for line in lines if _is_written(line)), default=0)


def _parsed(text: str) -> Any:
    try:
        return yaml.load(dedent(text), Loader=_LOADER)  # noqa: S506 - a safe one
    except (yaml.YAMLError, RecursionError, ValueError):
        return None
