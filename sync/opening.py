"""Open the store that ltc.yaml names, with the keys it names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from settings import secrets
from state.sealing import PLAIN, Key, Keys
from state.store import Store, open_store

if TYPE_CHECKING:
    from settings.model import Settings


def open_for(settings: Settings, create: bool = True) -> Store:
    """The store. Raises ``StoreError``, ``KeyUnusable``, and ``SecretMissing`` for an address or a key."""
    return open_store(secrets.resolve(settings.store), create=create, keys=keys_for(settings))


def keys_for(settings: Settings) -> Keys:
    """The keys, none if ltc.yaml names none. Raises ``KeyUnusable``, ``SecretMissing``."""
    named = settings.encryption
    if named.key is None and not named.old:
        return PLAIN
    current = Key.parse(secrets.resolve(named.key)) if named.key is not None else None
    return Keys(current, [Key.parse(secrets.resolve(item)) for item in named.old])
