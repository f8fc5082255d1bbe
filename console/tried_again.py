"""Map records in quarantine again as we hold them, without asking their source."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from settings.model import Settings
    from state.landing import Counts
    from state.quarantine import Refused
    from state.store import Store
    from sync.drift import Guard
    from sync.outcome import StreamOutcome

ACTION = "quarantine tried again"
"""What the audit says of it."""


def retry(store: Store, settings: Settings, refused: Sequence[Refused], actor: str) -> StreamOutcome:
    """Map records of one stream again with the present mapping; those that it still refuses stay.

    What a connector could not even slice can only be read again. It is a run of its own, of the kind ``replay``.
    Raises ``MappingFileError``, ``StoreError``; what else fails is in the outcome.
    """
    from state import audit, remap
    from state.landing import Counts

    first = refused[0]

    def act(connection: Connection, guard: Guard) -> Counts:
        sums = Counts()
        for item in refused:
            found = remap.held(connection, guard.stream, item.record_id - 1, 1)
            sums.add(guard.again(connection, [held for held in found if held.id == item.record_id]))
        records = [item.source_id for item in refused]
        detail = {"system": first.system, "stream": first.stream, "records": records}
        audit.append(connection, actor, ACTION, {**detail, "refused": sums.rejected})
        return sums

    return again(store, settings, (first.system, first.stream), actor, act)


def again(
    store: Store, settings: Settings, where: tuple[str, str], actor: str, act: Callable[[Connection, Guard], Counts]
) -> StreamOutcome:
    """Do something with what is held of a stream (system, name) in a run of its own, in one transaction.

    Raises what ``retry`` raises, and what ``act`` does of its own; then nothing is changed.
    """
    from state import landing, runs
    from sync.drift import Guard
    from sync.outcome import StreamOutcome
    from sync.progress import Silent
    from sync.systems import mapping_for
    from sync.work import working

    system, name = where
    mapper = mapping_for(settings, system).stream(name)
    outcome = StreamOutcome(system, name, "replay", counts=landing.Counts().as_dict())
    with runs.running(store, "replay", asked=runs.Asked(actor, "by_hand", (system,))) as run:
        with working(store, outcome, run.id, Silent()) as work, work.transaction() as connection:
            stream = landing.open_stream(connection, system, name, mapper.entity)
            outcome.counts = act(connection, Guard(mapper, stream, run.id)).as_dict()
        run.finish(outcome.status, {"counts": {system: outcome.counts}})
    return outcome


def finished(outcome: StreamOutcome) -> None:
    """Raise ``StoreError`` for one that has failed."""
    from state.failures import StoreError

    if outcome.error is not None:
        raise StoreError(outcome.error.message, outcome.error.remedy)
