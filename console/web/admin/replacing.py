"""Put a file in another's place at once, or not at all."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path


def replace(path: Path, data: bytes, is_new: bool) -> None:
    """Write beside the file, and then under its name; who may read it stays. Its folder is made if it is not there.

    Raises ``FileExistsError`` if a new file is there already, ``OSError`` where nothing can be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = 0o644 if is_new else stat.S_IMODE(path.stat().st_mode)
    beside = path.parent / f".{path.name}.{secrets.token_hex(8)}"
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(data)
            os.fchmod(handle, kept)
            opened.flush()
            os.fsync(handle)
        if is_new:
            os.link(beside, path)  # never over a file that came meanwhile
        else:
            beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    _settle(path.parent)


def _settle(folder: Path) -> None:
    """Let the disk know of the new name."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
