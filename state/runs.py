"""Runs, what each did with each stream, and leases so that two processes never work on the same thing."""

from __future__ import annotations

import json
import os
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import and_, bindparam, literal, or_, select, union_all, update
from sqlalchemy.engine import Connection

from state import audit, bulk, calls_made
from state.clock import from_us, now_us
from state.failures import StoreError
from state.schema import lease as lease_table
from state.schema import run as run_table
from state.schema import run_system, scheduled, stream_run
from state.store import Store

_STREAM_KEYS = ("run_id", "system", "stream", "direction")

# Every page renews a lease, so these statements are built once.
_MINE = and_(*(lease_table.c[name] == bindparam(f"my_{name}") for name in ("name", "owner", "token")))
_RENEW = update(lease_table).where(_MINE).values(expires_at=bindparam("until"))
_RELEASE = lease_table.delete().where(_MINE)
_HOLDER = select(lease_table.c.owner, lease_table.c.expires_at).where(lease_table.c.name == bindparam("lease"))
_LEFT_OVER = and_(lease_table.c.name.startswith("run "), lease_table.c.expires_at <= bindparam("now"))
_RUNNING_OR_LEFT_OVER = union_all(
    select(run_table.c.id, literal(True).label("runs")).where(run_table.c.status == "running"),
    select(lease_table.c.name, literal(False)).where(_LEFT_OVER),
)
_LEASES = select(lease_table).where(lease_table.c.name.in_(bindparam("leases", expanding=True)))
_END_LEASES = lease_table.delete().where(or_(_LEFT_OVER, lease_table.c.name.in_(bindparam("leases", expanding=True))))
_INTERRUPT = tuple(
    update(table)
    .where(key.in_(bindparam("runs", expanding=True)), table.c.status == "running")
    .values(status="interrupted", ended_at=bindparam("now"))
    for table, key in ((run_table, run_table.c.id), (stream_run, stream_run.c.run_id))
)
_TAKE_FREE = "INSERT INTO lease (name, owner, expires_at, token) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO NOTHING"
_START = run_table.insert()
_TO_WORK_ON = run_system.insert()
_LEAVE = (
    update(stream_run)
    .where(stream_run.c.run_id == bindparam("run"), stream_run.c.status == "running")
    .values(status="interrupted", ended_at=bindparam("now"))
)
_FINISH = (
    update(run_table)
    .where(run_table.c.id == bindparam("run"))
    .values(status=bindparam("how"), ended_at=bindparam("now"), summary=bindparam("told"))
)


_flow_run: ContextVar[str | None] = ContextVar("flow run", default=None)


@contextmanager
def belonging_to(flow_run: str | None) -> Iterator[None]:
    """Let the runs that begin in the block keep Prefect's id of the flow run that they are part of."""
    token = _flow_run.set(flow_run)
    try:
        yield
    finally:
        _flow_run.reset(token)


_part_of: ContextVar[str] = ContextVar("first part of", default="")


@contextmanager
def first_part_of(kind: str) -> Iterator[None]:
    """Let the runs that begin in the block keep that they are only the first part of a run of this kind."""
    token = _part_of.set(kind)
    try:
        yield
    finally:
        _part_of.reset(token)


_wish: ContextVar[list[str] | None] = ContextVar("one wish", default=None)


@contextmanager
def one_wish() -> Iterator[None]:
    """Let each run that begins in the block keep which one it follows: somebody asked for all of them at once."""
    token = _wish.set([])
    try:
        yield
    finally:
        _wish.reset(token)


_announce: ContextVar[Callable[[str], None] | None] = ContextVar("announce", default=None)


@contextmanager
def announced(told: Callable[[str], None]) -> Iterator[None]:
    """Let ``told`` hear the ids of the runs that begin in the block, each as soon as it is in the store."""
    token = _announce.set(told)
    try:
        yield
    finally:
        _announce.reset(token)


