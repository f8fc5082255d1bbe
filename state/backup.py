"""A backup: one portable file with all rows of a store, the same from SQLite and PostgreSQL.

The file is a zstandard frame (``zstd -d`` reads it) and a footer that ``zstd`` passes over, with the BLAKE2b-256 of all
bytes before it. Inside, each part has its length (4 bytes, little endian) before it and is MessagePack: a ``Header``;
for each table of ``state.schema`` its blocks, which are lists of rows, and an empty part as their end; a ``Manifest``.
Leases are left out: a right to work does not outlive its store. So are tokens, which are dead once they are refreshed
and may end the living ones if they are tried, and what is left of allowances.
"""

from __future__ import annotations

import hashlib
import os
import struct
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import IO, Annotated, Any, Literal, TypeVar

import msgspec
import zstandard
from sqlalchemy import Integer, LargeBinary, Table, Text, select
from sqlalchemy.engine import Connection

from state import schema
from state.clock import now_us
from state.failures import StoreError
from state.migrations import HEAD
from state.store import Store

FORMAT = 1
_OF_THE_STORE = (schema.lease, schema.token, schema.budget, schema.call_count)
TABLES: tuple[Table, ...] = tuple(table for table in schema.metadata.sorted_tables if table not in _OF_THE_STORE)
"""The tables in the order in which the file holds them."""

Told = Callable[[str, int], None]
"""Called with a table and how many of its rows are done, now and then and at the table's end."""

_Kind = TypeVar("_Kind")

_LEVEL = 3
_FETCH = 200
_BLOCK = 256 * 1024
_PIECE = 1024 * 1024
_LARGEST = 1 << 31  # more than either database takes for one value
_LENGTH = struct.Struct("<I")
_FOOTER = struct.Struct("<II8s32s")
_SKIPPED, _MARK = 0x184D2A5B, b"ltc-back"


class BackupError(StoreError):
    """The file is not a backup that can be used, or cannot be written."""

    kind = "backup"


class Header(msgspec.Struct, frozen=True):
    """What a reader must know first; ``made_at`` in microseconds, ``made_by`` the version of ltc."""

    kind: Literal["ltc backup"]
    format: int
    schema: str
    made_at: int
    made_by: str


class Content(msgspec.Struct, frozen=True):
    """One table in the file: its columns in order, how many rows, and the BLAKE2b-256 of its blocks in hex."""

    columns: tuple[str, ...]
    rows: int
    hash: str


class Manifest(msgspec.Struct, frozen=True):
    """What the file must hold, by table."""

    tables: dict[str, Content]

    @property
    def rows(self) -> int:
        """All rows of all tables."""
        return sum(content.rows for content in self.tables.values())


class Backup(msgspec.Struct, frozen=True):
    """A whole file."""

    path: Path
    size: int
    header: Header
    manifest: Manifest


def write(store: Store, path: Path, told: Told) -> Backup:
    """Write everything that is committed at this moment to a new file; work on the store goes on meanwhile.

    The file has its name only when it is whole, and only its owner may read it. Raises ``BackupError`` if there is one
    already or it cannot be written, ``StoreError``.
    """
    refuse_existing(path)
    header = Header("ltc backup", FORMAT, HEAD, now_us(), version("ltc-sync"))
    try:
        with _made_whole(path) as file:
            summed: Any = _Summed(file)
            compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
            with store.reading() as connection, compressor.stream_writer(summed, closefd=False) as body:
                _part(body, msgspec.msgpack.encode(header))
                manifest = Manifest({str(table.name): _table(connection, table, body, told) for table in TABLES})
                _part(body, msgspec.msgpack.encode(manifest))
            file.write(_FOOTER.pack(_SKIPPED, _FOOTER.size - 8, _MARK, summed.hash.digest()))
    except OSError as error:
        raise BackupError(
            f"The backup cannot be written to {path}: {error.strerror}.", "Name another place."
        ) from error
    return Backup(path, path.stat().st_size, header, manifest)


def refuse_existing(path: Path) -> None:
    """Raise ``BackupError`` if there is something with this name."""
    if path.exists():
        raise BackupError(f"There is a file {path} already; a backup replaces none.", "Name another file.")


@contextmanager
def _made_whole(path: Path) -> Iterator[IO[bytes]]:
    """A file that gets its name when the block has ended well, and is removed otherwise."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", suffix=".part", delete=False) as file:
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            refuse_existing(path)
            Path(file.name).rename(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # a name that a power cut takes away would be no backup
    finally:
        os.close(folder)


class _Summed:
    """Writes to a file and hashes what it writes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.hash = hashlib.blake2b(digest_size=32)

    def write(self, data: bytes) -> int:
        self.hash.update(data)
        return self._file.write(data)


def _part(body: Any, data: bytes) -> None:
    body.write(_LENGTH.pack(len(data)))
    body.write(data)


def _table(connection: Connection, table: Table, body: Any, told: Told) -> Content:
    digest, done = hashlib.blake2b(digest_size=32), 0
    for count, block in _blocks(connection, table):
        digest.update(block)
        _part(body, block)
        done += count
        told(table.name, done)
    _part(body, b"")
    told(table.name, done)
    return Content(_columns(table), done, digest.hexdigest())


def _columns(table: Table) -> tuple[str, ...]:
    return tuple(str(column.name) for column in table.columns)  # SQLAlchemy's names are a kind of text of their own


