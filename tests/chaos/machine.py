"""Simulated time, and processes of ours that can be killed, hung and switched at every commit and every send.

A process runs the real job on a real database; it is a coroutine (greenlet) of this one, so that a history always runs
the same way. A killed process does nothing more: its open transaction is rolled back, and every later touch of the
database or the network in its clean-up code raises ``Killed`` before anything happens.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.utils import formatdate
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import parse_qsl

import httpx
from greenlet import getcurrent, greenlet
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError

from connectors import guard
from state import clock, failures, runs
from state.store import Renewable, Store, open_store
from tests.chaos import connector
from tests.chaos.source import Refused, Source

SECOND = 1_000_000
PORTS = {"crm": 7001, "erp": 7002, "books": 7003, "web": 7004, "sales": 7005}
"""Where the systems seem to listen, on localhost."""
START = 1_790_000_000 * SECOND
Fault = list[Any]
"""The point of the process from which on it may happen, its kind, and what it needs."""

_AT_SEND = {"refused", "lost", "late", "orphan", "busy", "down"}
_LATE = 200
"""Seconds after which a request that hung is carried out; less than ``state.creations`` waits."""
_AT_ANSWER = {"timeout", "reset", "broken", "gateway"}
_AT_BEGIN = {"disk_full", "no_database"}


class Killed(BaseException):
    """The process is no more."""


class Process:
    """One process of ours with the faults that await it."""

    def __init__(self, machine: Machine, number: int, faults: list[Fault], host: str) -> None:
        self.machine = machine
        self.name = f"{host}:{number}:1"
        self.dead = False
        self.points = 0
        self.writing = False
        self.held_up = 0
        self.result: Any = None
        self.error: BaseException | None = None
        self._faults = sorted(faults, key=lambda fault: fault[0])
        self.store = SimStore(self, machine.engine)

    def point(self, kind: str, writes: bool = False) -> str:
        """Pass a point (``send``, ``answer``, ``begin``, ``commit``, ``committed``); returns what goes wrong there.

        ``writes`` tells that the request is to change something; faults named ``write …`` wait for one, those
        named ``answer …`` for the moment at which the source has answered and nothing of it is kept yet.
        """
        if self.dead:
            raise Killed
        self.points += 1
        self.machine.tick()
        while True:
            fault = next(
                (item for item in self._faults if item[0] <= self.points and self._fits(item[1], kind, writes)), None
            )
            if fault is None:
                return ""
            self._faults.remove(fault)
            found = self._happen(fault)
            if found:
                return found

    def die(self) -> NoReturn:
        """Be killed."""
        self.dead = True
        self.machine.ended.add(self.name)
        raise Killed

    def _fits(self, name: str, kind: str, writes: bool) -> bool:
        if name.startswith("write "):
            return writes and self._fits(name.removeprefix("write "), kind, writes)
        if name.startswith("answer "):
            return kind == "answer" and self._fits(name.removeprefix("answer "), kind, writes)
        if name in _AT_SEND:
            return kind == "send"
        if name in _AT_ANSWER:
            return kind == "answer"
        if name in _AT_BEGIN:
            return kind == "begin"
        if name in ("hang", "switch"):
            return not self.writing and kind != "commit"
        return True

    def _happen(self, fault: Fault) -> str:
        name, *rest = fault[1:]
        match name.removeprefix("write ").removeprefix("answer "):
            case "kill":
                self.die()
            case "people":
                self.machine.people(rest[0])
            case "hang":
                self.machine.people(rest[1] if len(rest) > 1 else [])
                self.machine.now += int(rest[0] * SECOND)
                self.machine.switch()
            case "switch":
                self.machine.switch()
            case "expire":
                self.machine.expire_tokens()
            case wrong:
                return str(wrong)
        return ""


class SimStore(Store):
    """The product's store, passing a point of its process before and after every transaction."""

    def __init__(self, process: Process, engine: Any) -> None:
        super().__init__(engine)
        self.process = process

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """As the store's, with whatever the history lets happen."""
        process = self.process
        wrong = process.point("begin")
        if wrong == "no_database":
            gone = sqlite3.OperationalError("unable to open database file")
            gone.sqlite_errorname = "SQLITE_CANTOPEN"
            with failures.translated(self.name):
                raise OperationalError("BEGIN", {}, gone)
        process.writing = True
        try:
            with super().transaction() as connection:
                if wrong == "disk_full":
                    _fill_disk(connection)
                try:
                    yield connection
                finally:
                    if wrong == "disk_full":
                        with suppress(OperationalError):
                            connection.exec_driver_sql("PRAGMA max_page_count = 1073741823")
                process.point("commit")
        finally:
            process.writing = False
        process.point("committed")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """As the store's, unless the process is dead."""
        if self.process.dead:
            raise Killed
        with super().reading() as connection:
            yield connection

    def fenced(self, lease: Renewable) -> Store:
        """As the store's."""
        return _Fenced(self, lease)


