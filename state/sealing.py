"""Encryption of what landing keeps: AES-256-GCM for bodies, bound to record and version; keys have ids, to change them.

A sealed body is ``0xE5``, the key's id (4 bytes), a random nonce (12 bytes), and the ciphertext of the compressed body
with its tag (16 bytes). A sealed hash is ``0xE5``, the key's id, and the hash as one block of AES-256: the same hash is
always sealed alike, so that only equality shows, and what is computed from hashes stays the same whatever the key.
Plain bodies begin with the sign of zstandard and plain hashes have 16 bytes, so both kinds can stand side by side.
"""

from __future__ import annotations

import base64
import binascii
import os
import struct
import threading
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Connection

from state.failures import StoreError

MARK = b"\xe5"
OVERHEAD = 33
"""Bytes that sealing adds to a body."""
PLAIN_HASH = 16
"""Bytes of a hash that is not sealed; whatever is sealed has more."""
_ID, _NONCE = 4, 12
_PLACE = struct.Struct("<qq")
_HEAD = len(MARK) + _ID
_REMEDY = "Write 32 random bytes in base64; `openssl rand -base64 32` makes some."


class KeyUnusable(StoreError):
    """A key is missing or is none, or does not open what is there; nothing was changed."""

    kind = "configuration"


class Key:
    """One key of 32 bytes; ``id`` (8 hex digits) is derived from it and tells nothing of it."""

    def __init__(self, secret: bytes) -> None:
        self._id = blake2b(secret, digest_size=_ID, person=b"ltc key id").digest()
        self.id = self._id.hex()
        self._bodies = blake2b(secret, digest_size=32, person=b"ltc bodies").digest()
        self._hashes = blake2b(secret, digest_size=32, person=b"ltc hashes").digest()
        self._named = blake2b(secret, digest_size=32, person=b"ltc named").digest()
        self._contexts = threading.local()

    @classmethod
    def parse(cls, text: str) -> Key:
        """A key as ltc.yaml's reference gives it. Raises ``KeyUnusable``, which does not show it."""
        try:
            secret = base64.b64decode(text.strip().replace("-", "+").replace("_", "/"), validate=True)
        except (binascii.Error, ValueError):
            secret = b""
        if len(secret) != 32 or len(set(secret)) < 8:
            raise KeyUnusable("The encryption key is not 32 random bytes in base64.", _REMEDY)
        return cls(secret)

    @property
    def head(self) -> bytes:
        """What everything begins with that this key sealed."""
        return MARK + self._id

    def seal(self, record_id: int, seq: int, packed: bytes) -> bytes:
        """A compressed body, sealed for this record and version."""
        nonce = os.urandom(_NONCE)
        sealed: bytes = self._cipher.encrypt(nonce, packed, _PLACE.pack(record_id, seq))
        return self.head + nonce + sealed

    def open(self, record_id: int, seq: int, stored: bytes) -> bytes:
        """The compressed body. Raises ``StoreError`` if it was changed, or sealed for another record or version."""
        from cryptography.exceptions import InvalidTag

        start = _HEAD + _NONCE
        try:
            return bytes(self._cipher.decrypt(stored[_HEAD:start], stored[start:], _PLACE.pack(record_id, seq)))
        except (InvalidTag, ValueError):
            raise StoreError(
                f"Version {seq} of record {record_id} in landing was changed outside of ltc, or was moved there.",
                "Restore a backup, or read the record's system anew with `ltc pull --full` into a new store.",
            ) from None

    def seal_named(self, name: str, data: bytes) -> bytes:
        """Something other than a body, sealed for what is kept under this name."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = os.urandom(_NONCE)
        return self.head + nonce + bytes(AESGCM(self._named).encrypt(nonce, data, name.encode()))

    def open_named(self, name: str, stored: bytes) -> bytes:
        """What ``seal_named`` sealed. Raises ``StoreError`` if it was changed, or sealed for another name."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        start = _HEAD + _NONCE
        try:
            return bytes(AESGCM(self._named).decrypt(stored[_HEAD:start], stored[start:], name.encode()))
        except (InvalidTag, ValueError):
            raise StoreError(f"What is kept for {name} was changed outside of ltc.", "Restore a backup.") from None

    def seal_hash(self, digest: bytes) -> bytes:
        """A hash, sealed."""
        return self.head + bytes(self._blocks[0].update(digest))

    def open_hash(self, stored: bytes) -> bytes:
        """A sealed hash, opened."""
        return bytes(self._blocks[1].update(stored[_HEAD:]))

    # Contexts of OpenSSL must not be shared between threads; making one costs more than using it.

    @property
    def _cipher(self) -> Any:
        if not hasattr(self._contexts, "cipher"):
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM

            self._contexts.cipher = AESGCM(self._bodies)
        return self._contexts.cipher

    @property
    def _blocks(self) -> Any:
        if not hasattr(self._contexts, "blocks"):
            from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

            # One block, no two the same: what makes ECB unsafe for texts cannot happen.
            blocks = Cipher(algorithms.AES(self._hashes), modes.ECB())  # noqa: S305
            self._contexts.blocks = (blocks.encryptor(), blocks.decryptor())
        return self._contexts.blocks


