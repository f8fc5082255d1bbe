"""Load a mapping file, map records with it, write values back through it, and explain what it does.

mapping = load("salesforce")
mapped = mapping.stream("opportunity").map("crm", "006…", body)
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Container, Sequence
from collections.abc import Mapping as MappingType
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from mappings import convert, paths
from mappings import definition as definitions
from mappings.compiler import SKIPPED, Compiled, FieldCode, Mapped, compile_stream, line_items
from mappings.currencies import exponent
from mappings.definition import Definition
from mappings.errors import MappingError, MappingFileError, Unusable, shown
from mappings.expression import match_one
from mappings.installed import installed
from mappings.model import ENTITIES, LINES, columns
from mappings.transforms import IN_ZONE, TRANSFORMS
from yamlfiles.errors import FileUnusable, NoTable
from yamlfiles.reading import Located, read

if TYPE_CHECKING:
    from mappings.footprint import Footprint

__all__ = [
    "SKIPPED",
    "Explained",
    "Mapped",
    "Mapping",
    "MappingError",
    "MappingFileError",
    "StreamMapping",
    "decode",
    "explain",
    "load",
    "unmapped",
]


def _exact(written: str) -> Decimal | str:
    try:
        return Decimal(written)
    except InvalidOperation:
        return written


decode: Callable[[bytes], Any] = msgspec.json.Decoder(float_hook=_exact).decode
"""Parse a record; a number with a fraction or an exponent becomes ``Decimal``, never ``float``.

One with an exponent that no ``Decimal`` can have stays text.
"""

_NOT_THAT = (Unusable, TypeError, ArithmeticError)
"""What is raised for a value of another form than the mapping expects."""

_ENGINE = 1
"""Raise it when the same file would map the same record to other values."""

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What is raised for bytes that are no JSON; it may be nested too deeply as well."""

_TOP_KEYS = ("version", "connector", "extends", "streams")
_SHIPPED = Path(__file__).parent


