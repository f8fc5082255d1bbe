"""Map records in quarantine again as we hold them, without asking their source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from settings.model import Settings
    from state.quarantine import Refused
    from state.store import Store
    from sync.outcome import StreamOutcome

ACTION = "quarantine tried again"
"""What the audit says of it."""


def retry(store: Store, settings: Settings, refused: Sequence[Refused], actor: str) -> StreamOutcome:
    """Map records of one stream again with the present mapping; those that it still refuses stay.

    What a connector could not even slice can only be read again. It is a run of its own, of the kind ``replay``.
    Raises ``MappingFileError``, ``StoreError``; what else fails is in the outcome.
    """
    from state import audit, landing, remap, runs
    from state.landing import Counts
    from sync.drift import Guard
    from sync.outcome import StreamOutcome
    from sync.progress import Silent
    from sync.systems import mapping_for
    from sync.work import working

    first = refused[0]
    mapper = mapping_for(settings, first.system).stream(first.stream)
    outcome = StreamOutcome(first.system, first.stream, "replay", counts=Counts().as_dict())
    with runs.running(store, "replay", asked=runs.Asked(actor, "by_hand", (first.system,))) as run:
        with working(store, outcome, run.id, Silent()) as work, work.transaction() as connection:
            stream = landing.open_stream(connection, first.system, first.stream, mapper.entity)
            guard, sums = Guard(mapper, stream, run.id), Counts()
            for item in refused:
                found = remap.held(connection, stream, item.record_id - 1, 1)
                sums.add(guard.again(connection, [held for held in found if held.id == item.record_id]))
            outcome.counts = sums.as_dict()
            records = [item.source_id for item in refused]
            detail = {"system": first.system, "stream": first.stream, "records": records}
            audit.append(connection, actor, ACTION, {**detail, "refused": sums.rejected})
        run.finish(outcome.status, {"counts": {first.system: outcome.counts}})
    return outcome
