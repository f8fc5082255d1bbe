"""The connector ``files``: each configured kind of file is a stream, to be read only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import ClassVar

from pydantic import BaseModel

from connectors.contract import (
    CallStats,
    CheckLine,
    Connector,
    Cursor,
    Deletes,
    Page,
    RawRecord,
    RejectedRecord,
    StreamSpec,
    Window,
)
from connectors.errors import ConnectorError, ContractError, TransientError
from connectors.files.config import FilesConfig, SourceConfig, StreamConfig
from connectors.files.folder import Entry, Folder
from connectors.files.local import LocalFolder
from connectors.files.pulling import PAGE_RECORDS, Item, Puller, Reader
from connectors.files.spool import Refused, copied

_SHOWN_FILES = 3
"""How many of the newest files ``check`` looks into."""
_TRIED_ROWS = 100
"""How many rows of each it reads as a pull would."""
_REFUSED = "The other rows are read. Correct those that are refused, or they wait in quarantine."


class Files(Connector[FilesConfig]):
    """A folder of CSV, XLSX, JSON lines or Parquet."""

    name: ClassVar[str] = "files"
    Config: ClassVar[type[BaseModel]] = FilesConfig
    permissions: ClassVar[tuple[str, ...]] = ("to list the folder and to read the files in it",)

    def close(self) -> None:
        """Hang up."""
        if "_folder" in self.__dict__:
            self._folder.close()

    def streams(self) -> Sequence[StreamSpec]:
        """One stream per entry of ``streams``, in that order."""
        return [
            StreamSpec(
                name, stream.entity, stream.version.column if stream.version else None, deletes=Deletes(stream.deletes)
            )
            for name, stream in self.config.streams.items()
        ]

    def check(self) -> Iterable[CheckLine]:
        """Per stream: how many files there are, what the newest are taken for and why, and how headers differ."""
        for name in self.config.streams:
            try:
                yield self._checked(name, self._stream(name))
            except ConnectorError as error:
                yield CheckLine(name, False, error.message, error.remedy, can_read=False, can_write=False)

    def pull(self, stream: str, cursor: Cursor | None, window: Window) -> Iterator[Page]:
        """See ``connectors.files.pulling``."""
        return self._puller(self._stream(stream)).pages(cursor, window)

    def ids(self, stream: str) -> Iterator[Sequence[str]]:
        """The keys in the newest file. Raises ``ContractError`` if it cannot be read to its end, and
        ``TransientError`` as long as it may be written to."""
        from connectors.files.formats import TableReader

        chosen = self._stream(stream)
        newest = self._puller(chosen).newest()
        if newest is None:
            raise ContractError(
                f"There is no file {chosen.pattern} in {self._folder.where}, so nobody knows what is gone.",
                remedy="Leave the last complete list in place until the next one comes.",
            )
        try:
            with copied(self._folder, newest, self.config.limits.file_mb * 1024 * 1024, self.stats) as spool:
                if spool is None:
                    raise TransientError(f"{newest.name} is being written.", sent=False)
                batch: list[str] = []
                for item in TableReader(chosen, self.config.limits).items(spool):
                    if not isinstance(item, RawRecord):
                        raise ContractError(
                            f"{newest.name} is no complete list: {_told(item)}.",
                            remedy="Nothing was marked as deleted. Correct the file.",
                        )
                    batch.append(item.source_id)
                    if len(batch) >= PAGE_RECORDS:
                        yield batch
                        batch = []
                yield batch
        except Refused as refused:
            raise ContractError(f"The file `{newest.name}` {refused.reason}.", remedy="Correct the file.") from refused

    def _stream(self, name: str) -> StreamConfig:
        """The settings of a stream, with the zone of the system where its version's times name none."""
        stream = self.config.streams[name]
        version = stream.version
        if version is None or version.zone is not None or version.format == "integer" or self.zone is None:
            return stream
        return stream.model_copy(update={"version": version.model_copy(update={"zone": self.zone})})

    @cached_property
    def _folder(self) -> Folder:
        return folder_of(self.config, self.stats)

    def _puller(self, stream: StreamConfig) -> Puller:
        from connectors.files.formats import TableReader  # takes time to import

        return puller_of(
            self.config, self._folder, [stream.pattern], TableReader(stream, self.config.limits), self.stats
        )

    def _checked(self, name: str, stream: StreamConfig) -> CheckLine:
        from connectors.files.formats import drift

        listed = self._puller(stream).listed()
        if not listed:
            remedy = f"Files must match {stream.pattern}; hidden ones and those ending in .part or .tmp do not count."
            return CheckLine(name, True, f"no files in {self._folder.where}", remedy, can_read=True, can_write=False)
        told, wrong, partly, before = [], False, False, list(stream.columns)
        than = "`columns`"
        for entry in listed[-_SHOWN_FILES:]:
            text, header, usable, whole = self._looked(stream, entry)
            different = drift(before, header, than) if before and header else ""
            told.append(f"{entry.name}: {text}{f'; {different}' if different else ''}")
            wrong, partly = wrong or not usable, partly or not whole
            if header and not stream.columns:
                before, than = header, entry.name
        detail = f"{len(listed):,} files, the newest: {' | '.join(reversed(told))}"
        remedy = "Correct the file, or the stream's settings." if wrong else _REFUSED if partly else ""
        return CheckLine(name, not wrong, detail, remedy, can_read=not wrong, can_write=False)

    def _looked(self, stream: StreamConfig, entry: Entry) -> tuple[str, list[str], bool, bool]:
        """What a file is like, its header, whether it can be used, and whether all of the rows that were tried can."""
        from connectors.files.formats import TableReader
        from connectors.files.table import names_of, require

        try:
            with copied(self._folder, entry, self.config.limits.file_mb * 1024 * 1024, self.stats) as spool:
                if spool is None:
                    return "is being written", [], True, True
                if not entry.size:
                    return "is empty", [], False, False
                what, header = TableReader(stream, self.config.limits).tell(spool)
                if not what.startswith("JSON"):
                    header = names_of(header, self.config.limits)
                require(header, stream, entry.name)
                said, usable = _tried(TableReader(stream, self.config.limits).items(spool))
        except Refused as error:
            return error.reason, [], False, False
        except ContractError as error:
            return error.message.removeprefix(f"{entry.name} "), header, False, False
        columns = f"{', '.join(header[:20])}{', …' if len(header) > 20 else ''}"
        return f"{what}, columns {columns}{said}", header, usable, not said


