"""Put a backup in place of what a store holds: all of it in one transaction, or nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Integer, Table, delete, func, or_, select
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from state import audit, backup, bulk, erasure, runs, schema
from state.backup import TABLES, Backup, BackupError, Told
from state.clock import from_us, now_us
from state.sealing import register
from state.store import Store

_MARK = "restored"
"""The counter that holds the instant of the last restore."""

_RESTORED = select(schema.counter.c.value).where(schema.counter.c.name == _MARK)

_ERASURES = (schema.erasure, schema.erasure_key, schema.tombstone)
_NOT_DATA = (schema.counter, schema.lease, schema.encryption_key, *_ERASURES)
_NOT_STORABLE = {"DataError", "IntegrityError"}  # the same names in every Python driver


class NotEmpty(BackupError):
    """The store holds data already."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put in place, whether the store was empty before, and what the audit's chain is like now."""

    backup: Backup
    replaced: bool
    audit: audit.Verdict
    lost: int
    """Rows of the audit that went and are younger than the backup: what people and runs did since."""


def check(path: Path, told: Told) -> Backup:
    """Read a whole backup and compare it with its hashes, changing nothing; raises ``BackupError``."""
    with backup.opened(path) as file:
        return backup.check(file, path, told)


def restore(store: Store, path: Path, actor: str, *, replace: bool, checked: Told, told: Told) -> Restored:
    """Let the store hold what the backup holds, and a row in the audit that says so.

    The file is read twice: first all of it is checked (``checked`` is told how far), then it is put in (``told``).
    Leases are not restored and fencing tokens go on from the higher of both. Persons who were erased here or in the
    backup's store are kept in mind; ``state.forget.again`` erases them from what was restored. Raises ``BackupError``,
    ``NotEmpty`` if there is data and not ``replace``, ``LeaseHeld`` while a run is at work, ``StoreError``.
    """
    with backup.opened(path) as file:
        found = backup.check(file, path, checked)
        with store.transaction() as connection:
            _keep_others_out(connection)
            full = _full(connection)
            if full and not replace:
                raise NotEmpty(
                    f"{store.name} holds data already: {', '.join(full[:3])}{' …' if full[3:] else ''}.",
                    "Restore into an empty store, or add --replace: what it holds now is then lost.",
                )
            before = _before(connection)
            lost = _younger(connection, found.header.made_at)
            numbers = _counters(connection)
            erased = [(table, connection.execute(select(table)).all()) for table in _ERASURES]
            for table in (*TABLES, schema.lease):
                connection.execute(delete(table))
            for table, blocks in backup.tables(file, path):
                _fill(connection, table, blocks, found, told)
            register(connection, now_us())  # or refuse what no key at hand opens
            _set_counters(connection, numbers)
            _keep_erasures(connection, erased)
            _set_sequences(connection)
            detail = {"made_at": from_us(found.header.made_at).isoformat(), "rows": found.manifest.rows, **before}
            audit.append(connection, actor, "store restored from a backup", detail)
            return Restored(found, bool(full), audit.verify(connection), lost)


def unread(connection: Connection, systems: Iterable[str]) -> list[str]:
    """The streams of these systems, as SYSTEM.STREAM, that no pull has read up to when the store was restored.

    What the store knows of them may be older than what was written under it before. A pull ends a little before now, so
    one that follows at once may not show what was written right before.
    """
    cursor, stream = schema.cursor, schema.stream
    restored_at = restored_us(connection)
    if restored_at is None:
        return []
    query = (
        select(stream.c.system, stream.c.name)
        .join(cursor, cursor.c.stream_id == stream.c.id)
        .where(stream.c.system.in_(list(systems)))
        .where(or_(cursor.c.covered_until.is_(None), cursor.c.covered_until <= restored_at, cursor.c.complete == 0))
        .order_by(stream.c.system, stream.c.name)
    )
    return [f"{row.system}.{row.name}" for row in connection.execute(query)]


def restored_us(connection: Connection) -> int | None:
    """When the store was last restored from a backup, microseconds since the epoch."""
    return connection.execute(_RESTORED).scalar()


def _keep_erasures(connection: Connection, before: list[tuple[Table, Any]]) -> None:
    """Whoever was erased stays so: the erasures of this store are kept beside those of the backup, to be done again."""
    for table, rows in before:
        names = [str(column.name) for column in table.columns]
        keys = [str(column.name) for column in table.primary_key]
        bulk.upsert(connection, table, names, [tuple(row) for row in rows], keys)
    erasure.reopen(connection)


