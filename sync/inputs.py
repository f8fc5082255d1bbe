"""What a reconciliation depends on beside the records: settings, checks, mappings, code and the day, as one digest."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from reconciliation import code

if TYPE_CHECKING:
    from mappings.engine import Mapping
    from settings.model import Settings


def digest(settings: Settings, mappings: dict[str, Mapping], as_of: datetime) -> str:
    """16 hex digits that change with anything that could change findings or plans other than the records."""
    parts = [
        settings.model_dump_json(),  # secrets are references or masked
        as_of.astimezone(ZoneInfo(settings.timezone)).date().isoformat(),
        code.fingerprint(),
        *_own_checks(settings.reconciliation.checks_folder),
    ]
    for system, mapping in mappings.items():
        parts += [f"{system} {name} {mapping.stream(name).fingerprint}" for name in sorted(mapping.streams)]
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()


def _own_checks(folder: Path | None) -> list[str]:
    """What the files of a site's own checks hold; by content, because a checkout or a copy changes their times."""
    from reconciliation.checks import own

    files = own.files(folder) if folder is not None and folder.is_dir() else ()
    return [f"{file.name} {hashlib.blake2b(file.read_bytes(), digest_size=16).hexdigest()}" for file in files]
