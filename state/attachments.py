"""Files that people attach to findings, kept in the store by their content; sealed where the store has a key."""

from __future__ import annotations

import hashlib
from pathlib import PurePath
from typing import NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.engine import Connection

from state import arrivals, bulk
from state.bodies import pack, unpack
from state.clock import now_us
from state.decisions import DecisionError
from state.failures import StoreError
from state.schema import attachment as table

LARGEST = 10 * 1024 * 1024
"""Bytes. Evidence is a letter, a page, a sheet; what is larger has its own archive, and a comment can say where."""
_LONGEST_NAME = 200


class AttachmentError(DecisionError, StoreError):
    """The file cannot be kept, or is not there any more."""

    kind = "configuration"


class Attached(NamedTuple):
    """A file as its finding knows it; ``sha256`` of its content in hex, ``size`` in bytes."""

    name: str
    size: int
    sha256: str


def keep(connection: Connection, name: str, content: bytes) -> Attached:
    """Keep a file's content. Raises ``AttachmentError`` if it is empty or larger than ``LARGEST``."""
    if not content:
        raise AttachmentError("The file is empty.", "Attach one that says something.", "file_empty")
    if len(content) > LARGEST:
        raise AttachmentError(
            f"The file has {len(content):,} bytes; at most {LARGEST:,} are kept with a finding.",
            "Put it into your archive, and say in a comment where it is.",
            "file_large",
            most=LARGEST // 1_048_576,
        )
    digest = hashlib.sha256(content).hexdigest()
    known = connection.execute(select(table.c.size).where(table.c.sha256 == digest, table.c.body != b"")).first()
    if known is None:
        body = pack(connection, arrivals.place(digest), arrivals.SEQ, content)
        row = (digest, len(content), body, now_us())
        bulk.upsert(connection, table, ("sha256", "size", "body", "at"), [row], ("sha256",))
    return Attached(_plain(name), len(content), digest)


def content(connection: Connection, digest: str) -> bytes:
    """A file's content. Raises ``AttachmentError`` if it was erased or is not what was attached."""
    row = connection.execute(select(table.c.body).where(table.c.sha256 == digest)).first()
    if row is None or not row.body:
        what = f"The content of {digest[:12]} is not kept any more."
        raise AttachmentError(what, "It went with an erasure.", "file_gone")
    found = unpack(connection, arrivals.place(digest), arrivals.SEQ, bytes(row.body))
    if hashlib.sha256(found).hexdigest() != digest:
        what = f"The content of {digest[:12]} was changed outside of ltc."
        raise AttachmentError(what, "Restore a backup.", "file_changed")
    return found


def erase(connection: Connection, digests: list[str]) -> int:
    """Take contents away; names and hashes stay where they are. Returns how many there were."""
    return connection.execute(delete(table).where(table.c.sha256.in_(digests))).rowcount if digests else 0


def _plain(name: str) -> str:
    """A file's own name: no folders, nothing that steers a terminal."""
    last = PurePath(name.replace("\\", "/")).name
    shown = "".join(char for char in last if char.isprintable())
    return shown[:_LONGEST_NAME] or "file"
