"""Asking for a waiver: what the page and the API check before it is noted."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from reconciliation.rules import Rules
from state import handling
from state.findings import FindingError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from settings.model import Settings
    from state.findings import Finding


def ask(connection: Connection, settings: Settings, id: str, reason: str, until: date, actor: str) -> Finding:
    """Ask that a finding be accepted until a day, which must not have passed; raises ``FindingError``."""
    rules = Rules.of(settings)
    if until < rules.today:
        raise FindingError("That day has passed.", "Name the last day on which it is accepted.", "day_passed")
    return handling.ask_waiver(connection, id, reason, until, actor, at=rules.fixed_at)


def ask_once(
    connection: Connection, settings: Settings, id: str, reason: str, until: date, actor: str, waits: str
) -> Finding:
    """The same, unless somebody has asked already: then ``FindingError`` with the sentence ``waits``."""
    if handling.asked_waiver(connection, id) is not None:
        raise FindingError(waits)
    return ask(connection, settings, id, reason, until, actor)
