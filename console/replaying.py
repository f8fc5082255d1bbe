"""Map again what is held, as one run: for ``ltc replay`` and the workbench."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from state import runs
from sync.replay import replay
from sync.result import SyncResult

if TYPE_CHECKING:
    from mappings.engine import Mapping as SystemMapping
    from state.store import Store
    from sync.progress import Progress

_LEASE_SECONDS = 86_400


def run_replay(
    store: Store,
    mappings: Mapping[str, SystemMapping],
    *,
    streams: Collection[str] = (),
    progress: Progress | None = None,
    actor: str = "ltc",
) -> SyncResult:
    """Map every record of these systems (of these streams, if any are named) again, from what is stored.

    It may be stopped at any time and run again; reconcile afterwards. Raises ``StoreError``.
    """
    asked = runs.Asked(actor, "by_hand", tuple(mappings))
    with runs.running(store, "replay", seconds=_LEASE_SECONDS, asked=asked, audited=True) as run:
        result = SyncResult(run.id, "replay", "local")
        try:
            for name, mapping in mappings.items():
                chosen = [stream for stream in mapping.streams if not streams or stream in streams]
                result.outcomes += replay(store, mapping, name, run_id=run.id, streams=chosen, progress=progress)
                if any(outcome.status == "interrupted" for outcome in result.outcomes):
                    break
        finally:
            result.conclude(any(outcome.status == "interrupted" for outcome in result.outcomes))
            result.stopped_by_hand = result.status == "interrupted"
            result.seconds = sum(outcome.seconds for outcome in result.outcomes)
            run.finish(result.status, {"counts": result.counts()})
    return result
