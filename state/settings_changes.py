"""What people changed in ltc.yaml and the files beside it, in the workbench: who, when, why, and which lines.

Of a file only the lines that differ are kept, with some around them, and no secrets: whoever calls hides them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.engine import Connection, Row

from state import audit, bulk
from state.clock import now_us
from state.schema import settings_change as table

ACTIONS = ("settings changed",)
"""What the audit says of these changes. The reconciliation depends on the settings themselves, not on it."""
_ONE_WRITER = text("SELECT pg_advisory_xact_lock(hashtext('ltc settings'))")
_COLUMNS = ("id", "at", "actor", "file", "why", "before", "after", "hunks", "undoes")


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines without their ends: those that were taken out and put in, and those around them that stayed.

    ``line`` counts from 1 and is where ``above`` begins in the changed file.
    """

    line: int
    above: list[str]
    out: list[str]
    new: list[str]
    below: list[str]


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one file; ``at`` in microseconds, ``undoes`` the number of the change that it takes back."""

    id: int
    at: int
    actor: str
    file: str
    why: str
    before: str | None
    """SHA-256 of the file before it, in hex; ``None`` if the file was new."""
    after: str
    hunks: list[Hunk]
    undoes: int | None


def lock(connection: Connection) -> None:
    """Let nobody else change a file in the workbench until the transaction ends, in no process."""
    if connection.dialect.name == "postgresql":
        connection.execute(_ONE_WRITER)  # SQLite has one writer at a time anyway


def note(
    connection: Connection,
    actor: str,
    file: str,
    why: str,
    digests: tuple[str | None, str],
    hunks: Sequence[Hunk],
    undoes: int | None = None,
) -> int:
    """Keep a change, which the audit names too; returns its number. ``digests`` are those before and after it."""
    number = int(connection.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()) + 1
    before, after = digests
    lines = json.dumps([asdict(hunk) for hunk in hunks], ensure_ascii=False)
    row = (number, now_us(), actor, file, why, before, after, lines, undoes)
    bulk.insert(connection, table, _COLUMNS, [row])
    detail = {"change": number, "file": file, "why": why, "before": before, "after": after}
    audit.append(connection, actor, "settings changed", detail | ({"undoes": undoes} if undoes else {}))
    return number


def listing(connection: Connection, *, file: str | None = None, limit: int = 100, before: int = 0) -> list[Change]:
    """The newest first; with ``before`` those with a smaller number."""
    query = select(table).order_by(table.c.id.desc()).limit(limit)
    if file is not None:
        query = query.where(table.c.file == file)
    if before:
        query = query.where(table.c.id < before)
    return [_change(row) for row in connection.execute(query)]


def undone_by(connection: Connection, ids: Sequence[int]) -> dict[int, int]:
    """Change → the change that took it back, the last one; those that stand, or stand again, are left out."""
    if not ids:
        return {}
    later = select(table.c.undoes, table.c.id).where(table.c.id > min(ids), table.c.undoes.is_not(None))
    found = {row.undoes: row.id for row in connection.execute(later.order_by(table.c.id))}
    return {id: by for id in ids if (by := found.get(id)) is not None and _stands(by, found)}


def _stands(id: int, undone: Mapping[int, int]) -> bool:
    """Whether a change is in force: not taken back, or what took it back was taken back."""
    return id not in undone or not _stands(undone[id], undone)


def find(connection: Connection, id: int) -> Change | None:
    """The change of this number."""
    row = connection.execute(select(table).where(table.c.id == id)).first()
    return None if row is None else _change(row)


def _change(row: Row[Any]) -> Change:
    hunks = [Hunk(**hunk) for hunk in json.loads(row.hunks)]
    return Change(row.id, row.at, row.actor, row.file, row.why, row.before, row.after, hunks, row.undoes)
