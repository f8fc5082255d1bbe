"""The errors of mappings: a record that cannot be mapped, and a mapping file that cannot be used."""

from __future__ import annotations

from typing import Any

from yamlfiles.errors import FileUnusable


class MappingError(Exception):
    """One record cannot be mapped: ``field`` is the canonical field, ``value`` what the source sent, as text to show.

    The value of a personal field is replaced by its type and length before it gets here.
    """

    def __init__(self, field: str, value: str, reason: str) -> None:
        super().__init__(f"{field or 'record'}: {value} {reason}")
        self.field = field
        self.value = value
        self.reason = reason


class MappingFileError(FileUnusable):
    """A mapping file cannot be used."""


class Unusable(ValueError):
    """A value that does not fit its field; the text continues a sentence that begins with the value."""


ERASED = "[erased]"
"""What stands in a text in place of a value that was erased on a person's request."""


def shown(value: Any, personal: bool, limit: int = 80) -> str:
    """A source value for messages: cut to ``limit`` characters, or only its type and length if it is personal."""
    if value is None:
        return "nothing"
    if personal:
        size = f" of {len(value)}" if isinstance(value, str | list | dict) else ""
        return f"<{type(value).__name__}{size}>"
    text = (f'"{value}"' if type(value) is str else str(value)).replace("\0", "\N{REPLACEMENT CHARACTER}")
    return text if len(text) <= limit else text[:limit] + "…"
