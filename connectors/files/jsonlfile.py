"""JSON lines: each line is a record, kept as the bytes that are in the file."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator

from connectors.contract import RawRecord
from connectors.errors import ContractError
from connectors.files.config import Limits, StreamConfig
from connectors.files.pulling import Item
from connectors.files.spool import Refused, Spool
from connectors.files.table import rejected, version_of
from connectors.files.text import detect
from connectors.keys import joined
from connectors.rawjson import decode, readable


def rows(spool: Spool, stream: StreamConfig, limits: Limits) -> Iterator[Item]:
    """The records of the file. Raises ``Refused``."""
    for number, line in lines(spool, stream, limits):
        if line:
            yield _item(spool, stream, number, line)


def lines(spool: Spool, stream: StreamConfig, limits: Limits) -> Iterator[tuple[int, bytes]]:
    """Number and text of each line, in UTF-8. Raises ``Refused``."""
    encoding = detect(spool.file, stream.encoding).name
    spool.file.seek(0)
    most = int(limits.row_kb * 1024)
    if encoding in ("utf-8", "utf-8-sig"):
        source: io.BufferedIOBase | io.TextIOWrapper = spool.file  # type: ignore[assignment]
    else:
        source = io.TextIOWrapper(spool.file, encoding, errors="strict")
    try:
        number = 0
        while line := source.readline(most + 1):
            number += 1
            if len(line) > most:
                raise Refused(f"has a line ({number}) longer than `limits: {{row_kb: …}}` allows")
            text = line if isinstance(line, bytes) else line.encode()
            yield number, text.removeprefix(codecs.BOM_UTF8).strip() if number == 1 else text.strip()
    finally:
        if isinstance(source, io.TextIOWrapper):
            source.detach()


def _item(spool: Spool, stream: StreamConfig, number: int, line: bytes) -> Item:
    file, text = spool.entry.name, line.decode()
    try:
        body = readable(line)
        found = decode(body)
    except ContractError:
        return rejected(file, number, text, "", "is no JSON")
    if not isinstance(found, dict):
        return rejected(file, number, text, "", "is no JSON object")
    key = joined([found.get(name) for name in stream.key])
    if key is None:
        return rejected(file, number, text, ", ".join(stream.key), "is missing or cannot name a record")
    version = spool.entry.changed_us
    if stream.version is not None:
        try:
            version = version_of(found.get(stream.version.column), stream.version)
        except ValueError as error:
            return rejected(file, number, text, stream.version.column, str(error))
    return RawRecord(key, body, version)