def _tried(items: Iterable[Item]) -> tuple[str, bool]:
    """What has to be said of the first rows, and whether any can be used, if there are rows at all."""
    rows = list(islice(items, _TRIED_ROWS))
    refused = [item for item in rows if isinstance(item, RejectedRecord)]
    if not refused:
        return "", True
    some = f"; of the first {len(rows)} rows {len(refused)} are refused, such as: {_told(refused[0])}"
    return some, len(refused) < len(rows)


def _told(refused: RejectedRecord) -> str:
    return f"`{refused.field}`: {refused.reason}" if refused.field else refused.reason


def folder_of(config: SourceConfig, stats: CallStats) -> Folder:
    """The folder that the settings name; nothing is opened yet."""
    if config.sftp is not None:
        from connectors.files.sftp import SftpFolder

        return SftpFolder(config.sftp, config.network, stats)
    assert config.folder is not None  # noqa: S101 - the settings see to it
    return LocalFolder(config.folder)


def puller_of(
    config: SourceConfig, folder: Folder, patterns: Sequence[str], reader: Reader, stats: CallStats
) -> Puller:
    """What pulls the files that fit the patterns."""
    limits = config.limits
    return Puller(
        folder,
        patterns,
        reader,
        settle_seconds=config.settle_seconds,
        most_files=limits.files,
        most_bytes=limits.file_mb * 1024 * 1024,
        most_rejects=limits.rejected_rows,
        stats=stats,
    )
