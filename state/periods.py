"""Closed periods as stored: who closed, approved and reopened them, the frozen figures, the documents that counted.

A close is a row for ever. A period that was reopened keeps its close, and is closed again under the next revision.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.engine import Connection

from mappings.errors import ERASED
from state import bulk
from state.decisions import DecisionError
from state.schema import period as table
from state.schema import period_document, period_figure

CLOSED, APPROVED, REOPENED = "closed", "approved", "reopened"

DOCUMENT = ("tie_out", "side", "record_id", "currency", "belongs_to", "amount", "open_amount", "content")
"""Columns of a document as a close counted it."""

DOCUMENTS = f"""
    SELECT d.period, {", ".join(f"d.{name}" for name in DOCUMENT)} FROM period_document d
    JOIN period p ON p.id = d.period AND p.revision = d.revision WHERE p.status <> 'reopened'"""
"""Every document that a standing close wrote, for ``state.frames``; of a document the last period's row counts."""

_COLUMNS = tuple(column.name for column in table.columns)
_NOT_REOPENED: dict[str, Any] = dict.fromkeys(("reopened_by", "reopened_at", "reopened_done_at", "reason"))
_FIGURE = ("period", "revision", "kind", "n", "value", "salt", "seal")


class PeriodError(DecisionError):
    """Something that may not be done with a period."""


@dataclass(frozen=True, slots=True)
class Close:
    """One close of one period; instants are stamps in microseconds, hashes SHA-256 in hex; ``…_done_at`` are those by
    the clock on the wall, where the settings stop that of the stamps (see ``done_at``).

    ``close_reason`` is why it was closed although errors were undecided, ``reason`` why it was reopened.
    """

    period: str
    revision: int
    status: str
    closed_by: str
    closed_at: int
    close_reason: str | None
    approved_by: str | None
    approved_at: int | None
    reopened_by: str | None
    reopened_at: int | None
    reason: str | None
    records: int
    inputs_hash: str
    figures_hash: str
    run_id: str
    closed_done_at: int | None = None
    approved_done_at: int | None = None
    reopened_done_at: int | None = None

    def done_at(self, what: str) -> int | None:
        """When it was ``closed``, ``approved`` or ``reopened``, by the clock on the wall."""
        stamp: int | None = getattr(self, f"{what}_at")
        done: int | None = getattr(self, f"{what}_done_at")
        return stamp if done is None else done

    def at(self, stamp: int) -> Close:
        """The close as it stood at a stamp that is not before it."""
        found = self
        if found.reopened_at is not None and found.reopened_at > stamp:
            before = APPROVED if found.approved_at is not None else CLOSED
            found = replace(found, status=before, **_NOT_REOPENED)
        if found.approved_at is not None and found.approved_at > stamp:
            found = replace(found, status=CLOSED, approved_by=None, approved_at=None, approved_done_at=None)
        return found

    def before_reopening(self) -> Close:
        """The close as it stood last, before it was reopened if it was."""
        if self.stands:
            return self
        status = CLOSED if self.approved_at is None else APPROVED
        return replace(self, status=status, **_NOT_REOPENED)

    @property
    def stands(self) -> bool:
        """Whether the period is closed by it."""
        return self.status != REOPENED


def closes(connection: Connection, at: int | None = None) -> list[Close]:
    """All closes by period and revision; with ``at`` (a stamp) as they stood then."""
    rows = connection.execute(table.select().order_by(table.c.id, table.c.revision))
    found = [Close(*row) for row in rows]
    return found if at is None else [item.at(at) for item in found if item.closed_at <= at]


def standing(connection: Connection, at: int | None = None) -> list[Close]:
    """The closes by which periods are closed, by period."""
    return [item for item in closes(connection, at) if item.stands]


