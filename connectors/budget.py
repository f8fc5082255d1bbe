"""Allowances of a vendor's account, and the budget that everyone who calls it takes from, whoever that is.

A connector states what the vendor allows (``Allowance``) and asks before each call. Whether the budget is kept for this
process alone (``connectors.localbudget``) or in the store for all processes and workers is none of its business.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Protocol

from connectors.errors import QuotaError, Throttled


class Priority(IntEnum):
    """What a call is for; the lower goes first."""

    WRITE = 0
    """A write-back, and the reads that it needs. It may use what is kept from reads."""
    READ = 1
    """Everything else."""


@dataclass(frozen=True, slots=True)
class Quota:
    """What the vendor allows a day."""

    calls: int | None = None
    """``None``: known only once the source has said so."""
    zone: str | None = None
    """IANA time zone at whose midnight a new day begins; ``None``: any 24 hours, which is the safe guess."""
    reserve: int = 0
    """Calls left to people and other programs."""
    reserve_percent: float = 0.0
    """The same in percent of ``calls``; the larger counts."""
    writes_percent: float = 2.0
    """Percent of ``calls`` that reads leave to writes, besides the reserve."""
    look_again_seconds: float = 900.0
    """So long what the source said of a used-up quota is believed; then one call asks again."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one account may do: ``calls`` in any ``seconds``, ``concurrent`` at once, ``quota`` a day.

    ``key`` names the account at the vendor and the limit (``account``), and holds no secret.
    """

    key: str
    calls: float | None = None
    """``None``: as many as one likes."""
    seconds: float = 1.0
    burst: int | None = None
    """Calls without a pause after a rest; what it takes is missing from the steady rate. Default: a twentieth."""
    concurrent: int | None = None
    quota: Quota | None = None
    name: str = "The source"
    """The vendor, as messages call it."""
    about: str = ""
    """Which calls it counts, if not all of them."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the source said of a quota; what it did not say is ``None``."""

    used: int | None = None
    remaining: int | None = None
    calls: int | None = None
    resets_at: datetime | None = None


class Permit:
    """The right to make one call; give it back when the answer is there (``with``)."""

    __slots__ = ("_release", "waited")

    def __init__(self, waited: float = 0.0, release: Callable[[], None] | None = None) -> None:
        self.waited = waited
        """Seconds that it took to get."""
        self._release = release

    def release(self) -> None:
        """Give it back; safe to call twice."""
        release, self._release = self._release, None
        if release is not None:
            release()

    def __enter__(self) -> Permit:
        return self

    def __exit__(self, *exc: object) -> None:
        self.release()


class Budget(Protocol):
    """Gives out calls; safe to share between threads."""

    def acquire(self, allowances: Sequence[Allowance], priority: Priority = Priority.READ) -> Permit:
        """Take one call from each of the allowances, waiting for it.

        Raises ``QuotaError`` when only what is kept from this kind of work is left of the day.
        """

    def told(self, allowance: Allowance, told: Told) -> None:
        """Take over what the source said of the allowance's quota; cheap, may be called for every answer."""

    def pause(self, allowance: Allowance, seconds: float) -> None:
        """Let nobody call for so long: the source said that there were too many calls (429)."""

    def close(self) -> None:
        """Give back what was taken and not used."""


def account(vendor: str, *parts: object, secret: str | None = None) -> str:
    """A key that names an account: the vendor, and a digest of what identifies it, a machine-made ``secret`` included.

    The digest cannot be turned back into a key of the usual length; do not give it a password that a person made up.
    """
    digest = hashlib.blake2b(digest_size=12, person=b"ltc account")
    for part in (*parts, *((secret,) if secret is not None else ())):
        digest.update(repr(part).encode() + b"\0")
    return f"{vendor}:{digest.hexdigest()}"


def tell(budget: Budget, allowances: Sequence[Allowance], error: Throttled | QuotaError) -> None:
    """Let all who share the allowances know that the source said there were too many calls, or that the day is over."""
    for item in allowances:
        if isinstance(error, Throttled):
            budget.pause(item, error.retry_after if error.retry_after is not None else min(item.seconds, 60.0))
        elif item.quota is not None:
            resets_at = datetime.now(UTC) + timedelta(seconds=error.reset_after) if error.reset_after else None
            budget.told(item, Told(remaining=0, resets_at=resets_at))
