"""Change one entry of a mapping file: everything else stays as it is written, comments included."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from difflib import SequenceMatcher
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from mappings.errors import MappingFileError
from yamlfiles.errors import FileUnusable
from yamlfiles.reading import parse


class _Nothing:
    """``null``, which ruamel.yaml would leave out."""


_LINE = "lines."
_WIDE = 10**6
_FLOW_KEYS = 6
"""A table with more entries is written a line for each."""
YAML().representer.add_representer(
    _Nothing, lambda representer, _: representer.represent_scalar("tag:yaml.org,2002:null", "null")
)


def with_field(text: str, file: str, stream: str, name: str, spec: Any) -> str:
    """The file's text with an expression for a canonical field, ``lines.NAME`` for one of the lines.

    ``None`` says that the field has none, which takes out what the file extends. Raises ``MappingFileError``.
    """
    top, yaml = _read(text, file)
    fields = _fields(top, file, stream, name)
    fields[name.removeprefix(_LINE)] = _Nothing() if spec is None else _node(spec)
    return _written(text, top, yaml)


def without_field(text: str, file: str, stream: str, name: str) -> str:
    """The text without the field's entry; raises ``MappingFileError``."""
    top, yaml = _read(text, file)
    fields = _fields(top, file, stream, name)
    fields.pop(name.removeprefix(_LINE), None)
    return _written(text, top, yaml)


def with_status(text: str, file: str, stream: str, spec: Mapping[str, Any], table: Mapping[str, str]) -> str:
    """The text with this source (``path``, ``do`` …) and table of the status; ``write`` and ``refine`` stay.

    In a file that extends another they are laid over what is there. Raises ``MappingFileError``.
    """
    top, yaml = _read(text, file)
    part = _section(_stream(top, file, stream), "status", file)
    if "extends" not in top:
        for key in ("path", "first", "template", "const", "do", "match", "default"):
            if key not in spec:
                part.pop(key, None)
        if not table:
            part.pop("values", None)
    for key, value in spec.items():
        if part.get(key) != value:
            part[key] = _node(value)
    if table and isinstance(part.get("values"), CommentedMap):
        _merge(part["values"], table, only_add="extends" in top)
    elif table:
        part["values"] = _node(table)
    return _written(text, top, yaml)


def with_personal(text: str, file: str, stream: str, names: list[str]) -> str:
    """The text with these canonical fields as the personal ones of a stream; raises ``MappingFileError``."""
    top, yaml = _read(text, file)
    part = _stream(top, file, stream)
    if list(part.get("personal") or ()) != names:
        part["personal"] = _node(names)
    return _written(text, top, yaml)


def own(connector: str, base: str) -> str:
    """A file that starts from a shipped mapping and changes nothing of it yet."""
    return f"version: 1\nconnector: {connector}\nextends: {base}\nstreams: {{}}\n"


def naming(text: str, file: str, system: str, mapping: str) -> str:
    """The text of ltc.yaml with this mapping for a system. Raises ``MappingFileError``."""
    top, yaml = _read(text, file)
    part = _section(_section(top, "systems", file), system, file)
    part["mapping"] = mapping
    return _written(text, top, yaml)


def _read(text: str, file: str) -> tuple[CommentedMap, YAML]:
    """The file, after the traps that our own reader refuses (docs/security.md)."""
    try:
        parse(text, file)
        yaml = _yaml(text)
        top = yaml.load(text)
    except FileUnusable as error:
        raise MappingFileError(error.where, error.message, error.remedy) from None
    except (YAMLError, RecursionError, ValueError):
        raise MappingFileError(file, "it cannot be changed entry by entry.", "Change its text.") from None
    if not isinstance(top, CommentedMap):
        raise MappingFileError(file, "it is no table.", "Change its text.")
    return top, yaml


