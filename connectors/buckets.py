"""The arithmetic of a budget: what is left of an allowance, when the next call may start, what a source told of it.

Calls are spaced by the generic cell rate algorithm: ``due`` is when a bucket that rests would be full again.
In any time of ``seconds`` no more than ``calls`` start, bursts included, with a margin for what happens on the way.
Times are whole microseconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import ceil

import msgspec

from connectors.budget import Allowance, Priority, Quota, Told
from connectors.errors import QuotaError

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
_MARGIN = 0.03
"""Calls that leave us evenly arrive less evenly: so much of the window may be lost on the way …"""
_LEAST_MARGIN = 6 * SECOND // 100
"""… and in a short window no less than this: the first call has yet to connect."""
_AHEAD = (SECOND // 5, SECOND)
"""A read is given its time no longer ahead than this, at fast and at slow rates: a later write waits behind few."""
_FUTURE = 60 * SECOND
"""A bucket that is due later than its burst and this was written by a clock that has been set back since."""


class Claim(msgspec.Struct, array_like=True):
    """Calls that somebody may have in progress, and until when that is believed."""

    count: int
    until: int


class Bucket(msgspec.Struct, omit_defaults=True):
    """What is known of one allowance."""

    due: int = 0
    paused_until: int = 0
    spent: list[tuple[int, int]] = msgspec.field(default_factory=list)
    """Hours, by their start, and how many calls were made in each; those of the present day only."""
    most: int | None = None
    """Calls a day, as the source told."""
    resets_at: int = 0
    """When the source said that a new day begins."""
    told_at: int = 0
    """When the source last told anything."""
    places: dict[str, Claim] = msgspec.field(default_factory=dict)
    """Who has calls in progress."""
    held_by: str = ""
    """Who alone takes from it, until ``held_until``."""
    held_until: int = 0
    lent: int = 0
    """Calls that the holder may make; they are counted as spent."""
    taken_by: str = ""
    """Who took from it last."""
    taken_at: int = 0
    wanted_until: int = 0
    """Until then several take from it, so nobody holds it alone."""


def burst(allowance: Allowance) -> int:
    """Calls without a pause after a rest."""
    if allowance.burst is not None:
        return max(1, min(allowance.burst, int(allowance.calls or 1)))
    return max(1, int((allowance.calls or 1) / 20))


def spacing(allowance: Allowance) -> int:
    """Time between calls in the long run; 0 without a limit."""
    if allowance.calls is None:
        return 0
    window = allowance.seconds * SECOND + _margin(allowance)
    return ceil(window / (allowance.calls - burst(allowance) + 1))


def _margin(allowance: Allowance) -> float:
    return max(allowance.seconds * SECOND * _MARGIN, _LEAST_MARGIN)


def ahead(allowances: Sequence[Allowance], priority: Priority) -> int:
    """How far ahead a call may be given its time. A write's reaches further: it is served before the next read."""
    step = max((spacing(item) for item in allowances), default=0)
    reads = min(max(step, _AHEAD[0]), _AHEAD[1])
    return reads if priority is Priority.READ else reads + 2 * step


def late(allowances: Sequence[Allowance]) -> int:
    """How much later than at its time a call may start without another one being counted with it."""
    return min((int(_margin(item) / 2) for item in allowances if item.calls), default=SECOND)


