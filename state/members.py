"""Who may use the workbench: members with their roles, one-time links to set a password, and sessions.

Of links and sessions only digests are kept: whoever reads the database cannot sign in with what is there.
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
from unicodedata import normalize

from sqlalchemy import delete, or_, select, update
from sqlalchemy.engine import Connection

from state import audit, bulk
from state.clock import now_us
from state.decisions import DecisionError
from state.schema import api_token as api_tokens
from state.schema import invitation as invitations
from state.schema import member as table
from state.schema import web_session as sessions

_SECOND = 1_000_000
INVITED_SECONDS = 24 * 3600
"""So long a one-time link is good."""
IDLE_SECONDS = 8 * 3600
"""A session ends when it was not used for so long,"""
LONGEST_SECONDS = 24 * 3600
"""and in any case after so long."""
UNSEEN_SECONDS = 30 * 86_400
"""So long what a member of the provider left here works without another sign-in."""
_SEEN_SECONDS = 300
"""Use of a session is noted at most this often."""
FREE_FAILURES = 5
"""So many wrong passwords in a row cost nothing; each further one costs twice the wait of the one before,"""
_FIRST_WAIT_SECONDS = 30
_LONGEST_WAIT_SECONDS = 900
"""but never more than this, so that nobody can lock a colleague out for long."""
_OURS = "ltc"
"""Who did it in the audit when nobody did."""
_NAME = re.compile(r"[\w][\w.@+-]{0,79}")
_COLUMNS = ("name", "roles", "systems", "active", "created_at", "failures")

ACTIONS = (
    *("member invited", "member changed", "member deactivated", "member signed in", "member locked out"),
    *("member set a password", "member joined", "member bound", "member unbound", "member readmitted"),
    "member turned away",
)
"""What the audit says of members. The reconciliation depends on none of it."""


class Role(StrEnum):
    """What somebody is in the company; each may do what ``console.web.access`` says."""

    VIEWER = "viewer"
    FINANCE = "finance"
    APPROVER = "approver"
    OPERATOR = "operator"
    ADMIN = "admin"


class MemberError(DecisionError):
    """Something that cannot be done with a member."""


@dataclass(frozen=True, slots=True)
class Member:
    """One person; instants are microseconds."""

    name: str
    roles: frozenset[Role]
    systems: frozenset[str] | None
    """The only systems whose rows this person sees and acts on; ``None``: all."""
    locale: str | None
    active: bool
    has_password: bool
    provider: str | None
    """The issuer that vouches for this person; ``None`` for one who has a password of ours."""
    locked_until: int | None
    signed_in_at: int | None

    @property
    def is_unseen(self) -> bool:
        """Whether a provider has not vouched for this person for so long that they may have left the company."""
        seen = self.signed_in_at or 0
        return self.provider is not None and seen < now_us() - UNSEEN_SECONDS * _SECOND

    def may_touch(self, system: str) -> bool:
        """Whether what belongs to one system is this person's concern; which roles it takes is another question."""
        return self.systems is None or system in self.systems


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in; ``csrf`` is what the forms of this session carry.

    ``provider`` is the issuer that vouched for them when the session began; ``None`` after a password.
    """

    member: Member
    csrf: str
    provider: str | None


def listing(connection: Connection) -> list[Member]:
    """All of them, by name."""
    return [_member(row) for row in connection.execute(select(table).order_by(table.c.name))]


def find(connection: Connection, name: str) -> Member:
    """The member of this name; raises ``MemberError``."""
    row = _row(connection, name)
    if row is None:
        raise MemberError(f"There is no member {name!r}.", "`ltc members list` shows them.", "unknown")
    return _member(row)


def invite(
    connection: Connection, name: str, roles: Iterable[Role], actor: str, systems: Iterable[str] | None = None
) -> str:
    """Give somebody a one-time link to set a password, and these roles; returns its token, which is kept nowhere.

    A member that exists keeps what it has if ``roles`` is empty, or ``systems`` is ``None``, and its old password until
    there is a new one; a link that was given before is not good any more. ``systems`` limits them to these. Raises
    ``MemberError``.
    """
    called, wanted, limit = called_by(name), frozenset(roles), _limit(systems)
    audit.take_turn(connection)  # two may invite the same person
    row = _row(connection, called)
    if row is None:
        if not wanted:
            remedy = f"Give one: `ltc members invite {called} --role finance`."
            raise MemberError(f"{called} has no role yet.", remedy, "no_role")
        bulk.insert(connection, table, _COLUMNS, [(called, kept(wanted), limit, 1, now_us(), 0)])
    else:
        found = _member(row)
        _keep_from_provider(found)
        if wanted and found.active and Role.ADMIN not in wanted:
            _keep_an_admin(connection, found)
        given = kept(wanted or found.roles)
        _set(connection, called, active=1, roles=given, systems=row.systems if limit is None else limit)
    token = secrets.token_urlsafe(32)
    connection.execute(delete(invitations).where(invitations.c.member == called))
    expires = now_us() + INVITED_SECONDS * _SECOND
    bulk.insert(connection, invitations, ("digest", "member", "expires_at"), [(_digest(token), called, expires)])
    audit.append(connection, actor, "member invited", _told(find(connection, called)))
    return token


def invited(connection: Connection, token: str) -> Member | None:
    """Whom a one-time link is for; ``None`` if it was used, is too old, or never was."""
    query = select(invitations.c.member).where(
        invitations.c.digest == _digest(token), invitations.c.expires_at > now_us()
    )
    name = connection.execute(query).scalar()
    found = find(connection, name) if name else None
    return found if found and found.active else None


def accept(connection: Connection, token: str, password: str) -> Member | None:
    """Keep the (hashed) password of whoever has this link; the link and all sessions of the member end."""
    found = invited(connection, token)
    if found is None:
        return None
    _set(connection, found.name, password=password, failures=0, locked_until=None)
    connection.execute(delete(invitations).where(invitations.c.member == found.name))
    connection.execute(delete(sessions).where(sessions.c.member == found.name))
    audit.append(connection, found.name, "member set a password", {"member": found.name})
    return found


def rehash(connection: Connection, name: str, password: str) -> None:
    """Keep another hash of the same password."""
    _set(connection, name, password=password)


def set_roles(connection: Connection, name: str, roles: Iterable[Role], actor: str) -> Member:
    """Give a member exactly these roles, at once; the last admin stays one. Raises ``MemberError``."""
    found, wanted = find(connection, name), frozenset(roles)
    _keep_from_provider(found)
    if not wanted:
        raise MemberError(
            f"{found.name} needs a role.", "To take all access away: `ltc members deactivate`.", "no_role"
        )
    if Role.ADMIN not in wanted:
        _keep_an_admin(connection, found)
    _set(connection, found.name, roles=kept(wanted))
    return changed(connection, found, actor)


def set_systems(connection: Connection, name: str, systems: Iterable[str] | None, actor: str) -> Member:
    """Limit a member to what belongs to these systems, at once; ``None``: to nothing. Raises ``MemberError``."""
    found = find(connection, name)
    _set(connection, found.name, systems=_limit(systems))
    return changed(connection, found, actor)


def deactivate(connection: Connection, name: str, actor: str) -> Member:
    """Take all access away at once; the name stays in histories. Raises ``MemberError``."""
    found = find(connection, name)
    _keep_an_admin(connection, found)
    _set(connection, found.name, active=0, password=None)
    for ended in (sessions, invitations, api_tokens):
        connection.execute(delete(ended).where(ended.c.member == found.name))
    audit.append(connection, actor, "member deactivated", {"member": found.name})
    return find(connection, found.name)


def set_locale(connection: Connection, name: str, locale: str) -> None:
    """Remember a member's language."""
    _set(connection, name, locale=locale)


