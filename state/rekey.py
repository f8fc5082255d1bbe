"""Bring everything that landing keeps under the store's present key, or under none, while others go on working.

It goes through the tables in batches, each a transaction of its own, and passes over what is done already; so it may be
stopped at any point and run again. Only when nothing is left under an old key is that key's name taken out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, tuple_, update
from sqlalchemy.engine import Connection

from state import arrivals, audit, bulk, schema
from state.failures import StoreError
from state.sealing import MARK, PLAIN_HASH, Keys, keys_of
from state.store import Store

_BATCH = 500
_ROUNDS = 5
"""Workers that know only an old key may write while we read; more often than this they are told to stop."""

Told = Callable[[int], None]
"""Called with how many versions are done, after each batch."""


@dataclass(slots=True)
class Rekeyed:
    """What was sealed anew, versions and heads of records, and the ids of the keys that are not needed any more."""

    versions: int = 0
    heads: int = 0
    retired: list[str] = field(default_factory=list)
    key: str | None = None
    """Id of the key that everything is under now; ``None`` if nothing is encrypted."""


def rekey(store: Store, actor: str, told: Told) -> Rekeyed:
    """Seal everything anew. Raises ``StoreError`` if others keep writing under an old key."""
    done = Rekeyed()
    for _ in range(_ROUNDS):
        _versions(store, done, told)
        _heads(store, done)
        _arrivals(store)
        _attachments(store)
        _tokens(store)
        with store.transaction() as connection:
            if _retire(connection, done, actor):
                return done
            connection.rollback()
    raise StoreError(
        "Other processes keep writing under the old key.",
        "Stop what was started before ltc.yaml changed; run it again.",
    )


def _versions(store: Store, done: Rekeyed, told: Told) -> None:
    table, last, seen = schema.landing, (-1, -1), 0
    key = tuple_(table.c.record_id, table.c.seq)
    query = select(table.c.record_id, table.c.seq, table.c.hash, table.c.body)
    while True:
        with store.transaction() as connection:
            rows = _locked(connection, query.where(key > last).order_by(*key.clauses).limit(_BATCH))
            keys = keys_of(connection)
            fresh = [
                (row.record_id, row.seq, _hash(keys, row.hash), _body(keys, row.record_id, row.seq, row.body))
                for row in rows
                if _is_stale(keys, row.body) or _is_stale(keys, row.hash)
            ]
            bulk.update(connection, table, ("record_id", "seq", "hash", "body"), fresh, ("record_id", "seq"))
        done.versions += len(fresh)
        seen += len(rows)
        told(seen)
        if len(rows) < _BATCH:
            return
        last = (rows[-1].record_id, rows[-1].seq)


def _heads(store: Store, done: Rekeyed) -> None:
    table, last = schema.record, -1
    query = select(table.c.id, table.c.hash)
    while True:
        with store.transaction() as connection:
            rows = _locked(connection, query.where(table.c.id > last).order_by(table.c.id).limit(_BATCH))
            keys = keys_of(connection)
            fresh = [(row.id, _hash(keys, row.hash)) for row in rows if _is_stale(keys, row.hash)]
            bulk.update(connection, table, ("id", "hash"), fresh, ("id",))
        done.heads += len(fresh)
        if len(rows) < _BATCH:
            return
        last = rows[-1].id


def _arrivals(store: Store) -> None:
    """What webhooks brought and is not landed yet: a few rows, if any."""
    table, last = schema.arrival, ""
    query = select(table.c.id, table.c.body)
    while True:
        with store.transaction() as connection:
            rows = _locked(connection, query.where(table.c.id > last).order_by(table.c.id).limit(_BATCH))
            keys = keys_of(connection)
            fresh = [
                (row.id, _body(keys, arrivals.place(row.id), arrivals.SEQ, row.body))
                for row in rows
                if _is_stale(keys, row.body)
            ]
            bulk.update(connection, table, ("id", "body"), fresh, ("id",))
        if len(rows) < _BATCH:
            return
        last = rows[-1].id


def _attachments(store: Store) -> None:
    """Files of findings, one after the other: they may be large."""
    table = schema.attachment
    with store.reading() as connection:
        names = (
            connection.execute(select(table.c.sha256).where(_stale(table.c.body, keys_of(connection)))).scalars().all()
        )
    for name in names:
        with store.transaction() as connection:
            keys = keys_of(connection)
            for row in _locked(connection, select(table.c.body).where(table.c.sha256 == name)):
                body = _body(keys, arrivals.place(name), arrivals.SEQ, bytes(row.body))
                connection.execute(update(table).where(table.c.sha256 == name).values(body=body))


def _tokens(store: Store) -> None:
    """The few rows of ``state.tokens``: what the store's key seals there has a seal of its own inside."""
    table = schema.token
    with store.transaction() as connection:
        keys = keys_of(connection)
        for row in _locked(connection, select(table.c.name, table.c.sealed)):
            stored = bytes(row.sealed)
            if _is_stale(keys, stored):
                key = keys.key_of(stored)
                inner = stored if key is None else key.open_named(row.name, stored)
                fresh = inner if keys.current is None else keys.current.seal_named(row.name, inner)
                connection.execute(update(table).where(table.c.name == row.name).values(sealed=fresh))


