"""The same folder as the conformance kit plays on it where it is on an SFTP server.

The server's clock says nothing to us and its times are whole seconds, so a file stands still if two looks at it show
the same; whoever is writing one puts something into it between any two.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from conformance.sleeping import really
from conformance.world import Wish
from sandbox.files.conformance import FilesWorld
from sandbox.sftp.server import PASSWORD, USER, Sftp

_SETTLE_SECONDS = 0.01
_LOOK_SECONDS = 0.02
"""What a listing takes at least: waits are simulated, so that nothing else lies between two looks."""


class SftpWorld(FilesWorld):
    """A server of one user, who is sent exports."""

    moment: ClassVar[timedelta] = timedelta(seconds=1)
    secrets = (PASSWORD,)

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._server = Sftp(folder).__enter__()

    def close(self) -> None:
        """Stop it."""
        self._server.__exit__()

    def empty(self) -> None:
        """Begin anew with an empty folder that nobody writes to."""
        super().empty()
        self._written: set[Path] = set()

    def config(self, wish: Wish) -> dict[str, Any]:
        """The server instead of the folder."""
        self._server.looks = [self._looked_at]
        config = super().config(wish)
        del config["folder"]
        place = {"host": "127.0.0.1", "port": self._server.port, "host_key": self._server.public_key}
        sftp = {**place, "user": USER, "password": PASSWORD, "folder": self.folder.name}
        return {**config, "sftp": sftp, "settle_seconds": _SETTLE_SECONDS}

    def write(self, path: Path, content: bytes, *, at: datetime | None = None) -> None:
        """Whoever was writing it is done."""
        self._written.discard(path)
        super().write(path, content, at=at)

    def begin(self, path: Path, content: bytes) -> None:
        """It grows until it is taken away."""
        super().begin(path, content)
        self._written.add(path)

    def _looked_at(self) -> None:
        for path in self._written:
            if path.exists():
                with path.open("ab") as file:
                    file.write(b" ")
        really(_LOOK_SECONDS)
