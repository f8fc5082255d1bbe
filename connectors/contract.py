"""The connector contract: what a system must offer to be pulled from and pushed to.

A connector knows its vendor's API and nothing of our database, mappings or Prefect. It yields raw records as the bytes
the source sent, and takes changes as source fields with source values.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel

from connectors.errors import ConnectorError, WebhookRefused
from connectors.retry import RetryPolicy
from connectors.services import Services, in_process

if TYPE_CHECKING:
    from connectors.budget import Allowance
    from connectors.handshakes import Handshake
    from connectors.signatures import Signature

Cursor = dict[str, Any]
"""Where a stream's next pull starts: JSON-able, opaque to everyone but the connector that made it."""


class Webhooks(StrEnum):
    """What a source tells of a stream's changes as they happen (``Connector.receive``)."""

    NONE = "none"
    HINT = "hint"
    """Which records changed; they are read (``Connector.fetch``)."""
    RECORD = "record"
    """The records themselves, whole, with the bytes that ``pull`` yields for them if there is a list to pull. They are
    kept as they came; what is only hinted at is read."""


class Deletes(StrEnum):
    """How deletions in a stream are noticed."""

    TOMBSTONES = "tombstones"
    """``pull`` reports deleted ids itself (a deleted list, a status, a flag)."""
    SWEEP = "sweep"
    """Only a comparison with the complete list of ids (``Connector.ids``) shows them."""
    NONE = "none"


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """One list of records a system offers."""

    name: str
    entity: str
    """Canonical entity its records map to (``mappings.model``)."""
    cursor_field: str | None = None
    """Source field the incremental pull goes by; ``None``: full scan with hash comparison."""
    deletes: Deletes = Deletes.NONE
    writable: tuple[str, ...] = ()
    """Source fields ``push`` may change."""
    depends_on: tuple[str, ...] = ()
    """Streams to pull first, so that references resolve within one run."""
    creatable: str | None = None
    """Source field that carries the external key of the records we create; ``None``: none can be created here."""
    webhooks: Webhooks = Webhooks.NONE
    """What the source tells of changes as they happen."""
    fetch_lags: bool = False
    """Whether ``Connector.fetch`` may show an older state of a record than ``pull`` did before."""
    refuses_doubles: bool = False
    """Whether the source itself never keeps two records with one external key, or idempotency key: then a record in
    doubt need not wait until the lost request cannot be carried out any more."""


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One record as the source sent it."""

    source_id: str
    body: bytes
    """The record's JSON as received (sliced from the answer); its hash recognises an unchanged record."""
    version: int | None = None
    """Grows with every change of this record: source change time in microseconds since the epoch (UTC), or the
    source's own version number. A record with a lower version than the one held is stale and is not applied.
    ``None`` where the source has neither."""


@dataclass(frozen=True, slots=True)
class Page:
    """Records that are committed together with ``cursor``.

    After a crash the pull restarts from the last committed cursor, so a cursor may only cover what this and earlier
    pages have delivered. ``complete`` is true on the last page of a finished pull.
    """

    records: Sequence[RawRecord]
    cursor: Cursor
    complete: bool = False
    deleted_ids: Sequence[str] = ()
    rejected: Sequence[RejectedRecord] = ()
    """Records that could not even be sliced or identified; they go to quarantine with their reason."""
    noted: Mapping[str, int] = field(default_factory=dict)
    """What else a person should know of the pull, counted by name: it stands among the counts of the run."""


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """A record the connector itself found unusable."""

    source_id: str
    body: bytes
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Window:
    """The closed time range of one pull; both ends are aware UTC.

    ``until`` is fixed before the first page and lies a little before now (the connector's ``settle_seconds``), so that
    commits that become visible late are still ahead of the cursor. ``since`` is given only by a person (``--since``)
    and overrides the cursor. ``full`` reads everything again whatever the cursor says.
    """

    until: datetime
    since: datetime | None = None
    full: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """What a webhook says of one record: that it changed, or is gone. What it is like now is read (``fetch``)."""

    stream: str
    source_id: str
    deleted: bool = False
    version: int | None = None
    """Of a deletion: when it happened, on the scale of ``RawRecord.version``; ``None`` where the source does not say.
    A record that is held in a later version has come back since."""


@dataclass(frozen=True, slots=True)
class WebhookSpec:
    """How a webhook proves that the source calls, and what it asks first; ``StreamSpec.webhooks``: what it tells of."""

    signature: Signature
    handshake: Handshake | None = None


