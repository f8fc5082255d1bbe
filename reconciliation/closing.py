"""Close, approve and reopen a period: who may, in which order, and what a close freezes.

A close reconciles once more and freezes what that report says, with the hash of all that it was computed from. Nothing
that happens later changes it. The maker closes, another person approves; one period after the other. Errors of the
period that nobody has decided on do not keep it open, but then the maker says why.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from reconciliation import adjustments, gathering
from reconciliation.engine import carry_on, reconciled
from reconciliation.frame import Frame
from reconciliation.gathering import Moment
from reconciliation.rules import Rules
from state import audit, figures, finding_pages, periods, stamps
from state.finding_pages import Ages, Day, Wanted
from state.periods import CLOSED, Close, PeriodError
from state.store import Store

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from settings.model import Settings

_DECIDED = ("id", "status", "assignee", "reason", "approver", "waived_until", "due_on")


def close(
    store: Store,
    settings: Settings,
    period: str,
    by: str,
    run_id: str,
    mappings: Mapping[str, Mapping[str, str]],
    reason: str = "",
) -> Close:
    """Reconcile, and freeze a period as it is now. ``mappings``: system → stream → fingerprint.

    ``reason`` says why it is closed although errors of it are undecided. Raises ``PeriodError``, ``StoreError``,
    ``DoesNotFootError``.
    """
    rules, maker, reason = Rules.of(settings), _named(by), reason.strip()
    refuse(store, settings, period, by, reason)
    with reconciled(store, settings, run_id, closing=period) as (frame, _):
        documents = adjustments.documents(frame, period)
        with store.reading() as connection:
            by_period = list(figures.standing(connection, "period").values())
        adjustments.refuse(frame, period, documents, by_period)  # what follows must add up, else nothing is closed
        with store.transaction() as connection:
            stamp = stamps.take(connection, rules.fixed_at)
            known = periods.closes(connection)
            _refuse_period(known, period, rules.today)
            left = _refuse_undecided(connection, settings, period, reason)  # this reconciliation may have found some
            parts = gathering.gather(connection, rules, Moment(stamp, period, closing=True))
            records, digest = _inputs(frame, parts, settings, mappings)
            revision = 1 + sum(item.period == period for item in known)
            nobody = (None, None, None, None, None)
            made = Close(
                *(period, revision, CLOSED, maker, stamp, reason or None, *nobody, records, digest, "", run_id),
                closed_done_at=stamps.done(rules.fixed_at),
            )
            made = periods.add(connection, made, gathering.frozen(parts), documents)
            detail = {"inputs": digest, "figures": made.figures_hash, "records": records}
            detail |= {"undecided": left, "reason": reason}
            audit.append(connection, maker, "period closed", {"period": period, "revision": revision, **detail})
        carry_on(frame, store, run_id)
    return made


def refuse(store: Store, settings: Settings, period: str, by: str, reason: str) -> None:
    """Raise ``PeriodError`` if this person may not close this period now; nothing is changed."""
    _refuse_maker(settings, _named(by))
    with store.reading() as connection:
        _refuse_period(periods.closes(connection), period, Rules.of(settings).today)
        _refuse_undecided(connection, settings, period, reason)


def undecided(period: str, timezone: str) -> Wanted:
    """The errors that began by the end of a period, and that nobody has decided on."""
    return Wanted(severity="error", status="open", ages=begun(period, timezone))


def begun(period: str, timezone: str) -> Ages:
    """Begun by the end of a period, as its report counts: where the data tells no day, when it was first found."""
    return Ages(end=Day(f"{adjustments.after(period)}-01", gathering.month(period, timezone)[1]))


def may_reopen(settings: Settings, item: Close, person: str) -> bool:
    """Whether this person may open a period again, as far as the settings say; others may stand in the way."""
    return item.status == CLOSED or person in settings.reconciliation.periods.reopen


def may_approve(settings: Settings, item: Close, person: str) -> bool:
    """Whether this person may sign a close, as far as the settings say: not its maker."""
    allowed = settings.reconciliation.periods.checkers
    return item.closed_by.casefold() != person.casefold() and (not allowed or person in allowed)


def approve(store: Store, settings: Settings, period: str, by: str) -> Close:
    """Sign a close as its checker; raises ``PeriodError``, ``StoreError``."""
    checker, allowed = _named(by), settings.reconciliation.periods.checkers
    if allowed and checker not in allowed:
        raise PeriodError(
            f"{checker} may not approve periods.",
            f"reconciliation.periods.checkers names {', '.join(allowed)}.",
            "no_checker",
            name=checker,
            allowed=", ".join(allowed),
        )
    with store.transaction() as connection:
        found = _standing(connection, period)
        if found.status != CLOSED:
            what = f"{period} was approved by {found.approved_by} already."
            raise PeriodError(what, "Nothing is left to do.", "approved", period=period, by=found.approved_by)
        if checker.casefold() == found.closed_by.casefold():
            what = f"{checker} closed {period}."
            raise PeriodError(what, "Somebody else must approve it: `--by NAME`.", "own_close", period=period)
        if not periods.is_intact(connection, found):
            raise PeriodError(
                f"The figures of {period} were changed outside of ltc after they were frozen.",
                "Find out how (`ltc audit verify`); then reopen the period with that reason, and close it again.",
                "figures_changed",
                period=period,
            )
        fixed = Rules.of(settings).fixed_at
        periods.approve(connection, found, checker, stamps.take(connection, fixed), stamps.done(fixed))
        detail = {"period": period, "revision": found.revision, "figures": found.figures_hash}
        audit.append(connection, checker, "period approved", detail)
        return _standing(connection, period)


def reopen(store: Store, settings: Settings, period: str, by: str, reason: str) -> Close:
    """Open a period again, which stays visible for ever; raises ``PeriodError``, ``StoreError``.

    A close that nobody has approved yet can be sent back by anybody, an approved one only by whom ltc.yaml names.
    """
    person, allowed = _named(by), settings.reconciliation.periods.reopen
    if not reason.strip():
        raise PeriodError("To reopen a period needs a reason.", "Say why: `--reason TEXT`.", "reopen_reason")
    with store.transaction() as connection:
        found = _standing(connection, period)
        later = [item.period for item in periods.standing(connection) if item.period > period]
        if later:
            raise PeriodError(
                f"{period} cannot be reopened while {later[-1]} is closed.",
                f"Reopen {later[-1]} before it.",
                "later_closed",
                period=period,
                later=later[-1],
            )
        if not may_reopen(settings, found, person):
            named = f"It names {', '.join(allowed)}." if allowed else "It names nobody: approved periods stay closed."
            what, remedy = f"{person} may not reopen an approved period.", f"reconciliation.periods.reopen: {named}"
            raise PeriodError(what, remedy, "no_reopener" if allowed else "stays_closed", allowed=", ".join(allowed))
        fixed = Rules.of(settings).fixed_at
        stamp = stamps.take(connection, fixed)
        periods.reopen(connection, found, person, reason.strip(), stamp, stamps.done(fixed))
        detail = {"period": period, "revision": found.revision, "was": found.status, "reason": reason.strip()}
        audit.append(connection, person, "period reopened", detail)
        return next(
            item for item in periods.closes(connection) if (item.period, item.revision) == (period, found.revision)
        )


def next_period(closes: list[Close]) -> str | None:
    """The only period that may be closed now; ``None`` before the first close: any that is over."""
    standing = [item for item in closes if item.stands]
    if standing:
        return adjustments.after(standing[-1].period)
    return closes[0].period if closes else None


def _named(by: str) -> str:
    name = by.strip()
    if not name:
        raise PeriodError("Say who does it.", "Name a person: `--by NAME`.", "nobody")
    return name


def _refuse_maker(settings: Settings, maker: str) -> None:
    allowed = settings.reconciliation.periods.makers
    if allowed and maker not in allowed:
        raise PeriodError(
            f"{maker} may not close periods.",
            f"reconciliation.periods.makers names {', '.join(allowed)}.",
            "no_maker",
            name=maker,
            allowed=", ".join(allowed),
        )


def _refuse_period(closes: list[Close], period: str, today: date) -> None:
    """Whether the period may be closed now: one after the other, when it is over, and only once."""
    standing = [item for item in closes if item.stands]
    if any(item.period == period for item in standing):
        what = f"{period} is closed already."
        raise PeriodError(what, f"`ltc period show {period}` tells by whom.", "closed", period=period)
    if standing and standing[-1].status == CLOSED:
        raise PeriodError(
            f"{standing[-1].period} is closed and not approved yet.",
            f"Let somebody else than {standing[-1].closed_by} approve it: `ltc period approve {standing[-1].period}`.",
            "not_approved",
            period=standing[-1].period,
            by=standing[-1].closed_by,
        )
    expected = next_period(closes)
    if expected is not None and period != expected:
        what = f"{period} cannot be closed before {expected}."
        raise PeriodError(what, f"Close {expected} first.", "earlier", period=period, expected=expected)
    if f"{today:%Y-%m}" <= period:
        what = f"{period} is not over: today is {today}."
        raise PeriodError(what, "Close it when its last day has passed.", "not_over", period=period, today=today)


def _refuse_undecided(connection: Connection, settings: Settings, period: str, reason: str) -> int:
    """How many errors are undecided; raises ``PeriodError`` if there are some, and no reason."""
    left = finding_pages.number(connection, undecided(period, settings.timezone))
    if left and not reason.strip():
        raise PeriodError(
            f"{left:,} errors of {period} or before are undecided.",
            "Assign, explain or waive them (`ltc findings list --severity error`), or say why the month is closed "
            "all the same: `--reason TEXT`.",
            "undecided",
            count=f"{left:,}",
            period=period,
        )
    return left


def _standing(connection: Connection, period: str) -> Close:
    for item in periods.standing(connection):
        if item.period == period:
            return item
    raise PeriodError(f"{period} is not closed.", "`ltc period list` shows the periods.", "not_closed", period=period)


def _inputs(
    frame: Frame, parts: dict[str, Any], settings: Settings, mappings: Mapping[str, Mapping[str, str]]
) -> tuple[int, str]:
    """How many records took part, and the SHA-256 of everything that the figures depend on, line by line."""
    whole, records = hashlib.sha256(), 0
    for line in _lines(frame, parts, settings, mappings):
        whole.update(f"{json.dumps(line, ensure_ascii=False, sort_keys=True)}\n".encode())
        records += line[0] == "record"
    return records, whole.hexdigest()


def _lines(
    frame: Frame, parts: dict[str, Any], settings: Settings, mappings: Mapping[str, Mapping[str, str]]
) -> Iterator[list[Any]]:
    rows = "SELECT s.system, s.entity, s.source_id, c.content FROM subjects s JOIN contents c USING (record_id)"
    for row in sorted(frame.rows(rows)):
        yield ["record", *row]
    ends = "SELECT record_id, system, entity, source_id FROM subjects"
    decided = f"""
        SELECT k.kind, l.system, l.entity, l.source_id, r.system, r.entity, r.source_id, k.decision FROM links k
        JOIN ({ends}) l ON l.record_id = k.left_id JOIN ({ends}) r ON r.record_id = k.right_id
        WHERE k.decision IN ('confirmed', 'cut')"""
    for row in sorted(frame.rows(decided)):
        yield ["link", *row]
    for item in parts["finding"]:
        yield ["finding", *(item[name] for name in _DECIDED)]
    chosen = settings.model_dump(mode="json", include={"timezone", "base_currency", "ownership", "reconciliation"})
    yield ["settings", chosen]
    yield ["roles", {name: list(roles) for name, roles in frame.rules.roles.items()}]
    yield ["mappings", {name: dict(streams) for name, streams in mappings.items()}]
