"""One expression of a mapping file (``Name``, ``{path: …, do: […]}``), checked and turned into Python source.

The source refers to the record as ``d`` (``l`` for a line), to the currency's decimals as ``exponent`` and to constants
by names in the compiler's namespace; ``v`` is its scratch variable.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from mappings import convert, paths
from mappings.errors import MappingFileError, Unusable
from mappings.model import Column, Kind
from mappings.transforms import TRANSFORMS, transform_in
from yamlfiles.reading import Located, is_one_of

KEYS = ("path", "first", "template", "const", "do", "match", "findall", "values", "default", "ref")
_SOURCES = ("path", "first", "template", "const")
_REF_KINDS = ("id", "no", "ext")
_HOLE = re.compile(r"\{([^{}]+)\}")


def first_of(values: tuple[Any, ...]) -> Any:
    """The first value that is neither nothing nor empty."""
    return next((value for value in values if value is not None and value not in ("", [])), None)


def fill(template: str, values: tuple[Any, ...]) -> str | None:
    """The template with its holes filled; nothing if one of them has nothing to fill it."""
    texts = tuple(convert.text(value) for value in values)
    return None if None in texts else template % texts


def match_one(pattern: re.Pattern[str], value: Any) -> str | None:
    """The pattern's first group, or its whole match, in the value's text."""
    written = convert.text(value)
    found = pattern.search(written) if written is not None else None
    if found is None:
        return None
    return found[1] if pattern.groups else found[0]


def find_all(pattern: re.Pattern[str], value: Any) -> list[str]:
    """Every match of the pattern in the text, or in each item of the list."""
    if type(value) is list:
        return [match for item in value for match in find_all(pattern, item)]
    written = convert.text(value)
    if written is None:
        return []
    if pattern.groups < 2:
        return pattern.findall(written)
    return [match[1] for match in pattern.finditer(written)]


def look_up(table: dict[str | None, Any], value: Any) -> Any:
    """The table's entry for a source value; a value it does not list is ``Unusable``."""
    key = value if type(value) is str and value else convert.text(value)
    if key in table:
        return table[key]
    if key is None:
        return None
    raise Unusable(f"is not one of the known values: {', '.join(str(known) for known in table if known is not None)}")


@dataclass
class Expression:
    """How one canonical field is found in a record."""

    name: str
    kind: Kind
    where: str
    sources: tuple[str, ...] = ()
    """Paths it reads."""
    how: str = "path"
    template: str = ""
    const: Any = None
    do: tuple[str, ...] = ()
    match: re.Pattern[str] | None = None
    findall: re.Pattern[str] | None = None
    values: dict[str | None, Any] | None = None
    default: Any = None
    ref: str = ""
    write: dict[str, str] = field(default_factory=dict)
    """Canonical value → source value, where ``values`` alone does not say."""


def parse(column: Column, spec: Any, where: str, *, source_only: bool = False) -> Expression:
    """Check one expression; ``source_only`` leaves out what belongs to the canonical kind (status, skip).

    Raises ``MappingFileError``.
    """
    if isinstance(spec, str):
        spec = {"path": spec}
    if not isinstance(spec, dict):
        raise MappingFileError(where, f"`{column.name}` must be a path or `{{path: …}}`.")
    at = spec.at if isinstance(spec, Located) else lambda _key: where
    unknown = [key for key in spec if key not in (*KEYS, "write")]
    if unknown:
        raise MappingFileError(at(unknown[0]), f"`{unknown[0]}` is not known here.", f"Known: {', '.join(KEYS)}.")
    given = [key for key in _SOURCES if key in spec]
    if len(given) != 1:
        raise MappingFileError(where, f"`{column.name}` needs exactly one of {', '.join(_SOURCES)}.")
    found = Expression(column.name, column.kind, where, how=given[0])
    _source(found, spec[given[0]], at(given[0]))
    _steps(found, spec, at)
    if not source_only:
        _target(found, spec, at)
    return found


def _source(found: Expression, given: Any, where: str) -> None:
    if found.how == "const":
        found.const = given
    elif found.how == "first":
        if not isinstance(given, list) or not given or not all(isinstance(path, str) for path in given):
            raise MappingFileError(where, "`first` must be a list of paths.")
        found.sources = tuple(given)
    elif not isinstance(given, str | int) or given == "":
        raise MappingFileError(where, f"`{found.how}` must be text.")
    elif found.how == "path":
        found.sources = (str(given),)
    else:
        found.sources = tuple(_HOLE.findall(str(given)))
        found.template = _HOLE.sub("%s", str(given).replace("%", "%%"))


def _steps(found: Expression, spec: Any, at: Any) -> None:
    found.do = transforms(spec, at)
    for key in ("match", "findall"):
        if key in spec:
            setattr(found, key, pattern(spec[key], at(key), key))
    if "values" in spec:
        found.values = table(spec["values"], at("values"))
    if "write" in spec:
        if not isinstance(spec["write"], dict):
            raise MappingFileError(at("write"), "`write` must be a table: canonical value → source value.")
        found.write = {str(key): value for key, value in spec["write"].items()}
    found.default = spec.get("default")


