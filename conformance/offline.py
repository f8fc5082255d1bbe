"""Worlds without a server: a folder of files, a program that is run, a system that only sends."""

from __future__ import annotations

import os
import shutil
from abc import abstractmethod
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar, Literal

from conformance.needs import Need
from conformance.timed import TimedWorld
from sandbox.http import Faults, Request

End = Literal["fails", "ends midway", "is killed", "hangs"]
"""How a program can go wrong: status 1, status 0 in the middle of a line, by a signal, or not at all."""


class OfflineWorld(TimedWorld):
    """Nothing is asked, so nothing can go wrong on the way."""

    lacks = frozenset({Need.HTTP})

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._faults = Faults()

    def close(self) -> None:
        """There is nothing to stop."""

    @property
    def faults(self) -> Faults:
        """Nobody meets them."""
        return self._faults

    def requests(self, where: str = "") -> list[Request]:  # noqa: ARG002 - the protocol
        """None."""
        return []


class FolderWorld(OfflineWorld):
    """A folder on disk, into which somebody puts files. They are stamped with simulated time."""

    moment: ClassVar[timedelta] = timedelta(milliseconds=1)
    """The least by which the times of two files differ."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.folder = folder / "files"
        self.latest = self.folder
        """The file that was written last."""

    def empty(self) -> None:
        """Begin anew with an empty folder."""
        super().empty()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        self._stamped = self._now

    def write(self, path: Path, content: bytes, *, at: datetime | None = None) -> None:
        """Put a file there at once, last changed ``at``; without it now, and a moment after the one before."""
        if at is None:
            at = self._stamped = max(self._now, self._stamped + self.moment)
        new = path.with_name(f".{path.name}")
        new.write_bytes(content)
        os.utime(new, (at.timestamp(), at.timestamp()))
        new.replace(path)
        self.latest = path

    def begin(self, path: Path, content: bytes) -> None:
        """Somebody is writing a file: so much of it is there, last changed now by the machine's own time."""
        path.write_bytes(content)

    def garble(self, where: str, change: Callable[[bytes], bytes]) -> None:
        """Every line is changed of the files there are that fit the pattern; what is no text stays as it is."""
        for path in sorted(self.folder.glob(where or "*")):
            content = path.read_bytes()
            with suppress(UnicodeDecodeError):
                content.decode()
                self.write(path, b"\n".join(change(line) if line else line for line in content.split(b"\n")))


class ProgramWorld(OfflineWorld):
    """A program that is run for each pull."""

    @abstractmethod
    def breaks(self, how: End, after: int, *, says: str = "") -> None:
        """From its next run on it ends like this after so many records; ``says`` is what it writes to its log then."""

    @abstractmethod
    def mend(self) -> None:
        """From its next run on nothing goes wrong."""

    @abstractmethod
    def running(self) -> int:
        """How many of the programs that were started have not ended."""
