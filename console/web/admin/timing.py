"""How often a system is synced, as the fields of a form: every so many minutes, perhaps only in some hours, or cron."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from settings import cron, spans
from yamlfiles.editing import Flow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from console.i18n import Texts

KINDS = ("", "interval", "cron")
UNITS = ("m", "h", "d", "s")
FIELDS = ("every", "interval", "unit", "start", "end", "cron")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST = 366 * 86_400


@dataclass
class Timing:
    """A schedule as a form has it. ``start`` and ``end`` are hours, both included, empty for the whole day."""

    every: str = ""
    """``cron``, ``interval`` or nothing."""
    interval: str = ""
    """A number; one with its unit is understood as well."""
    unit: str = "m"
    start: str = ""
    end: str = ""
    cron: str = ""

    @property
    def is_limited(self) -> bool:
        """Whether it is only for some hours of the day."""
        return bool(self.start or self.end)

    @property
    def span(self) -> int | None:
        """The interval in seconds."""
        return spans.seconds(f"{self.interval}{self.unit}" if self.interval.isdigit() else self.interval)

    def problem(self) -> tuple[str, str] | None:
        """The field that is wrong, and the key of what is wrong with it (``admin.problem``)."""
        if self.every not in KINDS or self.unit not in UNITS:
            return "every", "no_choice"
        if self.every == "cron":
            key = _wrong_cron(self.cron)
            return ("cron", key) if key else None
        if self.every != "interval":
            return None
        if not self.interval:
            return "interval", "empty_interval"
        if self.span is None or not 60 <= self.span <= _LONGEST:
            return "interval", "no_interval"
        if not self.is_limited:
            return None
        if not (_is_hour(self.start) and _is_hour(self.end)):
            return "start", "no_hours"
        return None if _step(self.span) else ("interval", "no_step")

    def written(self) -> Flow | None:
        """What ltc.yaml says: only of what has no ``problem``."""
        if self.every == "cron":
            return Flow(cron=self.cron)
        if self.every != "interval" or self.span is None:
            return None
        if self.is_limited:
            return Flow(cron=_within(self.span, int(self.start), int(self.end)))
        return Flow(interval=spans.written(self.span))

    def said(self, texts: Texts) -> str:
        """The same in words."""
        if self.every == "cron":
            if at := _daily(self.cron):
                return texts("admin.schedule.daily", at=texts.listed(at))
            if minutes := _hourly(self.cron):
                return texts("admin.schedule.hourly", at=texts.listed(minutes))
            span = _regular(self.cron)
            return _often(span, texts) if span else self.cron
        if self.every != "interval" or self.span is None:
            return texts("admin.schedule.none")
        often = _often(self.span, texts)
        if not self.is_limited:
            return often
        first, last = _ends(self.span, int(self.start), int(self.end))
        key = "within" if first <= last else "overnight"
        return texts(f"admin.schedule.{key}", often=often, first=first, last=last)

    def coming(self, after: datetime, count: int) -> list[datetime]:
        """The next times that it names; none of an interval, which counts from the last sync."""
        given = self.written()
        return list(islice(_times(str(given["cron"]), after), count)) if given and "cron" in given else []


def of(given: Any) -> Timing:
    """What stands in ltc.yaml as ``schedule``."""
    if not isinstance(given, dict):
        return Timing()
    span = spans.seconds(given.get("interval"))
    if span is not None:
        whole = spans.written(span)
        return Timing("interval", whole[:-1], whole[-1])
    return _of_cron(" ".join(str(given["cron"]).split())) if "cron" in given else Timing()


def typed(sent: Mapping[str, str], before: Timing, end: str = "") -> Timing:
    """What was typed; the names of the fields have that ``end``."""
    found = {name: " ".join(sent.get(name + end, getattr(before, name)).split()) for name in FIELDS}
    return Timing(**found)


def put(system: dict[str, Any], timing: Timing) -> None:
    """Put a schedule into a system's entry, or take it out; one that is meant as before stays as it is written."""
    before = system.get("schedule")
    made = timing.written()
    if made is None:
        if before:
            system.pop("schedule", None)
    elif not before or made != of(before).written():
        system["schedule"] = made


