"""What a sync does for the store beside its work: finish erasures first, and prune once a day when it is done."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from mappings.errors import MappingFileError
from state import erasure, pruned
from state.clock import now_us
from state.runs import LeaseHeld

if TYPE_CHECKING:
    from settings.model import Settings
    from state.retention import Policy
    from state.store import Store

AUTOMATIC_SECONDS = 20.0
"""A sync prunes for about so long; what is left is done by the next ones."""


def policy(settings: Settings) -> Policy:
    """The retention of ltc.yaml."""
    from state.retention import Policy

    given = settings.retention
    return Policy(
        landing_versions=given.landing.versions,
        landing_days=given.landing.days,
        runs_days=given.runs,
        writes_days=given.writes,
        findings_days=given.findings,
        tie_outs_days=given.tie_outs,
    )


def before_pull(store: Store, settings: Settings) -> None:
    """Finish erasures that were cut off or undone by a restore, before anything else; raises ``StoreError``.

    They wait for a mapping that cannot be read.
    """
    with store.reading() as connection:
        waiting = erasure.unfinished(connection)
    if waiting:
        from state import forget
        from sync.forget import mappers

        with suppress(MappingFileError):
            forget.again(store, mappers(settings))


def after_sync(store: Store, settings: Settings) -> None:
    """Prune if it is due; raises ``StoreError``."""
    if not settings.retention.automatic:
        return
    with store.reading() as connection:
        due = pruned.is_due(connection, now_us())
    if due:
        from state import retention

        with suppress(LeaseHeld):  # somebody else is at it
            retention.prune(store, policy(settings), seconds=AUTOMATIC_SECONDS)
