"""Which parts of a record a mapping reads, and a compiled function that tells the types of all of them at once.

Paths are written as ``customer.id`` and, for anything in a list, ``lines[].sku``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from types import NoneType
from typing import Any

from mappings import paths
from mappings.convert import JsonNumber
from mappings.definition import Definition
from mappings.expression import Expression
from mappings.paths import Step


class Absent:
    """Stands where a record has no such key."""


class _Nulls(dict[Any, Any]):
    """What lies below a key that is null: nothing, which is not the same as not there."""

    def get(self, _key: Any, _default: Any = None) -> Any:
        return None


NAMES: dict[type, str] = {
    NoneType: "null",
    bool: "bool",
    int: "number",
    JsonNumber: "number",
    str: "text",
    dict: "object",
    list: "list",
}
"""What the types of a decoded record are called; ``Absent`` has no name."""

Signature = tuple[Any, ...]
"""The types at the paths of a footprint; the last item holds those of the lines, as a set of tuples."""


@dataclass(frozen=True, slots=True)
class Read:
    """One expression of the mapping: the canonical field it is for, and the places of the paths it reads."""

    name: str
    places: tuple[int, ...]
    first: bool = False
    """The first of the paths that has a value is enough."""


@dataclass
class Footprint:
    """The paths that a stream's mapping reads, with the objects and lists they lead through."""

    paths: tuple[str, ...] = ()
    reads: tuple[Read, ...] = ()
    skips: frozenset[int] = frozenset()
    """Places that decide whether a record is skipped; of a skipped record nothing else is read."""
    leaves: frozenset[int] = frozenset()
    """Places that expressions read themselves."""
    of_lines: int = 0
    """The places from this one on are in the lines."""
    source: str = ""
    signature: Callable[[dict[str, Any]], Signature] = field(default=lambda _record: ())

    def types(self, signature: Signature) -> Iterator[tuple[int, Iterable[type]]]:
        """Place → the types found there; a place in the lines may have several, or none."""
        for place in range(self.of_lines):
            yield place, (signature[place],)
        if self.of_lines < len(self.paths):
            lines = signature[-1]
            for place in range(self.of_lines, len(self.paths)):
                yield place, {line[place - self.of_lines] for line in lines}

    def names(self, place: int) -> list[str]:
        """The canonical fields that depend on a place: those read there, and below it."""
        path = self.paths[place]
        below = (f"{path}.", f"{path}[")
        found = [read.name for read in self.reads if any(self._is_at(item, path, below) for item in read.places)]
        return list(dict.fromkeys(found))

    def _is_at(self, place: int, path: str, below: tuple[str, str]) -> bool:
        return self.paths[place] == path or self.paths[place].startswith(below)


def is_filled(kind: type) -> bool:
    """Whether there is something at a place of this type."""
    return kind is not Absent and kind is not NoneType


def written(steps: Iterable[Step]) -> str:
    """A path of a mapping as it is written here."""
    text = ""
    for step in steps:
        if isinstance(step, int) or step == "*":
            text += "[]"
        else:
            text += f".{step}" if text else step
    return text


def of(definition: Definition) -> Footprint:
    """The footprint of a stream."""
    record, line = _Scope("d"), _Scope("l")
    reads: list[tuple[str, Expression, bool]] = [(name, item, False) for name, item in definition.fields.items()]
    if definition.status:
        status = definition.status
        reads.append(("status", status.expression, False))
        reads += [("status", item.condition.expression, False) for item in status.refinements]
    skips = [condition.expression for condition in definition.skip]
    found = [(name, item, [record.place(path) for path in _own(item)]) for name, item, _ in reads]
    skip_places = [place for item in skips for path in _own(item) for place in record.all_of(path)]
    skip_reads = [("skip", item, [record.place(path) for path in _own(item)]) for item in skips]
    line_found: list[tuple[str, Expression, list[tuple[bool, int]]]] = []
    lines_read: list[Read] = []
    if definition.lines:
        lines_read.append(Read("lines", (record.place(definition.lines.path),)))
        given = [*definition.lines.fields.items(), *(("skip", item.expression) for item in definition.lines.skip)]
        for name, item in given:
            line_found.append((f"lines.{name}", item, [_in_line(path, record, line) for path in _own(item)]))
    start = len(record.paths)
    top = f"{written(paths.parse(definition.lines.path))}[]." if definition.lines else ""
    made = [Read(name, tuple(places), item.how == "first") for name, item, places in (*found, *skip_reads)]
    made += lines_read
    for name, item, places in line_found:
        made.append(Read(name, tuple(place + start * inside for inside, place in places), item.how == "first"))
    result = Footprint(
        paths=(*record.paths, *(top + path for path in line.paths)),
        reads=tuple(read for read in made if read.places),
        skips=frozenset(skip_places),
        leaves=frozenset(place for read in made for place in read.places),
        of_lines=start,
    )
    result.source = _source(record, line, definition)
    namespace: dict[str, Any] = {"ABSENT": Absent(), "NULLS": _Nulls(), "NONE": {}, "walk": paths.walk}
    exec(compile(result.source, f"<footprint {definition.stream}>", "exec"), namespace)  # noqa: S102
    result.signature = namespace["signature"]
    return result


