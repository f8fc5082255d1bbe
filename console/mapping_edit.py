"""Change one entry of a mapping file; everything else stays as people wrote it (``yamlfiles.editing``)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from console import proposals_left
from mappings.errors import MappingFileError
from yamlfiles.editing import Flow, drop, put
from yamlfiles.errors import FileUnusable
from yamlfiles.reading import parse

NOT_SAID = {"en": "no field is sure to say it", "zh-CN": "没有字段确定给出它"}
"""The comment at a fixed currency that is proposed."""
_LINE = "lines."
_PROPOSED = re.compile(rf"  # (?:\d+ %|{'|'.join(map(re.escape, NOT_SAID.values()))})$", re.MULTILINE)
_FLOW_KEYS = 6
"""A table with more entries is written a line for each."""
_SOURCE = ("path", "first", "template", "const", "do", "match", "default")


def with_field(text: str, file: str, stream: str, name: str, spec: Any) -> str:
    """The file's text with an expression for a canonical field, ``lines.NAME`` for one of the lines.

    ``None`` says that the field has none, which takes out what the file extends. What a proposal said of how sure it is
    goes with it, and what it proposed unsurely for this field or from the same source goes. Raises
    ``MappingFileError``.
    """
    path = spec.get("path") if isinstance(spec, Mapping) else spec
    text = proposals_left.without_field(text, stream, name, path if isinstance(path, str) else "")
    before = set(text.splitlines())
    after = _put(text, file, _place(stream, name), spec).splitlines(keepends=True)
    return "".join(line if line.rstrip("\n") in before else _PROPOSED.sub("", line) for line in after)


def without_field(text: str, file: str, stream: str, name: str) -> str:
    """The text without the field's entry; raises ``MappingFileError``."""
    return _drop(text, file, _place(stream, name))


def with_status(
    text: str,
    file: str,
    stream: str,
    spec: Mapping[str, Any],
    values: Mapping[str, str],
    write: Mapping[str, str],
) -> str:
    """The text with this source (``path``, ``do`` …) of the status, its table, and what is written where several words
    stand for one; ``refine`` stays. What a proposal left open of the status goes.

    In a file that extends another they are laid over what is there. Raises ``MappingFileError``.
    """
    place = ("streams", stream, "status")
    extends = base(text, file) is not None
    before = _at(text, file, place)
    text = proposals_left.without_status(text, stream, str(_at(text, file, place[:2]).get("entity", "")))
    for key, value in spec.items():
        if key not in before or before[key] != value:
            text = _put(text, file, (*place, key), value)
    for key in before if not extends else ():
        if key in _SOURCE and key not in spec:
            text = _drop(text, file, (*place, key))
    text = _with_table(text, file, (*place, "values"), values, only_add=extends)
    return _with_table(text, file, (*place, "write"), write, only_add=extends)


def _with_table(text: str, file: str, place: tuple[str, ...], table: Mapping[str, str], *, only_add: bool) -> str:
    """The text with a table entry by entry, so that those that stay keep their comments."""
    before = _at(text, file, place)
    if table and not before:
        return _put(text, file, place, dict(table))
    for word, meaning in table.items():
        if before.get(word) != meaning:
            text = _put(text, file, (*place, word), meaning)
    for word in before if not only_add else ():
        if word not in table:
            text = _drop(text, file, (*place, word))
    return text


def with_personal(text: str, file: str, stream: str, names: list[str]) -> str:
    """The text with these canonical fields as the personal ones of a stream; raises ``MappingFileError``."""
    return _put(text, file, ("streams", stream, "personal"), names)


def naming(text: str, file: str, system: str, mapping: str) -> str:
    """The text of ltc.yaml with this mapping for a system. Raises ``MappingFileError``."""
    return _put(text, file, ("systems", system, "mapping"), mapping)


def own(connector: str, base: str) -> str:
    """A file that starts from a shipped mapping and changes nothing of it yet."""
    return f"version: 1\nconnector: {connector}\nextends: {base}\nstreams: {{}}\n"


def base(text: str, file: str) -> str | None:
    """What a file extends; raises ``MappingFileError``."""
    found = _at(text, file, ()).get("extends")
    return found if isinstance(found, str) else None


def _place(stream: str, name: str) -> tuple[str, ...]:
    part = ("lines", "fields") if name.startswith(_LINE) else ("fields",)
    return ("streams", stream, *part, name.removeprefix(_LINE))


def _at(text: str, file: str, keys: tuple[str, ...]) -> dict[Any, Any]:
    """The table there; an empty one if there is none."""
    try:
        here: Any = parse(text, file)
    except FileUnusable as error:
        raise MappingFileError(error.where, error.message, error.remedy) from None
    for key in keys:
        here = here.get(key) if isinstance(here, dict) else None
    return here if isinstance(here, dict) else {}


def _put(text: str, file: str, keys: tuple[str, ...], value: Any) -> str:
    try:
        return put(text, file, keys, _written(value))
    except FileUnusable as error:
        raise MappingFileError(error.where, error.message, error.remedy) from None


def _drop(text: str, file: str, keys: tuple[str, ...]) -> str:
    try:
        return drop(text, file, keys)
    except FileUnusable as error:
        raise MappingFileError(error.where, error.message, error.remedy) from None


def _written(value: Any) -> Any:
    """A value for the file: short tables on one line."""
    if not isinstance(value, Mapping):
        return value
    table = {key: _written(item) for key, item in value.items()}
    return Flow(table) if len(table) <= _FLOW_KEYS else table