def password_of(connection: Connection, name: str) -> tuple[Member | None, str | None]:
    """A member that may sign in now, with the hash to verify; ``(None, None)`` for anybody else."""
    try:
        row = _row(connection, called_by(name))
    except MemberError:
        return None, None
    if row is None or not row.active or row.password is None or (row.locked_until or 0) > now_us():
        return None, None
    return _member(row), row.password


def failed(connection: Connection, name: str) -> None:
    """Note a wrong password."""
    row = _row(connection, name)
    if row is None:
        return
    failures = row.failures + 1
    wait = 0
    if failures >= FREE_FAILURES:
        wait = min(_FIRST_WAIT_SECONDS * 2 ** min(failures - FREE_FAILURES, 10), _LONGEST_WAIT_SECONDS)
        audit.append(connection, "ltc", "member locked out", {"member": name, "failures": failures, "seconds": wait})
    _set(connection, name, failures=failures, locked_until=now_us() + wait * _SECOND if wait else None)


def sign_in(connection: Connection, name: str, provider: str | None = None) -> str:
    """Open a session and return its token, which is kept nowhere; ``provider``: the issuer that vouched for them."""
    now = now_us()
    idle, longest = now - IDLE_SECONDS * _SECOND, now - LONGEST_SECONDS * _SECOND
    connection.execute(delete(sessions).where(or_(sessions.c.seen_at < idle, sessions.c.began_at < longest)))
    _set(connection, name, failures=0, locked_until=None, signed_in_at=now)
    token = secrets.token_urlsafe(32)
    row = (_digest(token), name, provider, secrets.token_urlsafe(32), now, now)
    bulk.insert(connection, sessions, ("digest", "member", "provider", "csrf", "began_at", "seen_at"), [row])
    vouched = {"provider": provider} if provider else {}
    audit.append(connection, name, "member signed in", {**_told(find(connection, name)), **vouched})
    return token


