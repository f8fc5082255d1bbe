"""Instants as sources write them: ISO 8601, seconds or milliseconds since 1970, or a pattern; always exact, in UTC."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_UNITS = {"seconds": 1_000_000, "milliseconds": 1000, "microseconds": 1}
"""Formats that count from 1970 → microseconds of one."""


def zone_of(name: str) -> ZoneInfo:
    """The IANA time zone. Raises ``ValueError``."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no IANA time zone") from None


class TimeFormat:
    """How one source writes instants; ``format`` as in ``manifest.Times``."""

    def __init__(self, format: str, zone: str = "UTC") -> None:
        self.format = format
        self.zone = zone_of(zone)
        if format != "iso" and format not in _UNITS:
            if "%" not in format:
                raise ValueError("is iso, seconds, milliseconds, microseconds, or a pattern such as '%d.%m.%Y %H:%M'")
            try:
                self.parse(datetime(2026, 11, 28, tzinfo=UTC).strftime(format))
            except re.error:
                raise ValueError("names a part of the time twice") from None

    @property
    def unit_us(self) -> int:
        """The smallest step it can write, in microseconds: what a source that cuts times may have cut away."""
        if self.format in ("milliseconds", "microseconds"):
            return _UNITS[self.format]
        if self.format == "iso" or self.format == "seconds" or "%S" in self.format:
            return 1 if "%f" in self.format else 1_000_000
        return 60_000_000 if "%M" in self.format else 86_400_000_000

    def _offset(self, us: int) -> timedelta:
        return (EPOCH + us * _MICROSECOND).astimezone(self.zone).utcoffset() or timedelta()

    def parse(self, value: Any) -> int:
        """Microseconds since the epoch. Raises ``ValueError`` for what is no instant in this format."""
        if self.format in _UNITS:
            return self._count(value)
        if not isinstance(value, str):
            raise ValueError("is no text")
        found = datetime.fromisoformat(value) if self.format == "iso" else datetime.strptime(value, self.format)  # noqa: DTZ007
        if found.tzinfo is None:
            found = found.replace(tzinfo=self.zone)
        return (found - EPOCH) // _MICROSECOND

    def _count(self, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int | str | float | Decimal):
            raise ValueError("is no number")
        try:
            counted = Decimal(str(value)) * _UNITS[self.format]
            found = int(counted)
        except (InvalidOperation, OverflowError, ValueError):
            raise ValueError("is no number") from None
        if abs(found) > 10**17:
            raise ValueError("is no instant")
        return found

    def write(self, us: int, until_us: int | None = None) -> str | int:
        """An instant, cut to the format's unit, as the source takes it in a request.

        With ``until_us`` it is the beginning of a span up to then: where clocks are put back within the span, an hour
        is written twice, so it begins earlier by what they are put back.
        """
        if self.format in _UNITS:
            return us // _UNITS[self.format]
        moment = (EPOCH + us * _MICROSECOND).astimezone(self.zone)
        if until_us is not None:
            moment -= max(self._offset(us) - self._offset(until_us), timedelta())
        if self.format != "iso":
            return moment.strftime(self.format)
        text = moment.replace(microsecond=0).isoformat()
        return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


def iso_of(us: int) -> str:
    """An instant as ISO 8601 text in UTC."""
    return (EPOCH + us * _MICROSECOND).isoformat().removesuffix("+00:00") + "Z"


def now_us() -> int:
    """This machine's time, in microseconds since the epoch."""
    return time.time_ns() // 1000


def to_us(moment: datetime) -> int:
    """Microseconds since the epoch of an aware instant."""
    return (moment - EPOCH) // _MICROSECOND
