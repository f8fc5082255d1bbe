"""Read a mapping file so that every entry remembers its line: YAML 1.2 scalars, no surprises with ``no`` or dates."""

from __future__ import annotations

import re
from collections.abc import Container
from pathlib import Path
from typing import Any

import yaml

from mappings.errors import MappingFileError

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?\d{1,18}", re.ASCII)
"""A number; one that is longer stays text, for whoever wants a number to refuse."""
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
    """The file's top mapping; raises ``MappingFileError``."""
    try:
        content = path.read_text(encoding="utf-8")
        loader = _Loader(content)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except OSError as error:
        raise MappingFileError(str(path), "the file cannot be read.", "Check its path and permissions.") from error
    except UnicodeDecodeError as error:
        number = error.object[: error.start].count(b"\n") + 1
        remedy = "Save it as UTF-8; it may be in GBK or UTF-16."
        raise MappingFileError(f"{path.name}:{number}", "the file is not in UTF-8.", remedy) from None
    except RecursionError:
        raise MappingFileError(
            path.name, "the file is nested too deeply.", "Write it without nesting so deep."
        ) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it is not YAML"
        typed = _full_width(content, mark.line) if mark else None
        if typed is not None:
            number, sign = typed
            remedy = f"Write {_SIGNS[sign]!r}, as with an English keyboard."
            raise MappingFileError(f"{path.name}:{number}", f"{sign!r} is a full-width sign.", remedy) from None
        raise MappingFileError(f"{path.name}{line}", f"{problem}.", "Check the indentation and the quotes.") from error
    try:
        found = _value(node, path.name) if node is not None else None
    except RecursionError:
        raise MappingFileError(path.name, "an entry holds itself.", "Remove the alias (*name).") from None
    if not isinstance(found, Located):
        raise MappingFileError(path.name, "the file must begin with `version:`, `connector:` and `streams:`.")
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


def _value(node: Any, file: str) -> Any:
    if isinstance(node, yaml.MappingNode):
        here = Located(f"{file}:{node.start_mark.line + 1}")
        for key_node, value_node in node.value:
            where = f"{file}:{key_node.start_mark.line + 1}"
            if not isinstance(key_node, yaml.ScalarNode):
                raise MappingFileError(where, "a key must be a word.")
            # As text, because to Python the keys `1` and `true` are one.
            key = None if _value(key_node, file) is None else key_node.value
            if key in here:
                raise MappingFileError(where, f"`{key}` stands here twice.", "Keep one of them.")
            here.put(key, _value(value_node, file), where)
        return here
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, file) for item in node.value]
    if node.style:  # quoted
        return node.value
    if node.value in _WORDS:
        return _WORDS[node.value]
    return int(node.value) if _INTEGER.fullmatch(node.value) else node.value
