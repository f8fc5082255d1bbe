"""Reject records of the open plans by their names, for ``ltc push --reject``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from console.context import App
    from state.outbox import Item


def reject(app: App, names: Sequence[str], reason: str, systems: Sequence[str] | None) -> list[str]:
    """Reject them in one transaction; returns what is left as sentences. Raises ``click.UsageError`` for other names.

    A name is a number or an id of the source, or either with its system before it (``crm:Q-00461``).
    """
    from state import outbox, rejections
    from state.changes import PlanError

    with app.store.transaction() as connection:
        plans = outbox.open_plans(connection, systems)
        chosen: dict[str, set[int]] = {}
        for name in names:
            found = [(plan.id, item.id) for plan in plans for item in plan.open_items if _is_called(item, name)]
            if not found:
                raise click.UsageError(f"No plan writes to {name!r}. `ltc push --plan` shows the records.")
            for plan_id, item_id in found:
                chosen.setdefault(plan_id, set()).add(item_id)
        try:
            left = {key: rejections.reject(connection, key, ids, reason, app.actor) for key, ids in chosen.items()}
        except PlanError as error:
            raise click.UsageError(f"{error.message} {error.remedy}".strip()) from None
    return [_said(app, plan.system, len(chosen[plan.id]), left[plan.id]) for plan in plans if plan.id in left]


def _said(app: App, system: str, count: int, left: str | None) -> str:
    if left is None:
        return app.texts.counted("push.all_rejected", count, system=system)
    return app.texts.counted("push.rejected", count, system=system, plan=left)


def _is_called(item: Item, name: str) -> bool:
    return name in (item.number, item.source_id, f"{item.system}:{item.number}", f"{item.system}:{item.source_id}")
