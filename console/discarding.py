"""The list of quarantine made shorter and longer by people: some records of it, or all that a filter shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from state.quarantine import Refused
    from state.store import Store

_BATCH = 500
"""Records of one transaction, for which other writers wait."""


class Shown(NamedTuple):
    """What a list shows; ``discarded``: that of those taken off the other one."""

    system: str | None = None
    stream: str | None = None
    systems: Sequence[str] | None = None
    """Of these only."""
    discarded: bool = False


def some(store: Store, record_ids: Iterable[int], discarded: bool, reason: str, actor: str) -> list[Refused]:
    """Discard records, or put ``discarded`` ones back on the list; returns those that were where they are taken from.

    Raises ``StoreError``, ``ValueError`` if one is to be discarded without a reason.
    """
    from state import discards

    with store.transaction() as connection:
        if discarded:
            return discards.put_back(connection, record_ids, actor, reason)
        return discards.discard(connection, record_ids, reason, actor)


def every(store: Store, shown: Shown, until: int, reason: str, actor: str) -> int:
    """The same with all that a list showed at ``until`` (microseconds), batch by batch; returns how many.

    What came on the list after that, or came there again, is left as it is.
    """
    from state import quarantine

    count = 0
    while True:
        with store.reading() as connection:
            ids = quarantine.next_ids(connection, **shown._asdict(), until=until, limit=_BATCH)
        if not ids:
            return count
        count += len(some(store, ids, shown.discarded, reason, actor))
