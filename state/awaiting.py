"""What waits for a person to decide on it: what is assigned to them, waivers, links, planned writes."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, Select, and_, exists, func, not_, select
from sqlalchemy.engine import Connection

from state.changes import STUCK, OutboxStatus, PlanStatus
from state.findings import STANDING
from state.schema import LINK_SUGGESTED, WAIVER_ASKED, creation, link, outbox
from state.schema import finding as findings
from state.schema import finding_event as events
from state.schema import plan as plans

WAIVER_ENDS = ("waived", "waiver_declined", "waiver_withdrawn", "resolved", "reopened")
"""Events after which a waiver that was asked for before does not wait any more."""


def undecided(*conditions: ColumnElement[bool]) -> Select[tuple[str]]:
    """Findings for which a waiver is asked and nobody has decided; ``conditions`` on who asks and when."""
    later = events.alias()
    ended = and_(later.c.finding_id == events.c.finding_id, later.c.id > events.c.id, later.c.event.in_(WAIVER_ENDS))
    return select(events.c.finding_id).where(WAIVER_ASKED, not_(exists(select(1).where(ended))), *conditions)


def waivers(connection: Connection, person: str) -> int:
    """Findings for which somebody else than this person asks for a waiver, and nobody has decided."""
    # not a join, which SQLite would begin with the findings
    standing = exists(select(1).where(findings.c.id == events.c.finding_id, findings.c.status.in_(STANDING)))
    asked = undecided(events.c.actor != person, standing).subquery()
    return int(connection.execute(select(func.count(asked.c.finding_id.distinct()))).scalar_one())


def assigned(connection: Connection, person: str) -> int:
    """Findings that this person takes care of and has not said anything final about."""
    query = select(func.count()).select_from(findings)
    mine = (findings.c.assignee == person, findings.c.status == "assigned")
    return int(connection.execute(query.where(*mine)).scalar_one())


def links(connection: Connection, most: int) -> int:
    """Suggested links that nobody has decided, counted until there are ``most``."""
    some = select(link.c.left_id).where(LINK_SUGGESTED).limit(most).subquery()
    return int(connection.execute(select(func.count()).select_from(some)).scalar_one())


def dead_letters(connection: Connection, systems: Collection[str]) -> int:
    """Changes of these systems, and records to create in them, that were refused or tried too often."""
    found = (
        select(func.count())
        .select_from(table)
        .where(table.c.system.in_(systems), table.c.status.in_([status.value for status in STUCK]))
        .scalar_subquery()
        for table in (outbox, creation)
    )
    return sum(connection.execute(select(*found)).one())


def writes(connection: Connection, systems: Collection[str]) -> int:
    """Writes to these systems that are planned and not begun: changes, and new records."""
    to_change = _in_plans(systems, OutboxStatus.PLANNED).scalar_subquery()
    new = (creation.c.system.in_(systems), creation.c.status == OutboxStatus.PLANNED.value)
    to_create = select(func.count()).select_from(creation).where(*new).scalar_subquery()
    return int(connection.execute(select(to_change + to_create)).scalar_one())


def unanswered(connection: Connection, systems: Collection[str]) -> int:
    """Changes in plans for these systems that were sent without an answer, and that no run is settling."""
    return int(connection.execute(_in_plans(systems, OutboxStatus.UNKNOWN)).scalar_one())


def _in_plans(systems: Collection[str], status: OutboxStatus) -> Select[tuple[int]]:
    of_plans = outbox.join(plans, plans.c.id == outbox.c.plan_id)
    waiting = (plans.c.status == PlanStatus.PLANNED.value, outbox.c.system.in_(systems))
    return select(func.count()).select_from(of_plans).where(*waiting, outbox.c.status == status.value)
