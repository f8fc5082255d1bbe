"""The webhook of a manifest: how the system proves who it is, and what its requests say of which stream.

    webhook:
      signature: {scheme: hmac-sha256, header: X-Signature, id: {field: event_id}}
      events:
        - {when: "type == 'order.deleted'", stream: order, source_id: data.id, deleted: "`true`"}
        - {when: starts_with(type, 'order.'), stream: order, source_id: data.id}          # it is read
        - {when: "type == 'response'", stream: response, record: data}                    # it is kept as it came

The first event that fits a request says what it is about; one that fits none is taken in and forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import Field, model_validator

from connectors.declarative.parts import Mistake, Name
from connectors.handshakes import Handshake
from connectors.signatures import Signature
from connectors.words import Part, Query

SETTING = "webhook_secret"
"""What the secret is called in ltc.yaml, for every manifest with a webhook."""


class Event(Part):
    """What one kind of request says. Conditions see the request's JSON, and the settings under ``config``."""

    when: Query | None = None
    """Without it every request is of this kind."""
    stream: Name
    items: Query | None = None
    """Where a list of records stands that the request is about, each of which the fields below look into."""
    source_id: Query | tuple[Query, ...] | None = None
    """The record's id, as `key` of the stream makes it; it is read, unless the request brings it whole."""
    deleted: Query | None = None
    """True if the record is gone."""
    at: Query | None = None
    """Of a deletion: when it happened, written as the stream's version is."""
    record: Query | None = None
    """The whole record, with the fields that the list shows."""

    @model_validator(mode="after")
    def _one(self) -> Event:
        if (self.source_id is None) == (self.record is None):
            raise ValueError("needs either source_id (the record is read) or record (it is kept as it came)")
        if self.record is not None and self.deleted is not None:
            raise ValueError("deleted goes with source_id")
        return self

    @property
    def ids(self) -> tuple[str, ...]:
        """The expressions of the id's parts."""
        return self.source_id if isinstance(self.source_id, tuple) else (self.source_id or "",)


class Webhook(Part):
    """How a system tells of changes as they happen."""

    signature: Signature
    handshake: Handshake | None = None
    """The question it asks first."""
    answer_within: float = Field(5, gt=0)
    """Seconds that it waits for an answer."""
    events: tuple[Event, ...] = Field(min_length=1)

    def mistakes(self, readable: Mapping[str, bool]) -> Iterable[Mistake]:
        """What is wrong about the streams; ``readable``: stream → whether one record of it can be read."""
        for number, event in enumerate(self.events):
            at = ("webhook", "events", number)
            if event.stream not in readable:
                yield (*at, "stream"), f"there is no stream {event.stream!r}"
            elif not readable[event.stream] and (event.record is None or any(readable.values())):
                yield at, f"the stream {event.stream} needs one, so that what is told of can be read"

    def brings(self, stream: str) -> bool | None:
        """Whether it brings the records of a stream, or only tells of them; ``None`` if it does neither."""
        found = [event.record is not None for event in self.events if event.stream == stream]
        return any(found) if found else None
