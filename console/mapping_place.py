"""Where a system's mapping stands: in a file of the site's own, or with the product; and where an own one would be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from connectors import registry
from mappings.engine import shipped
from mappings.installed import installed

if TYPE_CHECKING:
    from settings.model import Settings


@dataclass(frozen=True, slots=True)
class Place:
    """``source`` is what ``mappings.engine.load`` takes; ``own`` the site's file, which need not be there yet."""

    source: str
    own: Path
    file: str
    """``own`` as ltc.yaml names it, from its folder."""
    is_own: bool
    """Whether the mapping is read from ``own``."""
    zone: str
    """The time zone of the system's times that name none."""


def place_of(settings: Settings, system: str) -> Place:
    """As ``sync.systems.mapping_for`` finds it. An empty ``source``: the system has no mapping yet."""
    chosen, zone = settings.systems[system], settings.zone_of(system)
    folder = Path(settings.path).absolute().parent
    if chosen.mapping is None and registry.is_manifest(chosen.connector):
        file = str(Path(chosen.connector).with_suffix(".mapping.yaml"))
        return Place(str(folder / file), folder / file, file, True, zone)
    if chosen.mapping is not None and ((folder / chosen.mapping).is_file() or not _comes(chosen.mapping)):
        return Place(str(folder / chosen.mapping), folder / chosen.mapping, chosen.mapping, True, zone)
    comes = chosen.mapping or (chosen.connector if _comes(chosen.connector) else "")
    file = f"mappings/{system}.yaml"
    return Place(comes, folder / file, file, False, zone)


def _comes(name: str) -> bool:
    return Path(name).stem in shipped() or installed(name) is not None
