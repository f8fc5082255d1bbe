"""Take in what a webhook tells: verified by the connector, noted durably, and each request once.

A webhook is believed in one thing only: that a record is worth a look. What it is like now is read from the source
(``sync.fetch``), so a request that is lost, late, repeated or out of order does no harm.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from connectors.contract import Connector, Inbound
from connectors.errors import WebhookRefused
from state import notices
from state.store import Store

_LONGEST_ID = 255


class Received(NamedTuple):
    """What became of a request."""

    new: bool
    """False if the same request was taken in before."""
    noted: int
    """Records that are to be read."""


def receive(
    store: Store,
    connector: Connector[Any],
    system: str,
    streams: Collection[str],
    request: Inbound,
) -> Received:
    """Verify a request and note what it tells of the ``streams`` of ``system``; committed when this returns.

    Raises ``WebhookRefused``, ``StoreError``: then the source sends it again.
    """
    delivery = connector.receive(request)
    if not _is_name(delivery.id):
        raise WebhookRefused("The request has no usable id.")
    told = [notice for notice in delivery.notices if notice.stream in streams and _is_name(notice.source_id)]
    with store.transaction() as connection:
        if not notices.take_in(connection, system, delivery.id):
            return Received(False, 0)
        notices.note(connection, system, told)
    return Received(True, len(told))


def _is_name(text: str) -> bool:
    return 0 < len(text) <= _LONGEST_ID and text.isprintable()