def earliest(bucket: Bucket, allowance: Allowance, priority: Priority, now: int) -> int:
    """When the next call may start; reads leave a part of the burst to writes."""
    start = max(now, bucket.paused_until)
    step, most = spacing(allowance), burst(allowance)
    if not step:
        return start
    bucket.due = min(bucket.due, now + most * step + _FUTURE)
    if priority is Priority.READ and most > 1:
        most -= max(1, most // 4)
    return max(start, bucket.due - (most - 1) * step)


def start_at(bucket: Bucket, allowance: Allowance, at: int) -> None:
    """Note that a call starts then."""
    bucket.due = max(bucket.due, at) + spacing(allowance)


def empty_at(bucket: Bucket, allowance: Allowance, at: int, calls: int) -> None:
    """Assume that so many calls were made until then, and nobody knows when."""
    step = spacing(allowance)
    worst = max(bucket.due, at) + calls * step
    bucket.due = max(bucket.due, min(worst, at + burst(allowance) * step))


def places(concurrent: int, priority: Priority) -> int:
    """How many of the calls that may be in progress at once may be of this kind; reads leave the last to writes."""
    return concurrent - (1 if priority is Priority.READ and concurrent > 1 else 0)


# -- the day


def spend(bucket: Bucket, quota: Quota | None, count: int, now: int) -> None:
    """Count calls as made now; a negative ``count`` gives back what was counted and not made."""
    if quota is None:
        return
    _forget(bucket, quota, now)
    if count > 0:
        hour = max(now - now % HOUR, _midnight(quota.zone, now) if quota.zone is not None else 0)
        if bucket.spent and bucket.spent[-1][0] >= hour:
            hour, before = bucket.spent.pop()
            count += before
        bucket.spent.append((hour, count))
        return
    while count and bucket.spent:
        hour, before = bucket.spent.pop()
        taken = min(before, -count)
        count += taken
        if before > taken:
            bucket.spent.append((hour, before - taken))


def used(bucket: Bucket, quota: Quota, now: int) -> int:
    """Calls of the present day, those included that are lent to the holder."""
    _forget(bucket, quota, now)
    return sum(count for _, count in bucket.spent)


def left(bucket: Bucket, quota: Quota, priority: Priority, now: int) -> int | None:
    """Calls that are left today for this kind of work; ``None``: nobody has said how many there are."""
    most = bucket.most if bucket.most is not None else quota.calls
    if most is None:
        return None
    return most - _kept(quota, most, priority) - used(bucket, quota, now)


def afford(bucket: Bucket, allowance: Allowance, priority: Priority, now: int, lent: int = 0) -> None:
    """Raise ``QuotaError`` if nothing is left today for this kind of work; ``lent`` was counted and is not made yet."""
    quota = allowance.quota
    if quota is None:
        return
    rest = left(bucket, quota, priority, now)
    if rest is None or rest + lent > 0:
        return
    if bucket.told_at and now - bucket.told_at > quota.look_again_seconds * SECOND:
        bucket.told_at = now  # one call asks again
        return
    most = bucket.most if bucket.most is not None else quota.calls or 0
    spent = used(bucket, quota, now) - lent
    raise QuotaError(
        f"{allowance.name}: {spent} of {most} calls of the day are used{_what_is_kept(quota, most, priority)}.",
        remedy="It goes on where it stopped when the allowance is back; run less often, or lower the reserve.",
        reset_after=max(1.0, (_back_at(bucket, quota, now) - now) / SECOND),
    )


def take_over(
    bucket: Bucket, quota: Quota | None, told: Told, now: int, lent: int = 0, *, only_more: bool = False
) -> None:
    """Correct the count by what the source told.

    More than we counted is believed at once: others call, too. Fewer is believed only if it is clearly fewer, for some
    of our calls are still on their way, and not if it was told a while ago (``only_more``): calls were made since.
    """
    if quota is None:
        return
    bucket.told_at = now
    most = told.calls if told.calls is not None else bucket.most if bucket.most is not None else quota.calls
    if told.calls is not None:
        bucket.most = told.calls
    if told.resets_at is not None:
        bucket.resets_at = int(told.resets_at.timestamp() * SECOND)
    count = told.used
    if count is None and told.remaining is not None and most is not None:
        count = max(0, most - told.remaining)
    if count is None:
        return
    ours = used(bucket, quota, now) - lent
    slack = max(10, (most or 0) // 100)
    if count > ours or (count < ours - slack and not only_more):
        _set_used(bucket, quota, count + lent, now)


def _set_used(bucket: Bucket, quota: Quota, count: int, now: int) -> None:
    more = count - used(bucket, quota, now)
    if more >= 0:
        spend(bucket, quota, more, now)
        return
    while more and bucket.spent:  # the oldest calls are those that do not count any more
        hour, before = bucket.spent.pop(0)
        taken = min(before, -more)
        more += taken
        if before > taken:
            bucket.spent.insert(0, (hour, before - taken))


def _what_is_kept(quota: Quota, most: int, priority: Priority) -> str:
    """Half a sentence that says what the rest is kept for."""
    if reserve := _kept(quota, most, Priority.WRITE):
        by_percent = quota.reserve_percent * most / 100 >= quota.reserve
        others = f"; the last {f'{quota.reserve_percent:g} %' if by_percent else reserve} are left to others"
    else:
        others = ""
    writes = priority is Priority.READ and _kept(quota, most, priority) > reserve
    return others + (", and some to write-backs" if writes and others else "; the rest is left to write-backs" * writes)


def _kept(quota: Quota, most: int, priority: Priority) -> int:
    reserve = max(quota.reserve, ceil(most * quota.reserve_percent / 100))
    return reserve if priority is Priority.WRITE else reserve + int(most * quota.writes_percent / 100)


def _forget(bucket: Bucket, quota: Quota, now: int) -> None:
    """Drop what belongs to a day that is over."""
    if bucket.resets_at and now >= bucket.resets_at:
        bucket.resets_at, bucket.spent = 0, []
    begins = _midnight(quota.zone, now) if quota.zone is not None else now - DAY - HOUR
    while bucket.spent and bucket.spent[0][0] < begins:
        bucket.spent.pop(0)


def _midnight(zone: str, now: int) -> int:
    """When the present day began in a time zone."""
    from zoneinfo import ZoneInfo

    here = datetime.fromtimestamp(now / SECOND, ZoneInfo(zone))
    return int(here.replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * SECOND)


def _back_at(bucket: Bucket, quota: Quota, now: int) -> int:
    """When something is left again, as far as is known."""
    if bucket.resets_at > now:
        return bucket.resets_at
    again = bucket.told_at + int(quota.look_again_seconds * SECOND) if bucket.told_at else now + DAY
    if quota.zone is not None:
        from zoneinfo import ZoneInfo

        here = datetime.fromtimestamp(now / SECOND, ZoneInfo(quota.zone)) + timedelta(days=1)
        next_day = here.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
        return min(again, int(next_day.timestamp() * SECOND))
    oldest = bucket.spent[0][0] + DAY + HOUR if bucket.spent else now
    return max(now, min(again, oldest))