class StreamMapping:
    """One stream's mapping. It is checked at once and compiled when first used."""

    def __init__(self, name: str, spec: Any, where: str, zone: str = "UTC") -> None:
        self.name = name
        self.definition: Definition = definitions.parse(name, spec, where)
        self.entity = self.definition.entity
        """Canonical entity its records map to."""
        self.personal = self.definition.personal
        """Canonical fields whose values must not be shown in quarantine or logs."""
        self._spec = spec
        self._zone = zone

    @cached_property
    def fingerprint(self) -> str:
        """Changes whenever a record might map differently: the stream's definition, the model, the engine."""
        model = [ENTITIES[self.entity], *([LINES[self.entity].model] if self.entity in LINES else [])]
        shape = [[(column.name, column.kind) for column in columns(item)] for item in model]
        content = json.dumps([_ENGINE, self._spec, shape], default=str)
        if IN_ZONE in content:
            content += self._zone
        return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()

    @cached_property
    def compiled(self) -> Compiled:
        """The compiled functions and their source."""
        return compile_stream(self.definition, self._zone)

    @property
    def writable(self) -> dict[str, str]:
        """Canonical fields that can be written back → their source fields."""
        return {name: item.field for name, item in self.definition.write.items()}

    @cached_property
    def footprint(self) -> Footprint:
        """The parts of a record that it reads."""
        from mappings import footprint

        return footprint.of(self.definition)

    def map(
        self, system: str, source_id: str, body: bytes, look: Callable[[dict[str, Any]], object] | None = None
    ) -> Mapped:
        """The record's canonical row and lines; raises ``MappingError``.

        A record that the mapping skips comes back with ``skipped`` true and no row. ``look`` is shown the decoded
        record first.
        """
        try:
            return self.compiled.record(system, source_id, body, look)
        except (Unusable, *_UNREADABLE, TypeError, ArithmeticError) as error:
            raise self._explained(source_id, body, error) from error

    def reverse(self, field: str, value: Any) -> tuple[str, Any]:
        """The source field that shows a canonical field, and the source's word for a canonical value.

        Raises ``KeyError`` for a field that the mapping does not write, ``MappingError`` for a value that the source
        has no word for.
        """
        write = self.definition.write[field]
        table: dict[str, Any] = dict(write.values)
        if field == "status" and self.definition.status:
            table = {**self.definition.status.reverse, **table}
        if table and value is not None:
            if value not in table:
                reason = f"has no counterpart in the source; known: {', '.join(table)}"
                raise MappingError(field, shown(value, field in self.personal), reason)
            value = table[value]
        try:
            for name in write.do:
                value = TRANSFORMS[name](value)
        except _NOT_THAT as error:
            raise MappingError(field, shown(value, field in self.personal), str(error)) from error
        return write.field, value

    def made(self, row: MappingType[str, Any], lines: Sequence[MappingType[str, Any]]) -> dict[str, Any]:
        """The source fields of a record that is to be created here, but its key; see ``creation.made``.

        Raises ``KeyError`` for a stream without a ``create`` section, ``MappingError`` for a value that the source has
        no word for.
        """
        from mappings import creation

        if self.definition.create is None:
            raise KeyError(self.name)
        return creation.made(self.definition, self.definition.create, row, lines)

    def may_write(self, field: str, document: Any) -> bool:
        """Whether the source takes a new value for a canonical field of this decoded record (``when`` in the file).

        Raises ``MappingError`` for a record of which that cannot be said.
        """
        test = self.compiled.may_write.get(field)
        try:
            return test is None or bool(test("", document, None, None))
        except _NOT_THAT as error:
            raise MappingError(field, "what the record shows", str(error)) from error

    def source_value(self, field: str, document: Any) -> Any:
        """What a decoded record shows now in the source field that ``reverse`` names for a canonical field."""
        write = self.definition.write[field]
        found = paths.walk(document, paths.parse(write.read))
        if write.match is None or isinstance(found, dict | list):
            return found
        return match_one(write.match, found)

    def personal_fields(self, organisation: bool = False) -> frozenset[str]:
        """Canonical fields that the erasure of a person empties in a record of this stream; see ``personal.parts``."""
        from mappings import personal

        return personal.parts(self, organisation).fields

    def personal_values(self, body: bytes, organisation: bool = False) -> set[str]:
        """What a record shows in the source fields that are about a person."""
        from mappings import personal

        return personal.values(self, body, organisation)

    def without_person(self, body: bytes, organisation: bool = False) -> bytes:
        """A record's bytes without what is about a person."""
        from mappings import personal

        return personal.without_person(self, body, organisation)

    def _explained(self, source_id: str, body: bytes, error: Exception) -> MappingError:
        """Find the field that a failed record failed at, by mapping field after field."""
        try:
            document = convert.decode(body)
        except _UNREADABLE:
            return MappingError("", f"<{len(body)} bytes>", "is not valid JSON")
        if type(document) is not dict:
            return MappingError("", f"<{type(document).__name__}>", "is not a JSON object")
        for item in _evaluated(self, source_id, document):
            if item.error is not None:
                field = item.name.rpartition(".")[2]
                personal = field in self.personal or isinstance(item.raw, dict | list) or field == "lines"
                return MappingError(item.name, shown(item.raw, personal), item.error)
        for name in self.definition.required:
            found = next((item for item in _evaluated(self, source_id, document) if item.name == name), None)
            if found is None or found.value is None:
                return MappingError(name, "nothing", f"is there, but {name} is required")
        return MappingError("", f"<{len(body)} bytes>", str(error) or "cannot be mapped")


class Explained(NamedTuple):
    """One canonical field of one record: its stored value, where it comes from, and what is wrong with it."""

    name: str
    value: Any
    path: str
    raw: Any = None
    error: str | None = None


