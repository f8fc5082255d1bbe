"""Read a YAML file so that every entry remembers its line: YAML 1.2 scalars, no surprises with ``no`` or dates."""

from __future__ import annotations

import re
from collections.abc import Container
from pathlib import Path
from typing import Any

import yaml

from yamlfiles.errors import FileUnusable, NoTable

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?\d{1,18}", re.ASCII)
"""A number; one that is longer stays text, for whoever wants a number to refuse."""
LARGEST, _DEEPEST, _MOST_ENTRIES = 1024 * 1024, 50, 100_000
"""Bytes of a file, levels of nesting, entries with every alias written out: far more than anybody writes."""
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}


_SIGNS = {"：": ":", "，": ",", "“": '"', "”": '"', "‘": "'", "’": "'", "［": "[", "］": "]", "｛": "{", "｝": "}"}
"""Signs of Chinese typing → what YAML wants in their place."""


class Located(dict[Any, Any]):
    """A mapping of a file whose keys know where they stand: ``where[key]`` is ``file:line``."""

    def __init__(self, here: str) -> None:
        super().__init__()
        self.here = here
        self.where: dict[Any, str] = {}

    def at(self, key: Any) -> str:
        """``file:line`` of a key, or of the mapping itself."""
        return self.where.get(key, self.here)

    def put(self, key: Any, value: Any, where: str) -> None:
        """Set an entry and its place."""
        self[key] = value
        self.where[key] = where


def is_one_of(given: Any, known: Container[Any]) -> bool:
    """Whether an entry is one of some words; a list or a table is none."""
    return not isinstance(given, dict | list) and given in known


def read(path: Path) -> Located:
    """The file's top mapping; raises ``FileUnusable``."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise FileUnusable(str(path), "the file cannot be read.", "Check its path and permissions.") from error
    return parse(text(data, path.name), path.name)


def text(data: bytes, file: str) -> str:
    """The text of a file that people write, called ``file`` in errors; raises ``FileUnusable``."""
    if len(data) > LARGEST:
        raise FileUnusable(file, "the file is larger than 1 MiB.", "It is hardly a file of settings.")
    try:
        return data.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        number = error.object[: error.start].count(b"\n") + 1
        remedy = "Save it as UTF-8; it may be in GBK or UTF-16."
        raise FileUnusable(f"{file}:{number}", "the file is not in UTF-8.", remedy) from None


def parse(content: str, file: str) -> Located:
    """The top mapping of YAML, which is called ``file`` in errors; raises ``FileUnusable``."""
    try:
        _refuse_traps(content, file)
        loader = _Loader(content)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except RecursionError:
        raise FileUnusable(file, "the file is nested too deeply.", "Write it without nesting so deep.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it is not YAML"
        typed = _full_width(content, mark.line) if mark else None
        if typed is not None:
            number, sign = typed
            remedy = f"Write {_SIGNS[sign]!r}, as with an English keyboard."
            raise FileUnusable(f"{file}:{number}", f"{sign!r} is a full-width sign.", remedy) from None
        raise FileUnusable(f"{file}{line}", f"{problem}.", "Check the indentation and the quotes.") from error
    try:
        found = _Reader(file).value(node) if node is not None else None
    except RecursionError:
        raise FileUnusable(file, "an entry holds itself.", "Remove the alias (*name).") from None
    if not isinstance(found, Located):
        raise NoTable(file, "the file is no table of `key: value` lines.")
    return found


def _full_width(content: str, line: int) -> tuple[int, str] | None:
    """Line number and sign of Chinese punctuation where a broken file stands still, or on the line before."""
    lines = content.splitlines()
    for index in (line, line - 1):
        text = lines[index].partition("#")[0] if 0 <= index < len(lines) else ""
        sign = next((letter for letter in text if letter in _SIGNS), None)
        if sign is not None:
            return index + 1, sign
    return None


def _refuse_traps(content: str, file: str) -> None:
    """Look at the file's events, which takes no memory, before its nodes are made, which may take any."""
    depth = 0
    for event in yaml.parse(content, Loader=_Loader):
        if isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if not isinstance(event, yaml.NodeEvent):
            continue
        line = event.start_mark.line + 1 if event.start_mark else 0
        where = f"{file}:{line}"
        if getattr(event, "tag", None) is not None:
            raise FileUnusable(where, "a tag (!…) has no meaning here.", "Remove it.")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                raise FileUnusable(where, "the file is nested too deeply.", "Write it without nesting so deep.")


class _Reader:
    """Values from nodes; an alias is written out where it stands, and counts as what it stands for."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._entries = 0

    def value(self, node: Any) -> Any:
        """The value of a node; raises ``FileUnusable``, ``RecursionError`` for one that holds itself."""
        self._entries += 1
        if self._entries > _MOST_ENTRIES:
            raise FileUnusable(
                f"{self._file}:{node.start_mark.line + 1}",
                "the file unfolds without end.",
                "Remove the aliases (*name).",
            )
        if isinstance(node, yaml.MappingNode):
            return self._table(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item) for item in node.value]
        if node.style:  # quoted
            return node.value
        if node.value in _WORDS:
            return _WORDS[node.value]
        return int(node.value) if _INTEGER.fullmatch(node.value) else node.value

    def _table(self, node: Any) -> Located:
        here = Located(f"{self._file}:{node.start_mark.line + 1}")
        for key_node, value_node in node.value:
            where = f"{self._file}:{key_node.start_mark.line + 1}"
            if not isinstance(key_node, yaml.ScalarNode):
                raise FileUnusable(where, "a key must be a word.")
            # As text, because to Python the keys `1` and `true` are one.
            key = None if self.value(key_node) is None else key_node.value
            if key in here:
                raise FileUnusable(where, f"`{key}` stands here twice.", "Keep one of them.")
            here.put(key, self.value(value_node), where)
        return here
