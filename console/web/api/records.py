"""Records in answers of the API, with whether their system was removed from ltc.yaml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from console.exporting import is_removed
from console.web.api.values import Record

if TYPE_CHECKING:
    from settings.model import Settings

REMOVED = "Whether its system is not in ltc.yaml any more"


class MarkedRecord(Record):
    """A record in its own system, which may have been removed."""

    system_removed: bool = Field(False, description=f"{REMOVED}; reports do not say it")


def marked(settings: Settings, told: Any) -> Any:
    """What is told, of any depth, with each ``record`` in it marked."""
    if isinstance(told, list | tuple):
        return [marked(settings, item) for item in told]
    if not isinstance(told, dict):
        return told
    found = {name: marked(settings, value) for name, value in told.items()}
    if isinstance(record := found.get("record"), dict):
        found["record"] = {**record, "system_removed": is_removed(settings, record["system"])}
    return found
