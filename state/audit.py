"""The append-only record of what people and runs did; each row's hash covers the row and the hash before it.

The hash covers a seal of the detail (a digest of it and a random salt). So an erasure can take a detail and its salt
away and the chain holds; it must name the rows in a later row, otherwise they count as tampered with.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypedDict, Unpack

from sqlalchemy import ColumnElement, and_, bindparam, false, func, or_, select, text, update
from sqlalchemy.engine import Connection

from state.clock import now_us
from state.schema import RUN_STOPPED as _STOPPED
from state.schema import audit as table

ERASED = "person erased"
"""The action of a row that names in ``ROWS`` of its detail the rows whose details an erasure has taken away."""
ROWS = "emptied_audit_rows"
RUN_STARTED, RUN_STOPPED = "run started", "run stopped"
"""What people did with a run: ``run``, ``kind`` and, as a list, ``systems``, none for one that asks no system."""

_START = b"\0" * 32
_BATCH = 1000
_next_rows = select(table).where(table.c.id > bindparam("after")).order_by(table.c.id).limit(bindparam("count"))
_last_row = select(table.c.id, table.c.hash).order_by(table.c.id.desc()).limit(1)
_add_row = table.insert()
_NOTED_US = 60_000_000
"""How long after a run has ended a command may note that it was stopped."""
_stops = (
    select(table)
    .where(_STOPPED, table.c.at >= bindparam("since"), table.c.at <= bindparam("until"))
    .order_by(table.c.at)
    .limit(200)
)
_ONE_WRITER = text("SELECT pg_advisory_xact_lock(hashtext('ltc audit'))")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What ``verify`` found: how many rows hold, and where and why the first one does not."""

    rows: int
    broken_at: int | None = None
    problem: str = ""

    @property
    def intact(self) -> bool:
        """Whether every row is as it was written."""
        return self.broken_at is None


@dataclass(frozen=True, slots=True)
class Entry:
    """One row; ``at`` in microseconds."""

    id: int
    at: int
    actor: str
    action: str
    detail: dict[str, Any]
    """Empty if it was erased."""
    erased: bool = False


