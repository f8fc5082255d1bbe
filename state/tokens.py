"""Access and refresh tokens that threads, processes and workers share, kept in the store and never readable there.

A grant is sealed with a key made of the secret in ltc.yaml that it was got for, so the store and its copies alone open
none, whether records are encrypted or not; with a key of the store it is sealed once more. One refresher at a time has
a lease (``state.runs``); what it got is written under the lease's token, so one that hung writes nothing over what its
successor got. Backups leave tokens out: an old refresh token is a dead one, and asking with it may end the living ones.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec
from sqlalchemy import bindparam, select, text
from sqlalchemy.engine import Connection

from connectors import waiting
from connectors.tokens import Grant, Renew, TokenKey, is_newer
from state import runs
from state.clock import now_us
from state.failures import StoreError
from state.runs import Lease, LeaseHeld
from state.schema import token as table
from state.sealing import KeyUnusable, is_registered, keys_of
from state.store import Store

LEASE_SECONDS = 180.0
"""Longer than a refresh may take with all its retries; then another one takes over. On one machine a process that died
is succeeded at once."""
_POLL = (0.05, 0.5)
_NONCE = 12
_LOAD = select(table.c.sealed, table.c.fence).where(table.c.name == bindparam("whose"))
_KEEP = text(
    "INSERT INTO token (name, sealed, fence, updated_at) VALUES (:name, :sealed, :fence, :at) ON CONFLICT (name) "
    "DO UPDATE SET sealed = excluded.sealed, fence = excluded.fence, updated_at = excluded.updated_at "
    "WHERE token.fence < excluded.fence"
)


class _Kept(msgspec.Struct, omit_defaults=True):
    """A grant as it is sealed."""

    access: str
    ends: datetime | None = None
    refresh: str | None = None
    previous: str | None = None
    scope: str | None = None
    detail: dict[str, str] = msgspec.field(default_factory=dict)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Kept).decode


@dataclass(slots=True)
class _Turn:
    """Who in this process asks for one key's tokens, and what became of the last try."""

    lock: threading.Lock
    tries: int = 0
    failure: Exception | None = None


class StoreVault:
    """The tokens in one store; ``sleep`` waits between looks at what another process does."""

    def __init__(
        self,
        store: Store,
        *,
        lease_seconds: float = LEASE_SECONDS,
        sleep: Callable[[float], None] = waiting.sleep,
    ) -> None:
        self._store = store
        self._seconds = lease_seconds
        self._sleep = sleep
        self._lock = threading.Lock()
        self._turns: dict[str, _Turn] = {}

    def current(self, key: TokenKey) -> Grant | None:
        """See ``TokenVault``. Raises ``StoreError``."""
        with self._store.reading() as connection:
            return _load(connection, key)

    def refresh(self, key: TokenKey, stale: Grant | None, do: Renew) -> Grant:
        """See ``TokenVault``. Raises ``StoreError``, too: then ``do`` may have got a grant that nobody has."""
        with self._lock:
            turn = self._turns.setdefault(key.name, _Turn(threading.Lock()))
            tries = turn.tries
        with turn.lock:
            if turn.failure is not None and turn.tries > tries:
                raise turn.failure  # it failed while we waited: asking again at once would change nothing
            turn.failure = None
            try:
                return self._refresh(key, stale, do)
            except Exception as error:
                turn.failure = error
                raise
            finally:
                turn.tries += 1

    def _refresh(self, key: TokenKey, stale: Grant | None, do: Renew) -> Grant:
        wait = _POLL[0]
        while True:
            kept = self.current(key)
            if is_newer(kept, stale):
                return kept
            try:
                with self._leased(key) as (lease, kept):
                    if is_newer(kept, stale):
                        return kept
                    return self._keep(key, lease, do(kept))
            except LeaseHeld:  # somebody is at it, or took over from us: what they get is ours
                self._sleep(wait)
                wait = min(2 * wait, _POLL[1])

    @contextmanager
    def _leased(self, key: TokenKey) -> Iterator[tuple[Lease, Grant | None]]:
        """The right to refresh, and what is kept at that moment. Raises ``LeaseHeld``."""
        owner = f"{runs.this_process()}/{secrets.token_hex(4)}"
        with self._store.transaction() as connection:
            lease = runs.acquire(connection, f"token {key.name}", owner, self._seconds)
            kept = _load(connection, key)
        try:
            yield lease, kept
        finally:
            with self._store.transaction() as connection:
                lease.release(connection)

    def _keep(self, key: TokenKey, lease: Lease, granted: Grant) -> Grant:
        """Write a grant down, before anybody uses it. Raises ``LeaseHeld`` if it comes too late."""
        fresh = replace(granted, fence=lease.token)
        with self._store.transaction() as connection:
            lease.renew(connection)
            values = {"name": key.name, "sealed": _seal(connection, key, fresh), "fence": lease.token, "at": now_us()}
            if connection.execute(_KEEP, values).rowcount != 1:
                raise runs.taken_over(f"token {key.name}")
        return fresh


def _load(connection: Connection, key: TokenKey) -> Grant | None:
    row = connection.execute(_LOAD, {"whose": key.name}).first()
    if row is None:
        return None
    opened = _open(connection, key, bytes(row.sealed))
    if opened is None:
        return None
    kept = _decode(opened)
    return Grant(kept.access, kept.ends, kept.refresh, kept.previous, kept.scope, kept.detail, fence=row.fence)


def _seal(connection: Connection, key: TokenKey, grant: Grant) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    plain = _Kept(
        grant.access_token,
        grant.expires_at,
        grant.refresh_token,
        grant.previous_refresh_token,
        grant.scope,
        grant.detail,
    )
    nonce = os.urandom(_NONCE)
    sealed = nonce + AESGCM(key.lock).encrypt(nonce, _encode(plain), key.name.encode())
    current = keys_of(connection).current
    return b"\0" + sealed if current is None else current.seal_named(key.name, b"\0" + sealed)


def _open(connection: Connection, key: TokenKey, stored: bytes) -> bytes | None:
    """What is sealed; ``None`` if somebody changed it outside of ltc, which is no worse than if there were none.

    Raises ``KeyUnusable`` if it is sealed with a key of the store that this process does not have: it may have been
    replaced meanwhile, and to ask for another token then could waste the only one that is good.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        ours = keys_of(connection).key_of(stored)
    except KeyUnusable:
        if is_registered(connection):
            return None
        raise
    try:
        inner = (stored if ours is None else ours.open_named(key.name, stored))[1:]
        return bytes(AESGCM(key.lock).decrypt(inner[:_NONCE], inner[_NONCE:], key.name.encode()))
    except (InvalidTag, ValueError, StoreError):
        return None
