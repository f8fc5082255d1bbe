"""People who were sent to the identity provider: each comes back once, soon, and in the browser that was sent."""

from __future__ import annotations

from hashlib import sha256

from sqlalchemy import delete, select
from sqlalchemy.engine import Connection

from state import bulk
from state.clock import now_us
from state.schema import provider_visit as table

SECONDS = 600
"""So long somebody may take at the provider."""


def begin(connection: Connection, state: str, secret: str, onwards: str) -> None:
    """Remember whom to expect: with this state, and the secret that their browser keeps. ``onwards``: where they go on.

    Of both only digests are kept.
    """
    now = now_us()
    connection.execute(delete(table).where(table.c.expires_at <= now))
    row = (_digest(state), _digest(secret), onwards, now + SECONDS * 1_000_000)
    bulk.insert(connection, table, ("digest", "browser", "onwards", "expires_at"), [row])


def finish(connection: Connection, state: str, secret: str) -> str | None:
    """Where somebody goes on who is expected, the first time only; ``None`` for everybody else."""
    expected = (table.c.digest == _digest(state), table.c.browser == _digest(secret), table.c.expires_at > now_us())
    onwards: str | None = connection.execute(select(table.c.onwards).where(*expected)).scalar()
    # Of two that come at once, one removes the row.
    gone = connection.execute(delete(table).where(*expected)).rowcount
    return onwards if gone else None


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