def take_turn(connection: Connection) -> None:
    """Wait until nobody else is about to append, and let nobody until the end of the caller's transaction.

    For what is looked up and then told here: what the others have committed meanwhile is seen after it.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_ONE_WRITER)  # SQLite has one writer at a time anyway


def append(connection: Connection, actor: str, action: str, detail: dict[str, Any]) -> int:
    """Add a row in the caller's transaction and return its number.

    A second writer waits until this transaction ends, so the chain cannot fork. ``detail`` must be JSON.
    """
    take_turn(connection)
    last = connection.execute(_last_row).first()
    number, before = (last.id + 1, bytes(last.hash)) if last else (1, _START)
    at, written, salt = now_us(), json.dumps(detail, sort_keys=True, ensure_ascii=False), secrets.token_bytes(16)
    seal = _seal(salt, written)
    digest = _digest(before, number, at, actor, action, seal)
    row = {"id": number, "at": at, "actor": actor, "action": action, "detail": written}
    connection.execute(_add_row, {**row, "salt": salt, "seal": seal, "hash": digest})
    return int(number)


def erase(connection: Connection, numbers: Sequence[int]) -> None:
    """Take the details of some rows away; ``append`` a row with ``ERASED`` that names them in the same transaction."""
    for start in range(0, len(numbers), _BATCH):
        some = numbers[start : start + _BATCH]
        connection.execute(update(table).where(table.c.id.in_(some)).values(detail="", salt=b""))


def verify(connection: Connection) -> Verdict:
    """Recompute the chain; finds any row that was changed, inserted or removed before the last one."""
    before, checked = _START, 0
    emptied: dict[int, None] = {}
    while rows := connection.execute(_next_rows, {"after": checked, "count": _BATCH}).all():
        for row in rows:
            if row.id != checked + 1:
                return Verdict(checked, checked + 1, f"row {checked + 1} is missing")
            is_erased = not row.detail and not row.salt
            sealed = is_erased or bytes(row.seal) == _seal(row.salt, row.detail)
            if not sealed or bytes(row.hash) != _digest(before, row.id, row.at, row.actor, row.action, row.seal):
                return Verdict(checked, row.id, f"row {row.id} was changed after it was written")
            before, checked = bytes(row.hash), row.id
            if is_erased:
                emptied[row.id] = None
            elif row.action == ERASED:
                for number in json.loads(row.detail)[ROWS]:
                    emptied.pop(number, None)
    for number in emptied:
        return Verdict(number - 1, number, f"row {number} was emptied, and no erasure says so")
    return Verdict(checked)


class Chosen(TypedDict, total=False):
    """Which rows; what is not given, or ``None``, leaves none out."""

    actor: str | None
    """Who did it, a person or a program."""
    action: str | None
    since: int | None
    """In microseconds: then or later."""
    before: int | None
    system: str | None
    """What is about that system."""
    limited: tuple[str, Collection[str]] | None
    """For a member who is limited to these systems: what is about them, and what that member did."""
    decisions: tuple[str, Collection[str]] | None
    """For a member who sees only actions that begin so, and what that member did."""


def entries(connection: Connection, *, limit: int = 50, offset: int = 0, **chosen: Unpack[Chosen]) -> list[Entry]:
    """The chosen rows, the newest first."""
    query = select(table).where(*_which(chosen)).order_by(table.c.id.desc()).limit(limit).offset(offset)
    rows = connection.execute(query)
    return [
        Entry(row.id, row.at, row.actor, row.action, json.loads(row.detail) if row.detail else {}, not row.detail)
        for row in rows
    ]


class Stop(NamedTuple):
    """Who stopped a run, and when (microseconds)."""

    actor: str
    at: int


def stopped(connection: Connection, run_id: str, since: int, until: int) -> Stop | None:
    """Who stopped a run that began and ended then (microseconds); ``None`` if nobody did, or that was erased."""
    for row in connection.execute(_stops, {"since": since, "until": until + _NOTED_US}):
        if row.detail and json.loads(row.detail).get("run") == run_id:
            return Stop(row.actor, row.at)
    return None


def count(connection: Connection, **chosen: Unpack[Chosen]) -> int:
    """How many rows are chosen."""
    return connection.execute(select(func.count()).select_from(table).where(*_which(chosen))).scalar_one()


def known(connection: Connection, **chosen: Unpack[Chosen]) -> tuple[list[str], list[str]]:
    """Who did the chosen rows, and what they did, each by name."""
    which = _which(chosen)
    actors, actions = (
        list(connection.execute(select(column).where(*which).distinct().order_by(column)).scalars())
        for column in (table.c.actor, table.c.action)
    )
    return actors, actions


def _which(chosen: Chosen) -> list[ColumnElement[bool]]:
    exact = ((table.c.actor, chosen.get("actor")), (table.c.action, chosen.get("action")))
    found = [column == value for column, value in exact if value is not None]
    since, before, system = chosen.get("since"), chosen.get("before"), chosen.get("system")
    found += [table.c.at >= since] if since is not None else []
    found += [table.c.at < before] if before is not None else []
    found += [_about(system)] if system is not None else []
    limited = chosen.get("limited")
    if limited is not None:
        found.append(or_(table.c.actor == limited[0], false(), *map(_about, limited[1])))
    decisions = chosen.get("decisions")
    if decisions is not None:
        begin = [table.c.action.startswith(start, autoescape=True) for start in decisions[1]]
        found.append(or_(table.c.actor == decisions[0], false(), *begin))
    return found


def _about(system: str) -> ColumnElement[bool]:
    """Details are JSON: a quotation mark in what a person wrote has a backslash before it, so this is the key."""
    named = json.dumps(system, ensure_ascii=False)
    one = table.c.detail.contains(f'"system": {named}', autoescape=True)
    # Keys are sorted, and nothing of a run comes after its systems.
    begin, name = (item.replace("/", "//").replace("%", "/%").replace("_", "/_") for item in ('"systems": [', named))
    several = table.c.detail.like(f"%{begin}%{name}%", escape="/")
    return or_(one, and_(table.c.action.in_((RUN_STARTED, RUN_STOPPED)), several))


def _seal(salt: bytes, detail: str) -> bytes:
    return hashlib.blake2b(bytes(salt) + detail.encode(), digest_size=32).digest()


def _digest(before: bytes, number: int, at: int, actor: str, action: str, seal: bytes) -> bytes:
    content = json.dumps([number, at, actor, action, bytes(seal).hex()], ensure_ascii=False).encode()
    return hashlib.blake2b(before + content, digest_size=32).digest()
