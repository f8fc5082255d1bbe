"""Members whom the company's identity provider vouches for: bound to its issuer and subject, in the roles it says.

A name at the provider may be changed, and given to somebody else later; ``iss`` and ``sub`` together never are (OpenID
Connect Core 1.0, 5.7). So a member is found by these alone, and no name ever leads to a member that is there already.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import delete, select, update
from sqlalchemy.engine import Connection

from state import audit, bulk, members
from state.clock import now_us
from state.members import Member, MemberError, Role
from state.schema import api_token as api_tokens
from state.schema import audit as audits
from state.schema import invitation as invitations
from state.schema import member as table
from state.schema import web_session as sessions

LONGEST_SUBJECT = 255
"""Characters, by OpenID Connect Core 1.0."""

TURNED_AWAY = "member turned away"
_LOOKED_AT = 1000
_SHOWN = 10

Refusal = Literal["", "no_role", "inactive", "name", "taken"]
"""Why somebody does not get in: no role for them, no access any more, no fit name, a name that somebody else has."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What became of somebody who came from the provider; ``name`` is what they are called here, or would be."""

    name: str
    refusal: Refusal


def arrive(connection: Connection, issuer: str, subject: str, name: str, roles: Iterable[Role]) -> Arrival:
    """Let in whoever the provider vouches for, with exactly these roles; the first time as a new member ``name``.

    Without a role nobody gets in, and whoever had some loses them. All of it is put into the audit.
    """
    wanted, found = frozenset(roles), of(connection, issuer, subject)
    if found is None:
        audit.take_turn(connection)  # they may come for the first time twice, in two windows
        found = of(connection, issuer, subject)
    if found is None:
        return _newcomer(connection, issuer, subject, name, wanted)
    if not found.active:
        return _refused(connection, issuer, subject, found.name, "inactive")
    if found.roles != wanted:
        connection.execute(update(table).where(table.c.name == found.name).values(roles=members.kept(wanted)))
        members.changed(connection, found, "ltc")
    if wanted:
        return Arrival(found.name, "")
    connection.execute(delete(sessions).where(sessions.c.member == found.name))
    return _refused(connection, issuer, subject, found.name, "no_role")


def of(connection: Connection, issuer: str, subject: str) -> Member | None:
    """The member who is bound to this person."""
    query = select(table.c.name).where(table.c.issuer == issuer, table.c.subject == subject)
    name = connection.execute(query).scalar()
    return members.find(connection, name) if name else None


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """Somebody who did not get in because their name is taken; ``at`` in microseconds."""

    subject: str
    at: int


def turned_away(connection: Connection, name: str, issuer: str) -> list[TurnedAway]:
    """Who was called like this member and is nobody here, the last first: one of them may be bound to it."""
    rows = (
        select(audits.c.at, audits.c.detail)
        .where(audits.c.action == TURNED_AWAY, audits.c.detail != "")
        .order_by(audits.c.id.desc())
        .limit(_LOOKED_AT)
    )
    found: dict[str, TurnedAway] = {}
    for at, detail in connection.execute(rows):
        said = json.loads(detail)
        if (said["member"], said["provider"], said["why"]) == (name, issuer, "taken"):
            found.setdefault(said["subject"], TurnedAway(said["subject"], at))
    return [item for item in found.values() if of(connection, issuer, item.subject) is None][:_SHOWN]


def bind(connection: Connection, name: str, issuer: str, subject: str, actor: str) -> Member:
    """Say that the person whom the provider calls ``subject`` is this member, who is made if there is none.

    Password, links, sessions and API tokens of the member end: whoever used them is not known to be that person. Roles
    come with the next sign-in. Raises ``MemberError``.
    """
    called, wanted = members.called_by(name), subject.strip()
    if not 0 < len(wanted) <= LONGEST_SUBJECT or not wanted.isprintable():
        raise MemberError(
            "That is no subject of a provider.", "The page of the member shows who was turned away.", "subject"
        )
    other = of(connection, issuer, wanted)
    if other is not None and other.name != called:
        remedy = f"First: `ltc members unbind {other.name}`."
        raise MemberError(f"This person is {other.name} already.", remedy, "bound")
    if not any(item.name == called for item in members.listing(connection)):
        _add(connection, called, issuer, wanted, frozenset())
    values = {"issuer": issuer, "subject": wanted, "password": None, "active": 1}
    return _bound(connection, called, values, actor, "member bound", issuer, wanted)


def unbind(connection: Connection, name: str, actor: str) -> Member:
    """Let nobody be this member through a provider any more; with a link they get a password. Raises ``MemberError``.

    Sessions and API tokens end; roles stay as they are.
    """
    found = members.find(connection, name)
    if found.provider is None:
        raise MemberError(f"{found.name} is bound to no provider.", why="unbound")
    values = {"issuer": None, "subject": None}
    return _bound(connection, found.name, values, actor, "member unbound", found.provider, "")


def readmit(connection: Connection, name: str, actor: str) -> Member:
    """Let a bound member in again who was deactivated. Raises ``MemberError``."""
    found = members.find(connection, name)
    if found.provider is None:
        remedy = f"Give them a link: `ltc members invite {found.name}`."
        raise MemberError(f"{found.name} needs a password.", remedy, "unbound")
    if found.active:
        raise MemberError(f"{found.name} has access.", why="active")
    connection.execute(update(table).where(table.c.name == found.name).values(active=1))
    audit.append(connection, actor, "member readmitted", {"member": found.name})
    return members.find(connection, found.name)


def _newcomer(connection: Connection, issuer: str, subject: str, name: str, roles: frozenset[Role]) -> Arrival:
    if not roles:
        return _refused(connection, issuer, subject, name, "no_role")
    try:
        called = members.called_by(".".join(name.split()))
    except MemberError:
        return _refused(connection, issuer, subject, name, "name")
    if any(item.name == called for item in members.listing(connection)):
        return _refused(connection, issuer, subject, called, "taken")
    _add(connection, called, issuer, subject, roles)
    detail = {"member": called, "roles": sorted(roles), "provider": issuer, "subject": subject}
    audit.append(connection, "ltc", "member joined", detail)
    return Arrival(called, "")


def _refused(connection: Connection, issuer: str, subject: str, name: str, why: Refusal) -> Arrival:
    detail = {"member": name[:80], "provider": issuer, "subject": subject, "why": why}
    audit.append(connection, "ltc", TURNED_AWAY, detail)
    return Arrival(name, why)


def _add(connection: Connection, name: str, issuer: str, subject: str, roles: frozenset[Role]) -> None:
    columns = ("name", "roles", "active", "created_at", "failures", "issuer", "subject")
    bulk.insert(connection, table, columns, [(name, members.kept(roles), 1, now_us(), 0, issuer, subject)])


def _bound(
    connection: Connection, name: str, values: dict[str, Any], actor: str, action: str, issuer: str, subject: str
) -> Member:
    connection.execute(update(table).where(table.c.name == name).values(values))
    for ended in (sessions, invitations, api_tokens):
        connection.execute(delete(ended).where(ended.c.member == name))
    audit.append(connection, actor, action, {"member": name, "provider": issuer, "subject": subject})
    return members.find(connection, name)
