"""What one process holds of the shared budget for a moment, and how long and how much it gets the next time."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from connectors import buckets
from connectors.buckets import SECOND, Bucket
from connectors.budget import Allowance, Priority

_HOLD = (SECOND // 2, 5 * SECOND // 2)
"""How long an account is held: at first, and by who goes on and on."""
_LENT = (4, 64)
"""Calls that are lent with it: at first, and to who uses them up."""


@dataclass(slots=True)
class Held:
    """An account that this process holds: its bucket, until when, and how many of the calls lent are left."""

    bucket: Bucket
    until: int
    left: int


@dataclass(slots=True)
class Pace:
    """How long an account is held the next time, and how many calls are lent with it."""

    seconds: int = _HOLD[0]
    lent: int = _LENT[0]

    def after(self, held: Held, now: int) -> Pace:
        """Who comes back at once is held longer for, who used up what was lent is lent more; else it begins anew."""
        return Pace(
            min(2 * self.seconds, _HOLD[1]) if now - held.until < SECOND else _HOLD[0],
            min(2 * self.lent, _LENT[1]) if not held.left else max(self.lent // 2, _LENT[0]),
        )

    def hold(self, row: Bucket, item: Allowance, priority: Priority, owner: str, now: int) -> Held:
        """Let ``owner`` hold the account; the calls that are lent count as spent until they are given back."""
        seconds = max(self.seconds, min(2 * buckets.spacing(item), _HOLD[1]))
        rest = buckets.left(row, item.quota, priority, now) if item.quota is not None else None
        lent = max(1, min(self.lent, rest)) if rest is not None else self.lent
        buckets.spend(row, item.quota, lent, now)
        row.held_by, row.held_until, row.lent = owner, now + seconds, lent
        return Held(msgspec.structs.replace(row, spent=list(row.spent)), row.held_until, lent)