@dataclass(frozen=True, slots=True)
class Inbound:
    """One request that came to our webhook, from whoever."""

    headers: Mapping[str, str]
    """Names in lower case."""
    query: Mapping[str, str]
    body: bytes
    """As received; signatures are over these bytes."""
    method: str = "POST"
    url: str = ""
    """The whole address as the source called it, for signatures over it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a source wants to read in the answer, with status 200."""

    body: bytes
    media_type: str = "text/plain"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A whole record that a webhook brought, of a stream with ``Webhooks.RECORD``."""

    stream: str
    record: RawRecord


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request of a webhook, verified; ``id`` is the same each time the source sends it."""

    id: str
    notices: Sequence[Notice] = ()
    arrivals: Sequence[Arrival] = ()
    reply: Reply | None = None
    """``None``: an empty answer."""


class Outcome(StrEnum):
    """What became of one pushed change."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    """The source already shows the wanted values; nothing was sent."""
    CONFLICT = "conflict"
    """The record or the field changed since we read it; nothing was sent."""
    REJECTED = "rejected"
    """Will never work as it is; ``message`` says why."""
    RETRY = "retry"
    """Not done now (throttled, locked, down); nothing was written."""
    UNKNOWN = "unknown"
    """Sent, no answer: read back before sending again."""


OVERTAKEN = "Sent before without an answer; the record has changed since, so it is planned anew."
"""The message of a conflict by ``Change.is_overtaken``."""


@dataclass(frozen=True, slots=True)
class Change:
    """New values for fields of one source record."""

    source_id: str
    values: dict[str, Any]
    """Source field → new value, as the reverse mapping made it (str, int, bool, Decimal, None)."""
    expected: dict[str, Any]
    """Source field → the value we read last; a source that shows another value is a conflict."""
    idempotency_key: str
    """The same for every attempt at this change; at most 64 characters of ``[0-9a-z-]``."""
    version: int | None = None
    """``RawRecord.version`` of the record we based the change on."""
    body: bytes = b""
    """The raw record the change was planned from, for vendor concurrency tokens (``_timestamp``, ``SyncToken``)."""
    unsure: bool = False
    """An earlier attempt at it was not answered, and may have been carried out."""

    def is_overtaken(self, record: RawRecord) -> bool:
        """Whether a record that does not show the values rules out to send them again: it is an attempt that may have
        been carried out, and the record has changed since we read it. Perhaps somebody undid it: a conflict.
        """
        if not self.unsure:
            return False
        return record.version != self.version or (bool(self.body) and record.body != self.body)


@dataclass(frozen=True, slots=True)
class NewRecord:
    """A record that is to exist once in a stream, recognised by its external key."""

    key: str
    """External key, kept in ``StreamSpec.creatable``: at most 40 characters of ``[0-9a-z-]``, and the same whenever the
    same record is created for the same reason, by another store of the same set-up too."""
    values: dict[str, Any]
    """Source field → value (str, int, bool, Decimal, None; for a document's lines a list of dicts of the same).
    ``key`` is in it under ``StreamSpec.creatable``."""
    idempotency_key: str
    """The same for every attempt at it; at most 64 characters of ``[0-9a-z-]``."""
    unsure: bool = False
    """An earlier attempt at it was not answered, and may have been carried out."""


@dataclass(frozen=True, slots=True)
class PushResult:
    """What became of one change; ``record`` is the record as the source shows it after the write, if it was read.

    Of a new record ``key`` is its external key and ``source_id`` the id it was given, empty if it was not made.
    """

    source_id: str
    outcome: Outcome
    message: str = ""
    record: RawRecord | None = None
    key: str = ""


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One line of ``ltc check``: can this stream be reached, read and written, and if not what to do."""

    stream: str
    ok: bool
    detail: str
    remedy: str = ""
    can_read: bool | None = None
    can_write: bool | None = None


@dataclass(slots=True)
class CallStats:
    """Counts of one connector's traffic since it was opened."""

    calls: int = 0
    retries: int = 0
    bytes_received: int = 0
    quota_used: dict[str, str] = field(default_factory=dict)


ConfigT = TypeVar("ConfigT", bound=BaseModel)


class Connector(ABC, Generic[ConfigT]):
    """A source system. Construct it with its validated ``Config``; use it as a context manager.

    Raises only ``connectors.errors`` (and ``KeyboardInterrupt``).
    """

    name: ClassVar[str]
    Config: ClassVar[type[BaseModel]]
    answer_seconds: ClassVar[float] = 5.0
    """How long the source waits for the answer to a request of its webhook."""
    settle_seconds: ClassVar[float] = 5.0
    """How far before now a pull's window ends: longer than the source takes to show a commit."""

    patience: ClassVar[RetryPolicy] = RetryPolicy()
    """How long its calls are tried."""
    permissions: ClassVar[tuple[str, ...]] = ()
    """What the account must be allowed, in the vendor's words; the connector's page says where that is set."""
    never_takes: ClassVar[Mapping[str, tuple[tuple[str, Any], ...]]] = {}
    """Stream → source fields, each with a value that the source refuses whatever the record shows."""

    def __init__(self, config: ConfigT) -> None:
        self.config = config
        self.stats = CallStats()
        self.services: Services = in_process()
        """Tokens and allowances that others share; whoever opens the connector sets it before the first call."""
        self.zone: str | None = None
        """The time zone, an IANA name, of times that name none, where the settings do not say one; set likewise."""

    def __enter__(self) -> Connector[ConfigT]:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Release connections; safe to call twice."""

    @abstractmethod
    def streams(self) -> Sequence[StreamSpec]:
        """Everything this system offers, in an order that satisfies ``depends_on``."""

    def allowances(self) -> Sequence[Allowance]:
        """What the source allows, with these settings; what only its answers tell is left out."""
        return ()

    def check(self) -> Iterable[CheckLine]:
        """One line per stream; never raises for a refused stream, only for programming errors.

        By default the first page of what changed just now is read, which says nothing of writing.
        """
        now = datetime.now(UTC)
        for spec in self.streams():
            try:
                next(iter(self.pull(spec.name, None, Window(until=now, since=now))), None)
            except ConnectorError as error:
                yield CheckLine(spec.name, False, error.message, error.remedy, can_read=False)
            else:
                yield CheckLine(spec.name, True, "readable", can_read=True)

    @abstractmethod
    def pull(self, stream: str, cursor: Cursor | None, window: Window) -> Iterator[Page]:
        """Yield what changed since ``cursor`` (everything if ``None`` or ``window.full``), up to ``window.until``.

        Bounded memory; may be abandoned after any page and resumed from that page's cursor. Late and equal timestamps
        are covered by overlap; the caller drops what it has already seen. If nothing changed, one call at most per
        stream and one final ``Page(records=[], complete=True)`` whose cursor may equal the old one.
        """

    def ids(self, stream: str) -> Iterator[Sequence[str]]:
        """All ids a stream shows now, in batches; for streams with ``Deletes.SWEEP``."""
        raise NotImplementedError(f"{self.name} stream {stream} does not need a sweep")

    def webhook(self) -> WebhookSpec | None:
        """How the source signs its requests, for people who set it up; ``None`` if the connector takes no webhooks."""
        return None

    def challenge(self, request: Inbound) -> Reply | None:  # noqa: ARG002 - the name is part of the contract
        """The answer to a question by which the source makes sure, before it sends anything, that the address is ours.

        ``None`` if the request is no such question; any ``GET`` then is answered 405, and any ``POST`` goes to
        ``receive``. Keeps nothing and sends nothing. Raises ``WebhookRefused`` for a question of somebody else.
        """
        return None

    def receive(self, request: Inbound) -> Delivery:  # noqa: ARG002
        """What a request that claims to come from the source says.

        Verifies the signature over the raw bytes in constant time (``connectors.signatures``), and that the request is
        not older than the source's own retries. Sends nothing. Raises ``WebhookRefused``.
        """
        raise WebhookRefused(f"{self.name} takes no webhooks.")

    @property
    def reads_single_records(self) -> bool:
        """Whether there is a ``fetch``; sources that only send have none."""
        return type(self).fetch is not Connector.fetch

    def fetch(self, stream: str, ids: Sequence[str]) -> Iterator[Sequence[RawRecord]]:
        """These records as the source shows them now, in batches, with the bytes that ``pull`` yields for them.

        Those that it does not show are left out.
        """
        raise NotImplementedError(f"{self.name} does not read single records of {stream}")

    def push(self, stream: str, changes: Sequence[Change]) -> Iterator[PushResult]:
        """Apply changes one by one or in the vendor's batches, yielding one result per change, in order.

        Conditional: a record that no longer shows ``expected`` is a conflict. A result is yielded as soon as it is
        known, so that a crash in the middle loses no outcome that the source has already confirmed.

        A ``TransientError`` or ``QuotaError`` that leaves it with ``sent=False`` says that none of the changes without
        a result was sent; they are sent later as if for the first time. After any other error they are in doubt.
        """
        raise NotImplementedError(f"{self.name} does not accept changes to {stream}")

    def find(self, stream: str, keys: Sequence[str]) -> dict[str, Sequence[RawRecord]]:
        """The records that carry these external keys, by key; a key that nothing carries is left out.

        Deleted and void records are among them where the source still shows them: what a person has taken away is not
        made again. Reads what the source shows now, not an index that lags behind, where there is a choice.
        """
        raise NotImplementedError(f"{self.name} does not look for new records in {stream}")

    def create(self, stream: str, records: Sequence[NewRecord]) -> Iterator[PushResult]:
        """Create records that do not exist yet, yielding one result per record, in order, as soon as it is known.

        ``APPLIED``: made now. ``UNCHANGED``: found by its key, neither made again nor changed. ``REJECTED``: will never
        work as it is. ``RETRY``: surely not made. ``UNKNOWN``: sent, no answer. The connector looks for the key itself
        before it creates, unless the source's own upsert by a unique key makes that needless. Errors are as for
        ``push``.
        """
        raise NotImplementedError(f"{self.name} does not create records in {stream}")