@dataclass(frozen=True, slots=True)
class Asked:
    """Who wanted a run, and what for; kept with it from its start."""

    by: str = ""
    because: str = ""
    """``by_hand``, ``schedule``, ``webhook``, ``approval`` (of a plan), ``restoring`` (of what was overwritten)."""
    systems: tuple[str, ...] = ()
    """Those it may work on; empty: none of its own, such as a reconciliation of what is held."""
    since: int | None = None
    """From when on it reads anew what is held already (microseconds)."""
    only_plans: bool = False
    """Whether it is a push that is to write nothing."""
    part_of: str = ""
    """The kind of run of which it is only the first part: ``sync`` for a pull whose rest waits for its turn."""
    follows: str = ""
    """The run before it that was asked for by the same wish."""


def doing(kind: str, asked: Asked | None) -> str:
    """What a run does, as people name it: ``plan`` for a push that only plans, else its kind."""
    return "plan" if kind == "push" and asked is not None and asked.only_plans else kind


def new_run_id() -> str:
    """A run's id: readable, and in the order of their start."""
    return f"{from_us(now_us()):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


class Running:
    """A run under way. ``finish`` says how it ended; one that ends without it has failed."""

    def __init__(
        self,
        store: Store,
        kind: str,
        engine: str = "local",
        also: Sequence[str] = (),
        seconds: float = 300.0,
        asked: Asked | None = None,
        audited: bool = False,
    ) -> None:
        self.id = new_run_id()
        self.leases: list[Lease] = []
        """Those to be renewed while it goes on: ``run <id>``, and those it was asked to take."""
        self._store = store
        if asked is not None and _part_of.get():
            asked = replace(asked, part_of=_part_of.get())
        before = _wish.get()
        if asked is not None and before:
            asked = replace(asked, follows=before[-1])
        self._asked = {} if asked is None else {"asked": asdict(asked)}
        self._ended = False
        with store.transaction() as connection:
            _close_abandoned(connection)
            for name in (*also, f"run {self.id}"):
                self.leases.append(acquire(connection, name, seconds=seconds))
            row = {"id": self.id, "kind": kind, "engine": engine, "status": "running", "flow_run": _flow_run.get()}
            row["started_by"] = (asked.by or None) if asked is not None else None
            now = now_us()
            connection.execute(_START, {**row, "started_at": now, "summary": json.dumps(self._asked)})
            if asked is not None and asked.systems:
                named = [{"run_id": self.id, "system": name} for name in dict.fromkeys(asked.systems)]
                connection.execute(_TO_WORK_ON, named)
            if asked is not None and asked.because == "schedule":
                begun = [(name, now) for name in sorted({"", *asked.systems})]
                bulk.upsert(connection, scheduled, ("system", "started_at"), begun, ("system",))
            if asked is not None and audited:
                audit.append(connection, asked.by, audit.RUN_STARTED, _as_told(self.id, kind, asked))
        if before is not None:
            before.append(self.id)
        told = _announce.get()
        if told is not None:
            told(self.id)

    def tell(self, summary: dict[str, Any]) -> None:
        """Say what is known of it before it ends (JSON), for whoever looks meanwhile; raises ``StoreError``."""
        told = json.dumps({**summary, **self._asked}, ensure_ascii=False)
        with self._store.transaction() as connection:
            connection.execute(update(run_table).where(run_table.c.id == self.id).values(summary=told))

    def finish(
        self, status: str, summary: dict[str, Any] | None = None, calls: Mapping[str, int] | None = None
    ) -> None:
        """Close it as ``done``, ``partial``, ``failed`` or ``interrupted``, and give its leases back.

        ``summary`` must be JSON; ``calls`` are those, by system, that ``calls_made`` does not know yet. Its
        streams whose end could not be noted become ``interrupted``: they may have changed something. Raises
        ``StoreError``.
        """
        self._ended = True
        try:
            with self._store.transaction() as connection:
                connection.execute(_LEAVE, {"run": self.id, "now": now_us()})
                told = json.dumps({**(summary or {}), **self._asked}, ensure_ascii=False)
                connection.execute(_FINISH, {"run": self.id, "how": status, "now": now_us(), "told": told})
                calls_made.note(connection, calls or {})
                self._release(connection)
        except StoreError:
            with self._store.transaction() as connection:  # nobody waits for what is over, even if it cannot be noted
                self._release(connection)
            raise

    def _release(self, connection: Connection) -> None:
        for held in self.leases:
            held.release(connection)

    def fail(self) -> None:
        """Close it as failed, unless it has ended."""
        if not self._ended:
            self.finish("failed")


