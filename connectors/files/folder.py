"""What every folder of files offers, wherever it is: a listing, and files that are opened safely."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from fnmatch import fnmatchcase
from typing import NamedTuple, Protocol

from connectors.errors import ContractError

_PASSING_STARTS = (".", "~$")
_PASSING_ENDS = (".part", ".partial", ".filepart", ".tmp", ".temp", ".crdownload", ".swp", "~")
"""How programs that copy or write name a file until it is complete."""


class Entry(NamedTuple):
    """A file as the folder lists it."""

    name: str
    """Within the folder, parts joined by ``/``."""
    size: int
    changed_us: int
    """When it was last written to, in microseconds since the epoch, by the clock of the machine it is on."""


class Opened(Protocol):
    """A file that is being read."""

    entry: Entry
    """As it was when it was opened."""

    def read(self, size: int) -> bytes:
        """The next bytes, at most so many; none at the end."""


class Folder(ABC):
    """A folder; every method may raise ``ConnectorError``."""

    where: str
    """For messages; without secrets."""
    shares_our_clock: bool
    """Whether the times of its files can be compared with our clock."""

    @abstractmethod
    def walk(self, depth: int) -> Iterable[Entry]:
        """Every regular file at most so many folders down; nothing that a symbolic link leads to."""

    @abstractmethod
    def look(self, name: str) -> Entry | None:
        """The file as it is now; ``None`` if it is not there, or is no regular file any more."""

    @abstractmethod
    def open(self, name: str) -> AbstractContextManager[Opened | None]:
        """Open a file to read; ``None`` if it is not there, or is no regular file any more."""

    def close(self) -> None:  # noqa: B027 - a folder of this machine has nothing to release
        """Release connections; safe to call twice."""

    def list(self, patterns: Sequence[str], most: int) -> Sequence[Entry]:
        """Files that fit one of the patterns, oldest first, of one age in the order of their names.

        Raises ``ContractError`` if there are more than ``most``.
        """
        depth = max(pattern.count("/") for pattern in patterns)
        found = [entry for entry in self.walk(depth) if any(_fits(entry.name, pattern) for pattern in patterns)]
        if len(found) > most:
            raise ContractError(
                f"There are {len(found)} files in {self.where}, more than {most}.",
                remedy="Move files that have been read to another folder, or raise `limits: {files: …}`.",
            )
        return sorted(found, key=lambda entry: (entry.changed_us, entry.name))


def is_usable(name: str) -> bool:
    """Whether a name in a folder is one of a file that may be read: neither half written, nor hidden, nor a trap."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    lower = name.lower()
    if name in ("", ".", "..") or "/" in name or "\\" in name or any(ord(sign) < 32 for sign in name):
        return False
    return not lower.startswith(_PASSING_STARTS) and not lower.endswith(_PASSING_ENDS)


def _fits(name: str, pattern: str) -> bool:
    parts, wanted = name.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))
