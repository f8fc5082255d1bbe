"""Says in the store that a server works on it, so that a restore does not take the store away under it.

A lease is kept for as long as it serves. Who was killed is known to be gone at once on the same machine, and once the
lease's time is up on another one.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from state import renewing, runs
from state.failures import StoreError

if TYPE_CHECKING:
    from state.runs import Lease
    from state.store import Store

_LEASE_SECONDS = 120.0


@contextmanager
def serving(store: Store, what: str, renew_seconds: float = 30.0) -> Iterator[None]:
    """For the block, let the store know that ``what``, such as ``the workbench``, works on it; raises ``StoreError``.

    Several of one kind may: each has a lease of its own, prolonged every ``renew_seconds``. One that cannot be
    prolonged is taken anew: the store may have been busy for long.
    """
    name = f"{what} {secrets.token_hex(4)}"
    held = [_taken(store, name)]

    def renew() -> None:
        with suppress(StoreError):
            try:
                with store.transaction() as connection:
                    held[0].renew(connection)
            except runs.LeaseHeld:
                held[0] = _taken(store, name)

    try:
        with renewing.again(renew, "ltc presence", renew_seconds):
            yield
    finally:
        with suppress(StoreError), store.transaction() as connection:
            held[0].release(connection)


def _taken(store: Store, name: str) -> Lease:
    with store.transaction() as connection:
        return runs.acquire(connection, name, seconds=_LEASE_SECONDS)