def add(
    connection: Connection,
    close: Close,
    figures: Iterable[tuple[str, Any]],
    documents: Sequence[bulk.Row],
) -> Close:
    """Write a close with what it freezes, and return it with the hash of its figures.

    ``figures`` are (kind, JSON-able value) in the order in which they are read again; ``documents`` rows as in
    ``DOCUMENT``. What an earlier close of the period froze alike gets the same salt: equal figures have equal hashes.
    """
    numbers: dict[str, int] = {}
    earlier = _salts(connection, close.period)
    rows: list[bulk.Row] = []
    for kind, value in figures:
        numbers[kind] = numbers.get(kind, 0) + 1
        text = _json(value)
        salts = earlier.get((kind, numbers[kind]), ())
        salt = next((salt for salt, seal in salts if seal == _seal(salt, text)), None) or secrets.token_bytes(16)
        rows.append((close.period, close.revision, kind, numbers[kind], text, salt, _seal(salt, text)))
    whole = replace(close, figures_hash=_hash((row[2], row[3], row[6]) for row in rows))
    bulk.insert(connection, table, _COLUMNS, [tuple(getattr(whole, _field(name)) for name in _COLUMNS)])
    bulk.insert(connection, period_figure, _FIGURE, rows)
    columns = ("period", "revision", *DOCUMENT)
    bulk.insert(connection, period_document, columns, [(close.period, close.revision, *row) for row in documents])
    return whole


def figures(connection: Connection, close: Close, kind: str | None = None) -> dict[str, list[Any]]:
    """What a close froze, by kind, each in its order; only that of one ``kind`` where it is named."""
    found: dict[str, list[Any]] = {}
    for row in _rows(connection, close, kind):
        found.setdefault(row.kind, []).append(json.loads(row.value))
    return found


def is_intact(connection: Connection, close: Close) -> bool:
    """Whether the frozen figures are as they were written, but for names that an erasure took out."""
    rows = _rows(connection, close)
    sealed = all(bytes(row.seal) == _seal(row.salt, row.value) if row.salt else ERASED in row.value for row in rows)
    return sealed and close.figures_hash == _hash((row.kind, row.n, row.seal) for row in rows)


def approve(connection: Connection, close: Close, by: str, stamp: int, done: int | None = None) -> None:
    """Note who approved a close; ``done`` as ``stamps.done`` gives it."""
    _update(connection, close, status=APPROVED, approved_by=by, approved_at=stamp, approved_done_at=done)


def reopen(connection: Connection, close: Close, by: str, reason: str, stamp: int, done: int | None = None) -> None:
    """Note who reopened a period, and why; its close no longer stands. ``done`` as ``stamps.done`` gives it."""
    values = {"reopened_by": by, "reopened_at": stamp, "reopened_done_at": done, "reason": reason}
    _update(connection, close, status=REOPENED, **values)


def _update(connection: Connection, close: Close, **values: Any) -> None:
    chosen = (table.c.id == close.period, table.c.revision == close.revision)
    connection.execute(update(table).where(*chosen).values(**values))


def _rows(connection: Connection, close: Close, kind: str | None = None) -> list[Any]:
    chosen = [period_figure.c.period == close.period, period_figure.c.revision == close.revision]
    if kind is not None:
        chosen.append(period_figure.c.kind == kind)
    rows = connection.execute(select(period_figure).where(*chosen)).all()
    return sorted(rows, key=lambda row: (row.kind, row.n))


def _salts(connection: Connection, period: str) -> dict[tuple[str, int], list[tuple[bytes, bytes]]]:
    """By kind and number the salts and seals of the closes of a period, but for those that an erasure forgot."""
    columns = period_figure.c
    found: dict[tuple[str, int], list[tuple[bytes, bytes]]] = {}
    query = select(columns.kind, columns.n, columns.salt, columns.seal).where(columns.period == period)
    for row in connection.execute(query.order_by(columns.revision)):
        if row.salt:
            found.setdefault((row.kind, row.n), []).append((bytes(row.salt), bytes(row.seal)))
    return found


def _field(column: str) -> str:
    return "period" if column == "id" else column


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _seal(salt: bytes, text: str) -> bytes:
    return hashlib.sha256(bytes(salt) + text.encode()).digest()


def _hash(seals: Iterable[tuple[str, int, bytes]]) -> str:
    whole = hashlib.sha256()
    for kind, n, seal in sorted(seals, key=lambda item: item[:2]):
        whole.update(f"{kind} {n} ".encode() + bytes(seal))
    return whole.hexdigest()
