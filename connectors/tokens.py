"""Access tokens that threads, processes and workers share: granted once, refreshed by one of them at a time."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeGuard

from connectors.errors import AuthError

_EARLY = timedelta(seconds=60)
"""So long before its end a token counts as ended: an answer may take that long."""
_USUAL = timedelta(minutes=5)
"""How long a token is used whose end is not told."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What the vendor's token endpoint granted."""

    access_token: str = field(repr=False)
    expires_at: datetime | None = None
    """Aware UTC; ``None``: never, or until it is refused."""
    refresh_token: str | None = field(default=None, repr=False)
    previous_refresh_token: str | None = field(default=None, repr=False)
    """The one before, for vendors that still take it once for a while (``renewed_with``)."""
    scope: str | None = None
    detail: dict[str, str] = field(default_factory=dict, repr=False)
    """What else the answer said that calls need, such as the address of the instance."""
    fence: int = 0
    """Grows with every grant under one key; set by the vault."""

    @classmethod
    def made(
        cls,
        access_token: str,
        expires_in: float | None,
        *,
        refresh_token: str | None = None,
        scope: str | None = None,
        detail: dict[str, str] | None = None,
    ) -> Grant:
        """A grant just answered, with a life of ``expires_in`` seconds; it ends a little early to be safe."""
        life = timedelta(seconds=expires_in) if expires_in is not None else _USUAL
        ends = datetime.now(UTC) + max(life - _EARLY, life / 2)
        return cls(access_token, ends, refresh_token, scope=scope, detail=detail or {})

    def is_good(self, now: datetime) -> bool:
        """Whether it has not ended."""
        return self.expires_at is None or now < self.expires_at


@dataclass(frozen=True, slots=True)
class TokenKey:
    """Whose tokens: ``name`` says it without a secret; ``lock`` opens them, and is made of a secret of ltc.yaml."""

    name: str
    lock: bytes = field(repr=False)


def token_key(vendor: str, *parts: object, secret: str) -> TokenKey:
    """The key of the tokens that are granted to ``parts`` (address, client id, scopes) for ``secret``.

    ``secret`` is a machine-made one: the client secret of a client-credentials grant, the first refresh token of a
    chain of them. Another one makes another key, so a secret that was replaced brings back no token of the old one.
    """
    name = hashlib.blake2b(digest_size=12, person=b"ltc token name")
    for part in (*parts, secret):
        name.update(repr(part).encode() + b"\0")
    lock = hashlib.blake2b(secret.encode(), digest_size=32, person=b"ltc token lock").digest()
    return TokenKey(f"{vendor}:{name.hexdigest()}", lock)


Renew = Callable[[Grant | None], Grant]
"""Asks the vendor for the next grant, given the last one that is known; raises ``ConnectorError``."""


class TokenVault(Protocol):
    """Keeps the grants; safe to share between threads."""

    def current(self, key: TokenKey) -> Grant | None:
        """The grant that is kept, whether it has ended or not."""

    def refresh(self, key: TokenKey, stale: Grant | None, do: Renew) -> Grant:
        """A grant other than ``stale``: what somebody else got meanwhile, or what ``do`` gets now.

        Of all who ask at once one calls ``do``; the others wait for it. What it gets is kept before anyone uses it. If
        it hangs or dies another one takes over, and what it answers later replaces nothing. Raises what ``do`` raises.
        """


class TokenRefused(AuthError):
    """The vendor does not take the refresh token (``invalid_grant``): it was used, revoked, or has died."""


def renewed_with(last: Grant | None, first: str, exchange: Callable[[str], Grant]) -> Grant:
    """Exchange the newest refresh token for the next grant; ``first`` is the one in ltc.yaml.

    If the newest is refused the one before is tried once: a vendor that allows for lost answers still takes it.
    The grant always holds a refresh token, for vendors that do not rotate answer none.
    """
    newest = (last.refresh_token if last else None) or first
    before = last.previous_refresh_token if last else None
    try:
        granted, used = exchange(newest), newest
    except TokenRefused:
        if before is None:
            raise
        granted, used = exchange(before), before
    following = granted.refresh_token or used
    return replace(granted, refresh_token=following, previous_refresh_token=used if following != used else before)


class SharedToken:
    """One connector's view of a shared token: what it last used, and how to get another.

    ``vault`` and ``key`` are asked for at the first call. ``fresh`` costs nothing while the token is good.
    """

    def __init__(self, vault: Callable[[], TokenVault], key: Callable[[], TokenKey], do: Renew) -> None:
        self._vault = vault
        self._key = key
        self._do = do
        self._lock = threading.Lock()
        self._grant: Grant | None = None
        self._used = threading.local()

    def fresh(self) -> Grant:
        """A grant that has not ended. Raises what the renewal raises."""
        with self._lock:
            now = datetime.now(UTC)
            if self._grant is None or not self._grant.is_good(now):
                vault, key = self._vault(), self._key()
                kept = vault.current(key)
                self._grant = kept if kept is not None and kept.is_good(now) else vault.refresh(key, kept, self._do)
            self._used.grant = self._grant
            return self._grant

    def refused(self, grant: Grant | None = None) -> Grant:
        """The source did not take ``grant`` (default: the one this thread used last): another one."""
        bad: Grant | None = grant or getattr(self._used, "grant", None)
        with self._lock:
            if bad is None or self._grant is None or self._grant.fence <= bad.fence:
                self._grant = self._vault().refresh(self._key(), bad, self._do)
            self._used.grant = self._grant
            return self._grant


class LocalVault:
    """Keeps grants in this process only."""

    def __init__(self) -> None:
        self._grants: dict[str, Grant] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def current(self, key: TokenKey) -> Grant | None:
        """See ``TokenVault``."""
        return self._grants.get(key.name)

    def refresh(self, key: TokenKey, stale: Grant | None, do: Renew) -> Grant:
        """See ``TokenVault``."""
        with self._lock:
            turn = self._locks.setdefault(key.name, threading.Lock())
        with turn:
            kept = self._grants.get(key.name)
            if is_newer(kept, stale):
                return kept
            fence = kept.fence + 1 if kept is not None else 1
            granted = self._grants[key.name] = replace(do(kept), fence=fence)
            return granted


def is_newer(kept: Grant | None, stale: Grant | None) -> TypeGuard[Grant]:
    """Whether a kept grant can be used instead of renewing ``stale``."""
    return kept is not None and kept.is_good(datetime.now(UTC)) and (stale is None or kept.fence > stale.fence)
