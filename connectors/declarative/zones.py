"""The time zones of a manifest that the settings in ltc.yaml name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from connectors.declarative.parts import ZONE_SETTING, Times
from connectors.words import Part

PartT = TypeVar("PartT", bound=Part)


def named(part: Part) -> Iterator[str]:
    """The settings that name a zone somewhere in this part."""
    if isinstance(part, Times) and (found := ZONE_SETTING.fullmatch(part.zone)):
        yield found[1]
    for name in type(part).model_fields:
        value = getattr(part, name)
        for item in value.values() if isinstance(value, dict) else [value]:
            if isinstance(item, Part):
                yield from named(item)


def settled(part: PartT, config: Mapping[str, Any]) -> PartT:
    """The part with every zone filled in; the same one if none is named by a setting."""
    changed: dict[str, Any] = {}
    for name in type(part).model_fields:
        value = getattr(part, name)
        new = _settled(value, config)
        if new is not value:
            changed[name] = new
    if isinstance(part, Times) and (found := ZONE_SETTING.fullmatch(part.zone)):
        changed["zone"] = config[found[1]]
    return part.model_copy(update=changed) if changed else part


def _settled(value: Any, config: Mapping[str, Any]) -> Any:
    if isinstance(value, Part):
        return settled(value, config)
    if isinstance(value, dict):
        made = {name: _settled(item, config) for name, item in value.items()}
        return made if any(made[name] is not item for name, item in value.items()) else value
    return value
