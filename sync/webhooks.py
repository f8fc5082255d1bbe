"""Take in what a webhook tells: verified by the connector, kept durably, and each request once.

Where a source has records that can be read, a webhook is believed in one thing only: that a record is worth a look.
What it is like now is read (``sync.fetch``), so a request that is lost, late, repeated or out of order does no harm.
Streams with ``Webhooks.RECORD`` bring the records themselves; those are landed as a page of a pull would be.
"""

from __future__ import annotations

from collections.abc import Collection
from hashlib import blake2b
from typing import Any, NamedTuple

from connectors.contract import Arrival, Connector, Inbound, RawRecord, Reply
from connectors.errors import WebhookRefused
from state import arrivals, notices
from state.store import Store

_LONGEST_ID = 255


class Received(NamedTuple):
    """What became of a request."""

    new: bool
    """False if the same request was taken in before."""
    noted: int
    """Records that are to be read, or to be landed."""
    reply: Reply | None = None
    """What the source wants to read in the answer, each time it sends the request."""


def receive(
    store: Store,
    connector: Connector[Any],
    system: str,
    streams: Collection[str],
    request: Inbound,
) -> Received:
    """Verify a request and keep what it tells of the ``streams`` of ``system``; committed when this returns.

    Raises ``WebhookRefused``, ``StoreError``: then the source sends it again.
    """
    delivery = connector.receive(request)
    if not _is_name(delivery.id):
        raise WebhookRefused("The request has no usable id.")
    told = [notice for notice in delivery.notices if notice.stream in streams and _is_name(notice.source_id)]
    came = [(item.stream, _named(item)) for item in delivery.arrivals if item.stream in streams]
    with store.transaction() as connection:
        if not notices.take_in(connection, system, delivery.id):
            return Received(False, 0, delivery.reply)
        notices.note(connection, system, told)
        arrivals.keep(connection, system, came)
    return Received(True, len(told) + len(came), delivery.reply)


def _named(arrival: Arrival) -> RawRecord:
    """The record; what has no usable id is nobody's to lose, and goes by its hash."""
    record = arrival.record
    if _is_name(record.source_id):
        return record
    return RawRecord(f"?{blake2b(record.body, digest_size=16).hexdigest()}", record.body, record.version)


def _is_name(text: str) -> bool:
    return 0 < len(text) <= _LONGEST_ID and text.isprintable()
