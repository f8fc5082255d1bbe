"""Webhooks of Xero: verify a request and say which contacts and invoices it tells of.

The signature is HMAC-SHA256 with the webhooks key over the body, base64, in ``x-xero-signature``
(developer.xero.com/documentation/webhooks/configuring-your-server). Xero proves an address by *intent to receive*:
requests without events, some wrongly signed on purpose, that must get 200 or 401 within 5 seconds, so there is no
question to answer. A request names records and does not show them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pydantic import SecretStr

from connectors.contract import Delivery, Inbound, Notice
from connectors.places import document
from connectors.signatures import Signature, identify, verify
from connectors.xero.streams import TOLD

SIGNATURE = Signature(scheme="hmac-sha256", header="x-xero-signature", encoding="base64")


def delivery(
    secrets: SecretStr | Iterable[SecretStr] | None, tenant: str | None, request: Inbound, now: datetime
) -> Delivery:
    """What a request says about the organisation ``tenant``, or any if it is not known; raises ``WebhookRefused``."""
    verify(SIGNATURE, secrets, request, now)
    content = document(request.body)
    events = content.get("events") if isinstance(content, dict) else None
    told = [_told(event, tenant) for event in events] if isinstance(events, list) else []
    return Delivery(identify(SIGNATURE, request), list(dict.fromkeys(notice for notice in told if notice is not None)))


def _told(event: Any, tenant: str | None) -> Notice | None:
    if not isinstance(event, dict) or tenant not in (None, event.get("tenantId")):
        return None
    stream, record = TOLD.get(str(event.get("eventCategory"))), event.get("resourceId")
    return Notice(stream, record) if stream is not None and isinstance(record, str) else None
