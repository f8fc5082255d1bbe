"""Filters of findings that members keep under a name: their own, shared with everybody, one as what opens first."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.engine import Connection

from state import audit
from state.schema import default_view as defaults
from state.schema import saved_view as table

LONGEST_NAME = 60
MOST = 50
"""Views of one member."""
_LONGEST_QUERY = 2_000
_ID = re.compile(r"[0-9a-f]{16}")

ACTIONS = ("view saved", "view changed", "view deleted")
"""What the audit says of views. The reconciliation depends on none of it."""


class ViewError(Exception):
    """Something that cannot be done with a view; ``reason`` is ``name``, ``taken``, ``many`` or ``gone``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class View:
    """One view; ``query`` is that of the page's address, ``member`` who made it."""

    id: str
    member: str
    name: str
    query: str
    shared: bool


def listing(connection: Connection, member: str) -> list[View]:
    """A member's own views, then those that others share, by name."""
    query = select(table).where(or_(table.c.member == member, table.c.shared == 1))
    found = [_view(row) for row in connection.execute(query)]
    return sorted(found, key=lambda view: (view.member != member, view.name.casefold(), view.id))


def save(connection: Connection, member: str, name: str, query: str, *, shared: bool) -> View:
    """Keep a view, in place of the member's own one of this name. Raises ``ViewError``."""
    called = _called(name)
    if len(query) > _LONGEST_QUERY:
        raise ViewError("name")
    own = table.c.member == member
    known = connection.execute(select(table).where(own, table.c.name == called)).first()
    if known is None:
        count = connection.execute(select(func.count()).select_from(table).where(own)).scalar_one()
        if count >= MOST:
            raise ViewError("many")
        id = secrets.token_hex(8)
        row = {"id": id, "member": member, "name": called, "query": query, "shared": int(shared)}
        connection.execute(table.insert().values(row))
    else:
        id = known.id
        connection.execute(update(table).where(table.c.id == id).values(query=query, shared=int(shared)))
    _note(connection, member, "view saved", id, called, shared)
    return View(id, member, called, query, shared)


def change(connection: Connection, id: str, actor: str, name: str, *, shared: bool, admin: bool) -> View:
    """Give a view another name, share it or keep it to oneself; only who made it, or an admin a shared one.

    Raises ``ViewError``.
    """
    found, called = _own(connection, id, actor, admin), _called(name)
    taken = and_(table.c.member == found.member, table.c.name == called, table.c.id != id)
    if connection.execute(select(table.c.id).where(taken)).first():
        raise ViewError("taken")
    connection.execute(update(table).where(table.c.id == id).values(name=called, shared=int(shared)))
    if not shared:
        connection.execute(delete(defaults).where(defaults.c.view_id == id, defaults.c.member != found.member))
    _note(connection, actor, "view changed", id, called, shared)
    return View(id, found.member, called, found.query, shared)


def remove(connection: Connection, id: str, actor: str, *, admin: bool) -> None:
    """Take a view away; only who made it, or an admin a shared one. Raises ``ViewError``."""
    found = _own(connection, id, actor, admin)
    connection.execute(delete(table).where(table.c.id == id))
    connection.execute(delete(defaults).where(defaults.c.view_id == id))
    _note(connection, actor, "view deleted", id, found.name, found.shared)


def open_first(connection: Connection, member: str, id: str | None) -> None:
    """Let the findings open with a view that the member sees, or with none. Raises ``ViewError``."""
    if id is not None:
        _seen(connection, id, member)
    connection.execute(delete(defaults).where(defaults.c.member == member))
    if id is not None:
        connection.execute(defaults.insert().values(member=member, view_id=id))


def first(connection: Connection, member: str) -> View | None:
    """The view with which the findings open for a member."""
    chosen = and_(defaults.c.member == member, defaults.c.view_id == table.c.id)
    row = connection.execute(select(table).where(chosen, or_(table.c.member == member, table.c.shared == 1))).first()
    return None if row is None else _view(row)


def _seen(connection: Connection, id: str, member: str) -> View:
    row = connection.execute(select(table).where(table.c.id == id)).first() if _ID.fullmatch(id) else None
    if row is None or not (row.member == member or row.shared):
        raise ViewError("gone")
    return _view(row)


def _own(connection: Connection, id: str, actor: str, admin: bool) -> View:
    found = _seen(connection, id, actor)
    if found.member != actor and not admin:
        raise ViewError("gone")
    return found


def _called(name: str) -> str:
    called = " ".join(name.split())
    if not called or len(called) > LONGEST_NAME or not called.isprintable():
        raise ViewError("name")
    return called


def _note(connection: Connection, actor: str, action: str, id: str, name: str, shared: bool) -> None:
    audit.append(connection, actor, action, {"view": id, "name": name, "shared": shared})


def _view(row: Any) -> View:
    return View(row.id, row.member, row.name, row.query, bool(row.shared))
