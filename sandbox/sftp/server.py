"""An SFTP server in a thread, by another hand than our client: asyncssh, with one user and one folder."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import asyncssh

USER, PASSWORD = "ltc", "canary-sftp-password"


class Sftp:
    """The server; ``hooks`` are called with the path and the offset of each piece that is read, ``looks`` before each
    listing of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")
        self.client_key = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
        self.hooks: list[Callable[[bytes, int], None]] = []
        self.looks: list[Callable[[], None]] = []
        self.sign_ins = 0
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._server: Any = None
        self._connections: set[Any] = set()
        self._thread = threading.Thread(target=self._run, daemon=True)
        started = threading.Event()
        self._started = started

    def __enter__(self) -> Sftp:
        self._thread.start()
        if not self._started.wait(20):
            raise RuntimeError("the SFTP server did not start within 20 seconds")
        return self

    def __exit__(self, *exc: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()

    @property
    def public_key(self) -> str:
        """The host key, as it is written into ltc.yaml."""
        return str(self.host_key.export_public_key().decode()).strip()

    def drop_connections(self) -> None:
        """Hang up on everybody."""
        for connection in list(self._connections):
            self._loop.call_soon_threadsafe(connection.abort)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        self._started.set()
        self._loop.run_forever()

    async def _start(self) -> None:
        outer = self

        class Door(asyncssh.SSHServer):
            def connection_made(self, conn: Any) -> None:
                outer._connections.add(conn)
                self.connection = conn

            def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol
                outer._connections.discard(self.connection)

            def begin_auth(self, username: str) -> bool:  # noqa: ARG002 - the protocol
                return True

            def password_auth_supported(self) -> bool:
                return True

            def validate_password(self, username: str, password: str) -> bool:
                outer.sign_ins += 1
                return (username, password) == (USER, PASSWORD)

            def public_key_auth_supported(self) -> bool:
                return True

            def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
                outer.sign_ins += 1
                return username == USER and key == outer.client_key.convert_to_public()

        class Shelf(asyncssh.SFTPServer):
            def __init__(self, chan: Any) -> None:
                super().__init__(chan, chroot=str(outer.folder).encode())

            def read(self, file_obj: object, offset: int, size: int) -> bytes:
                for hook in outer.hooks:
                    hook(getattr(file_obj, "name", b""), offset)
                return super().read(file_obj, offset, size)  # type: ignore[return-value]

            async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
                for look in outer.looks:
                    look()
                async for item in super().scandir(path):
                    yield item

        self._server = await asyncssh.listen(
            "127.0.0.1", 0, server_factory=Door, server_host_keys=[self.host_key], sftp_factory=Shelf
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        self._server.close()
        for connection in list(self._connections):
            connection.abort()
        await self._server.wait_closed()