def _as_told(id: str, kind: str, asked: Asked) -> dict[str, Any]:
    """What the audit says of a run that somebody started."""
    since = {} if asked.since is None else {"since": from_us(asked.since).isoformat()}
    return {"run": id, "kind": doing(kind, asked), "because": asked.because, "systems": list(asked.systems), **since}


@contextmanager
def running(
    store: Store,
    kind: str,
    engine: str = "local",
    also: Sequence[str] = (),
    seconds: float = 300.0,
    asked: Asked | None = None,
    audited: bool = False,
) -> Iterator[Running]:
    """Open a run (``sync``, ``fetch``, ``pull``, ``reconcile``, ``push``, ``sweep``, ``replay``, ``close``).

    For the block it holds the lease ``run <id>`` and those named in ``also``, for ``seconds`` at a time. Runs that were
    abandoned are closed first. ``audited``: the audit says who started it. Raises ``LeaseHeld``, ``StoreError``.
    """
    run = Running(store, kind, engine, also, seconds, asked, audited)
    try:
        yield run
    finally:
        run.fail()


def start_stream(connection: Connection, run_id: str, system: str, stream: str, direction: str) -> None:
    """Note that a run begins with a stream.

    ``direction`` is ``fetch``, ``pull``, ``push``, ``create``, ``sweep`` or ``replay``.
    """
    row = (run_id, system, stream, direction, "running", now_us(), None, "{}", None, None, None)
    columns = (*_STREAM_KEYS, "status", "started_at", "ended_at", "counts", "error_kind", "message", "remedy")
    bulk.upsert(connection, stream_run, columns, [row], _STREAM_KEYS)


def finish_stream(
    connection: Connection,
    run_id: str,
    system: str,
    stream: str,
    direction: str,
    *,
    status: str,
    counts: dict[str, int],
    error: tuple[str, str, str] | None = None,
) -> None:
    """Note what became of a stream: ``done``, ``failed`` or ``interrupted``; ``error`` is kind, message, remedy."""
    kind, message, remedy = error or (None, None, None)
    row = (run_id, system, stream, direction, status, now_us(), json.dumps(counts), kind, message, remedy)
    columns = (*_STREAM_KEYS, "status", "ended_at", "counts", "error_kind", "message", "remedy")
    bulk.update(connection, stream_run, columns, [row], _STREAM_KEYS)


def close_abandoned(store: Store) -> list[str]:
    """Note as ``interrupted`` the runs that killed processes left ``running``, with their streams; returns their ids.

    A run is alive while somebody holds the lease ``run <id>``.
    """
    with store.reading() as connection:
        if not any(_left(connection, now_us())):
            return []
    with store.transaction() as connection:
        return _close_abandoned(connection)


def _close_abandoned(connection: Connection) -> list[str]:
    now = now_us()
    dead, leases = _left(connection, now)
    if not dead and not leases:
        return []
    connection.execute(_END_LEASES, {"now": now, "leases": [f"run {run_id}" for run_id in dead]})
    for statement in _INTERRUPT:
        connection.execute(statement, {"now": now, "runs": dead})
    return dead


def _left(connection: Connection, now: int) -> tuple[list[str], bool]:
    """The runs that nobody works on any more, and whether leases of runs are left over."""
    found = connection.execute(_RUNNING_OR_LEFT_OVER, {"now": now}).all()
    return _abandoned(connection, [row.id for row in found if row.runs], now), not all(row.runs for row in found)


def _abandoned(connection: Connection, running: Sequence[str], now: int) -> list[str]:
    if not running:
        return []
    leases = connection.execute(_LEASES, {"leases": [f"run {item}" for item in running]})
    held = {row.name for row in leases if row.expires_at > now and not is_dead(row.owner)}
    return [item for item in running if f"run {item}" not in held]


class LeaseHeld(StoreError):
    """Somebody else works on it now."""

    kind = "busy"