def _keep_others_out(connection: Connection) -> None:
    """From here to the end nobody else writes; raises ``LeaseHeld`` if somebody is in the middle of something."""
    if connection.dialect.name == "postgresql":  # who reads goes on and sees what was there
        names = ", ".join(f'"{table.name}"' for table in (*TABLES, schema.lease))
        connection.exec_driver_sql(f"LOCK TABLE {names} IN EXCLUSIVE MODE")
    now = now_us()
    for row in connection.execute(select(schema.lease)):
        if row.expires_at > now and not runs.is_dead(row.owner):
            raise runs.LeaseHeld(
                f"The store is in use: {row.name} ({row.owner.partition('/')[0]}).",
                "Nothing was changed. Let it end, or stop it (`ltc serve`: Ctrl-C); of one that was killed on another "
                f"machine this is known at {from_us(row.expires_at):%Y-%m-%d %H:%M:%S} UTC.",
            )


def _full(connection: Connection) -> list[str]:
    """The tables that hold data."""
    return [
        table.name
        for table in TABLES
        if table not in _NOT_DATA and connection.execute(select(1).select_from(table).limit(1)).first()
    ]


def _before(connection: Connection) -> dict[str, object]:
    """The end of the audit that goes, so that a copy of it can still be proven to be the one."""
    table = schema.audit
    last = connection.execute(select(table.c.id, table.c.hash).order_by(table.c.id.desc()).limit(1)).first()
    return {"replaced_audit": {"rows": last.id, "hash": bytes(last.hash).hex()}} if last else {}


def _younger(connection: Connection, made_at: int) -> int:
    """How many rows the audit has from after an instant (microseconds)."""
    query = select(func.count()).select_from(schema.audit).where(schema.audit.c.at > made_at)
    return connection.execute(query).scalar_one()


def _fill(connection: Connection, table: Table, blocks: Iterable[bytes], found: Backup, told: Told) -> None:
    content = found.manifest.tables[table.name]
    done = 0
    try:
        for block in blocks:
            rows = backup.rows_of(table, block, found.path)
            bulk.insert(connection, table, content.columns, rows)
            done += len(rows)
            told(table.name, done)
    except Exception as error:
        if not _cannot_hold(error):
            raise
        raise BackupError(
            f"This database cannot hold what {found.path} holds of {table.name}.",
            "Nothing was changed. Restore into a database of the kind it was made from.",
        ) from error
    if done != content.rows:
        raise backup.damaged(found.path, "it was changed while it was read")
    told(table.name, done)


def _cannot_hold(error: Exception) -> bool:
    """Whether a database refuses a value that the other one takes (a NUL in text on PostgreSQL)."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return not _NOT_STORABLE.isdisjoint(kind.__name__ for kind in type(cause).__mro__)


def _counters(connection: Connection) -> dict[str, int]:
    return {row.name: row.value for row in connection.execute(select(schema.counter))}


def _set_counters(connection: Connection, before: dict[str, int]) -> None:
    """Let none fall behind what was given out already, in this store or in the one of the backup."""
    last = connection.execute(select(func.max(schema.cursor.c.updated_at))).scalar() or 0
    numbers = {**before, _MARK: max(now_us(), last)}  # the backup may come from a machine whose clock is ahead
    for name, value in _counters(connection).items():
        numbers[name] = max(value, numbers.get(name, 0))
    bulk.upsert(connection, schema.counter, ("name", "value"), list(numbers.items()), ("name",))


def _set_sequences(connection: Connection) -> None:
    """On PostgreSQL, let new rows get numbers after the restored ones; it takes effect with the transaction."""
    if connection.dialect.name != "postgresql":
        return  # SQLite counts in the tables themselves
    numbered = [(schema.record.c.id, "record_ids")]
    for table in TABLES:
        column = table.autoincrement_column
        if column is not None and isinstance(column.type, Integer):
            sequence = connection.execute(select(func.pg_get_serial_sequence(table.name, column.name))).scalar_one()
            numbered.append((column, sequence))
    for column, sequence in numbered:
        highest = connection.execute(select(func.coalesce(func.max(column), 0))).scalar_one()
        connection.exec_driver_sql(f"ALTER SEQUENCE {sequence} RESTART WITH {highest + 1}")
