"""Run one target: mutate, call, and take down every crash once; guided by coverage where Atheris is installed.

A crash is an exception that the parser does not document, more than five seconds, or more than 500 MB.
"""

from __future__ import annotations

import atexit
import importlib
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

from tests.fuzz.mutate import Mutate, Words

LONGEST_SECONDS = 5.0
MOST_MEMORY = 500 * 1024 * 1024
INSTRUMENTED = ("connectors", "mappings", "settings", "state", "sync", "console", "yamlfiles")
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Target:
    """Something that reads outside input: ``run`` takes any bytes and lets only what is not documented through."""

    name: str
    parsers: tuple[str, ...]
    """What is fuzzed, in words."""
    seeds: Callable[[], list[bytes]]
    """Valid inputs."""
    mutations: Callable[[Words], Mutate]
    run: Callable[[bytes], None]
    prepare: Callable[[], object] = lambda: None
    """Makes what ``run`` needs and keeps, once: it takes longer than a call may."""


@dataclass(frozen=True)
class Crash:
    """One place where a target failed, with the input that showed it first."""

    where: str
    data: bytes
    trace: str


@dataclass
class Outcome:
    """What a run of a target came to."""

    target: str
    seconds: float = 0.0
    executions: int = 0
    crashes: dict[str, Crash] = field(default_factory=dict)


@cache
def scratch() -> Path:
    """A folder of this process, removed when it ends."""
    folder = Path(tempfile.mkdtemp(prefix="ltc-fuzz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


class Hang(BaseException):
    """The target took longer than it may."""


@contextmanager
def limits() -> Iterator[None]:
    """End a call that takes too long, and one that takes too much memory, with an exception."""

    def too_long(_signal: int, _frame: FrameType | None) -> None:
        raise Hang(f"more than {LONGEST_SECONDS:g} seconds")

    handler = signal.signal(signal.SIGALRM, too_long)
    before = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (_data_now() + MOST_MEMORY, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)
        signal.signal(signal.SIGALRM, handler)


def _data_now() -> int:
    """Bytes of data that this process has now, as ``RLIMIT_DATA`` counts them."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmData"))
    return int(line.split()[1]) * 1024


def call(target: Target, data: bytes) -> Crash | None:
    """Give one input to a target; the crash it came to, if it did. To be called within ``limits``."""
    signal.setitimer(signal.ITIMER_REAL, LONGEST_SECONDS)
    try:
        target.run(data)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        signal.setitimer(signal.ITIMER_REAL, 0)
        return Crash(_where(error), data, "".join(traceback.format_exception(error, limit=-12))[-6_000:])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return None


def _where(error: BaseException) -> str:
    """Kind of the error and the innermost line of ours: what tells one crash from another."""
    ours = [
        f"{Path(frame.filename).relative_to(_ROOT)}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename.startswith(f"{_ROOT}/") and "/.venv/" not in frame.filename
    ]
    inner = [place for place in ours if not place.startswith("tests/")]
    return f"{type(error).__name__} at {(inner or ours or ['?'])[-1]}"


class Fuzzing:
    """A run of one target for some seconds."""

    def __init__(self, target: Target, seconds: float, seed: int) -> None:
        self.outcome = Outcome(target.name)
        self._target = target
        self._seconds = seconds
        self._chance = random.Random(seed)
        self._seed = seed
        target.prepare()
        self.seeds = target.seeds()
        words = Words()
        for data in self.seeds:
            words.learn(data.decode("utf-8", "replace").split())
        self._mutate = target.mutations(words)
        self._began = time.monotonic()

    def run(self) -> Outcome:
        """Mutate seeds at random until the time is up."""
        with limits():
            number = 0
            while not self._over():
                data = self.seeds[number] if number < len(self.seeds) else self._mutated()
                number += 1
                self._one(data)
        return self.outcome

    def run_guided(self, done: Callable[[Outcome], int]) -> None:
        """The same with Atheris, which keeps what reaches new code and goes on from there; never returns."""
        atheris: Any = importlib.import_module("atheris")
        corpus = scratch() / "corpus"
        corpus.mkdir()
        for number, data in enumerate(self.seeds):
            (corpus / str(number)).write_bytes(data)

        def one(data: bytes) -> None:
            if self._over():
                code = done(self.outcome)
                sys.stdout.flush()
                shutil.rmtree(scratch())
                os._exit(code)  # libFuzzer has no other way out
            self._one(data)

        def mutate(data: bytes, largest: int, seed: int) -> bytes:
            if seed % 10 == 0:
                changed: bytes = atheris.Mutate(data, len(data) + 1)
            else:
                changed = self._mutate(data, random.Random(seed))
            return changed[:largest]

        quiet = ("-timeout=0", "-rss_limit_mb=0", "-max_len=200000", "-len_control=0", "-close_fd_mask=0")
        atheris.Setup(["fuzz", *quiet, f"-seed={self._seed}", str(corpus)], one, custom_mutator=mutate)
        with limits():
            atheris.Fuzz()

    def _mutated(self) -> bytes:
        data = self._chance.choice(self.seeds)
        for _ in range(self._chance.choice((1, 1, 2, 5))):
            data = self._mutate(data, self._chance)
        return data

    def _over(self) -> bool:
        self.outcome.seconds = time.monotonic() - self._began
        return self.outcome.seconds >= self._seconds

    def _one(self, data: bytes) -> None:
        self.outcome.executions += 1
        crash = call(self._target, data)
        if crash is not None:
            self.outcome.crashes.setdefault(crash.where, crash)