def transforms(spec: Any, at: Any) -> tuple[str, ...]:
    """The transforms under ``do``; raises ``MappingFileError``."""
    do = spec.get("do") or []
    if not isinstance(do, list):
        raise MappingFileError(at("do"), "`do` must be a list of transforms.")
    for name in do:
        if isinstance(name, dict) and "values" in name:
            raise MappingFileError(at("do"), "a table is no transform.", "Put `values` (and `write`) beside `path`.")
        if not is_one_of(name, TRANSFORMS):
            raise MappingFileError(
                at("do"), f"there is no transform `{name}`.", f"Known: {', '.join(sorted(TRANSFORMS))}."
            )
    return tuple(do)


def pattern(given: Any, where: str, key: str) -> re.Pattern[str]:
    """The regular expression under ``key``; raises ``MappingFileError``."""
    try:
        return re.compile(str(given))
    except re.error as error:
        raise MappingFileError(where, f"`{key}` is not a regular expression: {error}.") from error


def table(given: Any, where: str) -> dict[str | None, Any]:
    """A table of source values; booleans and numbers as their text, ``null`` for a value that is missing."""
    if not isinstance(given, dict) or not given:
        raise MappingFileError(where, "`values` must be a table: source value → canonical value.")
    return {convert.text(key): value for key, value in given.items()}


def _target(found: Expression, spec: Any, at: Any) -> None:
    if found.kind in (Kind.REF, Kind.REFS):
        kind = spec.get("ref")
        if not is_one_of(kind, _REF_KINDS):
            raise MappingFileError(
                at("ref"),
                f"`{found.name}` needs `ref: id` (id in the same system), `ref: no` (document number) or "
                "`ref: ext` (id in another system).",
            )
        found.ref = f"{kind}:"
    elif "ref" in spec:
        raise MappingFileError(at("ref"), f"`{found.name}` is not a reference.", "Leave `ref` out.")


_CONVERTERS = {
    Kind.MONEY: "money({}, exponent)",
    Kind.NUMBER: "number({})",
    Kind.INTEGER: "integer({})",
    Kind.DAY: "day({})",
    Kind.INSTANT: "instant({})",
    Kind.FLAG: "flag({})",
}


ZONE = "zone"
"""Under this name the functions of a stream find the time zone of times that name none."""


class Emitter:
    """Writes Python for the expressions of one scope (``d``: the record, ``l``: a line), sharing parts of paths."""

    def __init__(self, namespace: dict[str, Any], scope: str = "d") -> None:
        self.namespace = namespace
        self.scope = scope
        self.statements: list[str] = []
        """To be put before the expressions: objects that several paths lead through."""
        self._objects: dict[tuple[str, ...], str] = {}

    def constant(self, value: Any) -> str:
        """Source for a value: literally if it is simple, else by a name in the namespace."""
        if value is None or isinstance(value, str | int | bool):
            return repr(value)
        name = f"c{len(self.namespace)}"
        self.namespace[name] = value
        return name

    def value(self, expression: Expression) -> str:
        """Source of the canonical value as stored."""
        code = self.source(expression)
        kind = expression.kind
        if kind is Kind.REF:
            return f"ref({expression.ref!r}, {code})"
        if kind is Kind.REFS:
            return f"refs({expression.ref!r}, {code})"
        if kind is Kind.TEXT:
            return f"((v or None) if type(v := {code}) is str else text(v))"
        return _CONVERTERS[kind].format(code)

    def source(self, expression: Expression) -> str:
        """Source of the value after transforms, tables and default, before its kind."""
        code = self.raw(expression)
        for name in expression.do:
            self.namespace[f"do_{name}"] = transform_in(name, self.namespace.get(ZONE, "UTC"))
            code = f"do_{name}({code})"
        if expression.match is not None:
            code = f"match_one({self.constant(expression.match)}, {code})"
        if expression.findall is not None:
            code = f"find_all({self.constant(expression.findall)}, {code})"
        if expression.values is not None:
            code = f"look_up({self.constant(expression.values)}, {code})"
        if expression.default is not None:
            code = f"({self.constant(expression.default)} if (v := {code}) is None or v == '' else v)"
        return code

    def raw(self, expression: Expression) -> str:
        """Source of the value as the source sent it."""
        if expression.how == "const":
            return self.constant(expression.const)
        codes = [self.path(path) for path in expression.sources]
        if expression.how == "path":
            return codes[0]
        if len(codes) == 1 and expression.how == "template":
            before, after = expression.template.replace("%%", "%").split("%s", 1)
            return f"(None if (v := text({codes[0]})) is None else {before!r} + v + {after!r})"
        together = "(" + "".join(f"{code}, " for code in codes) + ")"
        if expression.how == "first":
            return f"first_of({together})"
        return f"fill({expression.template!r}, {together})"

    def path(self, path: str) -> str:
        """Source of the value at a path."""
        if path == paths.SOURCE_ID:
            return "source_id"
        steps = paths.parse(path)
        scope = self.scope
        if steps[0] == paths.ROOT:
            scope, steps = "d", steps[1:]
        if not paths.is_plain(steps) or scope != self.scope:
            return f"walk({scope}, {steps!r})"
        keys = tuple(str(step) for step in steps)
        return f"{self._object(keys[:-1])}.get({keys[-1]!r})"

    def _object(self, keys: tuple[str, ...]) -> str:
        if not keys:
            return self.scope
        if keys not in self._objects:
            parent = self._object(keys[:-1])
            name = f"{self.scope}{len(self._objects) + 1}"
            self._objects[keys] = name
            self.statements += [f"{name} = {parent}.get({keys[-1]!r})", f"if type({name}) is not dict: {name} = NONE"]
        return self._objects[keys]
