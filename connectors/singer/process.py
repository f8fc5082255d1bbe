"""One run of a tap: a process of its own group, read line by line, never longer than it lives.

Standard error is drained by a thread, so that a talkative tap is never held up, and only its end is kept.
"""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from connectors.contract import CallStats
from connectors.errors import ConnectorError, ContractError, TransientError
from connectors.singer.failures import Hidden, failure, last_words, was_stopped

_CHUNK = 1 << 16
_KEPT_STDERR = 1 << 14
_GRACE_SECONDS = 2.0
_PASSED_ON = (
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
)  # fmt: skip
"""Variables of ours that a tap may see. All others may hold secrets of other systems."""


class Silent(TransientError):
    """The tap wrote nothing for too long and was stopped."""


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The environment of a tap: what every program needs, and what was set for it."""
    return {**{name: os.environ[name] for name in _PASSED_ON if name in os.environ}, **extra}


def find(executable: str, variables: Mapping[str, str]) -> str:
    """The path of the tap; raises ``ContractError`` if there is no such program."""
    found = shutil.which(executable, path=variables.get("PATH"))
    if found is not None:
        return found
    if "/" in executable and Path(executable).exists():
        raise ContractError(f"{executable} cannot be run.", remedy=f"Make it executable: chmod +x {executable}")
    where = "" if "/" in executable else " on PATH"
    raise ContractError(
        f"There is no program {executable}{where}.",
        remedy="Install the tap in an environment of its own and name it by its absolute path in `executable`.",
    )


class TapProcess:
    """A running tap. Read ``lines`` to their end, then ``finish``; ``close`` ends it and all that it started."""

    def __init__(
        self,
        command: Sequence[str],
        variables: Mapping[str, str],
        *,
        timeout: float,
        line_limit: int,
        hidden: Hidden,
        stats: CallStats,
    ) -> None:
        self.name = Path(command[0]).name
        self.cut_off = False
        """Whether the last line had no end."""
        self._timeout = timeout
        self._limit = line_limit
        self._hidden = hidden
        self._stats = stats
        self._closed = False
        path = find(command[0], variables)
        try:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: S603 - the administrator's own program
                [path, *command[1:]],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=dict(variables),
                start_new_session=True,
            )
        except OSError as error:
            raise ContractError(
                f"{self.name} cannot be started: {error.strerror}.",
                remedy="Run it by hand; a tap whose environment was moved or removed must be installed anew.",
            ) from None
        assert self._process.stdout is not None  # noqa: S101 - as asked for above
        assert self._process.stderr is not None  # noqa: S101
        self._stdout: IO[bytes] = self._process.stdout
        self._stderr = _Drain(self._process.stderr)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._stdout, selectors.EVENT_READ)

    def lines(self) -> Iterator[bytes]:
        """What it writes, line by line, without line ends; the last line may have none.

        Raises ``ContractError`` for a line over the limit, ``Silent`` if nothing comes for too long.
        """
        begun: list[bytes] = []
        size = 0
        while chunk := self._read():
            self._stats.bytes_received += len(chunk)
            first, *more = chunk.split(b"\n")
            begun.append(first)
            size += len(first)
            if size > self._limit:
                raise ContractError(
                    f"{self.name} wrote a line of more than {self._limit} bytes.",
                    remedy="Raise `line_limit_mb`, or leave large fields out with `fields`.",
                )
            if more:
                yield b"".join(begun)
                yield from more[:-1]
                begun, size = [more[-1]], len(more[-1])
        if size:
            self.cut_off = True
            yield b"".join(begun)

    def finish(self) -> None:
        """Wait for its end, after the last line, and raise what a bad one means.

        Raises ``AuthError``, ``TransientError``, ``ContractError``.
        """
        try:
            status = self._process.wait(self._timeout)
        except subprocess.TimeoutExpired:
            raise self._silence("did not end") from None
        self.close()
        lines = self._stderr.lines()
        if status:
            raise failure(self.name, status, lines, self._hidden)
        if was_stopped(lines):
            raise TransientError(f"{self.name} was told to end before it was done.", remedy="Run it again.")

    def explained(self, error: ConnectorError) -> ConnectorError:
        """A complaint about its output, or, if it also ended badly, the reason for that."""
        with suppress(subprocess.TimeoutExpired):
            if self._process.wait(_GRACE_SECONDS):
                status = self._process.returncode
                self.close()
                return failure(self.name, status, self._stderr.lines(), self._hidden)
        return error

    def close(self) -> None:
        """End the process and all that it started; safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self._selector.close()
        self._stdout.close()
        if self._process.poll() is None:
            self._signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_GRACE_SECONDS)
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._stderr.close()

    def _read(self) -> bytes:
        since = time.monotonic()
        while True:
            left = max(since, self._stderr.last) + self._timeout - time.monotonic()
            if left <= 0:
                raise self._silence("wrote nothing")
            if self._selector.select(left):
                return os.read(self._stdout.fileno(), _CHUNK)

    def _silence(self, what: str) -> Silent:
        self.close()
        words = last_words(self._stderr.lines(), self._hidden)
        return Silent(
            f"{self.name} {what} for {self._timeout:g} seconds and was stopped. {words}",
            remedy="Raise `timeout_seconds` if the source may take that long.",
        )

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


class _Drain:
    """Reads standard error to its end and keeps the last of it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.last = 0.0
        """When something was last written, on the monotonic clock."""
        self._stream = stream
        self._kept = b""
        self._cut = False
        self._thread = threading.Thread(target=self._run, name="singer-stderr", daemon=True)
        self._thread.start()

    def lines(self) -> list[str]:
        """The last lines. The first of them is left out if only a part of it was kept: half a secret is not found."""
        lines = self._kept.decode("utf-8", "replace").splitlines()
        return lines[1:] if self._cut else lines

    def close(self) -> None:
        """Wait for the end, which is near once the process group is gone."""
        self._thread.join(_GRACE_SECONDS)
        if not self._thread.is_alive():
            self._stream.close()

    def _run(self) -> None:
        while chunk := os.read(self._stream.fileno(), _CHUNK):
            self.last = time.monotonic()
            kept = self._kept + chunk
            self._cut = self._cut or len(kept) > _KEPT_STDERR
            self._kept = kept[-_KEPT_STDERR:]