class _Fenced(SimStore):
    def __init__(self, store: SimStore, lease: Renewable) -> None:
        super().__init__(store.process, store.engine)
        self._writers = store._writers
        self._lease = lease

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with super().transaction() as connection:
            self._lease.renew(connection)
            yield connection


def _fill_disk(connection: Connection) -> None:
    pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")


class Machine:
    """One world: its time, its systems, its database, and the processes at work. Reused for many histories."""

    def __init__(self, folder: Path) -> None:
        self.now = START
        self.sources: dict[str, Source] = {}
        self.ended: set[str] = set()
        self.people: Callable[[list[Any]], None] = lambda _: None
        self.folder = folder
        self.template = folder / "template.db"
        self._path = folder / "ltc.db"
        self._numbers = 0
        self._running: list[tuple[greenlet, Process]] = []
        self._main = getcurrent()
        self.current: Process | None = None
        self._late: list[tuple[int, Callable[[], object]]] = []
        self._calls: list[tuple[int, Callable[[], object]]] = []
        with open_store(f"sqlite:///{self.template}"):
            pass
        # One pool for all processes: its statements are compiled once, and its connections outlive a run. A process
        # that is killed leaves none that holds anything: its transaction is rolled back as the kernel would do it.
        shutil.copyfile(self.template, self._path)
        self.engine = open_store(f"sqlite:///{self._path}").engine

    def reset(self, sources: dict[str, Source]) -> None:
        """Begin a new history with an empty database."""
        self.now = START
        self.sources = sources
        self.ended = set()
        self._numbers = 0
        self._running = []
        self._late = []
        self._calls = []
        self.current = None
        self.engine.dispose()
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(f"{self._path}{suffix}").unlink(missing_ok=True)
        shutil.copyfile(self.template, self._path)

    def watching(self) -> Store:
        """The database as it is, for the judge."""
        return Store(self.engine)

    # -- time

    def tick(self) -> None:
        """What one step takes; what was under way for long arrives."""
        self.now += 7_000
        if self._late:
            arrived = [arrive for at, arrive in self._late if at <= self.now]
            self._late = [item for item in self._late if item[0] > self.now]
            for arrive in arrived:
                arrive()
        if self._calls and (self.current is None or not self.current.writing):
            due = [call for at, call in self._calls if at <= self.now]
            self._calls = [item for item in self._calls if item[0] > self.now]
            for call in due:
                call()

    def wait(self, seconds: float) -> None:
        """Let time pass; what was under way arrives when it is due."""
        end = self.now + int(seconds * SECOND)
        for at in sorted(at for at, _ in (*self._late, *self._calls) if at <= end):
            self.now = max(self.now, at)
            self.tick()
        self.now = max(self.now, end)

    def later(self, seconds: int, arrive: Callable[[], object]) -> None:
        """Let something happen in so many seconds, whatever we do meanwhile."""
        self._late.append((self.now + seconds * SECOND, arrive))

    def call_us(self, seconds: float, call: Callable[[], object]) -> None:
        """Let somebody call us in so many seconds, or as soon as nobody of us is in a transaction then."""
        self._calls.append((self.now + int(seconds * SECOND), call))

    def read_clock(self) -> int:
        """Nanoseconds, for ``state.clock``."""
        self.now += 1
        return self.now * 1000

    # -- processes

    def run(self, jobs: list[tuple[Callable[[Process], Any], list[Fault], str]]) -> list[Process]:
        """Run these jobs at the same time: each goes on until it ends or is switched away from."""
        processes = []
        for job, faults, host in jobs:
            self._numbers += 1
            process = Process(self, self._numbers, faults, host)
            processes.append(process)
            self._running.append((greenlet(_body(process, job), parent=self._main), process))
        turn = 0
        while self._running:
            turn %= len(self._running)
            chosen, self.current = self._running[turn]
            chosen.switch()
            if chosen.dead:
                del self._running[turn]
            else:
                turn += 1
        self.current = None
        for process in processes:
            self.ended.add(process.name)
        return processes

    def switch(self) -> None:
        """Let the other process go on, if there is one."""
        if len(self._running) > 1:
            self._main.switch()

    def at(self, port: str) -> Source:
        """The system that listens at a port."""
        return next(source for name, source in self.sources.items() if PORTS[name] == int(port))

    def expire_tokens(self) -> None:
        """No token that was given out is good any more."""
        for source in self.sources.values():
            source.token += 1

    # -- what the product meets instead of the real world

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Let the product tell the time, send requests and name processes here, in the whole process."""
        saved = (guard.transport, runs.this_process, runs.is_dead, connector.TOKENS)
        guard.transport = lambda *_: _Network(self)
        runs.this_process = lambda: self.current.name if self.current else "judge:0:1"
        runs.is_dead = self._is_dead
        connector.TOKENS = lambda url: str(self.at(url.rpartition(":")[2]).token)
        try:
            with clock.simulated(self.read_clock):
                yield
        finally:
            guard.transport, runs.this_process, runs.is_dead, connector.TOKENS = saved

    def _is_dead(self, owner: str) -> bool:
        """Of a process of another host nobody knows."""
        name = owner.partition("/")[0]
        ours = self.current.name.partition(":")[0] if self.current else "judge"
        return name.partition(":")[0] == ours and name in self.ended


def _body(process: Process, job: Callable[[Process], Any]) -> Callable[[], None]:
    def body() -> None:
        try:
            process.result = job(process)
        except Killed:
            pass
        except BaseException as error:
            process.error = error

    return body


class _Network(httpx.BaseTransport):
    """Carries requests to the simulated systems, badly where the history says so."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        process = self._machine.current
        assert process is not None
        if process.writing:
            raise AssertionError("a request was sent within a transaction")
        writes = request.method != "GET"
        wrong = process.point("send", writes)
        match wrong:
            case "refused":
                raise httpx.ConnectError("refused", request=request)
            case "lost":
                raise httpx.ReadTimeout("no answer", request=request)
            case "late" | "orphan":  # it hangs somewhere on the way, and is carried out after we have given up or died
                late = self._machine.at(str(request.url.port))
                self._machine.later(_LATE, lambda: self._carried_out(late, request))
                if wrong == "orphan":
                    process.die()
                raise httpx.ReadTimeout("no answer", request=request)
            case "busy":
                return httpx.Response(429, headers={"retry-after": "1"}, request=request)
            case "down":
                return httpx.Response(503, request=request)
        source = self._machine.at(str(request.url.port))
        status, content = self._carried_out(source, request)
        match process.point("answer", writes):
            case "timeout":
                raise httpx.ReadTimeout("no answer", request=request)
            case "reset":
                return httpx.Response(status, stream=_Torn(content), request=request)
            case "broken":
                return httpx.Response(status, content=content[: len(content) // 2], request=request)
            case "gateway":
                return httpx.Response(502, content=b"<html>Bad Gateway</html>", request=request)
        dated = formatdate(source.our_clock() // SECOND, usegmt=True)
        return httpx.Response(status, headers={"date": dated}, content=content, request=request)

    def _carried_out(self, source: Source, request: httpx.Request) -> tuple[int, bytes]:
        query = dict(parse_qsl(request.url.query.decode(), keep_blank_values=True))
        try:
            answer = source.answer(request.method, request.url.path, query, request.headers, request.read())
        except Refused as error:
            return error.status, b"{}"
        return 200, json.dumps(answer).encode()


class _Torn(httpx.SyncByteStream):
    """A body that breaks off."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        yield self._content[: len(self._content) // 2]
        raise httpx.ReadError("connection reset")


def scratch() -> Path:
    """Where databases of histories live: in memory if the machine offers it."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() and os.access(memory, os.W_OK) else Path(os.environ.get("TMPDIR", "/tmp"))
