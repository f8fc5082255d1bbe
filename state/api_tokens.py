"""Tokens with which programs use the REST API for a member: scopes, an end, and a digest in place of the token.

A token is ``ltc_``, 40 letters and digits drawn at random (238 bits) and six of their CRC-32, so that who scans texts
for secrets finds it, and tells it from what only looks like one, without asking us.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any
from zlib import crc32

from sqlalchemy import delete, func, select, update
from sqlalchemy.engine import Connection

from state import audit, bulk, members
from state.clock import now_us
from state.members import Member, MemberError
from state.schema import api_token as table

DAYS = 90
"""So long a token is good unless something else was said."""
LONGEST_DAYS = 366
LONGEST_NAME = 80
MOST = 20
"""Tokens that one member may have at a time."""
PATTERN = re.compile(r"ltc_[0-9A-Za-z]{46}")
"""What every token looks like, for those who scan for secrets."""

ACTIONS = ("api token created", "api token revoked")
"""What the audit says of tokens. The reconciliation depends on none of it."""

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_SEEN_SECONDS = 300
"""Use is noted at most this often."""
_SHOWN_AFTER = 30 * _DAY
"""So long a token that has ended is still listed."""
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_DRAWN = 40
_COLUMNS = ("id", "digest", "member", "name", "scopes", "created_at", "expires_at", "seen_at")


class Scope(StrEnum):
    """What a token may do at most; what its member may not do, it may not either.

    None of them approves anything: that two people have looked at it is something that a program cannot promise.
    """

    READ = "read"
    DECIDE = "decide"
    OPERATE = "operate"


@dataclass(frozen=True, slots=True)
class ApiToken:
    """One token, without the token; instants in microseconds."""

    id: str
    member: str
    name: str
    scopes: frozenset[Scope]
    created_at: int
    expires_at: int
    seen_at: int | None

    @property
    def has_ended(self) -> bool:
        """Whether its time is over."""
        return self.expires_at <= now_us()


def create(
    connection: Connection, member: str, name: str, scopes: Iterable[Scope], actor: str, days: int = DAYS
) -> tuple[ApiToken, str]:
    """Make a token for a member; returns it with its text, which is kept nowhere. Every token may read.

    Raises ``MemberError``.
    """
    found, called = members.find(connection, member), " ".join(name.split())
    if not found.active:
        raise MemberError(f"{found.name} has no access.", f"Invite them again: `ltc members invite {found.name}`.")
    if not called.isprintable() or not 0 < len(called) <= LONGEST_NAME:
        raise MemberError(f"A token needs a name of at most {LONGEST_NAME} characters.", "Say what it is for.")
    if not 0 < days <= LONGEST_DAYS:
        raise MemberError(f"A token is good for 1 to {LONGEST_DAYS} days.", "Make another one when it ends.")
    now = now_us()
    connection.execute(delete(table).where(table.c.expires_at <= now - _SHOWN_AFTER))
    count = select(func.count()).where(table.c.member == found.name, table.c.expires_at > now)
    if connection.execute(count).scalar_one() >= MOST:
        raise MemberError(f"{found.name} has {MOST} tokens already.", "Revoke one that is not needed any more.")
    drawn = "".join(secrets.choice(_DIGITS) for _ in range(_DRAWN))
    text = f"ltc_{drawn}{_check(drawn)}"
    made = ApiToken(
        id=secrets.token_hex(6),
        member=found.name,
        name=called,
        scopes=frozenset({Scope.READ, *scopes}),
        created_at=now,
        expires_at=now + days * _DAY,
        seen_at=None,
    )
    kept = (made.id, _digest(text), made.member, called, json.dumps(sorted(made.scopes)), now, made.expires_at, None)
    bulk.insert(connection, table, _COLUMNS, [kept])
    detail = {"token": made.id, "member": made.member, "name": called, "scopes": sorted(made.scopes)}
    audit.append(connection, actor, "api token created", {**detail, "expires_at": made.expires_at})
    return made, text


def find(connection: Connection, text: str) -> tuple[ApiToken, Member, bool] | None:
    """The token with this text, its member, and whether its use is to be noted (``seen``).

    ``None`` if it has ended, was revoked, never was, or its member has no access any more, or signs in through a
    provider and has not for a month.
    """
    if not is_well_formed(text):
        return None
    row = connection.execute(select(table).where(table.c.digest == _digest(text))).first()
    if row is None or row.expires_at <= now_us():
        return None
    found = members.find(connection, row.member)
    if not found.active or found.is_unseen:
        return None
    return _token(row), found, (row.seen_at or 0) < now_us() - _SEEN_SECONDS * _SECOND


def is_well_formed(text: str) -> bool:
    """Whether it may be a token at all."""
    return PATTERN.fullmatch(text) is not None and _check(text[4 : 4 + _DRAWN]) == text[4 + _DRAWN :]


def seen(connection: Connection, id: str) -> None:
    """Note that a token was used."""
    connection.execute(update(table).where(table.c.id == id).values(seen_at=now_us()))


def listing(connection: Connection, member: str | None = None) -> list[ApiToken]:
    """All tokens, or those of a member; by member, the newest first. Some weeks after its end one is not listed."""
    query = select(table).where(table.c.expires_at > now_us() - _SHOWN_AFTER)
    if member is not None:
        query = query.where(table.c.member == member)
    rows = connection.execute(query.order_by(table.c.member, table.c.created_at.desc(), table.c.id))
    return [_token(row) for row in rows]


def revoke(connection: Connection, id: str, actor: str, member: str | None = None) -> ApiToken:
    """End a token at once; with ``member`` only one of theirs. Raises ``MemberError``."""
    query = select(table).where(table.c.id == id)
    if member is not None:
        query = query.where(table.c.member == member)
    row = connection.execute(query).first()
    if row is None:
        raise MemberError(f"There is no token {id!r}.", "`ltc tokens list` shows them.")
    connection.execute(delete(table).where(table.c.id == id))
    audit.append(connection, actor, "api token revoked", {"token": id, "member": row.member, "name": row.name})
    return _token(row)


def _token(row: Any) -> ApiToken:
    scopes = frozenset(Scope(name) for name in json.loads(row.scopes))
    return ApiToken(row.id, row.member, row.name, scopes, row.created_at, row.expires_at, row.seen_at)


def _check(drawn: str) -> str:
    """The CRC-32 of what was drawn, in six digits of base 62."""
    number, digits = crc32(drawn.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
