"""What a source allows whoever connects to it, and the fields that a mapping reads there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connectors.budget import Allowance
    from console.i18n import Texts
    from mappings.engine import Mapping, StreamMapping


def fields(mapping: Mapping) -> dict[str, dict[str, list[str]]]:
    """Stream → place in the source → the canonical fields that come from there."""
    return {name: _fields(stream) for name, stream in mapping.streams.items()}


def _fields(stream: StreamMapping) -> dict[str, list[str]]:
    from mappings import paths

    definition = stream.definition
    read = {name: item.sources for name, item in definition.fields.items()}
    if definition.status is not None:
        read["status"] = definition.status.expression.sources
    if definition.lines is not None:
        lines = definition.lines
        for name, item in lines.fields.items():
            read[f"lines.{name}"] = tuple(f"{lines.path}.*.{path}" for path in item.sources)
    found: dict[str, list[str]] = {}
    for name, places in read.items():
        for place in places:
            if not place.endswith(paths.SOURCE_ID):
                found.setdefault(place, []).append(name)
    return found


def limits_as_dicts(allowances: Sequence[Allowance]) -> list[dict[str, Any]]:
    """As JSON-able data; ``reserve`` is what of a day is left to people and other programs."""
    return [
        {
            "about": item.about or None,
            "calls": item.calls,
            "seconds": item.seconds if item.calls is not None else None,
            "concurrent": item.concurrent,
            "calls_a_day": item.quota.calls if item.quota is not None else None,
            "day_zone": item.quota.zone if item.quota is not None else None,
            "reserve": item.quota.reserve if item.quota is not None else 0,
            "reserve_percent": item.quota.reserve_percent if item.quota is not None else 0,
        }
        for item in allowances
    ]


def limits_in_words(texts: Texts, allowances: Sequence[Allowance]) -> list[tuple[str, str]]:
    """Which calls, and how many of them."""
    found = []
    for item in limits_as_dicts(allowances):
        parts = []
        if item["calls"] is not None:
            parts.append(texts("connectors.limit.calls", calls=f"{item['calls']:g}", seconds=f"{item['seconds']:g}"))
        if item["concurrent"] is not None:
            parts.append(texts("connectors.limit.concurrent", calls=item["concurrent"]))
        if item["calls_a_day"] is not None:
            parts.append(texts("connectors.limit.day", calls=item["calls_a_day"]))
        if item["reserve"]:
            parts.append(texts("connectors.limit.reserve", calls=item["reserve"]))
        if item["reserve_percent"]:
            parts.append(texts("connectors.limit.reserve_percent", percent=f"{item['reserve_percent']:g}"))
        found.append((item["about"] or texts("connectors.limit.all"), texts.listed(parts)))
    return found
