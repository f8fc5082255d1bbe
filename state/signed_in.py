"""A member's own sessions and password: where they are signed in, ending that, another password."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.engine import Connection

from state import audit
from state.clock import now_us
from state.members import IDLE_SECONDS, LONGEST_SECONDS
from state.schema import member as members
from state.schema import web_session as table

ACTIONS = ("member ended sessions", "member changed their password")
"""What the audit says of this. The reconciliation depends on none of it."""
_SECOND = 1_000_000
_ID = 16


@dataclass(frozen=True, slots=True)
class SignedIn:
    """One session; ``id`` is the beginning of its digest, instants are microseconds."""

    id: str
    began_at: int
    seen_at: int


def listing(connection: Connection, member: str) -> list[SignedIn]:
    """The sessions of a member that have not ended, the one used last first."""
    now = now_us()
    chosen = (
        table.c.member == member,
        table.c.seen_at >= now - IDLE_SECONDS * _SECOND,
        table.c.began_at >= now - LONGEST_SECONDS * _SECOND,
    )
    rows = connection.execute(select(table).where(*chosen).order_by(table.c.seen_at.desc(), table.c.digest))
    return [SignedIn(row.digest[:_ID], row.began_at, row.seen_at) for row in rows]


def id_of(token: str) -> str:
    """The id of the session with this token."""
    return sha256(token.encode()).hexdigest()[:_ID]


def end(connection: Connection, member: str, id: str) -> bool:
    """End one session of a member; returns whether there was one."""
    if len(id) != _ID:
        return False
    return _end(connection, member, table.c.digest.startswith(id, autoescape=True)) > 0


def end_others(connection: Connection, member: str, id: str) -> int:
    """End all sessions of a member but one; returns how many."""
    return _end(connection, member, ~table.c.digest.startswith(id, autoescape=True))


def change_password(connection: Connection, member: str, password: str) -> None:
    """Keep another (hashed) password; all sessions end."""
    values = {"password": password, "failures": 0, "locked_until": None}
    connection.execute(update(members).where(members.c.name == member).values(values))
    connection.execute(delete(table).where(table.c.member == member))
    audit.append(connection, member, "member changed their password", {"member": member})


def _end(connection: Connection, member: str, chosen: ColumnElement[bool]) -> int:
    gone = int(connection.execute(delete(table).where(table.c.member == member, chosen)).rowcount)
    if gone:
        audit.append(connection, member, "member ended sessions", {"member": member, "sessions": gone})
    return gone