def _locked(connection: Connection, query: Any) -> list[Any]:
    """Rows that nobody else changes until the transaction ends; on SQLite nobody else writes anyway."""
    return list(connection.execute(query.with_for_update() if connection.dialect.name == "postgresql" else query))


def _is_stale(keys: Keys, stored: bytes) -> bool:
    if not stored:
        return False
    if keys.current is None:
        return len(stored) > PLAIN_HASH and stored.startswith(MARK)  # one plain hash in 256 begins with the mark, too
    return len(stored) <= PLAIN_HASH or not stored.startswith(keys.current.head)


def _body(keys: Keys, record_id: int, seq: int, stored: bytes) -> bytes:
    if not _is_stale(keys, stored):
        return stored
    key = keys.key_of(stored)
    packed = stored if key is None else key.open(record_id, seq, stored)
    return packed if keys.current is None else keys.current.seal(record_id, seq, packed)


def _hash(keys: Keys, stored: bytes) -> bytes:
    return keys.hash_out(keys.hash_in(stored)) if _is_stale(keys, stored) else stored


def _retire(connection: Connection, done: Rekeyed, actor: str) -> bool:
    """Take out the keys that nothing is under any more; false if something still is.

    Their rows go first: that waits for whoever is writing under them, and stops whoever begins to.
    """
    table, keys = schema.encryption_key, keys_of(connection)
    done.key = keys.current.id if keys.current is not None else None
    used = set(connection.execute(select(table.c.id)).scalars())
    done.retired = sorted(used - {done.key})
    connection.execute(delete(table).where(table.c.id.in_(done.retired)))
    bodies = ((place, "body") for place in (schema.landing, schema.arrival, schema.attachment))
    sealed = (*bodies, (schema.token, "sealed"))
    for place, column in (*sealed, (schema.landing, "hash"), (schema.record, "hash")):
        if connection.execute(select(1).select_from(place).where(_stale(place.c[column], keys)).limit(1)).first():
            return False
    if done.versions or done.heads or done.retired:
        detail = {"key": done.key or "none", "retired": done.retired, "versions": done.versions}
        audit.append(connection, actor, "store rekeyed", detail)
    return True


def _stale(column: ColumnElement[bytes], keys: Keys) -> ColumnElement[bool]:
    """``_is_stale`` in SQL."""
    if keys.current is None:
        return and_(func.length(column) > PLAIN_HASH, func.substr(column, 1, len(MARK)) == MARK)
    head = keys.current.head
    other = or_(func.length(column) <= PLAIN_HASH, func.substr(column, 1, len(head)) != head)
    return and_(func.length(column) > 0, other)
