"""Read the records of a page one by one, where the list shows parts of them only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connectors.contract import RawRecord, RejectedRecord
from connectors.declarative.failures import Missing
from connectors.declarative.pushing import Singles
from connectors.declarative.records import Found
from connectors.errors import RecordError


class Details:
    """``workers``: so many are read at once."""

    def __init__(self, singles: Singles, workers: int) -> None:
        self._singles = singles
        self._workers = workers

    def of(self, found: Found) -> Found:
        """The same page with whole records; those that were deleted meanwhile are left out.

        Raises any ``ConnectorError`` but ``RecordError``: a record that the system refuses is put aside.
        """
        whole = Found([], [*found.rejected], [*found.deleted], found.order)
        for listed, read in zip(found.records, self._read(found.records), strict=True):
            if isinstance(read, RawRecord):
                whole.records.append(read)
            elif isinstance(read, Missing):
                continue
            elif read is None:
                whole.deleted.append(listed.source_id)
            else:
                whole.rejected.append(RejectedRecord(listed.source_id, listed.body, "", f"cannot be read: {read}"))
        return whole

    def _read(self, records: Sequence[RawRecord]) -> Iterator[RawRecord | RecordError | None]:
        if len(records) <= 1 or self._workers == 1:
            yield from map(self._one, records)
            return
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(self._workers) as pool:
            yield from pool.map(self._one, records)

    def _one(self, listed: RawRecord) -> RawRecord | RecordError | None:
        try:
            return self._singles.read(listed.source_id).record
        except RecordError as error:
            return error
