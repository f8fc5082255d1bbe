"""From a file of statements to records: which format it is, whether each statement foots, and what is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import IO, Any, NamedTuple

from connectors.bank import camt, mt940, ofx
from connectors.bank.config import BankConfig
from connectors.bank.footing import flaw
from connectors.bank.memory import Memory, account_key
from connectors.bank.statement import Statement, as_json
from connectors.contract import RawRecord, RejectedRecord
from connectors.files.pulling import Item, Reading, told
from connectors.files.spool import Refused, Spool
from connectors.files.text import detect

_HEAD = 4096
_WESTERN = frozenset({"cp1252", "windows-1252", "iso-8859-1", "iso-8859-15", "latin1"})
_NOT_WESTERN = re.compile(rb"[\x80-\xff]{4}")
"""No Western text has four letters beyond ASCII in a row; two Chinese characters have."""
_CHARSET = re.compile(rb"CHARSET:\s*([A-Za-z0-9_-]+)|encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")


class Parsed(NamedTuple):
    """A file's statements."""

    format: str
    encoding: str
    statements: Sequence[Statement]


class BankReader:
    """Reads the files of the one stream there is."""

    newest_only = False

    def __init__(self, config: BankConfig) -> None:
        self._encoding = config.encoding
        self._required = config.balances == "required"
        self.way = f"{config.encoding} {config.balances}"

    def parse(self, spool: Spool) -> Parsed:
        """The file's statements, unchecked. Raises ``Refused``."""
        spool.file.seek(0)
        head = spool.file.read(_HEAD)
        upper = head.upper().replace(b"\0", b"")
        if b"OFXHEADER" in upper or b"<OFX>" in upper:
            encoding = self._charset(spool.file, head)
            return Parsed("OFX", encoding, list(ofx.statements(_text(spool.file, encoding))))
        if upper.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"<"):
            return Parsed("CAMT.053", "XML", list(camt.statements(spool.file)))
        encoding = detect(spool.file, self._encoding).name
        return Parsed("MT940", encoding, list(mt940.statements(_text(spool.file, encoding))))

    def flaw(self, statement: Statement) -> str | None:
        """Why a statement is refused as a whole; ``None`` if it is not."""
        return flaw(statement, required=self._required)

    def read(self, spool: Spool, memory: Any) -> Reading:
        """See ``connectors.files.pulling``."""
        past = Memory.of(memory)
        items: list[Item] = []
        moot: list[str] = []
        for statement in self.parse(spool).statements:
            complaint = f"statement {statement.identity} of {account_key(statement)}"
            reason = self.flaw(statement)
            if reason is not None:
                shown = told(spool.entry.name, cells={"statement": statement.label})
                items.append(RejectedRecord(complaint, shown, "", reason))
                continue
            moot.append(complaint)
            ids = past.add(statement)
            items += [
                RawRecord(source_id, as_json(item)) for source_id, item in zip(ids, statement.transactions, strict=True)
            ]
            items += self._gaps(past, statement, spool, moot)
        return Reading(iter(items), past.as_json(), [item for item in moot if item not in _ids(items)])

    def _gaps(self, past: Memory, statement: Statement, spool: Spool, moot: list[str]) -> Iterator[RejectedRecord]:
        """New gaps; those that the statement has closed are moot."""
        account = account_key(statement)
        before = past.gaps.get(account, [])
        now = dict(past.missing_before(statement))
        past.gaps[account] = list(now)
        moot += [gap for gap in before if gap not in now]
        for gap, reason in now.items():
            if gap not in before:
                yield RejectedRecord(gap, told(spool.entry.name, cells={"gap": reason}), "", reason)

    def _charset(self, file: IO[bytes], head: bytes) -> str:
        """What OFX says of its encoding is often wrong, so what it is comes first. Raises ``Refused``."""
        try:
            return detect(file, self._encoding).name
        except Refused:
            said = _CHARSET.search(head)
            name = next((group.decode() for group in said.groups() if group), "") if said else ""
            known = {"1252": "cp1252", "8859-1": "iso-8859-1"}.get(name, name)
            if self._encoding != "auto" or not known or known.upper() in ("NONE", "UTF-8"):
                raise
            try:
                "".encode(known)
            except LookupError:
                raise Refused(f"says that it is in {name}, which is no encoding") from None
            file.seek(0)
            if known.lower() in _WESTERN and _NOT_WESTERN.search(file.read()):
                raise
            return detect(file, known).name


def _ids(items: Sequence[Item]) -> set[str]:
    return {item.source_id for item in items if isinstance(item, RejectedRecord)}


def _text(file: IO[bytes], encoding: str) -> str:
    file.seek(0)
    return file.read().decode(encoding)
