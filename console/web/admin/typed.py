"""What was typed into one field of a form, as it stands in ltc.yaml, and the other way round."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from console.web.admin.references import Allowed, Mistyped, is_of_the_cloud, references
from settings import literals
from yamlfiles.editing import in_lines
from yamlfiles.errors import FileUnusable
from yamlfiles.reading import parse

if TYPE_CHECKING:
    from console.web.admin.fields import Field


def shown(kind: str, value: Any) -> str:
    """A value as it is typed."""
    if value is None:
        return ""
    if kind == "flag":
        return "true" if value is True else "false"
    if kind == "list":
        return "\n".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    if kind == "table":
        given = value.model_dump(mode="json", exclude_defaults=True) if isinstance(value, BaseModel) else value
        return in_lines(given) if given else ""
    return str(value.value if isinstance(value, Enum) else value)


def read(item: Field, text: str, allowed: Allowed) -> Any:
    """What stands in ltc.yaml for it; ``None`` for nothing. Raises ``Mistyped``."""
    if item.kind == "secret":
        if item.source == "keep" or not text:
            if item.required and item.source != "keep":
                raise Mistyped("missing")
            return None
        return allowed.check(item.source, text)
    if not text or (item.kind == "table" and item.raw is None and text == item.sample):
        if item.required:
            raise Mistyped("missing")
        return None
    if item.raw is not None and text == item.was:
        return item.raw
    if item.raw is None and text == item.default:
        return None
    found = _table(text) if item.kind == "table" else _plain(item, text)
    if list(literals.found({item.name: found})):
        raise Mistyped("secret_typed")
    if any(map(is_of_the_cloud, _hosts(item.place, found))):
        raise Mistyped("metadata")
    for reference in references(found):
        kind, _, name = reference[2:-1].partition(":")
        allowed.check(kind, name)
    return found


def _plain(item: Field, text: str) -> Any:
    if item.kind == "list":
        return [line.strip() for line in text.split("\n") if line.strip()]
    if item.kind == "flag":
        if text not in ("true", "false"):
            raise Mistyped("no_choice")
        return text == "true"
    if item.kind == "choice":
        if text not in item.choices:
            raise Mistyped("no_choice")
        return text
    if item.kind == "number":
        if not re.fullmatch(r"-?\d{1,15}(?:\.\d{1,9})?", text):
            raise Mistyped("no_number")
        return int(text) if "." not in text else text
    if "\n" in text or not text.isprintable():
        raise Mistyped("one_line")
    return text


def _table(text: str) -> Any:
    try:
        return _copied(parse(text, ""))
    except FileUnusable:
        raise Mistyped("no_table") from None


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _hosts(place: str, found: Any) -> Iterator[str]:
    """The hosts that ``network`` allows beyond the public ones."""
    if place == "network" and isinstance(found, dict):
        found, place = found.get("private"), "network.private"
    if place == "network.private":
        yield from map(str, found if isinstance(found, list) else [found])
