"""Files of findings as the workbench and its API take them in and give them out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from state import attachments, handling
from state.findings import FindingError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from state.attachments import Attached
    from state.findings import Finding

MOST = 20
"""Files of one finding."""


def keep(connection: Connection, id: str, name: str, content: bytes, actor: str, at: int | None) -> Finding:
    """Keep a file with a finding; raises ``FindingError``, ``AttachmentError``."""
    if len(handling.attached(connection, id)) >= MOST:
        raise FindingError(
            f"{MOST} files are with this finding; there may be no more.",
            "Say in a comment where others are.",
            "files_many",
            most=MOST,
        )
    return handling.attach(connection, id, name, content, actor, at=at)


def one(connection: Connection, id: str, digest: str) -> tuple[Attached, bytes] | None:
    """The file with this SHA-256 (hex) and its content; ``None`` if it is none of this finding's.

    Raises ``FindingError`` if there is no such finding, ``AttachmentError`` if the content is not kept any more.
    """
    kept = [item for item in handling.attached(connection, id) if item.sha256 == digest]
    return (kept[-1], attachments.content(connection, digest)) if kept else None
