"""The settings of now: ltc.yaml is read again once it has changed; while it is broken the last good ones hold."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from console import configured
from settings import Problem, SettingsError

if TYPE_CHECKING:
    from settings.model import Settings

_Stamp = tuple[int, int, int] | None


class Present:
    """The settings of one workbench; safe to share between threads.

    What a server has opened stays as it was opened: the store and its keys. ``old`` names what is different in the
    file and waits for a restart.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._path = Path(settings.path)
        self._lock = Lock()
        self._stamp = _stamp(self._path)
        self.problems: tuple[Problem, ...] = ()
        """Why the file as it is cannot be used; empty if it is."""
        self.old: tuple[str, ...] = ()

    @property
    def settings(self) -> Settings:
        """What ltc.yaml says now, or said when it was last whole."""
        stamp = _stamp(self._path)
        if stamp != self._stamp:
            with self._lock:
                if stamp != self._stamp:
                    self._read()
                    self._stamp = stamp
        return self._settings

    def _read(self) -> None:
        try:
            found = configured.load(self._path)
        except SettingsError as error:
            self.problems = tuple(error.problems)
            return
        before = self._settings
        self.old = tuple(name for name in ("store", "encryption") if getattr(found, name) != getattr(before, name))
        found.store, found.encryption = before.store, before.encryption
        self._settings, self.problems = found, ()


def _stamp(path: Path) -> _Stamp:
    """Changes with every change of the file; ``None`` if there is none."""
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_mtime_ns, seen.st_size, seen.st_ino
