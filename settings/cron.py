"""Cron expressions: whether one can be meant, and when it is due next; the scheduling itself is Prefect's."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: n for n, name in enumerate(_MONTH_NAMES, 1)}
_DAYS = {name: n for n, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}
_SHORTHANDS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_HORIZON_DAYS = 366 * 4


class _Cron(NamedTuple):
    minutes: set[int]
    hours: set[int]
    days: set[int]
    months: set[int]
    weekdays: set[int]
    either_day: bool
    """Day of month and day of week are both given: one of them is enough."""


def is_possible(cron: str) -> bool:
    """Whether it is a cron expression: a shorthand, or five fields. What only Prefect reads (``L``, ``#``) passes."""
    known = _SHORTHANDS.get(cron.strip().lower(), cron)
    if len(known.split()) != 5:
        return False
    try:
        _parse(known)
    except (ValueError, KeyError):
        return any(sign in known.upper() for sign in ("L", "#", "W"))
    return True


def is_backwards(cron: str) -> bool:
    """Whether a range in it runs from a larger to a smaller number, such as the hours 22-6."""
    spans = [part.partition("/")[0].split("-") for field in cron.split() for part in field.split(",")]
    return any(len(span) == 2 and all(map(str.isdigit, span)) and int(span[0]) > int(span[1]) for span in spans)


def hours(cron: str) -> list[int] | None:
    """The hours that it names, in their order; ``None`` for what is no expression of five plain fields."""
    try:
        return sorted(_parse(cron).hours)
    except (ValueError, KeyError):
        return None


def next_due(cron: str, after: datetime) -> datetime | None:
    """The first instant after ``after`` (aware, in the zone the expression is meant in) that the expression names.

    ``None`` if it never comes or is not five fields of numbers, names, lists, ranges and steps.
    """
    try:
        parsed = _parse(_SHORTHANDS.get(cron.strip().lower(), cron))
    except (ValueError, KeyError):
        return None
    day = after.replace(hour=0, minute=0, second=0, microsecond=0)
    for _ in range(_HORIZON_DAYS):
        if _on(parsed, day):
            for hour in sorted(parsed.hours):
                for minute in sorted(parsed.minutes):
                    found = day.replace(hour=hour, minute=minute)
                    if found > after:
                        return found
        day += timedelta(days=1)
    return None


def _on(cron: _Cron, day: datetime) -> bool:
    weekday = day.isoweekday() % 7
    by_day, by_weekday = day.day in cron.days, weekday in cron.weekdays
    fits = (by_day or by_weekday) if cron.either_day else (by_day and by_weekday)
    return day.month in cron.months and fits


def _parse(cron: str) -> _Cron:
    minute, hour, day, month, weekday = cron.lower().split()
    return _Cron(
        _field(minute, 0, 59, {}),
        _field(hour, 0, 23, {}),
        _field(day, 1, 31, {}),
        _field(month, 1, 12, _MONTHS),
        {number % 7 for number in _field(weekday, 0, 7, _DAYS)},
        not day.startswith("*") and not weekday.startswith("*"),
    )


def _field(text: str, low: int, high: int, names: dict[str, int]) -> set[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        if span in ("*", "?"):
            start, end = low, high
        else:
            start = _number(first, names)
            end = _number(last, names) if dash else high if step else start
        if not low <= start <= end <= high:
            raise ValueError(part)
        found.update(range(start, end + 1, int(step or 1)))
    return found


def _number(text: str, names: dict[str, int]) -> int:
    return names[text] if text in names else int(text)
