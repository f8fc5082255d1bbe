"""A folder on this machine. Below it no symbolic link is followed, not even one that is put there while we read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from connectors.errors import ContractError
from connectors.files.folder import Entry, Folder, Opened, is_usable

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Without ``O_NONBLOCK`` opening a pipe would wait for somebody to write to it."""


class LocalFolder(Folder):
    """A folder of the file system."""

    shares_our_clock = True

    def __init__(self, path: Path) -> None:
        self._path = path
        self.where = str(path)

    def walk(self, depth: int) -> Iterator[Entry]:
        """Raises ``ContractError`` if the folder cannot be listed."""
        try:
            yield from self._walk("", depth)
        except OSError as error:
            raise self._unreadable(error, self.where) from error

    def look(self, name: str) -> Entry | None:
        """See ``Folder.look``."""
        with self.open(name) as opened:
            return opened.entry if opened is not None else None

    @contextmanager
    def open(self, name: str) -> Iterator[Opened | None]:
        """Raises ``ContractError`` if reading is not allowed."""
        handle = self._handle(name)
        if handle is None:
            yield None
            return
        try:
            found = os.fstat(handle)
            yield _File(handle, _entry(name, found)) if stat.S_ISREG(found.st_mode) else None
        except OSError as error:
            raise self._unreadable(error, name) from error
        finally:
            os.close(handle)

    def _walk(self, prefix: str, depth: int) -> Iterator[Entry]:
        below: list[str] = []
        with os.scandir(self._path / prefix) as items:
            for item in items:
                if not is_usable(item.name):
                    continue
                with suppress(FileNotFoundError):  # gone since it was listed
                    if item.is_file(follow_symlinks=False):
                        yield _entry(prefix + item.name, item.stat(follow_symlinks=False))
                    elif depth and item.is_dir(follow_symlinks=False):
                        below.append(f"{prefix}{item.name}/")
        for name in below:
            with suppress(FileNotFoundError):
                yield from self._walk(name, depth - 1)

    def _handle(self, name: str) -> int | None:
        """Open it part by part, so that no part can be a link at that moment."""
        parts = name.split("/")
        if not all(map(is_usable, parts)):
            return None
        try:
            # The folder itself is the administrator's choice and may be a link.
            parent = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise self._unreadable(error, self.where) from error
        try:
            for part in parts[:-1]:
                inner = os.open(part, _DIRECTORY, dir_fd=parent)
                os.close(parent)
                parent = inner
            return os.open(parts[-1], _FILE, dir_fd=parent)
        except PermissionError as error:
            raise self._unreadable(error, name) from error
        except OSError:
            return None
        finally:
            os.close(parent)

    def _unreadable(self, error: OSError, what: str) -> ContractError:
        return ContractError(
            f"{what} cannot be read: {os.strerror(error.errno) if error.errno else 'it failed'}.",
            remedy=f"Check that {self.where} is there and that the user of ltc may read it.",
        )


class _File:
    def __init__(self, handle: int, entry: Entry) -> None:
        self._handle = handle
        self.entry = entry

    def read(self, size: int) -> bytes:
        return os.read(self._handle, size)


def _entry(name: str, found: os.stat_result) -> Entry:
    return Entry(name, found.st_size, found.st_mtime_ns // 1000)