class Keys:
    """The key that new versions are sealed with (``None``: they are not), and those that open older ones."""

    def __init__(self, current: Key | None = None, old: Sequence[Key] = ()) -> None:
        self.current = current
        self._known = {key.head: key for key in (*([current] if current else []), *old)}

    @property
    def ids(self) -> set[str]:
        """The ids of all keys at hand."""
        return {key.id for key in self._known.values()}

    def key_of(self, stored: bytes) -> Key | None:
        """The key that sealed it; ``None`` if it is plain. Raises ``KeyUnusable`` without that key."""
        if not stored.startswith(MARK):
            return None
        found = self._known.get(bytes(stored[:_HEAD]))
        if found is None:
            raise missing([bytes(stored[len(MARK) : _HEAD]).hex()])
        return found

    def hash_in(self, stored: bytes) -> bytes:
        """A hash as it was before it was stored; that of a deletion is empty."""
        if len(stored) <= PLAIN_HASH:
            return bytes(stored)
        key = self.key_of(stored)
        return key.open_hash(stored) if key is not None else bytes(stored)

    def hash_out(self, digest: bytes) -> bytes:
        """A hash as it is stored."""
        return self.current.seal_hash(digest) if self.current is not None and len(digest) == PLAIN_HASH else digest


PLAIN = Keys()
"""No key at all."""

OPTION = "ltc_keys"
"""The option of a store's engine that holds its ``Keys``."""


def keys_of(connection: Connection) -> Keys:
    """The keys of the connection's store."""
    keys: Keys = connection.get_execution_options().get(OPTION, PLAIN)
    return keys


def is_registered(connection: Connection) -> bool:
    """Whether ``register`` has nothing to do. Raises ``KeyUnusable`` if a key that is in use is not at hand."""
    keys = keys_of(connection)
    used = set(connection.exec_driver_sql("SELECT id FROM encryption_key").scalars())
    if used - keys.ids:
        raise missing(sorted(used - keys.ids))
    return keys.current is None or keys.current.id in used


def register(connection: Connection, now: int) -> None:
    """Note that the store's key is in use."""
    if not is_registered(connection):
        values = {"id": keys_of(connection).current.id, "since": now}  # type: ignore[union-attr]
        connection.execute(text("INSERT INTO encryption_key (id, since) VALUES (:id, :since)"), values)


def missing(ids: Sequence[str]) -> KeyUnusable:
    """The error of a store that needs keys which ltc.yaml does not name."""
    named = ", ".join(sorted(ids))
    return KeyUnusable(
        f"The store holds records that are encrypted with a key that is not at hand (key id {named}).",
        "Name that key under `encryption` in ltc.yaml, as `key`, or under `old` while `ltc rekey` replaces it. "
        "Nothing was changed.",
    )
