"""Read the records of one stream that webhooks told of, now and one by one."""

from __future__ import annotations

from typing import Any

from connectors.contract import Connector, RawRecord, StreamSpec
from mappings.engine import Mapping
from state import landing, notices
from state.landing import Counts, Stream
from state.notices import Waiting
from state.store import Store
from sync.outcome import StreamOutcome
from sync.progress import Progress, Silent
from sync.work import Work, working

_BATCH = 100


def fetch_stream(
    store: Store,
    connector: Connector[Any],
    mapping: Mapping,
    system: str,
    spec: StreamSpec,
    *,
    run_id: str,
    progress: Progress | None = None,
) -> StreamOutcome:
    """Read what is noted and land it; a note goes in the transaction that lands what it told of.

    A record that the source does not show is taken for deleted only if a webhook said so and it is not held in a
    version from after that. Otherwise it may not be visible yet: a later pull or sweep tells.
    """
    outcome = StreamOutcome(system, spec.name, "fetch", counts=Counts().as_dict())
    with working(store, outcome, run_id, progress or Silent()) as work:
        mapper = mapping.stream(spec.name)
        with work.transaction() as connection:
            stream = landing.open_stream(connection, system, spec.name, mapper.entity)
        calls = connector.stats.calls
        sums = Counts()
        after = ""
        try:
            while True:
                with store.reading() as connection:
                    told = notices.waiting(connection, system, spec.name, after, _BATCH)
                if not told:
                    break
                ids = [item.source_id for item in told]
                shown = [record for batch in connector.fetch(spec.name, ids) for record in batch]
                sums.add(_land(work, mapper, stream, told, shown, spec.fetch_lags))
                after = told[-1].source_id
                work.page({**sums.as_dict(), "calls": connector.stats.calls - calls})
        finally:
            outcome.counts = {**sums.as_dict(), "calls": connector.stats.calls - calls}
    return outcome


def _land(
    work: Work, mapper: landing.Mapper, stream: Stream, told: list[Waiting], shown: list[RawRecord], lags: bool
) -> Counts:
    there = {record.source_id for record in shown}
    gone = {item.source_id: item for item in told if item.deleted and item.source_id not in there}
    with work.transaction() as connection:
        held = landing.heads(connection, stream.id, [item.source_id for item in told])
        alive = [record for record in shown if not lags or _is_alive(held.get(record.source_id))]
        deleted = [name for name, item in gone.items() if name in held and not _came_back(item, held[name])]
        named: Any = {"run_id": work.run_id, "deleted_ids": deleted, "origin": landing.Origin.FETCHED}
        counts = landing.apply(connection, stream, mapper, alive, **named)
        counts.stale += len(shown) - len(alive)
        notices.done(connection, stream.system, stream.name, told)
    return counts


def _is_alive(head: landing.Head | None) -> bool:
    """Whether a list has shown the record, and not its deletion.

    A read that lags behind may show what is deleted by now, in a later version than we ever saw. Then only a pull
    brings records in, or back.
    """
    return head is not None and head.state != landing.RecordState.DELETED


def _came_back(told: Waiting, head: landing.Head) -> bool:
    """Whether the record is held in a version from after the deletion that the webhook tells of."""
    return told.version is not None and head.version is not None and head.version > told.version
