"""Closes of periods in words: what ``ltc period`` and the workbench show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from state.clock import from_us

if TYPE_CHECKING:
    from datetime import tzinfo

    from console.i18n import Texts
    from state.periods import Close

COLUMNS = ("period", "revision", "status", "closed", "close_reason", "approved", "reopened", "reason")


def row(item: Close, texts: Texts, zone: tzinfo) -> tuple[Any, ...]:
    """One close, in the order of ``COLUMNS``."""
    closed, approved, reopened = (done(item, what, zone) for what in ("closed", "approved", "reopened"))
    status = texts.name("period.status", item.status)
    return item.period, item.revision, status, closed, item.close_reason, approved, reopened, item.reason


def done(item: Close, what: str, zone: tzinfo) -> str | None:
    """Who ``closed``, ``approved`` or ``reopened`` it and when, by the clock on the wall; ``None`` if nobody did."""
    return signed(getattr(item, f"{what}_by"), item.done_at(what), zone)


def signed(by: str | None, at: int | None, zone: tzinfo) -> str | None:
    """Who did something and when; ``None`` if nobody did."""
    return None if at is None else f"{by}, {from_us(at).astimezone(zone):%Y-%m-%d %H:%M}"
