"""Values that a system never takes, as its connector says without being connected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from settings.model import Settings
    from state.changes import FieldChange


def never(settings: Settings, system: str, stream: str, values: Iterable[tuple[str, Any]]) -> bool:
    """Whether one of these values is never taken by its field; ``values`` are the source's fields with its values."""
    from connectors.registry import UnknownConnector
    from sync.systems import SystemUnusable, connector_class

    if system not in settings.systems:
        return False
    try:
        refused = connector_class(settings, system).never_takes.get(stream, ())
    except (SystemUnusable, UnknownConnector):
        return False
    return any(field == name and value == other for field, value in values for name, other in refused)


def put_back(settings: Settings, system: str, stream: str, lost: Iterable[FieldChange]) -> bool:
    """Whether what a write-back replaced is never taken again."""
    return never(settings, system, stream, [(change.source_field, change.source_old) for change in lost])
