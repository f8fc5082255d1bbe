"""Who takes care of findings, as a form says it: a member, or somebody else where a tick says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from state import members

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from console.web.desk import Visit


class Assigning(NamedTuple):
    """A name, and the last day to act as it was typed; ``outside``: whoever typed it says that it is no member."""

    to: str = ""
    due: str = ""
    outside: bool = False


def read(visit: Visit, sent: dict[str, str]) -> Assigning:
    """What a form says; a member is named as they are called here, whatever the case of the letters."""
    due, outside = sent.get("due", ""), sent.get("outside") == "yes"
    if sent.get("me") == "yes":
        return Assigning(visit.member.name, due)
    to = sent.get("to", "").strip()[:200]
    with visit.desk.store.reading() as connection:
        known = called(connection, to)
    return Assigning(known or to, due, outside and known is None)


def problem(visit: Visit, given: Assigning) -> str:
    """What is wrong with it; empty if nothing is."""
    if not given.to or given.outside:
        return ""
    with visit.desk.store.reading() as connection:
        is_known = given.to in names(connection)
    return "" if is_known else visit.texts("deciding.assign.unknown", name=given.to)


def called(connection: Connection, name: str) -> str | None:
    """The member of a name, as they are called here, whatever the case of its letters.

    Where nobody is called exactly so, blanks and signs count no more than case: ``Li Wei`` is ``li.wei``, unless that
    could be two members.
    """
    known = names(connection)
    exact = [item for item in known if item.casefold() == name.casefold()]
    alike = exact or [item for item in known if _plain(item) == _plain(name) != ""]
    return alike[0] if len(alike) == 1 else None


def _plain(name: str) -> str:
    return "".join(sign for sign in name.casefold() if sign.isalnum())


def names(connection: Connection) -> list[str]:
    """The members who can take care of something."""
    return [item.name for item in members.listing(connection) if item.active]
