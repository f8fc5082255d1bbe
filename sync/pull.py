"""Pull one stream: page by page into the store, each page one transaction, resumable after any of them."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

from connectors.contract import Connector, Cursor, StreamSpec, Window
from connectors.errors import ContractError
from mappings.engine import Mapping
from state import cursors, landing, remap
from state.clock import now, to_us
from state.landing import Counts, Stream
from state.store import Store
from sync.drift import Drifted, Guard, Policy
from sync.outcome import StreamOutcome
from sync.progress import Progress, Silent
from sync.watch import Watch
from sync.work import Work, working


def pull_stream(
    store: Store,
    connector: Connector[Any],
    mapping: Mapping,
    system: str,
    spec: StreamSpec,
    *,
    run_id: str,
    full: bool = False,
    since: datetime | None = None,
    drift: Policy = "evolve",
    progress: Progress | None = None,
) -> StreamOutcome:
    """Bring one stream up to date and say what happened; never raises for the source's, the store's or a user's doing.

    ``full`` reads everything again, ``since`` (aware) everything changed after it, both whatever the cursor says.
    ``drift`` says what becomes of records that look different from those before. What is committed when a failure or
    Ctrl-C ends the pull stays, and the next pull goes on from there.
    """
    outcome = StreamOutcome(system, spec.name, "pull")
    with working(store, outcome, run_id, progress or Silent()) as work:
        mapper = mapping.stream(spec.name)
        with work.transaction() as connection:
            stream = landing.open_stream(connection, system, spec.name, mapper.entity)
            stored = cursors.read(connection, stream.id)
            held_back = remap.is_refused_by_another_mapping(connection, stream, mapper.fingerprint)
        retried = _retry_quarantine(work, stream, Guard(mapper, stream, run_id)) if held_back else {}
        watch = Watch(mapper, stream, run_id, drift, stored)
        until = now() - timedelta(seconds=connector.settle_seconds)
        window = Window(until=until, since=since, full=full)
        calls = connector.stats.calls
        cursor = stored.cursor if stored is not None and not full else None
        try:
            _pull(work, connector, watch, stream, cursor, stored, window)
        except Drifted as stopped:
            watch.keep(work, stopped)
            raise
        finally:
            outcome.drift = watch.told
            calls = connector.stats.calls - calls
            outcome.counts = {**outcome.counts, **retried, **watch.counts, "calls": calls}
    return outcome


def _retry_quarantine(work: Work, stream: Stream, guard: Guard) -> dict[str, int]:
    """Map what an earlier mapping refused again; done before the pull, so that a mended mapping shows at once."""
    tried, still = 0, 0
    with work.transaction() as connection:
        for batch in remap.refused_by_another_mapping(connection, stream, guard.fingerprint):
            counts = guard.again(connection, batch)
            tried, still = tried + counts.pulled, still + counts.rejected
    return {"released": tried - still} if tried else {}


def _pull(
    work: Work,
    connector: Connector[Any],
    watch: Watch,
    stream: Stream,
    cursor: Cursor | None,
    stored: cursors.StoredCursor | None,
    window: Window,
) -> None:
    sums, noted = Counts(), dict[str, int]()
    covered = stored.covered_until if stored else None
    work.outcome.counts = sums.as_dict()
    with closing(_pages(connector, stream.name, cursor, window)) as pages:
        for page in pages:
            if page.complete:
                covered = to_us(window.until)
            with work.transaction() as connection:
                counts = watch.land(connection, page.records, deleted_ids=page.deleted_ids, rejected=page.rejected)
                cursors.write(
                    connection,
                    stream.id,
                    page.cursor,
                    complete=page.complete,
                    covered_until=covered,
                    run_id=work.run_id,
                    fence=work.fence,
                )
            sums.add(counts)
            noted |= page.noted
            work.page({**sums.as_dict(), **noted})
            if page.complete:
                return
    raise ContractError(
        f"The pull of {stream.name} ended without a last page.",
        remedy="It goes on from the last page on the next run. If it happens again, report it.",
    )


def _pages(connector: Connector[Any], name: str, cursor: Cursor | None, window: Window) -> Any:
    pages: Any = connector.pull(name, cursor, window)
    if hasattr(pages, "close"):
        return pages

    def closable() -> Any:
        yield from pages

    return closable()