@dataclass(frozen=True, slots=True)
class Lease:
    """A right to work on ``name``, until it ends or is not renewed in time.

    ``token`` grows with every lease that is given out. What is written under a lease carries it, and the database
    refuses a token lower than the one that is there: a worker that hung and wakes after a takeover commits nothing.
    """

    name: str
    owner: str
    seconds: float
    token: int

    def renew(self, connection: Connection) -> None:
        """Prolong it within the transaction that relies on it; raises ``LeaseHeld`` if somebody took it over."""
        until = now_us() + int(self.seconds * 1_000_000)
        if connection.execute(_RENEW, {**self._mine(), "until": until}).rowcount != 1:
            raise taken_over(self.name)

    def release(self, connection: Connection) -> None:
        """Give it back."""
        connection.execute(_RELEASE, self._mine())

    def _mine(self) -> dict[str, Any]:
        return {"my_name": self.name, "my_owner": self.owner, "my_token": self.token}


def taken_over(name: str) -> LeaseHeld:
    """The error of a worker that comes too late."""
    return LeaseHeld(f"Another process took over {name}.", "Nothing is lost; let that one finish.")


@contextmanager
def lease(store: Store, name: str, owner: str | None = None, seconds: float = 300.0) -> Iterator[Lease]:
    """Hold ``name`` for the block; raises ``LeaseHeld`` if another live process has it.

    ``owner`` is this process unless given. A lease whose process has died on this machine is taken over at once, one
    of another machine when its time is up.
    """
    with store.transaction() as connection:
        held = acquire(connection, name, owner, seconds)
    try:
        yield held
    finally:
        with store.transaction() as connection:
            held.release(connection)


def acquire(connection: Connection, name: str, owner: str | None = None, seconds: float = 300.0) -> Lease:
    """Take the lease within a transaction; raises ``LeaseHeld``."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext(%s))", (f"ltc lease {name}",))
    mine = owner or f"{this_process()}/{secrets.token_hex(4)}"
    now = now_us()
    row = (name, mine, now + int(seconds * 1_000_000), _next_token(connection))
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    if connection.exec_driver_sql(_TAKE_FREE.replace("?", mark), row).rowcount != 1:
        _refuse_if_held(connection, name, mine, now)
        bulk.upsert(connection, lease_table, ("name", "owner", "expires_at", "token"), [row], ("name",))
    return Lease(name, mine, seconds, row[-1])


def _refuse_if_held(connection: Connection, name: str, mine: str, now: int) -> None:
    """Raise ``LeaseHeld`` unless the lease is ours already, or its time is up, or its process has died."""
    held = connection.execute(_HOLDER, {"lease": name}).first()
    if held is not None and held.owner != mine and held.expires_at > now and not is_dead(held.owner):
        raise LeaseHeld(
            f"{name[:1].upper()}{name[1:]} is being worked on by another process ({held.owner.partition('/')[0]}).",
            f"Wait for it to finish, at the latest {from_us(held.expires_at):%Y-%m-%d %H:%M:%S} UTC.",
        )


def _next_token(connection: Connection) -> int:
    """A number higher than every one given out before, in this store."""
    sql = (
        "INSERT INTO counter (name, value) VALUES ('lease', 1) "
        "ON CONFLICT (name) DO UPDATE SET value = counter.value + 1 RETURNING value"
    )
    return int(connection.exec_driver_sql(sql).scalar_one())


def this_process() -> str:
    """This process on this machine, as leases name it: host, process id and its start."""
    return process(os.getpid())


def process(pid: int) -> str:
    """A process of this machine, as leases name it; never the same as that of a later process with this id."""
    return f"{socket.gethostname()}:{pid}:{_started(pid)}"


def _started(pid: int) -> str:
    """When a process started (the kernel's ticks); empty where the system does not say."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def is_dead(owner: str) -> bool:
    """Whether a process, as leases name it, has ended; False for one of another machine, of which we cannot know."""
    host, _, rest = owner.partition("/")[0].partition(":")
    pid, _, started = rest.partition(":")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return _started(int(pid)) != started
