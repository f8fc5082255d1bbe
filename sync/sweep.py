"""Find deletions in a stream whose source does not report them: list all its ids and mark what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from connectors.contract import Connector, StreamSpec
from mappings.engine import Mapping
from state import landing, sourcecounts, sweep
from state.failures import StoreError
from state.landing import Stream
from state.store import Store
from sync.outcome import StreamOutcome
from sync.progress import Progress, Silent
from sync.work import Work, working

MASS_RATE = 0.05
"""More than this share of a stream, and more than ``MASS_COUNT`` records, missing at once is not believed."""
MASS_COUNT = 20

_BATCH = 1000


class MassDeletion(StoreError):
    """A listing lacks so many records that it is more likely to be wrong than they are to be deleted."""

    kind = "mass_deletion"


def sweep_stream(
    store: Store,
    connector: Connector[Any],
    mapping: Mapping,
    system: str,
    spec: StreamSpec,
    *,
    run_id: str,
    force: bool = False,
    progress: Progress | None = None,
) -> StreamOutcome:
    """Mark records as deleted that a finished listing of the source no longer shows.

    Refuses a mass deletion (kind ``mass_deletion``) unless ``force``. Nothing is marked if the listing fails half-way.
    """
    outcome = StreamOutcome(system, spec.name, "sweep", counts={"listed": 0, "deleted": 0})
    with working(store, outcome, run_id, progress or Silent()) as work:
        mapper = mapping.stream(spec.name)
        with work.transaction() as connection:
            stream = landing.open_stream(connection, system, spec.name, mapper.entity)
        with _counted(outcome, connector), sweep.listing(store) as listed:
            seen = 0
            for ids in connector.ids(spec.name):
                listed.add(ids)
                seen += len(ids)
                work.page({"listed": seen, "deleted": 0})
            alive, missing = listed.compare(stream.id)
            believed = force or missing <= MASS_COUNT or missing <= alive * MASS_RATE
            if believed:
                _mark(work, listed, stream, seen)
            found = listed.count(stream.id, 0 if believed else missing)
            with work.transaction() as connection:
                sourcecounts.note(connection, stream.id, found, listed.began)
            if not believed:
                raise MassDeletion(
                    f"{missing} of the {alive} records of {system}.{spec.name} are missing in the source's list.",
                    "Nothing was marked. If they really are deleted, run "
                    f"`ltc sweep --system {system} --stream {spec.name} --force`.",
                )
    return outcome


@contextmanager
def _counted(outcome: StreamOutcome, connector: Connector[Any]) -> Iterator[None]:
    """Count the calls that the block makes, also of a listing that fails half-way."""
    before = connector.stats.calls
    try:
        yield
    finally:
        outcome.counts = {**outcome.counts, "calls": connector.stats.calls - before}


def _mark(work: Work, listed: sweep.Listing, stream: Stream, seen: int) -> None:
    deleted = 0
    while ids := listed.missing(stream.id, _BATCH):
        with work.transaction() as connection:
            deleted += landing.delete(connection, stream, ids, run_id=work.run_id)
        work.page({"listed": seen, "deleted": deleted})
