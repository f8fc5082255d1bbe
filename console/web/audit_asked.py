"""The filters of the audit page, and the entries that they choose of those that somebody may see."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, NamedTuple

from fastapi import Query

from console import audited
from console.web.access import Right
from state.clock import to_us

if TYPE_CHECKING:
    from console.web.desk import Visit
    from state.audit import Chosen

_LONGEST = 200

Text = Annotated[str, Query(max_length=_LONGEST)]


class Asked(NamedTuple):
    """As the form has them; ``since`` and ``until`` are days, or minutes of them, in the zone of business days."""

    who: str
    what: str
    since: str
    until: str
    system: str

    def given(self) -> dict[str, str]:
        """Those that say something."""
        return {name: value for name, value in self._asdict().items() if value}

    def wrong(self, visit: Visit) -> bool:
        """Whether a time is none."""
        begin, end = self._between(visit)
        return bool((self.since and begin is None) or (self.until and end is None))

    def chosen(self, visit: Visit) -> Chosen:
        """The entries; a time that is none leaves none out."""
        begin, end = self._between(visit)
        chosen: Chosen = {"actor": self.who or None, "action": self.what or None, "system": self.system or None}
        return {**chosen, "since": begin, "before": end, **theirs(visit)}

    def _between(self, visit: Visit) -> tuple[int | None, int | None]:
        return _instant(visit, self.since, late=False), _instant(visit, self.until, late=True)


def theirs(visit: Visit) -> Chosen:
    """What this person may see."""
    return audited.seen(visit.member.name, operates=visit.may(Right.OPERATE), limit=visit.limit)


def _instant(visit: Visit, text: str, *, late: bool) -> int | None:
    """A day, or a minute of it, in the zone of business days; ``late``: its end. ``None`` for anything else."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=visit.desk.settings.business_day_zone)
        end = timedelta(days=1) if len(text) == len("2026-11-29") else timedelta(minutes=1)
        return to_us(moment + end if late else moment)
    except (ValueError, OverflowError):
        return None
