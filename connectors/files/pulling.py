"""From files to pages: what is new in a folder is read once, file by file, and may be resumed in the middle of one.

A file is due if the cursor does not know it as the folder lists it now. It is read once it has settled: its size and
time have not changed for ``settle_seconds``, as the time itself shows (a folder of ours) or as two looks at it show
(a server's clock may be wrong). For short settling times the second look is within the same pull.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple, Protocol

import msgspec

from connectors.contract import CallStats, Page, RawRecord, RejectedRecord, Window
from connectors.errors import ContractError, TransientError
from connectors.files.folder import Entry, Folder
from connectors.files.progress import Known, Partial, Progress, Seen
from connectors.files.spool import Refused, Spool, copied
from connectors.waiting import now_us, sleep

PAGE_RECORDS = 1000
_PAGE_BYTES = 8 * 1024 * 1024
_LONGEST_WAIT = 30.0
"""Seconds that a pull waits for files to settle; what takes longer is left to the next run."""

Item = RawRecord | RejectedRecord


class Reading(NamedTuple):
    """What a reader makes of one file."""

    items: Iterator[Item]
    """The same items in the same order for the same file and memory. Raises ``Refused`` and ``ContractError``."""
    memory: Any = None
    """What is remembered once they all are delivered."""
    moot: Sequence[str] = ()
    """Ids of earlier complaints that this file settles."""


class Reader(Protocol):
    """Knows what is in the files of a stream."""

    newest_only: bool
    """Whether each file is the whole list."""
    way: str
    """Changes with every setting on which it depends what is read from a file."""

    def read(self, spool: Spool, memory: Any) -> Reading:
        """Read one file. Raises ``Refused`` and ``ContractError``."""


class Puller:
    """Pulls one stream of files."""

    def __init__(
        self,
        folder: Folder,
        patterns: Sequence[str],
        reader: Reader,
        *,
        settle_seconds: float,
        most_files: int,
        most_bytes: float,
        most_rejects: int,
        stats: CallStats,
    ) -> None:
        self._folder = folder
        self._patterns = patterns
        self._reader = reader
        self._settle_us = int(settle_seconds * 1_000_000)
        self._most_files = most_files
        self._most_bytes = most_bytes
        self._most_rejects = most_rejects
        self._stats = stats
        self._state = Progress()
        self._moot: dict[str, None] = {}
        self._noted: dict[str, int] = {}
        """What the run is told of: a folder that has no file for the stream, files that are there no more."""

    def listed(self) -> Sequence[Entry]:
        """The files of the stream, oldest first."""
        self._stats.calls += 1
        return self._folder.list(self._patterns, self._most_files)

    def newest(self) -> Entry | None:
        """The newest file, once it has stood still; ``None`` if there is none.

        Unless its time shows that it does, two looks must, at most 30 seconds apart: nothing is remembered until the
        next run. Raises ``TransientError`` if it may still be written to.
        """
        listed, looked_us = self.listed(), now_us()
        if not listed or self._is_old(listed[-1], looked_us):
            return listed[-1] if listed else None
        longest_us = int(_LONGEST_WAIT * 1_000_000)
        apart_us = self._settle_us if self._folder.shares_our_clock else min(self._settle_us, longest_us)
        sleep(min(apart_us, longest_us) / 1_000_000)
        if list(self.listed()[-1:]) != [listed[-1]] or now_us() - looked_us < apart_us:
            raise TransientError(f"{listed[-1].name} may still be written to.", sent=False)
        return listed[-1]

    def pages(self, cursor: dict[str, Any] | None, window: Window) -> Iterator[Page]:
        """All that is new; ends with a complete page. Raises ``ConnectorError``."""
        self._state = Progress.of(None if window.full else cursor, self._reader.way)
        for entry in self._due(window):
            yield from self._file(entry, again=window.since is not None)
        yield self._page([], [], complete=True)

    # -- which files

    def _due(self, window: Window) -> list[Entry]:
        listed, waited = self.listed(), 0
        if self._awaits(listed, window) and self._settle_us <= _LONGEST_WAIT * 1_000_000:
            sleep(self._settle_us / 1_000_000)
            listed, waited = self.listed(), round(self._settle_us / 1_000_000)
        gone = self._forget({entry.name for entry in listed})
        self._noted = {name: count for name, count in (("files_gone", gone), ("seconds_settling", waited)) if count}
        if not listed:
            self._noted["no_files"] = 1
        awaited = self._awaits(listed, window)
        return [entry for entry in self._news(listed, window) if entry not in awaited]

    def _news(self, listed: Sequence[Entry], window: Window) -> list[Entry]:
        files = self._state.files
        candidates = list(listed[-1:] if self._reader.newest_only else listed)
        if window.since is not None:
            earliest = int(window.since.timestamp() * 1_000_000)
            return [entry for entry in candidates if entry.changed_us >= earliest]
        return [entry for entry in candidates if entry.name not in files or not files[entry.name].is_like(entry)]

    def _awaits(self, listed: Sequence[Entry], window: Window) -> set[Entry]:
        """Those of the new ones that have not settled; they are remembered as they are."""
        now, found = now_us(), set()
        for entry in self._news(listed, window):
            seen = self._state.seen.get(entry.name)
            if seen is None or not seen.is_like(entry):
                seen = self._state.seen[entry.name] = Seen(entry.size, entry.changed_us, now)
            if not self._is_old(entry, now) and now - seen.since_us < self._settle_us:
                found.add(entry)
        return found

    def _is_old(self, entry: Entry, now: int) -> bool:
        """Whether the file's own time shows that it has settled."""
        return self._folder.shares_our_clock and now - entry.changed_us >= self._settle_us

    def _forget(self, names: set[str]) -> int:
        """Forget files that are there no more; how many of them had been read."""
        state = self._state
        gone = state.files.keys() - names
        for name in gone:
            self._settle(state.files.pop(name).complaints)
        for name in state.seen.keys() - names:
            del state.seen[name]
        if state.reading is not None and state.reading.name not in names:
            self._settle(state.reading.complaints)
            state.reading = None
        return len(gone)

    # -- one file

    def _file(self, entry: Entry, *, again: bool) -> Iterator[Page]:
        state = self._state
        known = state.files.get(entry.name)
        try:
            with copied(self._folder, entry, self._most_bytes, self._stats) as spool:
                if spool is None:
                    state.seen.pop(entry.name, None)  # it counts from the next look at it
                    return
                if known is not None and known.hash == spool.hash and not again:
                    known.size, known.changed_us = entry.size, entry.changed_us
                    state.seen.pop(entry.name, None)
                    return
                yield from self._rows(spool)
        except Refused as refused:
            yield self._refused(entry, "", refused)

    def _rows(self, spool: Spool) -> Iterator[Page]:
        state, name = self._state, spool.entry.name
        partial = state.reading
        if partial is None or (partial.name, partial.hash) != (name, spool.hash):
            if partial is not None:
                self._settle(partial.complaints)
            partial = state.reading = Partial(name, spool.hash, 0)
        records: list[RawRecord] = []
        rejected: list[RejectedRecord] = []
        try:
            if not spool.entry.size:
                raise Refused("is empty")
            reading = self._reader.read(spool, state.memory)
            size = 0
            for item in islice(reading.items, partial.rows, None):
                partial.rows += 1
                size += len(item.body)
                if isinstance(item, RawRecord):
                    records.append(item)
                else:
                    rejected.append(item)
                    partial.complaints.append(item.source_id)
                    if len(partial.complaints) > self._most_rejects:
                        raise Refused(f"holds more than {self._most_rejects} rows that cannot be used")
                if len(records) + len(rejected) >= PAGE_RECORDS or size >= _PAGE_BYTES:
                    yield self._page(records, rejected)
                    records, rejected, size = [], [], 0
            state.memory = reading.memory
            self._settle([*reading.moot, _id_of(spool.entry)])
            self._done(spool.entry, spool.hash, partial.complaints)
        except Refused as refused:
            if records or rejected:
                yield self._page(records, rejected)
            yield self._refused(spool.entry, spool.hash, refused)
            return
        except ContractError:
            if records or rejected:
                yield self._page(records, rejected)
            raise
        if records or rejected or self._moot:
            yield self._page(records, rejected)

    def _refused(self, entry: Entry, digest: str, refused: Refused) -> Page:
        """The file as a whole goes to quarantine, and is read again when it changes."""
        complaint = RejectedRecord(_id_of(entry), told(entry.name), "", f"The file {refused.reason}.")
        partial = self._state.reading
        held = partial.complaints if partial is not None and partial.name == entry.name else []
        self._done(entry, digest, [*held[: self._most_rejects + 1], complaint.source_id])
        return self._page([], [complaint])

    def _done(self, entry: Entry, digest: str, complaints: Sequence[str]) -> None:
        state = self._state
        before = state.files.get(entry.name)
        if before is not None:
            self._settle([item for item in before.complaints if item not in set(complaints)])
        state.files[entry.name] = Known(entry.size, entry.changed_us, digest, list(complaints))
        state.seen.pop(entry.name, None)
        state.reading = None

    def _settle(self, complaints: Sequence[str]) -> None:
        """What was complained of is no more: its entries leave quarantine with the next page."""
        self._moot.update(dict.fromkeys(complaints))
        gone = set(complaints)
        for known in self._state.files.values() if gone else ():
            if not gone.isdisjoint(known.complaints):
                known.complaints = [item for item in known.complaints if item not in gone]

    def _page(self, records: list[RawRecord], rejected: list[RejectedRecord], *, complete: bool = False) -> Page:
        again = {item.source_id for item in rejected}
        moot = tuple(item for item in self._moot if item not in again)
        self._moot = {}
        return Page(records, self._state.cursor(), complete, moot, rejected, self._noted if complete else {})


def _id_of(entry: Entry) -> str:
    """Under which a file as a whole is in quarantine."""
    return f"file {entry.name}"


def told(name: str, row: int | None = None, cells: Any = None) -> bytes:
    """What is kept of something that cannot be used."""
    shown: dict[str, Any] = {"file": name}
    if row is not None:
        shown |= {"row": row}
    if cells is not None:
        shown |= {"cells": cells}
    return msgspec.json.encode(shown)
