"""Orders that a customer may look at by a link: of the link only a digest is kept, and it ends by itself."""

from __future__ import annotations

import secrets
from hashlib import sha256

from sqlalchemy import delete, func, select
from sqlalchemy.engine import Connection

from state import audit, bulk
from state.clock import now_us
from state.schema import order_share as table

DAYS = 30
"""So long a link is good unless something else was said."""
LONGEST_DAYS = 365
_ID = 16
"""Characters of a digest by which a link is told from others."""
_DAY = 86_400 * 1_000_000

ACTIONS = ("order shared", "order no longer shared")
"""What the audit says of links. The reconciliation depends on none of it."""


def share(connection: Connection, record_id: int, actor: str, days: int = DAYS) -> str:
    """Make a link to an order; returns its token, which is kept nowhere. Links that have ended go."""
    now = now_us()
    connection.execute(delete(table).where(table.c.expires_at <= now))
    token = secrets.token_urlsafe(24)
    expires = now + max(1, min(days, LONGEST_DAYS)) * _DAY
    columns = ("digest", "record_id", "created_by", "expires_at")
    bulk.insert(connection, table, columns, [(_digest(token), record_id, actor, expires)])
    audit.append(connection, actor, "order shared", {"order": record_id, "expires_at": expires})
    return token


def shared(connection: Connection, token: str) -> int | None:
    """The record id of the order that a link shows; ``None`` if it has ended or never was."""
    query = select(table.c.record_id).where(table.c.digest == _digest(token), table.c.expires_at > now_us())
    return connection.execute(query).scalar()


def standing(connection: Connection) -> list[tuple[int, str, int, str]]:
    """The links that are good now: order, who made it, when it ends (microseconds) and its id; the first to end first.

    By the id a link can be ended, not opened.
    """
    columns = (table.c.record_id, table.c.created_by, table.c.expires_at, table.c.digest)
    query = select(*columns).where(table.c.expires_at > now_us()).order_by(table.c.expires_at)
    return [(int(row[0]), str(row[1]), int(row[2]), str(row[3])[:_ID]) for row in connection.execute(query)]


def links_to(connection: Connection, record_id: int) -> int:
    """How many links to an order are good now."""
    query = select(table.c.digest).where(table.c.record_id == record_id, table.c.expires_at > now_us())
    return len(connection.execute(query).all())


def end(connection: Connection, record_id: int, actor: str, link: str = "") -> int:
    """End all links to an order, or the one of this id; returns how many there were."""
    wanted = [table.c.record_id == record_id]
    if link:
        wanted.append(func.substr(table.c.digest, 1, _ID) == link)
    gone = connection.execute(delete(table).where(*wanted)).rowcount
    if gone:
        audit.append(connection, actor, "order no longer shared", {"order": record_id, "links": gone})
    return int(gone)


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
