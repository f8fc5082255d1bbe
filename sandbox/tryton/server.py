"""Start and stop a Tryton with its database in one folder; databases come from prepared dumps.

with start(directory=Path(".demo/tryton")) as tryton:
    print(tryton.base_url, tryton.database, tryton.user)
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

import httpx

from sandbox.postgres import Postgres
from sandbox.tryton.client import Client

HERE = Path(__file__).parent
DEMO_DUMP = HERE / "demo.dump.zst"
"""The demo company's year."""
EMPTY_DUMP = HERE / "empty.dump.zst"
"""Company, accounts, currencies and sequences; no parties, products or documents."""

DATABASE = "tryton"
ADMIN, ADMIN_PASSWORD = "admin", "admin-demo-only"
USER, PASSWORD = "ltc", "ltc-demo-only"
"""The integration user of the demo: reads everything in sales and stock, writes sales; throw-away password."""
_READY_SECONDS = 60.0


class Tryton:
    """A running Tryton server with its database; ``stop`` ends both."""

    def __init__(self, directory: Path, postgres: Postgres, database: str, port: int) -> None:
        self.directory = directory
        self.postgres = postgres
        self.database = database
        self.user, self.password = USER, PASSWORD
        self._log = directory / "trytond.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = port or free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Tryton:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def serve(self) -> None:
        """Start Tryton's server process and wait until it answers.

        Raises ``RuntimeError`` with the end of its log if it does not.
        """
        config = write_config(self.directory, self.postgres, self.port)
        command = [sys.executable, "-m", "sandbox.tryton.serve", "-c", str(config), "-d", self.database]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=HERE.parent.parent,
                start_new_session=True,
            )
        deadline = time.monotonic() + _READY_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop_serving()
                raise RuntimeError(f"Tryton did not start: {self._log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)

    def client(self, user: str = ADMIN, password: str = ADMIN_PASSWORD) -> Client:
        """A logged-in client; by default the administrator."""
        return Client(self.base_url, self.database, user, password)

    def reset(self, template: str) -> None:
        """Put a fresh copy of database ``template`` under the running server, in well under a second."""
        self.postgres.replace(self.database, template)

    def stop(self) -> None:
        """End the server and its PostgreSQL; the data stays in the folder."""
        self.stop_serving()
        self.postgres.stop()

    def _answers(self) -> bool:
        try:
            body = {"id": 1, "method": "common.server.version", "params": []}
            return httpx.post(f"{self.base_url}/rpc/", json=body, timeout=5.0).status_code == 200
        except httpx.TransportError:
            return False

    def stop_serving(self) -> None:
        """End the server process alone."""
        if self._process is None:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def start(directory: Path, dump: Path = DEMO_DUMP, *, port: int = 0, database: str = DATABASE) -> Tryton:
    """Start Tryton on loopback with its data in ``directory``, restored from ``dump`` unless it is already there.

    ``port`` 0 takes a free one. Raises ``FileNotFoundError`` without the dump (``make demo-data`` makes it),
    ``PostgresError`` and ``RuntimeError`` if a server does not start.
    """
    directory = directory.expanduser().resolve()
    directory.mkdir(parents=True, exist_ok=True)
    postgres = Postgres.start(directory / "postgres")
    try:
        if database not in postgres.databases():
            restore(postgres, database, dump)
        tryton = Tryton(directory, postgres, database, port)
        tryton.serve()
    except BaseException:
        postgres.stop()
        raise
    return tryton


def restore(postgres: Postgres, database: str, dump: Path) -> None:
    """Create ``database`` from ``dump``; under its own name only when complete."""
    if not dump.exists():
        raise FileNotFoundError(f"{dump.name} is missing: `make demo-data` makes it through Tryton's own API.")
    partial = f"{database}_restoring"
    postgres.drop(partial)
    postgres.restore(partial, dump)
    postgres.rename(partial, database)


def write_config(directory: Path, postgres: Postgres, port: int) -> Path:
    """Write Tryton's configuration file for this database and port, and return its path."""
    path = directory / "trytond.conf"
    path.write_text(f"[database]\nuri = {postgres.dsn('')}\nlist = False\n[web]\nlisten = 127.0.0.1:{port}\n")
    return path


def free_port() -> int:
    """A TCP port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
