"""Change single entries of a YAML file where they stand; every other character stays as people wrote it.

The places come from YAML's own parser, and the result is read again: it holds exactly what was there, and the change.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from yamlfiles.errors import FileUnusable
from yamlfiles.reading import parse

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WIDE = 10**6
_MARK = "\ufeff"
_ODD_BREAKS = re.compile("[\x85\u2028\u2029]|\r(?!\n)")
"""Line ends that YAML counts and editors do not show."""
_STEP = 2


class Flow(dict[str, Any]):
    """A table that is written on one line: ``{cron: …}``."""


_LIST, _TABLE = "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"


class _InLine(yaml.SafeDumper):
    """Everything on one line."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - yaml's signature
        return True


class _Lines(_InLine):
    """Tables a line an entry, lists and ``Flow`` on one line."""


_InLine.add_representer(Flow, lambda d, v: d.represent_mapping(_TABLE, v.items(), flow_style=True))
_InLine.add_representer(dict, lambda d, v: d.represent_mapping(_TABLE, v.items(), flow_style=True))
_Lines.add_representer(list, lambda d, v: d.represent_sequence(_LIST, v, flow_style=True))
_Lines.add_representer(dict, lambda d, v: d.represent_mapping(_TABLE, v.items(), flow_style=not v))


class NotEditable(FileUnusable):
    """The entry cannot be changed alone; a text editor can."""


_Pair = tuple[yaml.Node, yaml.Node]


def put(text: str, file: str, keys: tuple[str, ...], value: Any) -> str:
    """The text with ``value`` (texts, numbers, lists, tables) at ``keys``; tables above it are made where they lack.

    Raises ``FileUnusable`` for a file that cannot be read, ``NotEditable`` for an entry that cannot be changed alone.
    """
    document = _Document(text, file)
    document.put(keys, value)
    return document.checked(keys, value)


def drop(text: str, file: str, keys: tuple[str, ...]) -> str:
    """The text without the entry at ``keys``, which must be there. Raises as ``put`` does."""
    document = _Document(text, file)
    document.drop(keys)
    return document.checked(keys, _GONE)


def update(text: str, file: str, keys: tuple[str, ...], wanted: Mapping[str, Any]) -> str:
    """The text with the table at ``keys`` holding what is wanted and nothing else; what is the same stays as it is."""
    here: Any = parse(_plain(text.removeprefix(_MARK)), file)
    for key in keys:
        here = here.get(key) if isinstance(here, dict) else None
    if not isinstance(here, dict):
        return put(text, file, keys, dict(wanted))
    for key in [key for key in here if key not in wanted]:
        text = drop(text, file, (*keys, key))
    for key, value in wanted.items():
        if isinstance(value, dict) and value and isinstance(here.get(key), dict) and here[key]:
            text = update(text, file, (*keys, key), value)
        elif key not in here or here[key] != value:
            text = put(text, file, (*keys, key), value)
    return text


def in_lines(value: Any) -> str:
    """A table as YAML, a line an entry, without the end of the last line."""
    return str(yaml.dump(value, Dumper=_Lines, width=_WIDE, allow_unicode=True, sort_keys=False)).removesuffix("\n")


_GONE: Any = object()