def _evaluated(mapping: StreamMapping, source_id: str, document: dict[str, Any]) -> list[Explained]:
    compiled = mapping.compiled
    found: list[Explained] = []
    decimals: int | None = None
    ordered = sorted(compiled.fields, key=lambda code: code.name != "currency")
    for code in ordered:
        item = _evaluate(code, "", source_id, document, None, decimals)
        if code.name == "currency" and item.error is None:
            try:
                decimals = exponent(item.value)
            except Unusable as error:
                item = item._replace(error=str(error))
        found.append(item)
    if mapping.definition.lines is None:
        return found
    path = mapping.definition.lines.path
    raw_lines = paths.walk(document, paths.parse(path))
    try:
        lines = line_items(raw_lines)
    except Unusable as error:
        return [*found, Explained("lines", None, path, raw_lines, str(error))]
    skips = compiled.skips_line
    try:
        kept = [line for line in lines if not (skips and skips(source_id, document, line, None))]
    except _NOT_THAT as error:
        return [*found, Explained("lines", None, path, raw_lines, str(error))]
    for number, line in enumerate(kept, 1):
        for code in compiled.line_fields:
            found.append(_evaluate(code, f"lines.{number}.", source_id, document, line, decimals, f"{path}."))
    return found


def _evaluate(
    code: FieldCode,
    prefix: str,
    source_id: str,
    document: dict[str, Any],
    line: dict[str, Any] | None,
    decimals: int | None,
    path_prefix: str = "",
) -> Explained:
    name, path = prefix + code.name, ", ".join(path_prefix + item for item in code.paths)
    raw = None
    try:
        raw = code.raw(source_id, document, line, decimals)
        return Explained(name, code.value(source_id, document, line, decimals), path, raw)
    except _NOT_THAT as error:
        return Explained(name, None, path, raw, str(error) or "has an unexpected form")


def explain(mapping: Mapping, stream: str, body: bytes, source_id: str = "") -> list[Explained]:
    """Every canonical field that the mapping sets, with its stored value and the source path(s) it comes from.

    Raises ``MappingError`` only if the record is not a JSON object.
    """
    chosen = mapping.stream(stream)
    return _evaluated(chosen, source_id, _object(body))


def explain_some(mapping: Mapping, stream: str, body: bytes, source_id: str, names: Container[str]) -> list[Explained]:
    """Some canonical fields of a record, as ``explain`` has them, in a part of the time; none of lines or amounts.

    Raises ``MappingError`` only if the record is not a JSON object.
    """
    document = _object(body)
    codes = [code for code in mapping.stream(stream).compiled.fields if code.name in names]
    return [_evaluate(code, "", source_id, document, None, None) for code in codes]


def unmapped(mapping: Mapping, stream: str, body: bytes) -> list[str]:
    """Paths in a record that hold something and that nothing maps; ``*`` stands for any item of a list."""
    definition = mapping.stream(stream).definition
    used = [path for item in definition.fields.values() for path in item.sources]
    if definition.status:
        used += definition.status.expression.sources
        used += [path for item in definition.status.refinements for path in item.condition.expression.sources]
    used += [path for condition in definition.skip for path in condition.expression.sources]
    used += [item.read for item in definition.write.values()]
    used += [definition.create.key] if definition.create else []
    if definition.lines:
        lines = definition.lines
        used += [f"{lines.path}.*.{path}" for item in lines.fields.values() for path in item.sources]
        used += [f"{lines.path}.*.{path}" for item in lines.skip for path in item.expression.sources]
    known = {paths.general(path) for path in used}
    return [
        path
        for path in paths.leaves(_object(body))
        if not any(path == item or path.startswith(f"{item}.") for item in known)
    ]


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = convert.decode(body)
    except _UNREADABLE:
        raise MappingError("", f"<{len(body)} bytes>", "is not valid JSON") from None
    if type(document) is not dict:
        raise MappingError("", f"<{type(document).__name__}>", "is not a JSON object")
    return document


