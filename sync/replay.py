"""Map everything we hold again after a mapping has changed: from landing, in batches, without asking the source."""

from __future__ import annotations

from collections.abc import Sequence

from mappings.engine import Mapping
from state import landing, remap
from state.landing import Counts
from state.store import Store
from sync.drift import Guard
from sync.outcome import StreamOutcome
from sync.progress import Progress, Silent
from sync.work import working


def replay(
    store: Store,
    mapping: Mapping,
    system: str,
    *,
    run_id: str,
    streams: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> list[StreamOutcome]:
    """Map the current version of every record of a system (or of some of its streams) again.

    What is held back because records look different (docs/drift.md) stays so. Memory is bounded by the batch. It can
    be stopped at any time and run again.
    """
    return [
        replay_stream(store, mapping, system, name, run_id=run_id, progress=progress)
        for name in (mapping.streams if streams is None else streams)
    ]


def replay_stream(
    store: Store, mapping: Mapping, system: str, name: str, *, run_id: str, progress: Progress | None = None
) -> StreamOutcome:
    """Map one stream again; see ``replay``."""
    outcome = StreamOutcome(system, name, "replay")
    with working(store, outcome, run_id, progress or Silent()) as work:
        mapper = mapping.stream(name)
        with work.transaction() as connection:
            remap.change_entity(connection, system, name, mapper.entity)
            stream = landing.open_stream(connection, system, name, mapper.entity)
        guard = Guard(mapper, stream, run_id)
        sums, after = Counts(), 0
        while True:
            with work.transaction() as connection:
                batch = remap.held(connection, stream, after)
                if not batch:
                    break
                sums.add(guard.again(connection, batch))
            after = batch[-1].id
            work.page(sums.as_dict())
    return outcome