class _Document:
    def __init__(self, text: str, file: str) -> None:
        self._file = file
        self._before = text
        self._head = _MARK if text.startswith(_MARK) else ""
        self._text = text.removeprefix(_MARK)
        if _ODD_BREAKS.search(self._text):
            raise self._refusal("it has line ends that are neither LF nor CRLF")
        self._end = "\r\n" if "\r\n" in self._text else "\n"
        self._data = parse(_plain(self._text), file)
        loader = _Loader(self._text)
        try:
            self._top = loader.get_single_node()
        finally:
            loader.dispose()

    def put(self, keys: tuple[str, ...], value: Any) -> None:
        table = self._top
        for depth, key in enumerate(keys):
            found = _entry(table, key)
            if found is None:
                self._insert(table, key, _nested(keys[depth + 1 :], value))
                return
            self._own(table, *found)
            if depth + 1 == len(keys) or not isinstance(found[1], yaml.MappingNode) or not found[1].value:
                wanted = _nested(keys[depth + 1 :], value)
                self._replace(table, *found, wanted)
                return
            table = found[1]

    def drop(self, keys: tuple[str, ...]) -> None:
        table = self._top
        for depth, key in enumerate(keys):
            found = self._there(table, key, keys)
            self._own(table, *found)
            if depth + 1 < len(keys):
                if not isinstance(found[1], yaml.MappingNode):
                    raise self._refusal(f"`{key}` is no table")
                above, table = (table, found), found[1]
        if len(table.value) == 1:
            if len(keys) == 1:
                raise self._refusal("it would be empty")
            self._replace(above[0], *above[1], {})
        elif table.flow_style:
            self._drop_in_line(table, found)
        else:
            start = self._line_start(found[0])
            self._splice(start, self._block_end(self._value_end(found[1]), _column(found[0]) + 1), "")

    def _there(self, table: yaml.MappingNode, key: str, keys: tuple[str, ...]) -> _Pair:
        found = _entry(table, key)
        if found is None:
            raise self._refusal(f"`{'.'.join(keys)}` is not there")
        return found

    def checked(self, keys: tuple[str, ...], value: Any) -> str:
        """The text, if reading it gives what was there with this one change."""
        wanted = _copied(self._data)
        here = wanted
        for key in keys[:-1]:
            inner = here.get(key)
            here[key] = here = inner if isinstance(inner, dict) else {}
        if value is _GONE:
            here.pop(keys[-1], None)
        else:
            here[keys[-1]] = value
        try:
            found = _copied(parse(_plain(self._text), self._file))
        except FileUnusable:
            found = None
        if found is None or _read(found) != _read(wanted):
            raise self._refusal(f"`{'.'.join(keys)}` is written in a way that cannot be changed here")
        return self._head + self._text

    def _insert(self, table: yaml.MappingNode, key: str, value: Any) -> None:
        if table.flow_style:
            written = _in_line({key: value})[1:-1]
            if table.value:
                at = self._value_end(table.value[-1][1])
                self._splice(at, at, f", {written}")
            else:
                at = table.end_mark.index - 1
                self._splice(at, at, written)
            return
        column = _column(table.value[0][0])
        at = self._block_end(self._value_end(table.value[-1][1]), column)
        lead = "" if self._text[:at].endswith("\n") or not at else self._end
        self._splice(at, at, lead + self._block({key: value}, column))

    def _replace(self, table: yaml.MappingNode, key: yaml.Node, old: yaml.Node, value: Any) -> None:
        colon = self._colon(key)
        start, end = old.start_mark.index, self._value_end(old)
        in_line = bool(table.flow_style) or not isinstance(value, dict) or isinstance(value, Flow) or not value
        if in_line:
            written = _in_line(value)
            if not _is_block(old):
                lead = " " if start <= colon else ""
                self._splice(max(start, colon), max(end, colon), lead + written)
                return
            # What stands behind the colon stays: it is a comment.
            self._splice(self._next_line(colon), self._block_end(end, _column(key) + 1), "")
            self._splice(colon, colon, f" {written}")
            return
        block = self._block(value, _column(key) + _STEP)
        if _is_block(old):
            self._splice(self._next_line(colon), self._block_end(end, _column(key) + 1), block)
            return
        rest = self._text[max(end, colon) : self._next_line(max(end, colon))]
        self._splice(colon, self._next_line(max(end, colon)), (rest if rest.strip() else self._end) + block)

    def _drop_in_line(self, table: yaml.MappingNode, found: _Pair) -> None:
        place = next(n for n, pair in enumerate(table.value) if pair[0] is found[0])
        if place:
            self._splice(self._value_end(table.value[place - 1][1]), self._value_end(found[1]), "")
        else:
            self._splice(found[0].start_mark.index, table.value[1][0].start_mark.index, "")

    def _own(self, table: yaml.MappingNode, key: yaml.Node, value: yaml.Node) -> None:
        """Refuse a value that stands elsewhere (an alias) and a key that is not at the beginning of its line."""
        inside = key.end_mark.index <= value.start_mark.index and value.end_mark.index <= table.end_mark.index
        text = self._text[self._line_start(key) : key.start_mark.index]
        if not inside or not (table.flow_style or not text.strip()):
            raise self._refusal(f"`{key.value}` is written in a way that cannot be changed here")

    def _colon(self, key: yaml.Node) -> int:
        found = re.compile(r"[ \t]*:").match(self._text, key.end_mark.index)
        if found is None:
            raise self._refusal(f"`{key.value}` is written in a way that cannot be changed here")
        return found.end()

    def _block(self, value: Any, column: int) -> str:
        return "".join(f"{' ' * column}{line}{self._end}" for line in in_lines(value).split("\n"))

    def _block_end(self, at: int, column: int) -> int:
        """The beginning of the line after ``at``, behind the comments that follow and are indented as the block is."""
        end = here = self._next_line(at)
        while here < len(self._text):
            after = self._next_line(here)
            line = self._text[here:after]
            if line.strip() and not (line.lstrip().startswith("#") and len(line) - len(line.lstrip()) >= column):
                break
            if line.strip():
                end = after
            here = after
        return end

    def _value_end(self, node: yaml.Node) -> int:
        """Where the last character of a value stands, without the space, comments and lines behind it."""
        if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
            last = node.value[-1]
            return self._value_end(last[1] if isinstance(last, tuple) else last)
        end = int(node.end_mark.index)
        if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
            return len(self._text[:end].rstrip())
        return end

    def _line_start(self, node: yaml.Node) -> int:
        return self._text.rfind("\n", 0, node.start_mark.index) + 1

    def _next_line(self, at: int) -> int:
        found = self._text.find("\n", at)
        return len(self._text) if found < 0 else found + 1

    def _splice(self, start: int, end: int, written: str) -> None:
        self._text = self._text[:start] + written + self._text[end:]

    def _refusal(self, what: str) -> NotEditable:
        return NotEditable(self._file, f"{what}.", "Change it in a text editor.")


def _entry(table: yaml.MappingNode, key: str) -> _Pair | None:
    return next((pair for pair in table.value if pair[0].value == key), None)


def _nested(keys: tuple[str, ...], value: Any) -> Any:
    for key in reversed(keys):
        value = {key: value}
    return value


def _column(node: yaml.Node) -> int:
    return int(node.start_mark.column)


def _is_block(node: yaml.Node) -> bool:
    return isinstance(node, yaml.CollectionNode) and not node.flow_style


def _in_line(value: Any) -> str:
    written = yaml.dump(
        value, Dumper=_InLine, width=_WIDE, allow_unicode=True, sort_keys=False, default_flow_style=True
    )
    return str(written).removesuffix("\n").removesuffix("\n...")


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n")


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _read(value: Any) -> Any:
    """As the reader would give it back: keys are texts."""
    if isinstance(value, dict):
        return {str(key): _read(item) for key, item in value.items()}
    return [_read(item) for item in value] if isinstance(value, list | tuple) else value
