"""Mappings that installed packages bring along: entry points in the group ``ltc.mappings``, connector's name → package.

The mapping is the file ``NAME.yaml`` in that package. Nothing of the package is imported to find it.
"""

from __future__ import annotations

from pathlib import Path

ENTRY_POINT_GROUP = "ltc.mappings"


def installed(name: str) -> Path | None:
    """The mapping file that a package offers under this name, if one does."""
    from importlib.metadata import entry_points

    for point in entry_points(group=ENTRY_POINT_GROUP, name=name):
        for folder in _folders(point.value):
            path = Path(folder) / f"{name}.yaml"
            if path.is_file():
                return path
    return None


def _folders(package: str) -> list[str]:
    from importlib.util import find_spec

    try:
        spec = find_spec(package)
    except (ImportError, ValueError):
        return []
    return list(spec.submodule_search_locations or ()) if spec else []
