"""Read a mapping file so that every entry remembers its line: YAML 1.2 scalars, no surprises with ``no`` or dates."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from mappings.errors import MappingFileError

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?\d+")
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}


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


def read(path: Path) -> Located:
    """The file's top mapping; raises ``MappingFileError``."""
    try:
        content = path.read_text(encoding="utf-8")
        loader = _Loader(content)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except (OSError, UnicodeDecodeError) as error:
        raise MappingFileError(str(path), "the file cannot be read.", "Check its path and permissions.") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it is not YAML"
        raise MappingFileError(f"{path.name}{line}", f"{problem}.", "Check the indentation and the quotes.") from error
    found = _value(node, path.name) if node is not None else None
    if not isinstance(found, Located):
        raise MappingFileError(path.name, "the file must begin with `version:`, `connector:` and `streams:`.")
    return found


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
