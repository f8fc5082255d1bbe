"""What tells one version of the checks and mappings from another, also while somebody works on them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_ROOMS = ("reconciliation", "mappings")


@cache
def fingerprint() -> str:
    """Sizes and times of the files of the checks and mappings: an update of ltc is a reason to look again."""
    root = Path(__file__).parent.parent
    found = []
    for room in _ROOMS:
        for path in sorted((root / room).rglob("*.py")):
            stat = path.stat()
            found.append(f"{path.name} {stat.st_size} {stat.st_mtime_ns}")
    return "\n".join(found)
