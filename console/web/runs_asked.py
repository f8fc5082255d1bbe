"""What the page of runs is asked for: system, kind, outcome, who started it and day, as its address has them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode

from fastapi import Depends, Query

from console import ran
from state.activity import RUN_KINDS
from state.clock import to_us
from state.queries import Asking

if TYPE_CHECKING:
    from datetime import tzinfo

STATUSES = ("running", "done", "partial", "failed", "interrupted")
TROUBLE = "trouble"
"""Whatever did not come to a good end."""
_NOT_WELL = ("failed", "partial", "interrupted")
OUTCOMES = (TROUBLE, *STATUSES)
Text = Annotated[str, Query(max_length=200)]


@dataclass(frozen=True, slots=True)
class Asked:
    """The words of an address; an empty one chooses nothing."""

    system: str = ""
    kind: str = ""
    outcome: str = ""
    by: str = ""
    day: str = ""

    def query(self, page: int) -> str:
        """The address of a page of these."""
        given = {name: value for name in self.__slots__ if (value := getattr(self, name))}
        return urlencode({**given, **({"page": page} if page > 1 else {})})

    @property
    def anything(self) -> bool:
        """Whether it chooses."""
        return self != Asked()

    @property
    def is_wrong(self) -> bool:
        """Whether its day is none."""
        return bool(self.day) and _day(self.day) is None

    def asking(self, zone: tzinfo) -> Asking:
        """What is looked for; days are those of ``zone``. A day that is none chooses nothing."""
        found = Asking(kind=self.kind, system=self.system, by=ran.kept_as(self.by))
        if self.outcome:
            found = found._replace(statuses=_NOT_WELL if self.outcome == TROUBLE else (self.outcome,))
        return within(found, _day(self.day), zone)


def within(asking: Asking, day: date | None, zone: tzinfo) -> Asking:
    """The same, begun on one day only."""
    if day is None:
        return asking
    begin = datetime.combine(day, datetime.min.time(), zone)
    end = datetime.combine(day + timedelta(days=1), datetime.min.time(), zone)
    return asking._replace(since=to_us(begin), before=to_us(end))


def _day(text: str) -> date | None:
    """A day of the years that can be told; ``None`` for anything else."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 1970 < found.year < 9999 and found.isoformat() == text else None


def of(system: Text = "", kind: Text = "", outcome: Text = "", by: Text = "", day: Text = "") -> Asked:
    """What an address asks for; kinds and outcomes that there are not are left out."""
    known = kind if kind in RUN_KINDS else ""
    asked = (system.strip(), known, outcome if outcome in OUTCOMES else "", by.strip(), day.strip())
    return Asked(*(text if text.isprintable() else "" for text in asked))


Wanted = Annotated[Asked, Depends(of)]
