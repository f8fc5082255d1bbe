"""Webhooks of Stripe: verify a request and say which objects it tells of.

``Stripe-Signature: t=…,v1=…[,v1=…]``: HMAC-SHA256 over ``t``, a dot and the raw body, with the endpoint's secret as it
is written (``whsec_…``); one signature that fits is enough, two are sent while a secret is replaced; older than 300
seconds is refused (stripe-python, ``_webhook.py``). Each attempt is signed anew. Events come up to three days long,
more than once and in any order: they are known by their id, and only say what to read.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from connectors.contract import Delivery, Inbound, Notice
from connectors.errors import WebhookRefused
from connectors.places import Place
from connectors.signatures import Signature, Timestamp, identify, verify
from connectors.stripe.answers import Event
from connectors.stripe.config import StripeConfig
from connectors.stripe.streams import SOURCES

SIGNATURE = Signature(
    scheme="hmac-sha256",
    header="Stripe-Signature",
    part="v1",
    signed="{timestamp}.{body}",
    timestamp=Timestamp(header="Stripe-Signature", part="t", tolerance_seconds=300),
    id=Place(field="id"),
)
_STREAMS = {source.object: stream for stream, source in SOURCES.items()}
_events = msgspec.json.Decoder(Event)


def delivery(config: StripeConfig, request: Inbound, now: datetime) -> Delivery:
    """What a request says about the account of ``config``; raises ``WebhookRefused``."""
    verify(SIGNATURE, config.webhook_secret, request, now)
    try:
        event = _events.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise WebhookRefused("The request is no event of Stripe.") from None
    ours = event.account == config.account and (config.live is None or event.livemode in (None, config.live))
    return Delivery(identify(SIGNATURE, request), list(_told(event)) if ours else [])


def _told(event: Event) -> Iterator[Notice]:
    about = event.about
    stream = _STREAMS.get(about.object or "")
    if stream is not None and about.id:
        yield Notice(stream, about.id, deleted=event.deletion)
    if about.object in ("refund", "dispute") and about.charge_id:
        yield Notice("payment", about.charge_id)
