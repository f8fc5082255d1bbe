"""The frame around work on one stream: lease, run row, progress, errors as outcomes, Ctrl-C between two pages."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from sqlalchemy.engine import Connection

from connectors.errors import ConnectorError
from mappings.errors import MappingFileError
from state import runs
from state.failures import StoreError
from state.store import Store
from sync import stopping
from sync.outcome import StreamOutcome, problem
from sync.progress import Progress


class _HeldBack:
    """Holds Ctrl-C back while a transaction runs; a second one gets through."""

    def __init__(self) -> None:
        self._came = False

    def obey(self) -> None:
        """Raise ``KeyboardInterrupt`` if Ctrl-C came."""
        if self._came:
            self._came = False
            raise KeyboardInterrupt

    @contextmanager
    def until_done(self) -> Iterator[None]:
        """Hold it back during the block."""
        number = stopping.asking()
        if number is None:
            yield
            return
        before = signal.signal(number, self._hold)
        try:
            yield
        finally:
            signal.signal(number, before)

    def _hold(self, number: int, frame: FrameType | None) -> None:
        if self._came:
            signal.default_int_handler(number, frame)
        self._came = True


class Work:
    """Work in progress on one stream."""

    def __init__(self, store: Store, outcome: StreamOutcome, run_id: str, progress: Progress) -> None:
        self.store = store
        self.outcome = outcome
        self.run_id = run_id
        self._progress = progress
        self._lease: runs.Lease | None = None
        self._held_back = _HeldBack()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction that holds only while the stream is ours and that Ctrl-C does not cut: ``page`` obeys it.

        The first one takes the stream; it raises ``LeaseHeld`` if another process has it.
        """
        first = self._lease is None
        try:
            with self._held_back.until_done(), self.store.transaction() as connection:
                if self._lease is None:
                    self._lease = self._take(connection)
                else:
                    self._lease.renew(connection)
                yield connection
        except BaseException:
            if first:  # the lease is gone with the transaction
                self._lease = None
            raise

    @property
    def fence(self) -> int:
        """The token of the lease on the stream, which what is written carries."""
        return self._lease.token if self._lease is not None else 0

    def page(self, counts: dict[str, int]) -> None:
        """Tell that a page is committed; raises ``KeyboardInterrupt`` if Ctrl-C came meanwhile."""
        self.outcome.counts = counts
        self._progress.page(self.outcome.system, self.outcome.stream, counts)
        self._held_back.obey()

    def _take(self, connection: Connection) -> runs.Lease:
        outcome = self.outcome
        lease = runs.acquire(connection, f"stream {outcome.system}.{outcome.stream}")
        runs.start_stream(connection, self.run_id, outcome.system, outcome.stream, outcome.direction)
        return lease

    def end(self) -> None:
        """Give the stream back and note the outcome."""
        outcome = self.outcome
        failed = outcome.error
        with self._held_back.until_done(), self.store.transaction() as connection:
            if self._lease is None:  # it failed before the first transaction
                runs.start_stream(connection, self.run_id, outcome.system, outcome.stream, outcome.direction)
            else:
                self._lease.release(connection)
            runs.finish_stream(
                connection,
                self.run_id,
                outcome.system,
                outcome.stream,
                outcome.direction,
                status=outcome.status,
                counts=outcome.counts,
                error=(failed.kind, failed.message, failed.remedy) if failed is not None else None,
            )


@contextmanager
def working(store: Store, outcome: StreamOutcome, run_id: str, progress: Progress) -> Iterator[Work]:
    """Work on one stream in the block; its errors, and Ctrl-C, end the block and are noted in ``outcome``.

    A programming error is noted, too, and leaves.
    """
    work = Work(store, outcome, run_id, progress)
    started = time.monotonic()
    outcome.status = "failed"
    progress.stream_started(outcome.system, outcome.stream, outcome.direction)
    try:
        yield work
        outcome.status = "done"
    except (ConnectorError, StoreError, MappingFileError) as error:
        outcome.error = problem(error)
    except KeyboardInterrupt:
        outcome.status = "interrupted"
    finally:
        outcome.seconds = time.monotonic() - started
        try:
            work.end()
        except StoreError as error:
            if outcome.status == "done":  # otherwise the outcome says already what failed
                outcome.status, outcome.error = "failed", problem(error)
        progress.stream_done(outcome)
