"""Close a period as a run: under the lease of the reconciliation, with the mappings that made its records."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from mappings.errors import MappingFileError
from reconciliation import closing
from state import runs
from state.periods import PeriodError
from sync import systems

if TYPE_CHECKING:
    from settings.model import Settings
    from state.periods import Close
    from state.store import Store

_LEASE_SECONDS = 1800.0


def close_period(store: Store, settings: Settings, period: str, by: str, reason: str = "") -> Close:
    """Reconcile and close; raises ``PeriodError``, ``LeaseHeld``, ``StoreError``, ``DoesNotFootError``.

    What is refused is an answer to a person, and nothing has failed: it is no run. One that finds errors which need a
    reason ends as done.
    """
    closing.refuse(store, settings, period, by, reason)
    asked = runs.Asked(by, "by_hand")
    with runs.running(store, "close", also=["the reconciliation"], seconds=_LEASE_SECONDS, asked=asked) as run:
        lease = run.leases[0]
        run.tell({"period": period})
        try:
            made = closing.close(store.fenced(lease), settings, period, by, run.id, _fingerprints(settings), reason)
        except PeriodError:
            run.finish("done", {"period": period})
            raise
        run.finish("done", {"period": period, "revision": made.revision})
    return made


def _fingerprints(settings: Settings) -> dict[str, dict[str, str]]:
    found = {}
    for name in settings.systems:
        with suppress(MappingFileError, systems.SystemUnusable):  # its records are what they were when it was pulled
            mapping = systems.mapping_for(settings, name)
            found[name] = {stream: mapping.stream(stream).fingerprint for stream in sorted(mapping.streams)}
    return found