def _of_cron(text: str) -> Timing:
    """One that is limited to some hours, if it says no more than that."""
    plain = Timing("cron", cron=text)
    hours = cron.hours(text)
    minute, _, rest = text.partition(" ")
    if _regular(text) or hours is None or len(hours) in (1, 24) or rest.split()[1:] != ["*", "*", "*"]:
        return plain
    gaps = [(after - hour) % 24 for hour, after in zip(hours, [*hours[1:], hours[0]], strict=True)]
    first = (gaps.index(max(gaps)) + 1) % len(hours)
    steps = {gap for n, gap in enumerate(gaps) if n != (first - 1) % len(hours)}
    start, end = hours[first], hours[first - 1]
    number, unit = minute.removeprefix("*/"), "m"
    if minute == "0" and len(steps) == 1 and len(hours) > 2:
        number, unit = str(steps.pop()), "h"
    elif not (minute.startswith("*/") and steps == {1} and number.isdigit()):
        return plain
    found = Timing("interval", number, unit, str(start), str(end))
    same = found.problem() is None and cron.hours(_within(found.span or 0, start, end)) == hours
    return found if same else plain


def _wrong_cron(text: str) -> str:
    if cron.is_possible(text):
        return ""
    if len(text.split()) != 5:
        return "no_cron"
    return "cron_backwards" if cron.is_backwards(text) else "cron_field"


def _is_hour(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) < 24


def _step(span: int) -> tuple[int, int] | None:
    """Minutes and hours between two times of a cron expression; ``None`` if it has none for that."""
    if span < 3600:
        minutes, rest = divmod(span, 60)
        return (minutes, 0) if not rest and 60 % minutes == 0 else None
    hours, rest = divmod(span, 3600)
    return (0, hours) if not rest and hours < 24 else None


def _within(span: int, start: int, end: int) -> str:
    minutes, step = _step(span) or (0, 1)
    hours = [(start + n) % 24 for n in range(0, (end - start) % 24 + 1, step or 1)]
    return f"{f'*/{minutes}' if minutes else '0'} {_ranges(hours)} * * *"


def _ranges(hours: list[int]) -> str:
    """``22-23,0-6``."""
    parts: list[list[int]] = []
    for hour in hours:
        if parts and parts[-1][-1] + 1 == hour:
            parts[-1].append(hour)
        else:
            parts.append([hour])
    return ",".join(f"{part[0]}-{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts)


def _ends(span: int, start: int, end: int) -> tuple[str, str]:
    """The first and the last time of a day."""
    minutes, step = _step(span) or (0, 1)
    last = start + (end - start) % 24 // (step or 1) * (step or 1)
    return f"{start:02}:00", f"{last % 24:02}:{60 - minutes if minutes else 0:02}"


def _daily(text: str) -> list[str]:
    """The times of an expression that names them one by one, the same each day; none if it does not."""
    fields = text.split()
    if len(fields) != 5 or fields[2:] != ["*", "*", "*"] or not fields[0].isdigit():
        return []
    hours = fields[1].split(",")
    return [f"{int(hour):02}:{int(fields[0]):02}" for hour in hours] if all(map(str.isdigit, hours)) else []


def _hourly(text: str) -> list[str]:
    """The minutes of an expression that names them one by one, the same each hour; none if it does not."""
    minute, _, rest = text.partition(" ")
    minutes = minute.split(",")
    return minutes if rest == "* * * *" and all(map(str.isdigit, minutes)) else []


def _regular(text: str) -> int:
    """The seconds between the times of an expression that names them all day long; 0 if it does not."""
    minute, _, rest = text.partition(" ")
    hour, _, days = rest.partition(" ")
    if days != "* * *":
        return 0
    number, whole = (minute, 60) if hour == "*" else (hour, 24)
    step = number.removeprefix("*/")
    if number == step or not (step.isascii() and step.isdecimal()) or (hour != "*" and minute != "0"):
        return 0
    return int(step) * (60 if hour == "*" else 3600) if int(step) and whole % int(step) == 0 else 0


def _often(span: int, texts: Texts) -> str:
    unit = next(unit for unit in ("d", "h", "m", "s") if span % _SECONDS[unit] == 0)
    count = span // _SECONDS[unit]
    return texts(f"admin.schedule.{'one' if count == 1 else 'many'}.{unit}", **({} if count == 1 else {"count": count}))


def _times(expression: str, after: datetime) -> Iterator[datetime]:
    found = cron.next_due(expression, after)
    while found is not None:
        yield found
        found = cron.next_due(expression, found)
