"""Bring in what webhooks told of one stream: land the records that they brought, read those that they named."""

from __future__ import annotations

from typing import Any

from connectors.contract import Connector, RawRecord, StreamSpec
from mappings.engine import Mapping
from state import cursors, landing, notices
from state.landing import Counts, Stream
from state.notices import Waiting
from state.store import Store
from sync.arrivals import land_next
from sync.drift import Drifted, Policy
from sync.outcome import StreamOutcome
from sync.progress import Progress, Silent
from sync.watch import Watch
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
    drift: Policy = "evolve",
    progress: Progress | None = None,
) -> StreamOutcome:
    """Land what webhooks brought; then read what is noted and land it, the note going in the same transaction.

    A record that the source does not show is taken for deleted only if a webhook said so and it is not held in a
    version from after that. Otherwise it may not be visible yet: a later pull or sweep tells.
    """
    outcome = StreamOutcome(system, spec.name, "fetch", counts=Counts().as_dict())
    with working(store, outcome, run_id, progress or Silent()) as work:
        mapper = mapping.stream(spec.name)
        with work.transaction() as connection:
            stream = landing.open_stream(connection, system, spec.name, mapper.entity)
            stored = cursors.read(connection, stream.id)
        watch = Watch(mapper, stream, run_id, drift, stored)
        calls = connector.stats.calls
        sums = Counts()
        after = ""
        try:
            while (landed := land_next(work, watch, connector, stream)) is not None:
                sums.add(landed)
                work.page({**sums.as_dict(), "calls": 0})
            while True:
                with store.reading() as connection:
                    told = notices.waiting(connection, system, spec.name, after, _BATCH)
                if not told:
                    break
                ids = [item.source_id for item in told]
                shown = [record for batch in connector.fetch(spec.name, ids) for record in batch]
                sums.add(_land(work, watch, stream, told, shown, spec.fetch_lags))
                after = told[-1].source_id
                work.page({**sums.as_dict(), "calls": connector.stats.calls - calls})
        except Drifted as stopped:
            watch.keep(work, stopped)
            raise
        finally:
            outcome.drift = watch.told
            outcome.counts = {**sums.as_dict(), **watch.counts, "calls": connector.stats.calls - calls}
    return outcome


def _land(work: Work, watch: Watch, stream: Stream, told: list[Waiting], shown: list[RawRecord], lags: bool) -> Counts:
    there = {record.source_id for record in shown}
    gone = {item.source_id: item for item in told if item.deleted and item.source_id not in there}
    with work.transaction() as connection:
        held = landing.heads(connection, stream.id, [item.source_id for item in told])
        alive = [record for record in shown if not lags or _is_alive(held.get(record.source_id))]
        deleted = [name for name, item in gone.items() if name in held and not _came_back(item, held[name])]
        counts = watch.land(connection, alive, deleted_ids=deleted, origin=landing.Origin.FETCHED)
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
