"""A private copy of one file, made only if the file stood still meanwhile.

Everything is read from the copy: so what is read is one state of the file, its hash is known before its first row is,
and formats that jump about in a file work over SFTP, too. The copy has no name; it is gone with the process.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from typing import IO, NamedTuple

from connectors.contract import CallStats
from connectors.files.folder import Entry, Folder

_CHUNK = 256 * 1024


class Refused(Exception):
    """A file that cannot be used as it is; the reason completes the sentence "The file …"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Spool(NamedTuple):
    """The copy, and what identifies its content."""

    file: IO[bytes]
    entry: Entry
    hash: str


@contextmanager
def copied(folder: Folder, entry: Entry, most_bytes: float, stats: CallStats) -> Iterator[Spool | None]:
    """Copy a file; ``None`` if it was changed, moved or removed since it was listed, or while it was copied.

    Raises ``Refused`` for a file that is too large, and ``ConnectorError``.
    """
    if entry.size > most_bytes:
        raise Refused(f"has {entry.size} bytes, more than `limits: {{file_mb: …}}` allows")
    digest = blake2b(digest_size=16)
    with tempfile.TemporaryFile(prefix="ltc-") as file:
        with folder.open(entry.name) as opened:
            if opened is None or opened.entry != entry:
                yield None
                return
            left = entry.size
            # One byte more than there should be: a file that has grown is noticed.
            while chunk := opened.read(min(_CHUNK, left + 1)):
                left -= len(chunk)
                if left < 0:
                    break
                digest.update(chunk)
                file.write(chunk)
                stats.bytes_received += len(chunk)
        if left or folder.look(entry.name) != entry:
            yield None
            return
        file.seek(0)
        yield Spool(file, entry, digest.hexdigest())
