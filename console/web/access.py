"""What each role may do in the workbench: the one table that every page is guarded by."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from state.members import Role


class Right(StrEnum):
    """Something that a page needs."""

    OPEN = "open"
    """Nothing: pages for people who are not signed in."""
    READ = "read"
    """See figures, findings and chains."""
    DECIDE = "decide"
    """Assign, explain and comment on findings."""
    APPROVE = "approve"
    """Approve or decline the waivers that others ask for."""
    OPERATE = "operate"
    """Start runs, carry out plans, take care of dead letters."""
    AUDIT = "audit"
    """See what people and runs did; who does not operate sees only what was decided, and what they did themselves."""
    ADMINISTER = "administer"
    """Invite members, change their roles and systems, change the settings."""


GRANTED: dict[Role, frozenset[Right]] = {
    Role.VIEWER: frozenset({Right.READ}),
    Role.FINANCE: frozenset({Right.READ, Right.DECIDE, Right.AUDIT}),
    Role.APPROVER: frozenset({Right.READ, Right.DECIDE, Right.APPROVE, Right.AUDIT}),
    Role.OPERATOR: frozenset({Right.READ, Right.OPERATE, Right.AUDIT}),
    Role.ADMIN: frozenset({Right.READ, Right.DECIDE, Right.OPERATE, Right.AUDIT, Right.ADMINISTER}),
}


def may(roles: Iterable[Role], right: Right) -> bool:
    """Whether one of these roles has the right."""
    return right is Right.OPEN or any(right in GRANTED[role] for role in roles)