def session(connection: Connection, token: str) -> tuple[Session | None, bool]:
    """Whose session a token is, and whether its use is to be noted (``seen``)."""
    now = now_us()
    row = connection.execute(select(sessions).where(sessions.c.digest == _digest(token))).first()
    if row is None or row.seen_at < now - IDLE_SECONDS * _SECOND or row.began_at < now - LONGEST_SECONDS * _SECOND:
        return None, False
    found = find(connection, row.member)
    return (
        Session(found, row.csrf, row.provider) if found.active else None
    ), row.seen_at < now - _SEEN_SECONDS * _SECOND


def seen(connection: Connection, token: str) -> None:
    """Note that a session was used."""
    connection.execute(update(sessions).where(sessions.c.digest == _digest(token)).values(seen_at=now_us()))


def sign_out(connection: Connection, token: str) -> None:
    """End a session."""
    connection.execute(delete(sessions).where(sessions.c.digest == _digest(token)))


def _keep_an_admin(connection: Connection, leaving: Member) -> None:
    # Held until the end, so that two admins who take the role from each other at once do not both succeed.
    connection.execute(select(table.c.name).where(table.c.active == 1).order_by(table.c.name).with_for_update())
    if Role.ADMIN in leaving.roles and not any(
        Role.ADMIN in other.roles for other in listing(connection) if other.active and other.name != leaving.name
    ):
        raise MemberError(f"{leaving.name} is the only admin.", "Make somebody else one first.", "only_admin")


def called_by(name: str) -> str:
    """A member's name as it is kept: without differences that nobody sees. Raises ``MemberError``."""
    called = normalize("NFKC", name).strip().casefold()
    if not _NAME.fullmatch(called) or called == _OURS:
        remedy = "Use letters, digits and . @ + - _, such as wang.min or li@acme.cn."
        raise MemberError(f"{name!r} cannot be a member's name.", remedy, "name")
    return called


def _keep_from_provider(found: Member) -> None:
    if found.provider is not None:
        raise MemberError(
            f"{found.name} signs in through {found.provider}, which decides what they are.",
            "Change it there; it holds from the next sign-in.",
            "provider",
        )


def changed(connection: Connection, before: Member, actor: str) -> Member:
    """Put into the audit what a member was ``before`` and is now; returns the member."""
    now = find(connection, before.name)
    was = {f"{name} before": value for name, value in _told(before).items() if name != "member"}
    audit.append(connection, actor, "member changed", {**_told(now), **was})
    return now


def _told(member: Member) -> dict[str, Any]:
    """For the audit."""
    systems = None if member.systems is None else sorted(member.systems)
    return {"member": member.name, "roles": sorted(member.roles), "systems": systems or "all"}


def _limit(systems: Iterable[str] | None) -> str | None:
    if systems is None:
        return None
    named = sorted(set(systems))
    if not named:
        raise MemberError("No system was named.", "Name at least one, or give all of them.", "no_system")
    return json.dumps(named)


def _row(connection: Connection, name: str) -> Any:
    return connection.execute(select(table).where(table.c.name == normalize("NFKC", name).strip().casefold())).first()


def _set(connection: Connection, name: str, **values: Any) -> None:
    connection.execute(update(table).where(table.c.name == name).values(**values))


def kept(roles: Iterable[Role]) -> str:
    """Roles as a row holds them."""
    return json.dumps(sorted(roles))


def _member(row: Any) -> Member:
    roles = frozenset(Role(name) for name in json.loads(row.roles))
    return Member(
        name=row.name,
        roles=roles,
        systems=None if row.systems is None else frozenset(json.loads(row.systems)),
        locale=row.locale,
        active=bool(row.active),
        has_password=row.password is not None,
        provider=row.issuer,
        locked_until=row.locked_until,
        signed_in_at=row.signed_in_at,
    )


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
