"""The Stripe connector: its streams, what ``ltc check`` says about them, pull, push and webhooks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import ClassVar

from pydantic import BaseModel

from connectors.budget import Allowance, Priority
from connectors.contract import (
    Change,
    CheckLine,
    Connector,
    Cursor,
    Delivery,
    Inbound,
    Page,
    PushResult,
    RawRecord,
    StreamSpec,
    Webhooks,
    WebhookSpec,
    Window,
)
from connectors.retry import RetryPolicy
from connectors.stripe.config import StripeConfig
from connectors.stripe.pulling import Puller
from connectors.stripe.reading import Reader
from connectors.stripe.session import PATIENCE, Session
from connectors.stripe.streams import SOURCES, specs

_BATCH = 50


class Stripe(Connector[StripeConfig]):
    """One Stripe account.

    Its records carry no version; ``connectors.stripe.pulling`` says why.
    """

    name: ClassVar[str] = "stripe"
    Config: ClassVar[type[BaseModel]] = StripeConfig
    patience: ClassVar[RetryPolicy] = PATIENCE
    settle_seconds: ClassVar[float] = 5.0
    permissions: ClassVar[tuple[str, ...]] = (
        "a restricted key that may",
        "read Customers, Charges and Refunds, Invoices, Credit notes, Disputes, Payouts, Balance transactions, Events",
        "write those of them that are written back to",
    )

    def __init__(self, config: StripeConfig) -> None:
        super().__init__(config)
        self._session = Session(config, self.stats, lambda: self.services)
        self._specs = specs(config.metadata)

    def close(self) -> None:
        """Release connections; safe to call twice."""
        self._session.close()

    def allowances(self) -> Sequence[Allowance]:
        """Of the account."""
        return [self._session.reads, self._session.writes]

    def streams(self) -> Sequence[StreamSpec]:
        """Customers first, then what refers to them."""
        if not self.config.webhook_secret:
            return self._specs
        return [replace(spec, webhooks=Webhooks.HINT) for spec in self._specs]

    def check(self) -> Iterable[CheckLine]:
        """One line for the events, then one per stream."""
        from connectors.stripe import checking

        yield from checking.lines(self._session, self.config, self._specs)

    def pull(self, stream: str, cursor: Cursor | None, window: Window) -> Iterator[Page]:
        """See ``connectors.stripe.pulling``; one call if nothing changed."""
        puller = Puller(self._session, SOURCES[stream], self._reader(stream), self.config.overlap_seconds)
        yield from puller.pull(cursor, window)

    def fetch(self, stream: str, ids: Sequence[str]) -> Iterator[Sequence[RawRecord]]:
        """One call for each object, some at once: Stripe has no list by ids."""
        reader = self._reader(stream)
        for start in range(0, len(ids), _BATCH):
            shown = reader.many(ids[start : start + _BATCH])
            yield [record for record in shown.values() if record is not None]

    def webhook(self) -> WebhookSpec:
        """See ``connectors.stripe.webhook``."""
        from connectors.stripe.webhook import SIGNATURE

        return WebhookSpec(SIGNATURE)

    def receive(self, request: Inbound) -> Delivery:
        """See ``connectors.stripe.webhook``."""
        from connectors.stripe import webhook  # most runs take no webhooks in, and it takes time to import

        return webhook.delivery(self.config, request, datetime.now(UTC))

    def push(self, stream: str, changes: Sequence[Change]) -> Iterator[PushResult]:
        """Write metadata; see ``connectors.stripe.pushing``."""
        from connectors.stripe.pushing import Pusher

        spec = next(item for item in self._specs if item.name == stream)
        if not spec.writable:
            raise NotImplementedError(f"stripe does not accept changes to {stream}")
        reader = self._reader(stream, Priority.WRITE)
        yield from Pusher(self._session, SOURCES[stream], reader, spec.writable).push(changes)

    def _reader(self, stream: str, priority: Priority = Priority.READ) -> Reader:
        return Reader(self._session, SOURCES[stream], self.config.concurrency, priority)
