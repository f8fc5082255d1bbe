"""What a plan must pass before it is carried out.

The first matching is accepted, what the plan rests on was read since the store was restored, and it is not too large.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from mappings.currencies import EXPONENTS
from mappings.predicate import AMOUNTS
from state import creations, history, locks, outbox, restore
from state.outbox import Plan, PlanError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from settings.model import Settings
    from state.creations import CreationPlan
    from state.store import Store


class FirstRun(PlanError):
    """Nobody has accepted the system's first matching yet: it is read only."""

    kind = "first_run"


class Unread(PlanError):
    """The store comes from a backup and does not know yet what was written after it."""

    kind = "restored"


class TooLarge(PlanError):
    """The plan is larger than ltc.yaml allows without a person's approval."""

    kind = "limit"


@dataclass(frozen=True, slots=True)
class Size:
    """How large a plan is. ``money`` is in major units of the base currency, the sum over the records it writes."""

    changes: int
    share: Decimal
    """The largest share of the live records of one of its streams."""
    stream: str
    """That one; ``written`` of its ``alive`` records are."""
    written: int
    alive: int
    money: Decimal
    unknown: tuple[str, ...]
    """Currencies without a rate, which ``money`` leaves out."""


def check(store: Store, settings: Settings, plan: Plan, approver: str | None, *, whole: bool = True) -> None:
    """Raise ``FirstRun``, ``Unread`` or ``TooLarge`` if the plan may not be carried out.

    ``approver``: who approves a large plan, kept with the plan so that it may be taken up again, and one that rests on
    what is in a backup only. If ``plan`` holds a part of its items (not ``whole``), only that part is approved.
    """
    with store.reading() as connection:
        _refuse_unseen(connection, settings, plan.system, approver)
        exceeded = () if plan.large_approved_by else exceeds(settings, size(connection, settings, plan))
    if not exceeded:
        return
    if approver is None:
        raise TooLarge(
            f"Plan {plan.id} for {plan.system} is larger than allowed: {'; '.join(exceeded)}.",
            "Look at it with `ltc push --plan`, then `ltc push --apply --approve`.",
        )
    with store.transaction() as connection:
        outbox.approve_large(connection, plan, approver, list(exceeded), whole=whole)


def check_creations(store: Store, settings: Settings, plan: CreationPlan, approver: str | None) -> None:
    """Raise ``FirstRun``, ``Unread`` or ``TooLarge`` if the records of a plan may not be created."""
    with store.reading() as connection:
        _refuse_unseen(connection, settings, plan.system, approver)
    exceeded = exceeds_creations(settings, plan)
    if not exceeded:
        return
    if approver is None:
        raise TooLarge(
            f"Plan {plan.id} for new records in {plan.system} is larger than allowed: {'; '.join(exceeded)}.",
            "Look at it with `ltc push --plan`, then `ltc push --apply --approve`.",
        )
    with store.transaction() as connection:
        creations.approve_large(connection, plan.items, approver, plan.id, "; ".join(exceeded))


def exceeds_creations(settings: Settings, plan: CreationPlan) -> tuple[str, ...]:
    """What a plan of new records exceeds, each as a sentence's part; what was approved before does not count."""
    told = []
    for rule in settings.creation:
        if rule.to_system == plan.system:
            fresh = [item for item in plan.items if item.rule == rule.rule and item.origin.system == rule.from_system]
            number = sum(not item.doubtful and not item.large_approved_by for item in fresh)
            if number > rule.limit:
                told.append(f"{number} new records by the rule `{rule.rule}` (allowed: {rule.limit})")
    return tuple(told)


def _refuse_unseen(connection: Connection, settings: Settings, system: str, approver: str | None) -> None:
    if read_only(connection, settings, [system]):
        raise FirstRun(
            f"{system} is new here and read only: nobody has accepted how its records were matched.",
            f"Look at it with `ltc push --plan`, then `ltc push --accept-first {system}`.",
        )
    unread = [] if approver else restore.unread(connection, settings.systems)
    if unread:
        raise Unread(
            f"The store was restored from a backup, and since then {_some(unread)} was not read to the end: "
            "the plan might undo newer values.",
            "Run `ltc sync` until every system has been read. If one will never be read again: "
            "`ltc push --apply --approve`.",
        )


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if names[3:] else "")


def read_only(connection: Connection, settings: Settings, systems: Iterable[str]) -> list[str]:
    """Those of the systems whose first matching nobody has accepted yet."""
    if settings.writing.first_run == "write":
        return []
    asked = [name for name in systems if settings.systems[name].push != "off"]
    accepted = locks.accepted(connection, asked)
    return [name for name in asked if name not in accepted]


def exceeds(settings: Settings, found: Size) -> tuple[str, ...]:
    """What a plan of this size exceeds, each as a sentence's part; empty if nothing."""
    limits = settings.writing.limits
    base = settings.base_currency
    told = []
    if found.changes > limits.changes and found.share > limits.share:
        told.append(
            f"{found.changes:,} records, {found.share:.1%} of {found.stream} "
            f"(allowed: {limits.changes:,} records, or {limits.share:.0%} of a stream, whichever is more)"
        )
    if limits.money is not None and found.money > limits.money:
        told.append(f"records worth {found.money:,.2f} {base} (allowed: {limits.money:,.2f})")
    if limits.money is not None and found.unknown:
        told.append(f"records in {', '.join(found.unknown)}, for which reconciliation.rates has no rate to {base}")
    return tuple(told)


def size(connection: Connection, settings: Settings, plan: Plan) -> Size:
    """Measure what is still open of a plan."""
    streams: dict[tuple[str, str], set[int]] = {}
    for item in plan.open_items:
        streams.setdefault((item.stream, item.entity), set()).add(item.record_id)
    share, largest, of, money, unknown = Decimal(0), "", (0, 0), Decimal(0), set()
    for (stream, entity), ids in streams.items():
        alive = history.alive(connection, plan.system, stream)
        part = Decimal(len(ids)) / alive if alive else Decimal(1)
        if part >= share:
            share, largest, of = part, f"{plan.system}.{stream}", (len(ids), alive)
        worth, without_rate = _worth(connection, settings, entity, ids)
        money += worth
        unknown |= without_rate
    return Size(len(plan.open_items), share, largest, *of, money, tuple(sorted(unknown)))


def _worth(connection: Connection, settings: Settings, entity: str, ids: Iterable[int]) -> tuple[Decimal, set[str]]:
    """The records' main amounts in the base currency, and the currencies that have no rate."""
    field = AMOUNTS.get(entity, "amount")
    rates = {settings.base_currency: Decimal(1), **settings.reconciliation.rates}
    total, unknown = Decimal(0), set()
    for row in history.rows(connection, entity, sorted(ids)).values():
        amount, currency = row.get(field), row.get("currency") or settings.base_currency
        if amount is None:
            continue
        if currency in rates:
            total += abs(Decimal(amount)).scaleb(-EXPONENTS.get(currency, 2)) * rates[currency]
        else:
            unknown.add(currency)
    return total, unknown
