"""The streams of a system by name, as ltc.yaml and its mapping have them; no connector is opened for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from settings.model import Settings


def names(settings: Settings, system: str) -> list[str]:
    """In the mapping's order; raises ``MappingFileError`` if the mapping cannot be read."""
    from sync.systems import mapping_for

    chosen = settings.systems[system].streams
    return [name for name in mapping_for(settings, system).streams if chosen is None or name in chosen]