def _blocks(connection: Connection, table: Table) -> Iterator[tuple[int, bytes]]:
    """The rows in lists that end with the row that fills them: few rows of large records, many small ones."""
    encode = msgspec.msgpack.Encoder().encode
    rows: list[bytes] = []
    size = 0
    for row in connection.execute(select(table), execution_options={"yield_per": _FETCH}):
        rows.append(encode(tuple(row)))
        size += len(rows[-1])
        if size >= _BLOCK:
            yield len(rows), _list_of(rows)
            rows, size = [], 0
    if rows:
        yield len(rows), _list_of(rows)


def _list_of(rows: list[bytes]) -> bytes:
    return b"".join((b"\xdd", struct.pack(">I", len(rows)), *rows))  # MessagePack's "array 32"


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The file, to be checked and then read; raises ``BackupError``."""
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise BackupError(f"The backup {path} cannot be read: {error.strerror}.") from error


def check(file: IO[bytes], path: Path, told: Told) -> Backup:
    """Read the whole file and compare it with its footer and manifest; raises ``BackupError``."""
    size = _check_bytes(file, path)
    parts = _Parts(file, path)
    header = parts.header()
    counts: dict[str, Content] = {}
    for table in TABLES:
        digest, done = hashlib.blake2b(digest_size=32), 0
        for block in parts.blocks():
            digest.update(block)
            done += len(rows_of(table, block, path))
            told(table.name, done)
        told(table.name, done)
        counts[str(table.name)] = Content(_columns(table), done, digest.hexdigest())
    manifest = parts.manifest()
    if manifest.tables != counts:
        wrong = sorted(
            name for name in counts.keys() | manifest.tables if counts.get(name) != manifest.tables.get(name)
        )
        raise damaged(path, f"its manifest disagrees with what it holds of {', '.join(wrong)}")
    return Backup(path, size, header, manifest)


def tables(file: IO[bytes], path: Path) -> Iterator[tuple[Table, Iterable[bytes]]]:
    """Each table with its blocks, from the start of a file that was checked; each is to be read to its end."""
    parts = _Parts(file, path)
    parts.header()
    for table in TABLES:
        yield table, parts.blocks()


def rows_of(table: Table, block: bytes, path: Path) -> list[tuple[Any, ...]]:
    """The rows of a block; raises ``BackupError`` if one does not have the table's columns and types."""
    try:
        return _decoder(table).decode(block)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise damaged(path, f"it holds rows that {table.name} cannot have") from error


@cache
def _decoder(table: Table) -> msgspec.msgpack.Decoder[list[tuple[Any, ...]]]:
    whole: Any = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
    kinds = {Integer: whole, LargeBinary: bytes, Text: str}
    types = []
    for column in table.columns:
        kind: Any = next(kinds[base] for base in type(column.type).__mro__ if base in kinds)
        types.append(kind | None if column.nullable else kind)
    row: Any = tuple[tuple(types)]  # type: ignore[misc]
    return msgspec.msgpack.Decoder(list[row])


def _check_bytes(file: IO[bytes], path: Path) -> int:
    """Compare all bytes with the footer; returns the size of the file."""
    size = file.seek(0, os.SEEK_END)
    left = size - _FOOTER.size
    if left < 0:
        raise damaged(path, "it is too short")
    digest = hashlib.blake2b(digest_size=32)
    file.seek(0)
    while left > 0 and (data := file.read(min(left, _BLOCK))):
        digest.update(data)
        left -= len(data)
    expected = _FOOTER.pack(_SKIPPED, _FOOTER.size - 8, _MARK, digest.digest())
    found = file.read(_FOOTER.size)
    if found[:16] != expected[:16]:
        raise damaged(path, "its end is missing, or it is some other file")
    if found != expected:
        raise damaged(path, "bytes in it have changed")
    return size


def damaged(path: Path, why: str) -> BackupError:
    """The error of a file that is not what was written."""
    return BackupError(f"{path} is not a whole backup: {why}.", "Nothing was changed. Take another copy of it.")


class _Parts:
    """Reads the parts of a file one after the other."""

    def __init__(self, file: IO[bytes], path: Path) -> None:
        file.seek(0)
        self._body = zstandard.ZstdDecompressor().stream_reader(file, closefd=False)
        self._path = path

    def header(self) -> Header:
        """The first part; refuses what this version cannot read."""
        header = self._typed(Header)
        if header.format != FORMAT:
            raise BackupError(
                f"{self._path} has format {header.format}; this version of ltc reads format {FORMAT}.",
                f"Use ltc {header.made_by}, which wrote it.",
            )
        if header.schema != HEAD:
            raise BackupError(
                f"{self._path} holds a store at schema {header.schema}; this version of ltc is at schema {HEAD}.",
                f"Restore it with ltc {header.made_by}, which wrote it; a newer ltc then brings that store up to date.",
            )
        return header

    def blocks(self) -> Iterator[bytes]:
        """What is there of one table."""
        while block := self._next():
            yield block

    def manifest(self) -> Manifest:
        """The last part."""
        return self._typed(Manifest)

    def _typed(self, kind: type[_Kind]) -> _Kind:
        try:
            return msgspec.msgpack.decode(self._next(), type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise damaged(self._path, "its inside is not in our format") from error

    def _next(self) -> bytes:
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size))
        if length > _LARGEST:
            raise damaged(self._path, "its inside is not in our format")
        return self._read(length)

    def _read(self, length: int) -> bytes:
        pieces: list[bytes] = []
        left = length
        try:  # piece by piece: what the length promises is not believed before it is there
            while left and (piece := self._body.read(min(left, _PIECE))):
                pieces.append(piece)
                left -= len(piece)
        except zstandard.ZstdError as error:
            raise damaged(self._path, "it cannot be unpacked") from error
        if left:
            raise damaged(self._path, "it ends too early")
        return b"".join(pieces)
