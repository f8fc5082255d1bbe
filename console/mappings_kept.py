"""Mappings of systems, kept in memory while no file has changed: for pages that look at many records of theirs."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from mappings.engine import load

if TYPE_CHECKING:
    from mappings.engine import Mapping
    from settings.model import Settings

_KEPT = 64
"""To read one takes longer than to look at all the records of a page."""
_Stamp = tuple[tuple[str, int, int], ...]


def mapping_for(settings: Settings, system: str) -> Mapping:
    """The system's mapping, as ``sync.systems.mapping_for`` has it; raises what that raises."""
    from console.mapping_place import place_of
    from sync import systems

    place = place_of(settings, system)
    if not place.source:
        return systems.mapping_for(settings, system)  # which says what is missing
    folders = {Path(settings.path).absolute().parent, place.own.parent}
    return _loaded(place.source, place.zone, tuple(stamp for folder in sorted(folders) for stamp in _stamps(folder)))


def _stamps(folder: Path) -> _Stamp:
    """Changes with every change of a file that a mapping may be read from."""
    seen = [(path, path.stat()) for path in sorted(folder.glob("*.yaml"))]
    return tuple((str(path), told.st_mtime_ns, told.st_size) for path, told in seen)


@lru_cache(maxsize=_KEPT)
def _loaded(source: str, zone: str, _stamp: _Stamp) -> Mapping:
    return load(source, zone)