def _own(item: Expression) -> list[str]:
    return [path for path in item.sources if path != paths.SOURCE_ID]


def _in_line(path: str, record: _Scope, line: _Scope) -> tuple[bool, int]:
    """Whether the path is in the line, and its place there or in the record."""
    steps = paths.parse(path)
    if steps[0] == paths.ROOT:
        return False, record.place_of(steps[1:])
    return True, line.place_of(steps)


class _Scope:
    """Paths into the record or into a line, with the source of the type at each."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.paths: list[str] = []
        self.codes: list[str] = []
        self.statements: list[str] = []
        self._objects: dict[tuple[Step, ...], str] = {}

    def place(self, path: str) -> int:
        """The place of a path, given out when it is first asked for."""
        return self.place_of(paths.parse(path))

    def all_of(self, path: str) -> list[int]:
        """The places of a path and of the objects it leads through."""
        last = self.place(path)
        above = [written(paths.parse(path)[:n]) for n in range(1, len(paths.parse(path)))]
        return [self.paths.index(item) for item in above if item in self.paths] + [last]

    def place_of(self, steps: tuple[Step, ...]) -> int:
        """See ``place``."""
        text = written(steps)
        if text in self.paths:
            return self.paths.index(text)
        if paths.is_plain(steps):
            code = f"type({self.object_at(steps[:-1])}.get({steps[-1]!r}, ABSENT))"
        else:
            code = f"type(ABSENT if (v := walk({self.name}, {steps!r})) is None else v)"
        self._add(text, code)
        return len(self.paths) - 1

    def _add(self, text: str, code: str) -> None:
        self.paths.append(text)
        self.codes.append(code)

    def object_at(self, steps: tuple[Step, ...]) -> str:
        """The name of the object at a plain path; its own type is told, too."""
        if not steps:
            return self.name
        if steps not in self._objects:
            parent = self.object_at(steps[:-1])
            number = len(self._objects) + 1
            seen, name = f"{self.name}{number}v", f"{self.name}{number}"
            self._objects[steps] = name
            self.statements += [
                f"{seen} = {parent}.get({steps[-1]!r}, ABSENT)",
                f"{name} = {seen} if type({seen}) is dict else NULLS if {seen} is None else NONE",
            ]
            if written(steps) not in self.paths:
                self._add(written(steps), f"type({seen})")
        return self._objects[steps]


def _source(record: _Scope, line: _Scope, definition: Definition) -> str:
    text = ""
    if definition.lines and line.paths:
        body = ["if type(l) is not dict: l = NONE", *line.statements, f"return ({', '.join(line.codes)},)"]
        text += "def line(l):\n" + "".join(f"    {item}\n" for item in body)
    statements = list(record.statements)
    codes = list(record.codes)
    if definition.lines and line.paths:
        steps = paths.parse(definition.lines.path)
        reached = (
            f"{record.object_at(steps[:-1])}.get({steps[-1]!r})" if paths.is_plain(steps) else f"walk(d, {steps!r})"
        )
        statements = [
            *record.statements,
            f"lines = {reached}",
            "if type(lines) is not list: lines = [lines] if type(lines) is dict else []",
        ]
        codes.append("frozenset(map(line, lines))")
    body = [*statements, f"return ({''.join(f'{code}, ' for code in codes)})"]
    return text + "def signature(d):\n" + "".join(f"    {item}\n" for item in body)