def _yaml(text: str) -> YAML:
    """Writes as the file is written: its indentation, its quotes, its order."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = _WIDE
    yaml.allow_duplicate_keys = False
    indented = re.search(r"^( +)[^\s#-]", text, re.MULTILINE)
    width = len(indented[1]) if indented else 2
    flush = re.search(r"^( *)[^\s#-][^\n]*:[ ]*\n\1- ", text, re.MULTILINE) is not None
    yaml.indent(mapping=width, sequence=2 if flush else width + 2, offset=0 if flush else width)
    return yaml


def _stream(top: CommentedMap, file: str, stream: str) -> CommentedMap:
    streams = top.get("streams")
    if not isinstance(streams, CommentedMap):
        top["streams"] = streams = CommentedMap()
    if not streams:
        streams.fa.set_block_style()
    if streams.get(stream) is None:
        if "extends" not in top:
            raise MappingFileError(file, f"there is no mapping for the stream `{stream}`.", "Add it in the text.")
        streams[stream] = CommentedMap()
    part = streams[stream]
    _refuse_shared(streams, stream, file)
    return _table(part, stream, file)


def _section(part: CommentedMap, key: str, file: str) -> CommentedMap:
    if part.get(key) is None:
        part[key] = CommentedMap()
    _refuse_shared(part, key, file)
    return _table(part[key], key, file)


def _fields(top: CommentedMap, file: str, stream: str, name: str) -> CommentedMap:
    part = _stream(top, file, stream)
    if name.startswith(_LINE):
        part = _section(part, "lines", file)
    return _section(part, "fields", file)


def _table(part: Any, key: str, file: str) -> CommentedMap:
    if not isinstance(part, CommentedMap):
        raise MappingFileError(file, f"`{key}` is no table.", "Change its text.")
    return part


def _refuse_shared(above: CommentedMap, key: str, file: str) -> None:
    """A part with a name (``&name``) may stand in several places, which one form must not change all at once."""
    part = above[key]
    if getattr(part, "anchor", None) is not None and part.anchor.value:
        raise MappingFileError(
            file, f"`{key}` has a name (&{part.anchor.value}), because several streams use it.", "Change its text."
        )


def _merge(table: CommentedMap, wanted: Mapping[str, str], *, only_add: bool) -> None:
    """Make a table hold what is wanted; entries that stay keep their place and comment, whatever their key's type."""
    known = {_text(key): key for key in table}
    for text, key in known.items():
        if text not in wanted and not only_add:
            del table[key]
    for text, value in wanted.items():
        key = known.get(text, text)
        if key not in table or _text(table[key]) != _text(value):
            table[key] = value


def _text(value: Any) -> str | None:
    """A key or value as our reader sees it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def _node(value: Any) -> Any:
    """A value for the file: short tables and lists on one line."""
    if isinstance(value, Mapping):
        table = CommentedMap((key, _node(item)) for key, item in value.items())
        if len(table) <= _FLOW_KEYS:
            table.fa.set_flow_style()
        return table
    if isinstance(value, list):
        items = CommentedSeq(_node(item) for item in value)
        items.fa.set_flow_style()
        return items
    return value


def _written(before: str, top: CommentedMap, yaml: YAML) -> str:
    """The text after the change. Where the file is written in another way than YAML's usual one, only the lines that
    the change is about are taken over."""
    after = _dumped(top, yaml)
    plain = _dumped(yaml.load(before), yaml)
    if plain == before:
        return after
    return _patched(before.splitlines(True), plain.splitlines(True), after.splitlines(True)) or after


def _dumped(top: Any, yaml: YAML) -> str:
    made = io.StringIO()
    yaml.dump(top, made)
    return made.getvalue()


def _patched(before: list[str], plain: list[str], after: list[str]) -> str | None:
    """``before`` with what differs between ``plain`` and ``after``; ``None`` if it is about lines that are written in
    another way."""
    place: dict[int, int] = {}
    for tag, start, end, first, _ in SequenceMatcher(None, plain, before, autojunk=False).get_opcodes():
        if tag == "equal":
            place |= {start + n: first + n for n in range(end - start)}
    found: list[str] = []
    done = 0
    for tag, start, end, first, last in SequenceMatcher(None, plain, after, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        at = len(before) if start == len(plain) else place.get(start)
        until = at if start == end else (place[end - 1] + 1 if end - 1 in place else None)
        if at is None or until is None or until - at != end - start:
            return None
        found += [*before[done:at], *after[first:last]]
        done = until
    return "".join([*found, *before[done:]])
