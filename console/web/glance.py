"""How the systems stand in a line for the overview: which need a look, or that all of them are up to date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console import freshness
from console.web.access import Right, may
from state import circuits, members, pauses, quarantine, queries, restore, system_facts
from state.clock import from_us, now_us

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from console.web.desk import Visit
    from settings.model import Settings
    from state.circuits import Circuit
    from state.pauses import Pauses
    from state.queries import Attempt, StreamStatus


_MATTERS = ("restored", "failed", "interrupted", "late", "due", "never", "unwritten", "resting", "paused")
"""In the order in which they are told."""
_NAMED = 3
"""People who are named, at most."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """As much of ``freshness.Found`` as states are told from; records are not counted, which takes long."""

    streams: list[StreamStatus]
    failing: list[Attempt]
    paused: Pauses
    circuits: dict[str, Circuit]
    scheduled: dict[str, int]
    unread: set[str]
    """Systems of which not everything has been read since the store was restored from a backup."""


@dataclass(frozen=True, slots=True)
class Glance:
    """The systems that need a look, by what is the matter, and how many records are in quarantine.

    Where streams are paused and not their system, these are named (``system.stream``).
    """

    matters: list[tuple[str, list[str]]]
    quarantined: int
    since: str
    """When the stream was read that was read least lately: all that is older is here."""
    unattended: bool
    """Whether nothing carries out the schedules, which is why systems are late."""
    unseen: list[str]
    """Systems of which no run has begun by their schedule yet, and that are not late."""
    ask: list[str]
    """Who can see to that: the first few members who operate, where this person does not and it is so."""


def of(visit: Visit) -> Glance:
    """The systems that this person sees, as they stand now; raises ``StoreError``."""
    settings, names = visit.desk.settings, visit.systems
    with visit.desk.store.reading() as connection:
        seen = _Seen(
            queries.streams(connection, {}),
            queries.failing(connection),
            pauses.read(connection),
            circuits.read(connection),
            system_facts.scheduled(connection),
            {name.partition(".")[0] for name in restore.unread(connection, names)},
        )
        quarantined = quarantine.count(connection, systems=names)
        operators = [] if visit.may(Right.OPERATE) else _operators(connection)
    matters: dict[str, list[str]] = {name: [] for name in _MATTERS}
    for name in names:
        for matter in _matters(name, seen, settings):
            matters[matter] += _paused(name, seen) if matter == "paused" else [name]
    unattended = bool(matters["late"] or matters["due"]) and bool(freshness.unattended(seen, settings))
    named = {*matters["late"], *matters["due"], *matters["never"]}
    return Glance(
        [(matter, found) for matter, found in matters.items() if found],
        quarantined,
        _since(names, seen, settings),
        unattended,
        [] if unattended else [name for name in freshness.unseen(names, seen, settings) if name not in named],
        operators if unattended else [],
    )


def _operators(connection: Connection) -> list[str]:
    """Whom to ask about what runs by itself: those who operate every system."""
    able = [item for item in members.listing(connection) if item.active and may(item.roles, Right.OPERATE)]
    return [item.name for item in able if item.systems is None][:_NAMED]


def _matters(name: str, seen: _Seen, settings: Settings) -> set[str]:
    """What is the matter with a system, of what the overview tells."""
    own = [item for item in seen.streams if item.system == name]
    states = {freshness.state(item, seen, settings) for item in own}
    found = {"failed", "interrupted", "late"} & states
    if "late" not in found and any(freshness.overdue_since(item, seen, settings) for item in own):
        found.add("due")
    if states <= {"never"}:
        found.add("never")
    if name in seen.unread:
        found.add("restored")
    if freshness.is_unwritten(name, seen):
        found.add("unwritten")
    if name in seen.circuits and seen.circuits[name].state(now_us()) == "open":
        found.add("resting")
    if any(item.system == name for item in seen.paused):
        found.add("paused")
    return found


def _paused(name: str, seen: _Seen) -> list[str]:
    """What of a system is paused: it as a whole, or these streams of it."""
    whole = seen.paused.own(name)
    return [name] if whole is not None else [item.what for item in seen.paused if item.system == name]


def _since(names: Sequence[str], seen: _Seen, settings: Settings) -> str:
    """An instant in the zone of business days, with its day unless that is today and the settings stop no clock."""
    ends = [item.last_success for item in seen.streams if item.system in names and item.last_success is not None]
    if not ends:
        return ""
    zone = settings.business_day_zone
    read, today = from_us(min(ends)).astimezone(zone), from_us(now_us()).astimezone(zone).date()
    return f"{read:%H:%M}" if read.date() == today and settings.as_of is None else f"{read:%Y-%m-%d %H:%M}"