@dataclass(frozen=True)
class Mapping:
    """A system's mapping: one ``StreamMapping`` per stream."""

    connector: str
    streams: dict[str, StreamMapping]
    where: str

    def stream(self, name: str) -> StreamMapping:
        """The mapping of a stream; raises ``MappingFileError`` if the file has none for it."""
        try:
            return self.streams[name]
        except KeyError:
            raise MappingFileError(
                self.where,
                f"there is no mapping for the stream `{name}`.",
                f"Add it under `streams:`, or leave the stream out in ltc.yaml. Mapped: {', '.join(self.streams)}.",
            ) from None

    def only(self, names: list[str]) -> Mapping:
        """The same mapping with some of its streams."""
        return replace(self, streams={name: self.stream(name) for name in names})


def load(source: str | Path, zone: str = "UTC") -> Mapping:
    """Load a mapping: the name of a shipped one (``salesforce``), of an installed connector's, or the path of a file.

    ``zone`` is the time zone of the system that it is for, an IANA name. Raises ``MappingFileError`` with file and
    line.
    """
    path = _find(source, Path())
    top = _resolved(path, ())
    streams = top["streams"]
    found = {
        str(name): StreamMapping(str(name), spec, streams.at(name), zone) for name, spec in streams.items() if spec
    }
    return Mapping(str(top.get("connector") or path.stem), found, path.name)


def shipped() -> list[str]:
    """Names of the mappings that come with ltc."""
    return sorted(path.stem for path in _SHIPPED.glob("*.yaml"))


def _find(source: str | Path, folder: Path) -> Path:
    given = str(source)
    if given in shipped():
        return _SHIPPED / f"{given}.yaml"
    path = folder / given
    if path.is_file():
        return path
    if given.startswith("mappings/") and (_SHIPPED / Path(given).name).is_file():
        return _SHIPPED / Path(given).name
    brought = installed(given)
    if brought is not None:
        return brought
    raise MappingFileError(given, "there is no such mapping.", f"Name a file or one of: {', '.join(shipped())}.")


def _resolved(path: Path, above: tuple[Path, ...]) -> Located:
    """The file's content laid over that of the mapping it extends."""
    try:
        top = read(path)
    except NoTable as error:
        raise MappingFileError(
            error.where, "the file must begin with `version:`, `connector:` and `streams:`."
        ) from error
    except FileUnusable as error:
        raise MappingFileError(error.where, error.message, error.remedy) from error
    for key in top:
        if key not in _TOP_KEYS:
            raise MappingFileError(top.at(key), f"`{key}` is not known here.", f"Known: {', '.join(_TOP_KEYS)}.")
    if top.get("version") != 1:
        raise MappingFileError(top.at("version"), "`version` must be 1.")
    if not isinstance(top.get("streams"), Located):
        raise MappingFileError(top.at("streams"), "`streams` must be a table: stream → its mapping.")
    base = top.get("extends")
    if base is None:
        return top
    if path in above:
        raise MappingFileError(top.at("extends"), "the files extend each other in a circle.")
    under = _resolved(_find(base, path.parent), (*above, path))
    merged = Located(top.here)
    merged.put("connector", top.get("connector") or under.get("connector"), top.at("connector"))
    merged.put("streams", _overlaid(under["streams"], top["streams"], depth=2), top.at("streams"))
    return merged


def _overlaid(under: Located, over: Located, depth: int) -> Located:
    """``over`` laid on ``under``: streams, their sections and the entries of these one by one, an entry as a whole."""
    merged = Located(over.here)
    for layer in (under, over):
        for key, value in layer.items():
            before = merged.get(key)
            if depth and isinstance(before, Located) and isinstance(value, Located):
                value = _overlaid(before, value, depth - 1 + (key == "status"))  # its tables entry by entry, too
            merged.put(key, value, layer.at(key))
    return merged
